"""The thread of the forum: a 401, and ten theories of what it is. Each is the true one once."""

from dataclasses import dataclass, field, replace
from functools import partial

import anyio
import pytest
from explained_faults import CellKey
from explained_faults import explained as explained_cells
from faults_to_explain import ID, SECRET, healthy, wrong_audience
from forum import Forum, blocked
from harness import Reply, raw_server

from scopeprobe.audits.explain import explain
from scopeprobe.diagnosis.theories import theories

forum = partial(Forum, client_id=ID, secret=SECRET)
"""The forum's server, as the client of these tests is known there."""


@dataclass(frozen=True)
class Variant:
    """What is true of one thread."""

    theory: str
    cause: str
    server: object = field(default_factory=forum)
    wanted: tuple[str, ...] = ("orders.read", "orders.write")
    candidates: tuple[str, ...] = ()
    least_ruled_out: int = 9
    outcome: str = "explained"


VARIANTS = (
    Variant("body_encoding", "body_not_form", forum(reads="json", separator=" ")),
    Variant("content_type", "body_not_form", forum(content_type="charset")),
    Variant(
        "scope_spelling", "scope_misspelt", wanted=("users.read", "orders.raed"),
        candidates=("orders.read", "orders.write"),
    ),
    Variant("scope_white_space", "scope_combination_refused", forum(separator="%20")),
    Variant(
        "scope_not_granted", "scope_refused", wanted=("orders.read", "admin.all"),
        least_ruled_out=7,
    ),
    Variant(
        "rotated_secret", "secret_rejected", forum(secret="of-today"), least_ruled_out=2,
        outcome="not_explained",
    ),
    Variant("basic_or_form", "wrong_auth_method", forum(method="post")),
    Variant("firewall", "gateway_in_between", blocked, least_ruled_out=1),
)  # fmt: skip


def explained(variant, **order):
    with raw_server(variant.server) as server:
        patient = healthy("strict")
        patient.wanted = variant.wanted
        patient.candidates = (*variant.wanted, *variant.candidates)
        patient.endpoint, patient.has_issuer = f"{server.url}/token", False
        told = patient.order("raw", server.url)
        return anyio.run(explain, replace(told, **order))


def assert_that_only(theory, explanation, least_ruled_out):
    """The true theory comes first, and of the others as many fell, or are openly open."""
    first = explanation.causes[0].code
    assert first in theories()[theory].causes
    fallen = {one.theory for one in explanation.ruled_out}
    left = {one.theory for one in explanation.not_tested}
    assert theory not in fallen | left
    assert not fallen & left
    named = {cause.code for cause in explanation.causes}
    held = {name for name, one in theories().items() if named & set(one.causes)}
    assert fallen | left | held == set(theories())
    assert len(fallen | held) - 1 >= least_ruled_out, left
    assert all(one.evidence for one in explanation.ruled_out)
    assert explanation.credential_failures <= 3


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.theory)
def test_the_true_theory_is_the_first(variant):
    explanation = explained(variant)
    assert explanation.causes[0].code == variant.cause
    assert explanation.outcome == variant.outcome
    assert_that_only(variant.theory, explanation, variant.least_ruled_out)


def test_the_host_that_is_wrong_is_told_by_one_that_is_right():
    with raw_server(forum()) as right:
        elsewhere = Variant("wrong_host", "wrong_token_endpoint", lambda _asked: Reply(404, b""))
        explanation = explained(elsewhere, try_endpoint=f"{right.url}/token")
    assert explanation.causes[0].code == "wrong_token_endpoint"
    assert_that_only("wrong_host", explanation, 9)


async def test_the_assertion_that_is_wrong_is_told_by_one_that_is_right():
    patient = healthy("strict-401-needs-scope")
    wrong_audience(patient)
    cell = CellKey("strict-401-needs-scope", (), patient)
    explanation = (await explained_cells([cell]))[cell.name]
    assert explanation.causes[0].code == "assertion_audience"
    assert_that_only("assertion_type", explanation, 9)


def test_a_method_that_was_tried_while_a_scope_may_be_bad_is_not_ruled_out():
    explanation = explained(Variant("rotated_secret", "", forum(secret="of-today")))
    left = {one.theory: one.test for one in explanation.not_tested}
    assert left["basic_or_form"].startswith("It was tried without success (request 2, scope")
    assert explanation.next_test == theories()["scope_not_granted"].test


def test_one_scope_has_no_white_space_and_several_have_some():
    said = "one scope is asked for, `orders.write`: there is no white space between scopes"
    for wanted, is_said in ((("orders.write",), True), (("orders.read", "orders.write"), False)):
        explanation = explained(Variant("", "", wanted=wanted))
        fallen = {one.theory: one.evidence for one in explanation.ruled_out}
        assert (said in fallen["scope_white_space"]) is is_said


def test_a_client_that_works_is_to_be_compared_with_what_is_refused():
    explanation = explained(Variant("", ""))
    assert explanation.outcome == "working"
    assert {one.theory for one in explanation.ruled_out} == set(theories())
    assert "compare what it sends with the line for a shell" in explanation.next_test


def test_another_tenant_may_refuse_scopes_as_well():
    def refuses(_asked):
        return Reply(400, b'{"error":"invalid_scope"}')

    explanation = explained(Variant("scope_not_granted", "", refuses))
    fallen = {one.theory for one in explanation.ruled_out}
    assert "wrong_host" not in fallen
    assert "rotated_secret" not in fallen  # it may look at the scope first
    assert {"body_encoding", "firewall"} <= fallen
