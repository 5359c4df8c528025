"""What fails alike is one incident, and since when it does."""

from dataclasses import replace
from datetime import date

import pytest

from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.model.server import ClientId
from scopeprobe.policy import Policy, dated, findings, incidents

TODAY = date(2026, 11, 26)
GRANTED = Verdict.GRANTED, Reason.LISTED_IN_RESPONSE
DENIED = Verdict.DENIED, Reason.REFUSED_ALONE
REJECTED = Verdict.UNAUTHENTICATED, Reason.CREDENTIALS_REJECTED
AWAY = Verdict.UNKNOWN, Reason.UNREACHABLE
LATE = Verdict.UNKNOWN, Reason.TIMED_OUT
GIVEN_UP = Verdict.UNKNOWN, Reason.ENDPOINT_LEFT_ALONE
UNCONFIRMED = Verdict.UNKNOWN, Reason.UNCONFIRMED


def permissions(client, *outcomes):
    return PermissionMap(
        ClientName(client),
        tuple(
            Cell(ClientName(client), ClientId(client), "", f"s{n}", verdict, reason)
            for n, (verdict, reason) in enumerate(outcomes)
        ),
    )


@pytest.fixture
def told(make_client):
    """What is told of clients by name, each with its server and the outcomes of its cells."""

    def client_of(name, server):
        client = make_client("s0", "s1", name=name)
        return replace(client, server=replace(client.server, name=server))

    def tell(**clients):
        maps = [permissions(name, *outcomes) for name, (_, *outcomes) in sorted(clients.items())]
        known = [client_of(name, server) for name, (server, *_) in clients.items()]
        return incidents(findings(maps, known, Policy(), None, TODAY), maps, known)

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
    cut = Verdict.UNKNOWN, Reason.INTERRUPTED
    (one,) = told(a=("corp", GRANTED, cut), b=("corp", cut, cut), c=("west", cut, cut))
    assert one.detail == "this run: all 3 clients: interrupted (a, b, c)"


def test_scopes_that_were_not_settled_for_one_reason_are_one_finding(told):
    (one,) = told(a=("corp", GRANTED, AWAY, AWAY))
    assert (one.client, one.scope, one.detail) == ("a", "", "2 of its 3 scopes: unreachable")


def test_scopes_that_are_not_enforced_are_one_finding(told):
    loose = Verdict.UNENFORCED, Reason.CANARY_ISSUED
    (one,) = told(a=("corp", GRANTED, loose, loose))
    assert (one.kind, one.detail) == ("unenforced", "2 of its 3 scopes: canary_issued")


def test_what_was_settled_scope_by_scope_is_told_so(told):
    found = told(a=("corp", GRANTED, UNCONFIRMED, UNCONFIRMED))
    assert [(one.kind, one.scope) for one in found] == [("unknown", "s1"), ("unknown", "s2")]


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
