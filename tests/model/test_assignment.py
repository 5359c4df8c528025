"""What a plan knows of its client before it asks."""

from dataclasses import replace

import pytest
from outcomes import DENIED, GRANTED, REJECTED, permissions
from settings import changed

from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.model.client import Expectation
from scopeprobe.model.question import WITHOUT_SCOPE, Question


@pytest.fixture
def assigned(make_client):
    def assign(*, audience="", expect=None, server=None, **known):
        client = make_client("s0", "s1", "s2", audience=audience)
        client = replace(client, server=changed(client.server, **(server or {})))
        target = replace(client.targets[0], expect=expect or Expectation())
        return Assignment(client, target, **known)

    return assign


def test_what_is_expected_or_was_granted_last_night_is_hopeful(assigned):
    last = permissions("billing", DENIED, GRANTED, DENIED)
    both = assigned(expect=Expectation(("s2",)), previous=last)
    assert [s for s in both.candidates if both.is_hopeful(s)] == ["s1", "s2"]
    assert both.most_hopeful == "s1"
    assert assigned().most_hopeful is None
    elsewhere = permissions("billing", GRANTED, GRANTED, GRANTED, audience="x")
    assert assigned(previous=elsewhere).most_hopeful is None
    assert assigned(previous=elsewhere, audience="x").most_hopeful == "s0"


def test_the_first_try_is_what_succeeded_last_and_then_what_is_hopeful(assigned):
    expect = Expectation(("s1",))
    assert assigned().first_try == WITHOUT_SCOPE
    assert assigned(expect=expect).first_try == Question(("s1",))
    assert assigned(expect=expect, server={"send_scope": False}).first_try == WITHOUT_SCOPE
    last = Question(("s2", "s0"))
    assert assigned(expect=expect, last_success=last).first_try == last
    assert assigned(expect=expect, last_success=WITHOUT_SCOPE).first_try == WITHOUT_SCOPE
    gone = Question(("s2", "gone"))
    assert assigned(expect=expect, last_success=gone).first_try == Question(("s1",))


def test_what_last_night_told_of_the_target_is_known(assigned):
    last = permissions("billing", REJECTED, REJECTED)
    assert assigned(previous=last).was_unauthenticated
    assert not assigned(previous=permissions("billing", REJECTED, DENIED)).was_unauthenticated
    assert not assigned().was_unauthenticated
    assert assigned(previous=last).known_before == last.cells
    assert assigned(previous=last, audience="x").known_before == assigned().known_before == ()


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ((Verdict.DENIED, Reason.LEFT_OUT), True),
        ((Verdict.DENIED, Reason.NAMED_IN_REFUSAL), True),
        ((Verdict.UNENFORCED, Reason.CANARY_ISSUED), True),
        (DENIED, False),
        (GRANTED, False),
    ],
)
def test_one_answer_may_tell_everything_where_one_did_last_night(assigned, outcome, told):
    last = permissions("billing", DENIED, outcome)
    assert assigned(previous=last).was_told_all_at_once is told


def test_some_servers_are_not_asked_at_all(assigned):
    assert assigned().unaskable_because is None
    assert assigned(server={"single_token": True}).unaskable_because is Reason.TOKEN_SHARED
    target = {"needs_target": True}
    assert assigned(server=target).unaskable_because is Reason.NEEDS_TARGET
    assert assigned(server=target, audience="x").unaskable_because is None


def test_a_shaped_canary_begins_as_others_do(assigned):
    ours = assigned()
    shaped = ours.shaped_canary("api/")
    assert shaped == f"api/{ours.canary}"
    assert ours.prefix_of(shaped) == "api/"
    assert ours.can_ask(Question(("s0", "s2")))
    assert not ours.can_ask(Question((shaped,)))
