"""Two faults at once, scopes that are refused only together, and the search among many."""

from __future__ import annotations

from itertools import groupby

import anyio
import pytest
from explained_faults import CellKey, cells_of, explained, is_right, show, wrong_ones
from faults_to_explain import FAULTS as ALL
from faults_to_explain import ID, SECRET, Fault, healthy, refused_scope
from harness import Reply, lab, raw_server

from scopeprobe.audits.explain import Explain, explain
from scopeprobe.diagnosis import codes

FAULTS: dict[str, Fault] = {fault.name: fault for fault in ALL}
PAIRS = (
    ("wrong method", "refused scope"),
    ("unsupported method", "refused scope"),
    ("padded secret", "refused scope"),
    ("padded secret", "misspelt scope"),
    ("padded id", "unsupported method"),
    ("wrong encoding", "refused scope"),
    ("wrong path", "refused scope"),
    ("wrong path", "padded secret"),
    ("wrong path", "unsupported method"),
    ("grant not allowed", "padded secret"),
    ("no audience", "padded secret"),
    ("no proof", "refused scope"),
    ("no proof", "unsupported method"),
    ("throttle", "padded secret"),
    ("skewed clock", "refused scope"),
)
SOME_SAYING_401 = ("strict__alike", "strict__either", "doorkeeper__either", "spring__alike")
TOKEN = b'{"access_token":"opaque-token","token_type":"Bearer"}'
MANY = tuple(f"area{n:02}.read" for n in range(64))


async def test_two_faults_at_once_are_both_found_in_the_order_of_mending():
    cells = [cell for one, other in PAIRS for cell in cells_of(FAULTS[one], FAULTS[other])]
    found = await explained(cells)
    show(cells, found)
    right = [cell for cell in cells if is_right(cell, found[cell.name])]
    misled = {cell.name: wrong for cell in cells if (wrong := wrong_ones(cell, found[cell.name]))}
    print(f"{len(right)} of {len(cells)} cells are right")
    order = {code: place for place, code in enumerate(codes())}
    for cell in cells:
        explanation = found[cell.name]
        true = {fault.expected for fault in cell.faults}
        places = [order[cause.code] for cause in explanation.causes if cause.code in true]
        assert places == sorted(places)
        assert explanation.credential_failures <= 3
    assert not misled
    assert len(right) >= 0.95 * len(cells)


async def test_two_faults_at_once_are_both_found_where_a_401_may_be_about_scopes():
    cells = [
        cell
        for one, other in PAIRS
        for cell in cells_of(FAULTS[one], FAULTS[other], profiles=SOME_SAYING_401)
    ]
    found = await explained(cells)
    show(cells, found)
    right = [cell for cell in cells if is_right(cell, found[cell.name])]
    misled = {cell.name: wrong for cell in cells if (wrong := wrong_ones(cell, found[cell.name]))}
    print(f"{len(right)} of {len(cells)} cells are right")
    assert all(explanation.credential_failures <= 3 for explanation in found.values())
    assert max(map(most_rejected_in_a_row, found.values())) <= 3
    assert not misled
    assert len(right) >= 0.9 * len(cells)


@pytest.mark.parametrize(
    "profile", ["strict", "strict-401", "strict-401-needs-scope", "strict__alike", "strict__either"]
)
async def test_three_refused_of_sixty_four_are_found_in_forty_two_requests(profile):
    bad = ("area05.read", "area30.read", "area63.read")
    granted = tuple(scope for scope in MANY if scope not in bad)
    patient = healthy(profile)
    patient.granted, patient.wanted, patient.known = granted, MANY, bad
    cell = CellKey(profile, (), patient)
    explanation = (await explained([cell]))[cell.name]
    assert explanation.refusing_sets == tuple((scope,) for scope in bad)
    assert explanation.requests <= 42
    assert explanation.credential_failures <= 1
    assert most_rejected_in_a_row(explanation) <= 3
    [cause] = explanation.causes
    assert cause.code == "scope_refused"
    assert all(f"`{scope}`" in cause.next_step for scope in bad)


def most_rejected_in_a_row(explanation):
    """A server may count each 401 as a failed authentication, whatever it is about."""
    rejected = [e.trace.status == 401 for e in explanation.experiments]
    return max(len(list(run)) if is_rejected else 0 for is_rejected, run in groupby(rejected))


def explained_by(answer, wanted):
    """Explain a client of a server that is one function."""
    with raw_server(answer) as server:
        patient = healthy("strict")
        patient.wanted, patient.candidates = wanted, wanted
        patient.endpoint, patient.has_issuer = f"{server.url}/token", False
        return anyio.run(explain, patient.order("raw", server.url)), server


@pytest.mark.parametrize(
    ("status", "code", "needs_scope"),
    [
        (400, "invalid_scope", False),
        (401, "invalid_client", False),
        (401, "invalid_client", True),
    ],
)
def test_a_pair_that_is_refused_only_together_is_named_as_a_pair(status, code, needs_scope):
    pair = {"area07.read", "area20.read"}

    def answer(asked):
        if pair <= set((asked.scopes or "").split()) or (needs_scope and not asked.scopes):
            return Reply(status, f'{{"error":"{code}"}}'.encode())
        return Reply(body=TOKEN)

    explanation, _ = explained_by(answer, MANY[:32])
    assert explanation.requests <= 42
    assert explanation.credential_failures <= 3
    assert most_rejected_in_a_row(explanation) <= 3
    assert explanation.refusing_sets == (("area07.read", "area20.read"),)
    [cause] = [c for c in explanation.causes if c.code == "scope_combination_refused"]
    assert "`area07.read`, `area20.read`" in cause.next_step
    assert not any(c.code in {"scope_refused", "scope_unknown"} for c in explanation.causes)


def test_a_server_that_may_count_401s_sees_no_more_in_a_row_than_may_fail():
    def answer(asked):
        is_granted = asked.scopes == "area00.read"
        return Reply(body=TOKEN) if is_granted else Reply(401, b'{"error":"invalid_client"}')

    explanation, _ = explained_by(answer, MANY[:12])
    assert len(explanation.refusing_sets) == 11
    assert most_rejected_in_a_row(explanation) <= 3


def test_an_expired_or_locked_client_is_not_tried_again():
    def answer(_asked):
        return Reply(401, b'{"error":"invalid_client","error_description":"Client is locked"}')

    explanation, server = explained_by(answer, ("a", "b"))
    assert [cause.code for cause in explanation.causes] == ["client_locked"]
    assert len(server.asked) == 1


def test_a_401_that_tells_nothing_names_both_and_neither_surely():
    explanation, server = explained_by(lambda _asked: Reply(401, b"{}"), ("a",))
    confidence = {cause.code: cause.confidence for cause in explanation.causes}
    assert set(confidence) == {"unknown_client", "secret_rejected"}
    assert max(confidence.values()) <= 0.6
    assert len(server.asked) <= 3


def test_a_body_that_cannot_be_read_is_found_behind_a_scope_that_is_missing():
    """Without scope it answers 401, as to a wrong secret: the request with one tells more."""

    def answer(asked):
        if asked.headers["content-type"] == "application/json":
            return Reply(body=TOKEN)
        if not asked.scopes:
            return Reply(401, b'{"error":"invalid_client"}')
        return Reply(400, b'{"error":"unsupported_grant_type"}')

    explanation, _ = explained_by(answer, ("a",))
    assert explanation.outcome == "explained"
    assert explanation.causes[0].code == "body_not_form"


def test_credentials_go_to_no_other_origin_unless_the_user_says_so():
    with raw_server(lambda _asked: Reply(body=TOKEN)) as right:

        def wrong(_asked):
            return Reply(404, b"<html>nothing here</html>")

        explanation, _ = explained_by(wrong, ("a",))
        assert [cause.code for cause in explanation.causes] == ["not_a_token_endpoint"]
        with raw_server(wrong) as server:
            patient = healthy("strict")
            patient.endpoint, patient.has_issuer = f"{server.url}/token", False
            order = patient.order("raw", server.url)
            told = Explain(order.client, order.scopes, try_endpoint=f"{right.url}/token")
            explanation = anyio.run(explain, told)
    assert explanation.causes[0].code == "wrong_token_endpoint"
    assert f"{right.url}/token" in explanation.causes[0].next_step


def test_nothing_secret_is_in_an_explanation_although_the_server_repeats_it():
    def answer(_asked):
        return Reply(
            401, f'{{"error":"invalid_client","error_description":"{SECRET} is bad"}}'.encode()
        )

    explanation, _ = explained_by(answer, ("a",))
    assert SECRET not in repr(explanation)
    assert "$CLIENT_SECRET" in explanation.experiments[0].trace.curl
    assert ID in explanation.experiments[0].trace.curl


def test_the_healthy_and_the_refused_are_told_by_their_outcome():
    patient = healthy("strict")
    refused_scope(patient)
    with lab([patient.server("corp"), healthy("strict").server("fine")]) as base:
        refused = anyio.run(explain, patient.order("corp", base))
        fine = anyio.run(explain, healthy("strict").order("fine", base))
    assert (refused.outcome, fine.outcome) == ("explained", "working")
    assert refused.causes[0].evidence
