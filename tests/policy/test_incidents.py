"""What fails alike is one incident, and since when it does."""

from dataclasses import replace
from datetime import date

import pytest
from outcomes import AWAY, DENIED, GRANTED, LATE, REJECTED, UNENFORCED, permissions

from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy import Policy, dated, findings, incidents

TODAY = date(2026, 11, 26)
GIVEN_UP = Verdict.UNKNOWN, Reason.ENDPOINT_LEFT_ALONE
UNCONFIRMED = Verdict.UNKNOWN, Reason.UNCONFIRMED
CONTRADICTORY = Verdict.UNKNOWN, Reason.CONTRADICTORY
INTERRUPTED = Verdict.UNKNOWN, Reason.INTERRUPTED


@pytest.fixture
def told(make_client):
    """
    What is told of clients by name, each with its server and the outcomes of its cells.

    Those of a client may have more in common, which is given by its name, and so may a client.
    Findings of a kind may be accepted.
    """

    def client_of(name, server, **more):
        client = make_client("s0", "s1", name=name)
        return replace(client, server=replace(client.server, name=server), **more)

    def tell(*, of_cells=None, of_clients=None, accepted=None, **clients):
        maps = [
            permissions(name, *outcomes, **(of_cells or {}).get(name, {}))
            for name, (_, *outcomes) in sorted(clients.items())
        ]
        known = [
            client_of(name, server, **(of_clients or {}).get(name, {}))
            for name, (server, *_) in clients.items()
        ]
        found = findings(maps, known, Policy(), None, TODAY)
        return incidents([one for one in found if one.kind is not accepted], maps, known)

    return tell


def test_a_server_that_is_given_up_after_some_failures_is_one_incident(told):
    (one,) = told(
        a=("corp", REJECTED, REJECTED), b=("corp", REJECTED, REJECTED), c=("corp", *[GIVEN_UP] * 2),
        d=("other", GRANTED, DENIED),
    )  # fmt: skip
    assert (one.kind, one.server, one.clients) == ("unauthenticated", "corp", ("a", "b", "c"))
    assert one.detail == (
        "corp: all 3 clients: credentials_rejected; 1 not asked any more (a, b, c)"
    )


def test_a_client_that_was_being_asked_when_its_server_was_given_up_is_of_the_incident(told):
    unproved = Verdict.UNKNOWN, Reason.AUTHENTICATION_UNPROVED
    (one,) = told(a=("corp", REJECTED), b=("corp", unproved), c=("corp", GIVEN_UP))
    assert (one.kind, one.clients) == ("unauthenticated", ("a", "b", "c"))


def test_a_server_of_which_one_client_works_is_no_incident(told):
    found = told(a=("corp", REJECTED, REJECTED), b=("corp", GRANTED, DENIED))
    assert [(one.kind, one.client, one.server) for one in found] == [("unauthenticated", "a", "")]


def test_where_no_server_can_be_reached_it_is_the_way_out_of_this_machine(told):
    found = told(a=("corp", AWAY, AWAY), b=("west", LATE, LATE), c=("west", AWAY, GIVEN_UP))
    (one,) = found
    assert one.server == "every server"
    assert one.clients == ("a", "b", "c")


def test_a_run_that_ended_before_it_asked_is_one_finding(told):
    cut = INTERRUPTED
    (one,) = told(a=("corp", GRANTED, cut), b=("corp", cut, cut), c=("west", cut, cut))
    assert one.detail == "this run: all 3 clients: interrupted (a, b, c)"
    (one,) = told(a=("corp", GRANTED, cut), b=("corp", cut, cut), c=("west", GRANTED, GRANTED))
    assert one.detail == "this run: 2 of 3 clients: interrupted (a, b)"


def test_scopes_that_were_not_settled_for_one_reason_are_one_finding(told):
    (one,) = told(a=("corp", GRANTED, AWAY, AWAY))
    assert (one.client, one.scope, one.detail) == ("a", "", "2 of its 3 scopes: unreachable")


def test_scopes_that_are_not_enforced_are_one_finding(told):
    (one,) = told(a=("corp", GRANTED, UNENFORCED, UNENFORCED))
    assert (one.kind, one.detail) == ("unenforced", "2 of its 3 scopes: canary_issued")


def test_what_was_settled_scope_by_scope_is_told_so(told):
    found = told(a=("corp", GRANTED, UNCONFIRMED, UNCONFIRMED))
    assert [(one.kind, one.scope) for one in found] == [("unknown", "s1"), ("unknown", "s2")]


def test_all_scopes_of_a_target_that_are_alike_are_one_finding(told):
    (one,) = told(a=("corp", UNCONFIRMED, UNCONFIRMED))
    assert (one.scope, one.detail) == ("", "2 of its 2 scopes: unconfirmed")


def test_a_single_scope_that_was_not_settled_is_told_by_its_name(told):
    (one,) = told(a=("corp", GRANTED, AWAY))
    assert (one.scope, one.detail) == ("s1", "unreachable")


def test_what_stood_in_the_way_of_some_scopes_is_told_of_those(told):
    words = {"http_status": 502, "error_description": "bad gateway"}
    (one,) = told(a=("corp", GRANTED, AWAY, AWAY), of_cells={"a": words})
    assert one.detail == "2 of its 3 scopes: unreachable: 502 bad gateway"


# -- one server


def test_an_incident_is_of_its_server_and_of_no_client_target_or_scope(told):
    (one,) = told(a=("corp", LATE), b=("corp", LATE))
    assert (one.client, one.audience, one.scope, one.server) == ("", "", "", "corp")
    assert (one.kind, one.verdict, one.reason) == (FindingKind.UNKNOWN, *LATE)
    assert one.detail == "corp: all 2 clients: timed_out (a, b)"


def test_what_stood_in_the_way_of_a_server_is_told_in_its_words(told):
    words = {"http_status": 504, "error_description": "too slow", "error": "slow"}
    clients = dict.fromkeys("abc", ("corp", LATE))
    (one,) = told(**clients, of_cells={"a": words, "b": words})
    assert one.detail == "corp: all 3 clients: timed_out: 504 too slow (a, b, c)"


def test_what_most_clients_of_a_server_met_is_its_cause(told):
    found = told(a=("corp", LATE, LATE), b=("corp", LATE, AWAY))
    assert [(one.server, one.reason) for one in found] == [("corp", "timed_out")]


@pytest.mark.parametrize(
    ("one", "other"),
    [(REJECTED, AWAY), (UNCONFIRMED, CONTRADICTORY), (UNCONFIRMED, AWAY)],
    ids=str,
)
def test_clients_of_a_server_that_fail_differently_are_told_one_by_one(told, one, other):
    found = told(a=("corp", one), b=("corp", other))
    assert [(one.client, one.server) for one in found] == [("a", ""), ("b", "")]


def test_a_server_that_enforces_nothing_is_one_incident_however_that_was_seen(told):
    unused = Verdict.UNENFORCED, Reason.SCOPE_NOT_USED
    (one,) = told(a=("corp", UNENFORCED, UNENFORCED), b=("corp", unused))
    assert (one.kind, one.server, one.reason) == ("unenforced", "corp", "canary_issued")


def test_a_client_that_has_its_server_to_itself_is_told_by_its_name(told):
    (one,) = told(a=("corp", REJECTED, REJECTED))
    assert (one.client, one.server, one.verdict, one.reason) == ("a", "", *REJECTED)


def test_a_secret_that_expires_is_no_part_of_an_incident_and_of_no_cell(told):
    ends = {"secret_expires": TODAY}
    expiry, incident = sorted(
        told(a=("corp", LATE), b=("corp", LATE), of_clients={"a": ends}), key=lambda one: one.server
    )
    assert (expiry.kind, expiry.client) == (FindingKind.SECRET_EXPIRY, "a")
    assert (expiry.verdict, expiry.reason) == ("", "")
    assert (incident.server, incident.clients) == ("corp", ("a", "b"))


def test_what_is_left_of_an_incident_when_a_part_of_it_is_accepted_keeps_its_kind(told):
    clients = {"a": ("corp", REJECTED), "b": ("corp", GIVEN_UP), "c": ("corp", GIVEN_UP)}
    (one,) = told(**clients, accepted=FindingKind.UNAUTHENTICATED)
    assert (one.kind, one.clients) == (FindingKind.UNKNOWN, ("b", "c"))


def test_the_owners_of_an_incident_are_named_once_each(told):
    owners = {"a": {"owner": "zoe"}, "b": {"owner": "ada"}, "c": {"owner": "zoe"}}
    clients = dict.fromkeys("abcd", ("corp", LATE))
    (one,) = told(**clients, of_clients=owners)
    assert one.owner == "ada, zoe"
    (one,) = told(a=("corp", GRANTED, LATE), of_clients=owners)
    assert one.owner == "zoe"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("abcde", "(a, b, c, d, e)"),
        ("abcdef", "(a, b, c, d, e and 1 more)"),
        ("abcdefg", "(a, b, c, d, e and 2 more)"),
    ],
)
def test_an_incident_of_many_clients_names_the_first_five(told, names, words):
    (one,) = told(**dict.fromkeys(names, ("corp", LATE)))
    assert one.detail == f"corp: all {len(names)} clients: timed_out {words}"
    assert one.clients == tuple(names)


def test_a_finding_of_what_the_maps_know_nothing_of_stays_as_it_is():
    one = Finding(FindingKind.STALE_WAIVER, ClientName("b*"), "", "s0", "expired")
    assert incidents([one], [permissions("a", GRANTED)], []) == [one]


# -- several servers


REFUSED = {"error": "connection_refused", "error_description": "cannot connect to a.example"}


def test_the_words_of_one_server_do_not_stand_for_all(told):
    other = REFUSED | {"error_description": "cannot connect to b.example"}
    (one,) = told(a=("corp", AWAY), b=("west", AWAY), of_cells={"a": REFUSED, "b": other})
    assert one.detail == "every server: all 2 clients: unreachable: connection_refused (a, b)"
    (one,) = told(a=("corp", AWAY), b=("west", AWAY), of_cells={"a": REFUSED, "b": REFUSED})
    assert one.detail.endswith("unreachable: cannot connect to a.example (a, b)")
    (one,) = told(a=("corp", AWAY), b=("west", LATE))
    assert one.detail == "every server: all 2 clients: unreachable (a, b)"


def test_servers_that_cannot_be_reached_for_different_causes_are_told_one_by_one(told):
    clients = {"a": ("corp", AWAY), "b": ("corp", AWAY), "c": ("west", AWAY), "d": ("west", AWAY)}
    found = told(**clients, of_cells={"a": REFUSED, "b": REFUSED})
    assert [(one.server, one.clients) for one in found] == [
        ("corp", ("a", "b")), ("west", ("c", "d")),
    ]  # fmt: skip


def test_a_server_that_answers_is_no_part_of_what_cannot_be_reached(told):
    clients = {"a": ("corp", AWAY), "b": ("corp", AWAY), "c": ("west", GRANTED)}
    assert [(one.server, one.clients) for one in told(**clients)] == [("corp", ("a", "b"))]


# -- since when


NIGHTS = [GRANTED, DENIED, AWAY, DENIED]
"""The newest last; each on its own day, the last of them the day before yesterday."""


@pytest.mark.parametrize(
    ("now", "day"), [(DENIED, 22), (GRANTED, 26), (AWAY, 26), (REJECTED, 26)], ids=str
)
def test_it_is_so_since_the_first_night_without_a_break(now, day):
    nights = [
        (date(2026, 11, 21 + n), permissions("a", outcome)) for n, outcome in enumerate(NIGHTS)
    ]
    one = Finding(FindingKind.MISSING, ClientName("a"), "", "s0", "", verdict=now[0], reason=now[1])
    (found,) = dated([one], lambda _client: nights[::-1], TODAY)
    assert found.since == f"2026-11-{day}"


def since(one, *nights):
    """The day of the first of these nights, the oldest first and each of a map, that found it."""
    dates = [(date(2026, 11, 1 + n), night) for n, night in enumerate(nights)]
    (found,) = dated([one], lambda _client: dates[::-1], TODAY)
    return found.since


def finding(kind, outcome, scope="s0", **more):
    return Finding(
        kind, ClientName("a"), "", scope, "", verdict=outcome[0], reason=outcome[1], **more
    )


def test_nights_that_share_a_map_count_as_that_many():
    old, new = permissions("a", GRANTED), permissions("a", DENIED)
    one = finding(FindingKind.MISSING, DENIED)
    assert since(one, old, old, new, new, new) == "2026-11-03"


def test_what_all_scopes_of_a_target_share_is_so_since_any_of_them_was():
    nights = permissions("a", GRANTED, GRANTED), permissions("a", GRANTED, LATE)
    assert since(finding(FindingKind.UNKNOWN, LATE, scope=""), *nights) == "2026-11-02"


def test_what_says_nothing_of_cells_has_no_such_day():
    one = Finding(FindingKind.SECRET_EXPIRY, ClientName("a"), "", "", "")
    assert since(one, permissions("a", GRANTED)) == ""


@pytest.mark.parametrize(
    "one",
    [finding(FindingKind.CHANGED, DENIED), finding(FindingKind.UNKNOWN, INTERRUPTED)],
    ids=["changed", "interrupted"],
)
def test_a_change_and_what_the_end_of_a_run_left_out_are_of_today(one):
    night = permissions("a", (one.verdict, one.reason))
    assert since(one, night) == "2026-11-26"


def test_an_incident_is_as_old_as_its_youngest_client():
    one = finding(FindingKind.UNKNOWN, LATE, "", server="corp", clients=("a", "b"))
    one = replace(one, client="")
    nights = {
        "a": [permissions("a", LATE, audience="x"), permissions("a", LATE, audience="x")],
        "b": [permissions("b", GRANTED, audience="x"), permissions("b", LATE, audience="x")],
    }

    def nights_of(client):
        return [(date(2026, 11, 2 - n), one) for n, one in enumerate(nights[client][::-1])]

    (found,) = dated([one], nights_of, TODAY)
    assert found.since == "2026-11-02"
