"""Rates as people write them, and what of a quota may be spent."""

import pytest
from settings import server_with

from scopeprobe.model.rate import Rate, parse_rate


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("5/s", Rate(5, 1)),
        ("300/min", Rate(300, 60)),
        ("100/h", Rate(100, 3600)),
        ("5000/day", Rate(5000, 86400)),
        ("10/8h", Rate(10, 28800)),
    ],
)
def test_a_rate_is_read_and_written_as_people_do(written, rate):
    assert parse_rate(written) == rate
    assert str(rate) == written


def test_a_multiple_of_any_unit_is_read():
    assert parse_rate("1/30s") == Rate(1, 30)


def test_a_multiple_of_a_unit_is_read_and_written_in_hours():
    assert parse_rate("1/2day") == Rate(1, 172800)
    assert str(parse_rate("1/30min")) == "1/0.5h"


@pytest.mark.parametrize("written", ["5", "5/w", "-5/s", "5/s ", "x5/s", 5, None, "0.5/s"])
def test_what_is_no_rate_is_complained_about(written):
    with pytest.raises(ValueError, match=r"^must be a rate: N/s, N/min, N/h, N/day, or such as"):
        parse_rate(written)


@pytest.mark.parametrize("written", ["0/s", "5/0s"])
def test_a_rate_is_at_least_one(written):
    with pytest.raises(ValueError, match=r"^must be a rate of at least 1, such as 1/h"):
        parse_rate(written)


def test_a_reserve_is_taken_off_quotas_of_hours_and_days_and_leaves_one():
    rates = (Rate(5, 1), Rate(300, 60), Rate(10, 28800), Rate(100, 3600), Rate(1, 86400))
    limits = server_with(client_rates=rates, reserve=0.3).limits
    assert limits.spendable_client_rates == (
        Rate(5, 1), Rate(300, 60), Rate(7, 28800), Rate(70, 3600), Rate(1, 86400),
    )  # fmt: skip
    assert server_with(client_rates=rates).limits.spendable_client_rates == rates
