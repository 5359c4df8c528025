"""One request per candidate: the reference that every other strategy must agree with."""

from __future__ import annotations

from scopeprobe.model.answer import Answer, GrantNotAllowed, Issued, Refused, Subject, Unanswered
from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.strategies.controls import AskedSoFar, ControlFailed, conclude
from scopeprobe.strategies.estimates import Estimate, expected_denials, with_controls


def each(assignment: Assignment) -> Plan:
    """
    Ask without scope, for the canary, then for every candidate alone.

    A request that succeeded is repeated after 25 refusals without a success, and at the end when
    the last wave brought refusals. Where the request without scope brings no token, the most
    hopeful candidates come first and the canary waits: a server may demand a scope, and the few
    failed authentications that are allowed must not be spent on a scope that nobody has. Where
    scopes are not sent, only the request without scope is asked.
    """
    so_far = AskedSoFar(assignment)
    candidates = list(assignment.candidates)
    if assignment.was_unauthenticated and (hopeful := assignment.most_hopeful):
        yield from so_far.ask(Question((hopeful,)))
        candidates.remove(hopeful)
    control = yield from so_far.ask(WITHOUT_SCOPE)
    if not (assignment.client.server.traits.send_scope and tells_scopes_apart(control)):
        return
    if isinstance(control, Issued):
        yield from so_far.ask(so_far.canary)
    else:
        candidates.sort(key=assignment.is_hopeful, reverse=True)
    try:
        yield from so_far.learn_all(Question((scope,)) for scope in candidates)
        yield from conclude(assignment, so_far)
    except ControlFailed:
        return


def estimate_each(assignment: Assignment) -> Estimate:
    """One request a candidate, and its controls."""
    n, denied = len(assignment.candidates), expected_denials(assignment, assignment.candidates)
    return with_controls(assignment, expected=n + 2, refused=denied, most=n + 2)


def tells_scopes_apart(control: Answer) -> bool:
    """Whether a request with a scope may be answered otherwise than the one without."""
    match control:
        case Unanswered() | GrantNotAllowed() | Refused(about=Subject.TARGET):
            return False
        case _:
            return True
