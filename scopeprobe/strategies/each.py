"""One request per candidate: the reference that every other strategy must agree with."""

from __future__ import annotations

from scopeprobe.model.answer import Issued, Refusal
from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.strategies.controls import (
    ControlFailed,
    PlanPart,
    conclude,
    tells_scopes_apart,
)
from scopeprobe.strategies.estimates import (
    Estimate,
    expected_denials,
    requests_for_all,
    with_controls,
)
from scopeprobe.strategies.scope_sets import SetProber
from scopeprobe.strategies.set_controls import add_the_canary


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
        yield from _ask_each(SetProber(assignment))
    except ControlFailed:
        return


def _ask_each(prober: SetProber) -> PlanPart[None]:
    assignment, so_far = prober.assignment, prober.so_far
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
    yield from _see_whether_lists_repeat_requests(prober)
    yield from conclude(assignment, so_far)


def _see_whether_lists_repeat_requests(prober: SetProber) -> PlanPart[None]:
    """
    Ask for the canary beside what is listed (docs/design.md, rule 1).

    Where alone it was issued in silence: what was issued in silence too is seen to be left out
    like it. Where alone it was refused: if no list left anything out, since unknown names may be
    refused and others dropped; unless other clients have shown that. Raises ControlFailed.
    """
    assignment, so_far = prober.assignment, prober.so_far
    issued = {
        question.scopes[0]: answer
        for question, answer in so_far.answers.items()
        if isinstance(answer, Issued) and question.scopes and question != so_far.canary
    }
    listed = [scope for scope, answer in issued.items() if answer.shows(scope)]
    silent = [scope for scope, answer in issued.items() if not answer.tells]
    canary = so_far.answers.get(so_far.canary)
    if listed and isinstance(canary, Issued) and not canary.tells:
        yield from so_far.learn(Question((listed[0], *silent, assignment.canary)))
    elif (
        isinstance(canary, Refusal)
        and len(listed) + len(silent) == len(issued)
        and assignment.target.label not in assignment.behavior.judges_sets
    ):
        yield from add_the_canary(prober, listed)


def estimate_each(assignment: Assignment) -> Estimate:
    """One request a candidate, and its controls."""
    n, denied = len(assignment.candidates), expected_denials(assignment, assignment.candidates)
    sets = requests_for_all(assignment, assignment.candidates)
    return with_controls(assignment, expected=n + 2, refused=denied, most=n + 3 + sets)
