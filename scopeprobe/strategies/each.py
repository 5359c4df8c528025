"""One request per candidate: the reference that every other strategy must agree with."""

from __future__ import annotations

from scopeprobe.model.answer import Answer, GrantNotAllowed, Issued, Refused, Subject, Unanswered
from scopeprobe.model.assignment import Assignment, Plan, Proof
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.strategies.hearing import Asking, Hearing, LetDown


def each(assignment: Assignment) -> Plan:
    """
    Ask without scope, for the canary, then for every candidate alone.

    A request that succeeded is repeated after 25 refusals without a success, and at the end when
    the last wave brought refusals. Where the request without scope brings no token, the most
    hopeful candidates come first and the canary waits: a server may want a scope, and the few tries
    that credentials have must not be spent on one that nobody has. Where scopes are not sent, the
    request without is all there is to ask.
    """
    heard = Hearing(assignment)
    candidates = list(assignment.candidates)
    if assignment.was_unauthenticated and (hopeful := assignment.most_hopeful):
        yield from heard.ask(Question((hopeful,)))
        candidates.remove(hopeful)
    control = yield from heard.ask(WITHOUT_SCOPE)
    if not (assignment.client.server.send_scope and tells_scopes_apart(control)):
        return
    if isinstance(control, Issued):
        yield from heard.ask(heard.canary)
    else:
        candidates.sort(key=assignment.is_hopeful, reverse=True)
    try:
        yield from heard.learn_all(Question((scope,)) for scope in candidates)
        yield from conclude(assignment, heard)
    except LetDown:
        return


def conclude(assignment: Assignment, heard: Hearing) -> Asking[None]:
    """Ask again what is in doubt, then for shapes, then the closing control. Raises LetDown."""
    twice = assignment.proof is Proof.TWICE
    doubted = heard.refused_alone() if twice else heard.doubted()
    yield from heard.learn_all(Question((scope,), again=1) for scope in doubted)
    yield from heard.learn_all(Question((shape,)) for shape in assignment.shapes)
    yield from heard.close()


def tells_scopes_apart(control: Answer) -> bool:
    """Whether a request with a scope can fare otherwise than the one without."""
    match control:
        case Unanswered() | GrantNotAllowed() | Refused(about=Subject.TARGET):
            return False
        case _:
            return True
