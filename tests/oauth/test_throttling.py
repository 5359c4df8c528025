"""How long a server asks to be left alone, and what it says is left of its quotas."""

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from scopeprobe.oauth.throttling import LONGEST_WAIT, ReportedQuota, reported_quotas, requested_wait

NOW = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
HOUR = "b=per_hour;q=10;r={};t=3540"
DAY = "b=per_day;q=50;r={};t=43200"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "Mon, 23 Nov 2026 02:01:00 GMT"}, 60.0),
        ({"Retry-After": "Mon, 23 Nov 2026 01:00:00 GMT"}, 0.0),
        ({"Retry-After": "99999999"}, LONGEST_WAIT),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1_0"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "7", "RateLimit": '"a";r=0;t=30'}, 7.0),
        ({"X-Retry-After": "7"}, 7.0),
        ({"RateLimit": '"default";r=0;t=30'}, 30.0),
        ({"RateLimit": '"a,b";r=0;t=30, "b";r=5;t=999, "c";r=0;t=60'}, 60.0),
        ({"RateLimit": "limit=100, remaining=0, reset=50"}, 50.0),
        ({"RateLimit": '"a";r=5;t=60, "b";r=3;t=9, "c";r=1'}, 9.0),
        ({"RateLimit": '"x";r=0', "RateLimit-Policy": '"y";q=1;w=5, "x";q=100;w=60'}, 60.0),
        ({"RateLimit-Policy": '"burst";q=100;w=60'}, 60.0),
        ({"RateLimit-Reset": "12"}, 12.0),
        ({"X-RateLimit-Reset": "12"}, 12.0),
        ({"X-RateLimit-Reset": str(EPOCH + 90)}, 90.0),
        ({"X-Rate-Limit-Reset": str((EPOCH + 90) * 1000)}, 90.0),
        ({"X-RateLimit-Reset": "2026-11-23T02:01:00Z"}, 60.0),
        ({"X-RateLimit-Reset": "2026-11-23T03:01:00+01:00"}, 60.0),
        ({"X-RateLimit-Reset": "1000000000"}, 0.0),
        ({"X-RateLimit-Reset": "1000000000000"}, 0.0),
        ({"inin-ratelimit-reset": "61"}, 61.0),
        ({"Auth0-Client-Quota-Limit": f"{HOUR.format(0)},{DAY.format(0)}"}, 43200.0),
        ({"Auth0-Client-Quota-Limit": f"{HOUR.format(0)},{DAY.format(7)}"}, 3540.0),
        ({"Auth0-Organization-Quota-Limit": HOUR.format(0)}, 3540.0),
        ({"Auth0-Client-Quota-Limit": HOUR.format(3)}, None),
        ({}, None),
    ],
)
def test_a_wait_is_found_in_the_headers(headers, seconds):
    assert requested_wait(CIMultiDict(headers), "", NOW) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "Mon, 23 Nov 2026 05:01:00 GMT"},
        {"X-RateLimit-Reset": str(EPOCH + 3 * 3600 + 60)},
    ],
    ids=["date", "epoch"],
)
def test_a_point_in_time_is_read_by_the_servers_own_clock(headers):
    headers = {"Date": "Mon, 23 Nov 2026 05:00:00 GMT", **headers}
    assert requested_wait(CIMultiDict(headers), "", NOW) == 60.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Try again in 420 seconds.", 420.0),
        ("please try again after 2 minutes", 120.0),
        ("Too many requests, please try again after [12] seconds.", 12.0),
        ("has exceeded the rate limit of 10 tokens/28800 seconds", 28800.0),
        ("Rate limit exceeded the maximum [300] requests within [60] seconds", 60.0),
        ("more than 5 requests within 60 seconds, retry in 3 s", 3.0),
        ("wait 1 hour", 3600.0),
        ("wait at least 1 hour, 2 minutes and 30 seconds", 3750.0),
        ("in [5] seconds", 5.0),
        ("try again in 1h30m", 5400.0),
        ("try again in 500 ms", 0.5),
        ("please wait a minute", 60.0),
        ("try again in an hour", 3600.0),
        ("blocked for one day", 86400.0),
        ("Retry-After: 30", 30.0),
    ],
)
def test_a_wait_is_found_in_the_sentence(text, seconds):
    assert requested_wait(CIMultiDict(), text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "rate limit exceeded; 300",
        "too many requests on port 8443",
        "in 2026 everything gets better",
        "try again after 2026-11-23",
        "status 429 at https://x/5d/3",
        "the token expires in 3600 seconds",
        "retry after: 10.0.0.1",
        "limit of 10 monkeys",
        "in 5 storms",
    ],
)
def test_no_other_number_is_taken_for_a_wait(text):
    assert requested_wait(CIMultiDict(), text, NOW) is None


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {"Auth0-Client-Quota-Limit": f"{HOUR.format(7)},{DAY.format(47)}"},
            (ReportedQuota(10, 7, 3540.0), ReportedQuota(50, 47, 43200.0)),
        ),
        (
            {"RateLimit": '"d";r=50;t=30', "RateLimit-Policy": '"d";q=100;w=60'},
            (ReportedQuota(100, 50, 30.0),),
        ),
        (
            {
                "X-RateLimit-Limit": "100, 100;w=60",
                "X-RateLimit-Remaining": "9",
                "X-RateLimit-Reset": str(EPOCH + 9),
                "Date": "Mon, 23 Nov 2026 02:00:00 GMT",
            },
            (ReportedQuota(100, 9, 9.0),),
        ),
        (
            {"RateLimit-Limit": "5", "RateLimit-Remaining": "0", "RateLimit-Reset": "9"},
            (ReportedQuota(5, 0, 9.0),),
        ),
        (
            {
                "inin-ratelimit-count": "1",
                "inin-ratelimit-allowed": "180",
                "inin-ratelimit-reset": "61",
            },
            (ReportedQuota(180, 179, 61.0),),
        ),
        (
            {"RateLimit": "limit=100, remaining=40, reset=50"},
            (ReportedQuota(100, 40, 50.0),),
        ),
        (
            {"RateLimit-Limit": "5", "RateLimit-Remaining": "5", "RateLimit-Reset": "0"},
            (ReportedQuota(5, 5, 0.0),),
        ),
        (
            {"RateLimit-Limit": "5", "RateLimit-Remaining": "5", "RateLimit-Reset": "2592000"},
            (ReportedQuota(5, 5, LONGEST_WAIT),),
        ),
        (
            {
                "inin-ratelimit-count": "181",
                "inin-ratelimit-allowed": "180",
                "inin-ratelimit-reset": "61",
            },
            (ReportedQuota(180, 0, 61.0),),
        ),
        ({"inin-ratelimit-allowed": "180", "inin-ratelimit-reset": "61"}, ()),
        ({"RateLimit": '"d";r=50;t=30'}, ()),
        ({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "9"}, ()),
        ({"RateLimit-Limit": "5", "RateLimit-Remaining": "6", "RateLimit-Reset": "9"}, ()),
        ({}, ()),
    ],
    ids=[
        *("auth0", "draft", "x", "old-draft", "genesys", "older-draft", "untouched", "longest"),
        *("genesys-spent", "genesys-no-count", "no-limit", "no-reset", "absurd", "none"),
    ],
)
def test_a_quota_is_told_where_limit_remainder_and_reset_are(headers, told):
    assert reported_quotas(CIMultiDict(headers)) == told


def test_an_epoch_is_no_reset_where_nobody_says_what_time_it_is():
    headers = CIMultiDict(
        {
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "1",
            "X-RateLimit-Reset": str(EPOCH + 9),
        }
    )
    assert reported_quotas(headers) == ()
    assert reported_quotas(headers, NOW) == (ReportedQuota(5, 1, 9.0),)
