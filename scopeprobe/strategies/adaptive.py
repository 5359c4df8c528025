"""The fewest requests that prove the map (docs/algorithm.md, G)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from scopeprobe.model.answer import Answer, GrantNotAllowed, Refused, Subject, names_on
from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.behavior import NOTHING_KNOWN
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.strategies.controls import (
    ControlFailed,
    PlanPart,
    conclude,
    tells_scopes_apart,
)
from scopeprobe.strategies.estimates import (
    BESIDE_THE_SEARCH,
    Estimate,
    expected_denials,
    expected_search,
    requests_for_all,
    with_controls,
)
from scopeprobe.strategies.groups import slack
from scopeprobe.strategies.named_scopes import take_out_the_named
from scopeprobe.strategies.priors import prior_of
from scopeprobe.strategies.scope_sets import SetAnswer, SetProber
from scopeprobe.strategies.search import Search
from scopeprobe.strategies.set_controls import (
    add_bad_scopes_to_a_set,
    ask_all_granted,
    ask_controls,
)


def adaptive(assignment: Assignment) -> Plan:
    """
    Ask for everything at once, and go on by the answer.

    A server that lists what it grants is done with; one that names culprits is asked without them;
    one that only refuses is searched. A scope is granted as a member of a set that was accepted
    whole, and denied where it is refused alone, as by `each`.
    """
    prober = SetProber(assignment)
    try:
        if assignment.was_unauthenticated:
            yield from prober.so_far.learn(assignment.first_try)
        if (yield from _is_worth_asking(prober)):
            yield from find_out(prober, assignment.candidates)
            yield from ask_all_granted(prober)
            yield from ask_controls(prober)
            yield from add_bad_scopes_to_a_set(prober)
            yield from conclude(assignment, prober.so_far)
    except ControlFailed:
        return


def estimate_adaptive(assignment: Assignment) -> Estimate:
    """The opening and the search, at most n + B(n) + 1 (docs/algorithm.md, section 10)."""
    scopes, is_first = assignment.candidates, assignment.is_first
    if assignment.was_told_all_at_once:
        search, denied = float(requests_for_all(assignment, scopes)), 0.0
    else:
        search, denied = expected_search(assignment, scopes), expected_denials(assignment, scopes)
    return with_controls(
        assignment,
        expected=search + 1 + is_first,
        refused=denied,
        most=len(scopes) + slack(len(scopes)) + 1 + BESIDE_THE_SEARCH,
    )


def _is_worth_asking(prober: SetProber) -> PlanPart[bool]:
    """Whether to go on; asks without scope first where that lists scopes or is all there is."""
    server = prober.assignment.client.server
    sends = server.traits.send_scope and bool(prober.assignment.candidates)
    if sends and not _is_told_most_without_scope(prober):
        return True
    answer = yield from prober.so_far.learn(WITHOUT_SCOPE)
    return server.traits.send_scope and tells_scopes_apart(answer)


def _is_told_most_without_scope(prober: SetProber) -> bool:
    """
    A request without scope lists what is granted, and one for everything would only be refused.

    Where lists leave out what is withheld, or names were right, everything is asked for at once; so
    it is where no client is known yet that had some scopes and not others.
    """
    behavior = prober.behavior
    if not behavior.lists_without_scope:
        return False
    tells_at_once = behavior.narrows or (behavior.names_culprits and not behavior.names_off)
    was_put_to_the_test = any(past.granted and past.denied for past in behavior.earlier_clients)
    return was_put_to_the_test and not tells_at_once


def find_out(prober: SetProber, scopes: Sequence[Scope]) -> PlanPart[None]:
    """Settle scopes of which nothing is known. Raises ControlFailed."""
    given = prober.so_far.answers.get(WITHOUT_SCOPE)
    if given is not None:
        prober.granted.update(names_on(given).intersection(scopes))
    search = _search(prober, scopes)
    if search.is_over:
        return
    if not prober.keeps_to_one_resource:
        reply = yield from search.open()
        if not reply.is_issued:
            further = yield from _without_a_token(prober, reply, search, scopes)
            if further is None:
                return
            search = further
    yield from search.settle()


def _without_a_token(
    prober: SetProber, reply: SetAnswer, search: Search, scopes: Sequence[Scope]
) -> PlanPart[Search | None]:
    """
    Go on after the request for everything brought no token; None where it is not about scopes.

    What a refusal names is left out; what a request without scope lists is granted; the rest is
    searched.
    """
    behavior = prober.behavior
    if reply.named and not behavior.names_off:
        if len(reply.named) > 1 and behavior == NOTHING_KNOWN:
            control = yield from prober.so_far.learn(WITHOUT_SCOPE)
            prober.granted.update(names_on(control).intersection(scopes))
        most = len(scopes) + slack(len(scopes))
        left = yield from take_out_the_named(prober, reply, _open(prober, search.order), most)
        return _search(prober, left, of=len(scopes))
    if (
        _is_about_scopes(reply.answer)
        and not behavior.lists_without_scope
        and behavior.without_earlier_clients() != NOTHING_KNOWN
    ):
        return search
    control = yield from prober.so_far.learn(WITHOUT_SCOPE)
    if _asked_of_several_resources(reply):
        prober.keeps_to_one_resource = True
        return _search(prober, scopes)
    if not (tells_scopes_apart(control) and _may_be_about_scopes(reply.answer)):
        return None
    if carried := names_on(control).intersection(scopes):
        prober.granted.update(carried)
        prober.spent = 0
        search = _search(prober, scopes)
        if reply.is_refused:
            search.contaminate()
    elif prober.so_far.success is None and not _is_about_scopes(reply.answer):
        yield from prober.ask([prober.assignment.most_hopeful or scopes[0]])
        search = _search(prober, scopes)
    return search


def _is_about_scopes(answer: Answer) -> bool:
    return isinstance(answer, Refused) and answer.about not in _OTHER_SUBJECTS


def _asked_of_several_resources(reply: SetAnswer) -> bool:
    """The refusal is about the resource, and scopes of several were in the request."""
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


def _open(prober: SetProber, scopes: Sequence[Scope]) -> list[Scope]:
    return [scope for scope in scopes if scope not in prober.granted]


def _search(prober: SetProber, scopes: Sequence[Scope], of: int = 0) -> Search:
    """
    A search of what is open: resource by resource, the likeliest to be granted first.

    It is one of so many candidates, if what was spent on them counts against its bound.
    """
    left = tuple(_open(prober, scopes))
    if left == prober.assignment.candidates:
        left = prober.assignment.candidates  # which many clients have in common
    prior = partial(prior_of, prober.assignment, left)
    chance_of = prior().mean_chance
    chances = {scope: chance_of(scope) for scope in left}
    least: dict[str, float] = {}
    for scope in left:
        chance = least.get(resource(scope), 1.0)
        least[resource(scope)] = min(chance, chances[scope])
    order = tuple(sorted(left, key=lambda s: (least[resource(s)], resource(s), chances[s])))
    order = left if order == left else order
    return Search(prober, order, prior, candidates=of or len(left))
