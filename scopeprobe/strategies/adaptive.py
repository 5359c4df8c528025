"""The fewest requests that prove the map (algorithm.md, appendix G)."""

from __future__ import annotations

from collections.abc import Sequence

from scopeprobe.model.answer import Answer, GrantNotAllowed, Refused, Subject
from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.behavior import NOTHING_KNOWN
from scopeprobe.model.cell import Verdict
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.strategies.beliefs import Prior, flat, learned, mean_chance, shifted
from scopeprobe.strategies.each import conclude, tells_scopes_apart
from scopeprobe.strategies.hearing import Asking, LetDown
from scopeprobe.strategies.inquiry import Inquiry, Reply
from scopeprobe.strategies.naming import take_out_the_named
from scopeprobe.strategies.search import Search
from scopeprobe.verdicts import names_on

_ENOUGH_CLIENTS = 2
_CHANGED = 0.02
"""The chance that a scope has changed since the last run, where a map of it is at hand."""


def adaptive(assignment: Assignment) -> Plan:
    """
    Ask for everything at once, see how the server takes that, and go on accordingly.

    A server that lists what it grants has told all; one that names culprits is asked without them;
    one that only says no is searched. `granted` and `denied` are proved as by `each`: a member of
    a set that was accepted whole, and refused alone.
    """
    inquiry = Inquiry(assignment)
    try:
        if assignment.was_unauthenticated and (hopeful := assignment.most_hopeful):
            yield from inquiry.ask([hopeful])
        if (yield from _is_worth_asking(inquiry)):
            yield from find_out(inquiry, assignment.candidates)
            yield from ask_all_granted(inquiry)
            yield from control(inquiry)
            yield from conclude(assignment, inquiry.heard)
    except LetDown:
        return


def _is_worth_asking(inquiry: Inquiry) -> Asking[bool]:
    """The request without scope first, where it is known to tell something, or is all there is."""
    server = inquiry.assignment.client.server
    sends = server.send_scope and bool(inquiry.assignment.candidates)
    if sends and not inquiry.behavior.lists_without_scope:
        return True
    answer = yield from inquiry.heard.learn(WITHOUT_SCOPE)
    return server.send_scope and tells_scopes_apart(answer)


def find_out(inquiry: Inquiry, scopes: Sequence[Scope]) -> Asking[None]:
    """Settle scopes of which nothing is known. Raises LetDown."""
    given = inquiry.heard.answers.get(WITHOUT_SCOPE)
    if given is not None:
        inquiry.granted.update(names_on(given).intersection(scopes))
    search = _search(inquiry, scopes)
    if search.is_over:
        return
    if not inquiry.keeps_to_one_resource:
        reply = yield from search.open()
        if not reply.is_issued:
            further = yield from _without_a_token(inquiry, reply, search, scopes)
            if further is None:
                return
            search = further
    yield from search.settle()


def _without_a_token(
    inquiry: Inquiry, reply: Reply, search: Search, scopes: Sequence[Scope]
) -> Asking[Search | None]:
    """
    The request for everything brought none. Go on by the names in the refusal, without what a
    request without scope brings, or with the search; None where scopes are not what it is about.
    """
    if reply.named and not inquiry.behavior.names_off:
        left = yield from take_out_the_named(inquiry, reply, _open(inquiry, scopes))
        inquiry.spent = 0
        return _search(inquiry, left)
    if (
        _is_about_scopes(reply.answer)
        and inquiry.behavior.without_earlier_clients() != NOTHING_KNOWN
    ):
        return search
    control = yield from inquiry.heard.learn(WITHOUT_SCOPE)
    if _asked_of_several_resources(reply):
        inquiry.keeps_to_one_resource = True
        return _search(inquiry, scopes)
    if not (tells_scopes_apart(control) and _may_be_about_scopes(reply.answer)):
        return None
    if carried := names_on(control).intersection(scopes):
        inquiry.granted.update(carried)
        inquiry.spent = 0
        search = _search(inquiry, scopes)
        if reply.is_refused:
            search.contaminate()
    elif inquiry.heard.success is None and not _is_about_scopes(reply.answer):
        yield from inquiry.ask([inquiry.assignment.most_hopeful or scopes[0]])
        search = _search(inquiry, scopes)
    return search


def _is_about_scopes(answer: Answer) -> bool:
    return isinstance(answer, Refused) and answer.about not in _OTHER_SUBJECTS


def _asked_of_several_resources(reply: Reply) -> bool:
    """The refusal speaks of the resource, and names of several were in the request."""
    return (
        isinstance(reply.answer, Refused)
        and reply.answer.about is Subject.TARGET
        and len(set(map(resource, reply.asked))) > 1
    )


def _may_be_about_scopes(answer: Answer) -> bool:
    """It may also be a fault, or a way to refuse scopes that looks like failed authentication."""
    return not isinstance(answer, GrantNotAllowed) and not (
        isinstance(answer, Refused) and answer.about in _OTHER_SUBJECTS
    )


_OTHER_SUBJECTS = {Subject.TARGET, Subject.SCOPE_PARAMETER}


def _open(inquiry: Inquiry, scopes: Sequence[Scope]) -> list[Scope]:
    return [scope for scope in scopes if scope not in inquiry.granted]


def _search(inquiry: Inquiry, scopes: Sequence[Scope]) -> Search:
    """A search of what is open: resource by resource, the likeliest to be granted first."""
    left = _open(inquiry, scopes)
    prior = prior_of(inquiry.assignment, left)
    chances = {scope: mean_chance(prior, scope) for scope in left}
    least: dict[str, float] = {}
    for scope in left:
        chance = least.get(resource(scope), 1.0)
        least[resource(scope)] = min(chance, chances[scope])
    order = sorted(left, key=lambda s: (least[resource(s)], resource(s), chances[s]))
    return Search(inquiry, order, prior, candidates=len(left))


def prior_of(assignment: Assignment, scopes: Sequence[Scope]) -> Prior:
    """What to expect: as last night, or as other clients of the server, or nothing at all."""
    before = _before(assignment)
    if 2 * len(before.keys() & set(scopes)) >= max(len(scopes), 1):
        mean = (sum(before.values()) + 0.5) / (len(before) + 1)
        return shifted(before, mean, spread=1.5, all_granted=0.10)
    earlier_clients = [
        past
        for past in assignment.behavior.earlier_clients
        if (past.audience, past.candidates) == (assignment.target.label, assignment.candidates)
    ]
    if len(earlier_clients) >= _ENOUGH_CLIENTS:
        return learned(scopes, earlier_clients)
    return flat(len(scopes))


def _before(assignment: Assignment) -> dict[Scope, float]:
    """By scope, the chance that it is denied today, where the last run proved what it was."""
    chances = {Verdict.GRANTED: _CHANGED, Verdict.DENIED: 1 - _CHANGED}
    return {
        cell.scope: chances[cell.verdict]
        for cell in assignment.known_before
        if cell.verdict in chances
    }


def ask_all_granted(inquiry: Inquiry) -> Asking[None]:
    """
    Ask for all that is granted at once, unless some set did: the next run proves it again so.

    Where lists tell what is granted that is not wanted, except to see that they come even if
    nothing was left out: then no list at all means nothing. Raises LetDown.
    """
    granted = [scope for scope in inquiry.assignment.candidates if scope in inquiry.granted]
    is_useful = inquiry.is_in_doubt_about_silence or (
        len(inquiry.accepted) > 1 and not inquiry.narrows
    )
    if granted and is_useful and inquiry.fitting(granted) == len(granted):
        yield from inquiry.ask(granted)


def control(inquiry: Inquiry) -> Asking[None]:
    """
    Ask what the verdicts need beside the candidates: for nothing, and for what nobody has.

    The first where no token came yet, or tokens carry more than was asked for; and by the first
    client of a server, because a refusal of it there tells whose credentials are looked at. Raises
    LetDown.
    """
    heard = inquiry.heard
    is_pilot = inquiry.behavior == NOTHING_KNOWN
    if heard.success is None or (is_pilot and inquiry.assignment.is_first):
        yield from heard.learn(WITHOUT_SCOPE)
    if heard.got_through:
        yield from heard.learn(heard.canary)
    if any(
        names_on(answer).difference(question.scopes or ())
        for question, answer in heard.answers.items()
    ):
        yield from heard.learn(WITHOUT_SCOPE)
