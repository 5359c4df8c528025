"""What was accepted, what is waived, and what a new baseline takes over."""

from datetime import date

import pytest
from outcomes import AWAY, DENIED, GRANTED, LATE, REJECTED, UNENFORCED, by_key, permissions

from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy import Baseline, Waiver

MISSING, EXCESS, UNAUTHENTICATED = (
    FindingKind.MISSING, FindingKind.EXCESS, FindingKind.UNAUTHENTICATED,
)  # fmt: skip


def finding(kind, scope="s0", client="a", audience="", **more):
    return Finding(kind, ClientName(client), audience, scope, "", **more)


def accepting(*maps):
    """The baseline that accepts these maps."""
    return Baseline().renewed(maps)


# -- waivers


def waiver(client="a", **settings):
    return Waiver("ada", "moves in spring", date(2026, 11, 26), client, **settings)


@pytest.mark.parametrize(
    ("settings", "one"),
    [
        ({}, finding(MISSING)),
        ({}, finding(EXCESS, audience="x")),
        ({"client": "*"}, finding(MISSING)),
        ({"scope": "s?"}, finding(MISSING)),
        ({"audience": "x*"}, finding(MISSING, audience="xy")),
        ({"kind": MISSING}, finding(MISSING)),
        ({}, finding(UNAUTHENTICATED, scope="")),
    ],
)
def test_a_waiver_covers_what_all_of_its_patterns_match(settings, one):
    assert waiver(**settings).covers(one)


@pytest.mark.parametrize(
    ("settings", "one"),
    [
        ({}, finding(MISSING, client="b")),
        ({"scope": "s0"}, finding(MISSING, scope="s1")),
        ({"audience": "x"}, finding(MISSING)),
        ({"audience": "x"}, finding(MISSING, audience="y")),
        ({"kind": EXCESS}, finding(MISSING)),
        ({}, finding(FindingKind.STALE_WAIVER)),
        ({"client": "A"}, finding(MISSING)),
    ],
)
def test_a_waiver_covers_nothing_else(settings, one):
    assert not waiver(**settings).covers(one)


# -- what is accepted


@pytest.mark.parametrize(
    ("kind", "was", "is_now", "is_accepted"),
    [
        (MISSING, DENIED, DENIED, True),
        (EXCESS, GRANTED, GRANTED, True),
        (FindingKind.UNENFORCED, UNENFORCED, UNENFORCED, True),
        (MISSING, GRANTED, DENIED, False),
        (EXCESS, DENIED, GRANTED, False),
        (EXCESS, UNENFORCED, GRANTED, False),
        (FindingKind.UNKNOWN, DENIED, LATE, False),
        (FindingKind.CHANGED, DENIED, DENIED, False),
        (UNAUTHENTICATED, DENIED, REJECTED, False),
    ],
)
def test_a_finding_of_a_proved_cell_is_accepted_as_long_as_its_verdict_is(
    kind, was, is_now, is_accepted
):
    baseline, found = accepting(permissions("a", was)), by_key(permissions("a", is_now))
    assert baseline.accepts(finding(kind), found) is is_accepted
    assert not baseline.accepts(finding(kind, scope="s1"), found)


def test_a_client_that_fails_is_accepted_by_its_name():
    baseline = accepting(permissions("a", REJECTED))
    assert baseline.unauthenticated == {"a"}
    assert baseline.accepts(finding(UNAUTHENTICATED, scope=""), {})
    assert not baseline.accepts(finding(UNAUTHENTICATED, scope="", client="b"), {})
    assert not baseline.accepts(finding(UNAUTHENTICATED), {})
    assert not baseline.accepts(finding(FindingKind.SECRET_EXPIRY, scope=""), {})


def test_an_incident_is_accepted_where_every_part_of_it_is():
    maps = [
        permissions("a", UNENFORCED, GRANTED),
        permissions("b", UNENFORCED),
        permissions("c", UNENFORCED),
    ]
    incident = finding(
        FindingKind.UNENFORCED, "", client="", verdict="unenforced", clients=("a", "b")
    )
    of_one = finding(FindingKind.UNENFORCED, "", verdict="unenforced")
    found = [incident, of_one]
    a, b = permissions("a", UNENFORCED), maps[1]
    assert accepting(a, b).accepted(found, maps) == found
    assert accepting(a).accepted(found, maps) == [of_one]
    assert accepting(b).accepted(found, maps) == []


def test_a_server_all_of_whose_clients_fail_is_accepted_where_every_client_is():
    maps = [permissions(name, REJECTED) for name in "abc"]
    incident = finding(
        UNAUTHENTICATED, "", client="", verdict="unauthenticated", clients=("a", "b")
    )
    assert accepting(*maps[:2]).accepted([incident], maps) == [incident]
    assert accepting(maps[0]).accepted([incident], maps) == []


def test_those_findings_are_accepted_that_are_none_any_more():
    maps = [permissions("a", DENIED, GRANTED), permissions("b", DENIED)]
    found = [finding(MISSING), finding(EXCESS, "s1"), finding(MISSING, client="b")]
    assert accepting(maps[0]).accepted(found, maps) == found[:2]
    assert accepting(*maps).accepted(found, maps) == found


# -- a new baseline


def test_what_is_not_proved_stays_as_it_was_accepted():
    old = accepting(permissions("a", GRANTED, DENIED, GRANTED), permissions("b", GRANTED))
    new = old.renewed([permissions("a", LATE, GRANTED, REJECTED, UNENFORCED, AWAY)])
    verdicts = {(client, scope): told for (client, _, scope), told in new.verdicts.items()}
    assert verdicts == {
        ("a", "s0"): "granted", ("a", "s1"): "granted", ("a", "s2"): "granted",
        ("a", "s3"): "unenforced", ("b", "s0"): "granted",
    }  # fmt: skip


def test_a_client_that_works_again_is_no_longer_accepted_as_failing():
    failing = Baseline({}, frozenset({"a", "b"}), (waiver(),))
    new = failing.renewed([permissions("a", GRANTED), permissions("c", REJECTED)])
    assert new.unauthenticated == {"b", "c"}
    assert new.waivers == failing.waivers


def test_a_client_of_which_nothing_is_known_is_not_accepted_as_failing():
    assert accepting(permissions("a"), permissions("b", LATE, REJECTED)) == Baseline()
