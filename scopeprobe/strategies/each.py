"""One request per candidate: the reference that every other strategy must agree with."""

from __future__ import annotations

from scopeprobe.model.answer import Issued
from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.strategies.controls import (
    AskedSoFar,
    ControlFailed,
    PlanPart,
    conclude,
    tells_scopes_apart,
)
from scopeprobe.strategies.estimates import Estimate, expected_denials, with_controls


def each(assignment: Assignment) -> Plan:
    """
    Ask without scope, for the canary, then for every candidate alone.

    A request that succeeded is repeated after 25 refusals without a success, after fewer that may
    be failed authentications, and at the end when the last wave brought refusals. Where the request
    without scope brings no token, the most hopeful candidates come first and the canary waits: a
    server may demand a scope, and the few failed authentications that are allowed must not be spent
    on a scope that nobody has. Where scopes are not sent, only the request without scope is asked.
    """
    try:
        yield from _ask_each(assignment, AskedSoFar(assignment))
    except ControlFailed:
        return


def _ask_each(assignment: Assignment, so_far: AskedSoFar) -> PlanPart[None]:
    candidates = list(assignment.candidates)
    if assignment.was_unauthenticated:
        yield from so_far.learn(assignment.first_try)
    elif assignment.needs_scope and assignment.most_hopeful:
        yield from so_far.learn(Question((assignment.most_hopeful,)))
    control = yield from so_far.learn(WITHOUT_SCOPE)
    if not (assignment.client.server.traits.send_scope and tells_scopes_apart(control)):
        return
    if isinstance(control, Issued):
        yield from so_far.learn(so_far.canary)
    else:
        candidates.sort(key=assignment.is_hopeful, reverse=True)
    yield from so_far.learn_all(Question((scope,)) for scope in candidates)
    if (with_canary := _listed_with_the_canary(so_far)) is not None:
        yield from so_far.learn(with_canary)
    yield from conclude(assignment, so_far)


def _listed_with_the_canary(so_far: AskedSoFar) -> Question | None:
    """
    The canary beside what is listed, where alone it was issued in silence (docs/design.md, rule 1).

    Whether lists repeat the request is seen in one that comes; and what was issued in silence too
    is seen to be left out like the canary.
    """
    canary = so_far.answers.get(so_far.canary)
    if not isinstance(canary, Issued) or canary.tells:
        return None
    listed, silent = list[Scope](), list[Scope]()
    for question, answer in so_far.answers.items():
        if isinstance(answer, Issued) and question.scopes and question != so_far.canary:
            if answer.names.issuperset(question.scopes):
                listed += question.scopes
            elif not answer.tells:
                silent += question.scopes
    question = Question((*listed[:1], *silent, *(so_far.canary.scopes or ())))
    return question if listed else None


def estimate_each(assignment: Assignment) -> Estimate:
    """One request a candidate, and its controls."""
    n, denied = len(assignment.candidates), expected_denials(assignment, assignment.candidates)
    return with_controls(assignment, expected=n + 2, refused=denied, most=n + 3)
