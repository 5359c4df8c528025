"""Each kind of finding in its words, and where its limits lie."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from outcomes import DENIED, GRANTED, LATE, REJECTED, UNENFORCED, by_key, permissions

from scopeprobe.model.client import ClientName, Expectation, Registration
from scopeprobe.model.finding import FindingKind
from scopeprobe.policy import Baseline, Earlier, Policy, Rule, Waiver, findings, new_findings

TODAY = date(2026, 11, 26)
OUTCOMES = {
    "granted": GRANTED,
    "denied": DENIED,
    "unenforced": UNENFORCED,
    "unknown": LATE,
    "unauthenticated": REJECTED,
}


def map_of(*outcomes, **common):
    return permissions("billing", *(OUTCOMES[one] for one in outcomes), **common)


@pytest.fixture
def found(make_client):
    """What is found of a client with these outcomes, in words, by scope."""

    def find(
        *outcomes, expect=None, baseline=None, earlier=None, rules=(), of_cells=None, **client
    ):
        asked = make_client("s0", "s1", "s2")
        (target,) = asked.targets
        target = replace(target, expect=expect or Expectation())
        asked = replace(asked, targets=(target,), **client)
        maps = [map_of(*outcomes, **(of_cells or {}))]
        told = findings(maps, [asked], Policy(tuple(rules), baseline), earlier, TODAY)
        assert all((one.client, one.audience) == ("billing", "") for one in told)
        return [(one.kind, one.scope, one.detail) for one in told]

    return find


@pytest.mark.parametrize(
    ("outcome", "kind", "detail"),
    [
        ("denied", FindingKind.MISSING, "expected granted, is denied: refused_alone"),
        ("unknown", FindingKind.UNKNOWN, "timed_out"),
        ("unenforced", FindingKind.UNENFORCED, "canary_issued"),
    ],
)
def test_what_is_expected_and_not_there(found, outcome, kind, detail):
    assert found(outcome, expect=Expectation(granted=("s*",))) == [(kind, "s0", detail)]


@pytest.mark.parametrize(
    ("expect", "detail"),
    [
        (Expectation(denied=("s0",)), "expected denied, is granted"),
        (Expectation(granted=()), "not expected, is granted"),
        (Expectation(granted=("s1",)), "not expected, is granted"),
    ],
)
def test_what_is_there_and_not_expected(found, expect, detail):
    assert found("granted", expect=expect) == [(FindingKind.EXCESS, "s0", detail)]


def test_what_is_as_expected_is_no_finding(found):
    expect = Expectation(granted=("s0",), denied=("s1",))
    assert found("granted", "denied", "denied", expect=expect) == []
    assert found("granted", "denied") == []


def test_a_client_that_does_not_authenticate_is_one_finding(found):
    told = found(*["unauthenticated"] * 3, expect=Expectation(granted=("s0",)))
    assert told == [(FindingKind.UNAUTHENTICATED, "", "credentials_rejected")]


def test_what_stood_in_the_way_is_told_with_what_is_not_known(found):
    words = {"http_status": 504, "error_description": "gateway time-out"}
    told = found("unknown", of_cells=words)
    assert told == [(FindingKind.UNKNOWN, "s0", "timed_out: 504 gateway time-out")]


def test_what_changed_is_told_where_something_was_there_before(found):
    earlier = Earlier(proved_of=lambda _client: by_key(map_of("granted", "denied")))
    assert found("denied", "denied", earlier=earlier) == [
        (FindingKind.CHANGED, "s0", "was granted, is denied: refused_alone")
    ]


# -- rules


def rule(*tags, granted=None, denied=(), audience=None):
    return Rule(frozenset(tags), Expectation(granted, denied), audience)


@pytest.mark.parametrize(
    "ours", [rule("prod", denied=("s0",)), rule("prod", "eu", denied=("s0",)), rule(denied=("s*",))]
)
def test_a_rule_holds_for_clients_that_have_all_of_its_tags(found, ours):
    told = found("granted", rules=[ours], tags=("prod", "eu"))
    assert told == [(FindingKind.EXCESS, "s0", "expected denied, is granted")]


@pytest.mark.parametrize(
    "others", [rule("prod", "us", denied=("s0",)), rule("prod", denied=("s0",), audience="x")]
)
def test_a_rule_for_others_adds_nothing(found, others):
    assert found("granted", rules=[others], tags=("prod", "eu")) == []


def test_a_rule_adds_to_what_a_client_says_itself_and_to_other_rules(found):
    rules = [rule("prod", granted=("s1",)), rule("eu", denied=("s2",))]
    told = found(
        "granted", "granted", "granted", expect=Expectation(("s0",)), rules=rules,
        tags=("prod", "eu"),
    )  # fmt: skip
    assert told == [(FindingKind.EXCESS, "s2", "expected denied, is granted")]
    told = found("denied", "granted", rules=[rule("prod", granted=("s0",))], tags=("prod",))
    assert [(kind, scope) for kind, scope, _ in told] == [
        (FindingKind.MISSING, "s0"), (FindingKind.EXCESS, "s1"),
    ]  # fmt: skip
    assert found("granted", rules=[rule("prod", denied=("s1",))], tags=("prod",)) == []


def test_a_rule_for_an_audience_holds_for_that_target_alone(make_client):
    targets = make_client("s0", audience="x").targets + make_client("s0", audience="y").targets
    asked = replace(make_client(), targets=targets, tags=("prod",))
    maps = [permissions("billing", GRANTED, audience=audience) for audience in ("x", "y")]
    ours = rule("prod", denied=("s0",), audience="x")
    told = findings(maps, [asked], Policy((ours,)), None, TODAY)
    assert [(one.kind, one.audience) for one in told] == [(FindingKind.EXCESS, "x")]


# -- a baseline


def accepted(**verdicts):
    """What was accepted of each scope."""
    keys = {scope: (ClientName("billing"), "", scope) for scope in verdicts}
    return Baseline({keys[scope]: OUTCOMES[one][0] for scope, one in verdicts.items()})


@pytest.mark.parametrize(
    ("was", "outcome", "told"),
    [
        ("granted", "granted", None),
        ("granted", "denied", "was accepted as granted, is denied: refused_alone"),
        ("denied", "granted", "was accepted as denied, is granted: listed_in_response"),
        (None, "granted", "is not in the baseline, is granted: listed_in_response"),
        (None, "denied", None),
        ("denied", "denied", None),
    ],
)
def test_what_is_no_longer_as_it_was_accepted(found, was, outcome, told):
    details = [one[-1] for one in found(outcome, baseline=accepted(**{"s0": was} if was else {}))]
    assert details == ([told] if told else [])


def test_what_is_accepted_is_expected_no_more(found):
    expect = Expectation(granted=("s0",))
    assert found("denied", expect=expect, baseline=accepted(s0="denied")) == []


def test_an_expectation_goes_before_the_baseline(found):
    told = found("denied", expect=Expectation(("s0",)), baseline=accepted(s0="granted"))
    assert [detail for *_, detail in told] == ["expected granted, is denied: refused_alone"]


# -- waivers


def waiver(**settings):
    common = {"owner": "ada", "reason": "moves in spring", "expires": TODAY, "client": "billing"}
    return Waiver(**common | settings)


def test_a_waiver_holds_to_its_last_day_and_is_told_afterwards(found):
    expect = Expectation(denied=("s0",))
    holding = Baseline(waivers=(waiver(scope="s0"),))
    # It is in no baseline either: that is accepted, too, as long as the waiver holds.
    assert found("granted", expect=expect, baseline=holding) == []
    expired = Baseline(waivers=(waiver(scope="s0", expires=TODAY - timedelta(days=1)),))
    told = found("granted", expect=expect, baseline=expired)
    assert (
        FindingKind.STALE_WAIVER, "s0", "expired on 2026-11-25: moves in spring (ada)",
    ) in told  # fmt: skip
    assert (FindingKind.EXCESS, "s0", "expected denied, is granted") in told


def test_a_waiver_that_nothing_needs_any_more_is_told_once_that_is_proved(found):
    stale = Baseline(waivers=(waiver(scope="s0"),))
    assert found("denied", baseline=stale) == [
        (FindingKind.STALE_WAIVER, "s0", "nothing needs it any more: moves in spring (ada)")
    ]
    assert len(found("denied", "unknown", baseline=stale)) == 2
    other = Baseline(waivers=(waiver(scope="s0", kind=FindingKind.EXCESS),))
    assert [kind for kind, *_ in found("unknown", baseline=other)] == [FindingKind.UNKNOWN]


# -- secrets, and clients that end


@pytest.mark.parametrize(
    ("in_days", "words"),
    [
        (-1, "its secret expired on 2026-11-25"),
        (0, "its secret expires on 2026-11-26, in 0 days"),
        (1, "its secret expires on 2026-11-27, in 1 day"),
        (30, "its secret expires on 2026-12-26, in 30 days"),
        (31, None),
    ],
)
def test_a_secret_that_expires_within_a_month_is_told(found, in_days, words):
    told = found("granted", secret_expires=TODAY + timedelta(days=in_days))
    assert told == ([(FindingKind.SECRET_EXPIRY, "", words)] if words else [])


def test_a_client_that_its_server_ends_is_told_with_the_day(found):
    ends = Registration("inactive", TODAY + timedelta(days=2))
    assert found("granted", of_cells={"ends": ends}) == [
        (
            FindingKind.SECRET_EXPIRY,
            "",
            "its server says that it is inactive; its server deletes it on 2026-11-28, in 2 days",
        )
    ]
    gone = Registration("", TODAY - timedelta(days=2))
    assert (
        found("granted", of_cells={"ends": gone})[0][-1]
        == "its server was to delete it on 2026-11-24"
    )


# -- what is new


@pytest.mark.parametrize(
    ("proved", "last", "is_new"),
    [("granted", "granted", False), ("denied", "unknown", True), ("granted", "unknown", False)],
)
def test_only_what_was_not_there_when_it_was_last_proved_is_new(make_client, proved, last, is_new):
    asked = make_client("s0")
    (target,) = asked.targets
    asked = replace(asked, targets=(replace(target, expect=Expectation(denied=("s0",))),))
    before = by_key(map_of(proved))
    earlier = Earlier((asked.name,), lambda _client: before, (map_of(last),))
    told = findings([map_of("granted")], [asked], Policy(), None, TODAY)
    assert len(told) == 1
    assert bool(new_findings(told, [asked], Policy(), earlier, TODAY)) is is_new


def test_a_secret_whose_end_came_near_since_the_run_before_is_new(make_client):
    asked = replace(make_client("s0"), secret_expires=TODAY + timedelta(days=30))
    maps = (map_of("granted"),)
    told = findings(maps, [asked], Policy(), None, TODAY)
    for day, new in ((TODAY - timedelta(days=1), told), (TODAY, []), (None, [])):
        earlier = Earlier(last=maps, day=day)
        assert new_findings(told, [asked], Policy(), earlier, TODAY) == new


def test_a_change_is_always_new(make_client):
    earlier = Earlier(
        (ClientName("billing"),), lambda _client: by_key(map_of("granted")), (map_of("granted"),)
    )
    asked = make_client("s0")
    told = findings([map_of("denied")], [asked], Policy(), earlier, TODAY)
    assert [one.kind for one in told] == [FindingKind.CHANGED]
    assert new_findings(told, [asked], Policy(), earlier, TODAY) == told
