"""What verdicts need beside the candidates, where these are asked in sets."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from scopeprobe.model.answer import Issued, TooLarge, is_plain_about_scope, names_on
from scopeprobe.model.behavior import NOTHING_KNOWN
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.strategies.controls import PlanPart, withholds
from scopeprobe.strategies.scope_sets import SetProber


def ask_all_granted(prober: SetProber) -> PlanPart[None]:
    """
    Ask for all that is granted at once, unless one set did: the next run proves it again so.

    Not where lists show what is granted, nor where silence proves nothing; but where some tokens
    have no list, to see whether lists come even if nothing was left out: then no list means
    nothing granted. Raises ControlFailed.
    """
    granted = [scope for scope in prober.assignment.candidates if scope in prober.granted]
    is_useful = prober.is_in_doubt_about_silence or (
        len(prober.accepted) > 1 and not prober.narrows and not prober.in_doubt
    )
    if granted and is_useful and prober.fitting(granted) == len(granted):
        yield from prober.ask(granted)


def ask_controls(prober: SetProber) -> PlanPart[None]:
    """
    Ask what the verdicts need beside the candidates: without scope, and for the canary.

    Without scope where no token came yet or tokens carry more than was asked for, and for the first
    client of a server: whether it is refused then tells failed authentication from refused scopes.
    Raises ControlFailed.
    """
    so_far = prober.so_far
    is_pilot = prober.behavior == NOTHING_KNOWN
    if so_far.success is None or (is_pilot and prober.assignment.is_first):
        yield from so_far.learn(WITHOUT_SCOPE)
    if prober.narrows and so_far.last_wave_refused and not is_pilot:
        yield from _ask_canary_in_a_set(prober)  # its token is the success that must follow
    if so_far.got_through and not _is_canary_left_out_of_a_set(prober):
        yield from so_far.learn(so_far.canary)
    if any(
        names_on(answer).difference(question.asked) for question, answer in so_far.answers.items()
    ):
        yield from so_far.learn(WITHOUT_SCOPE)
    if _is_canary_needed_in_a_set(prober):
        yield from _ask_canary_in_a_set(prober)
    if _lists_may_repeat_requests(prober):
        yield from add_the_canary(prober, prober.granted)


def add_the_canary(prober: SetProber, accepted: Collection[Scope]) -> PlanPart[None]:
    """
    Ask for all that was accepted, and the canary beside it, until a token comes (rule 1).

    Its list shows the canary, and repeats the request; or lacks it. A refusal that may be a passing
    fault is met twice. Raises ControlFailed.
    """
    canary, rest = prober.assignment.canary, sorted(accepted)
    while rest:
        size = prober.fitting(rest, beside=[canary])
        question = Question((*rest[:size], canary))
        answer = yield from prober.so_far.learn(question)
        if isinstance(answer, TooLarge) and size > 1:
            prober.note_too_large(question)
            continue
        is_meant = is_plain_about_scope(answer) or prober.so_far.is_refused_like_the_canary(
            answer, question.asked
        )
        if withholds(answer) and not is_meant:
            yield from prober.so_far.learn(Question(question.scopes, again=1))
        rest = [] if isinstance(answer, Issued) else rest[size:]


def add_bad_scopes_to_a_set(prober: SetProber) -> PlanPart[None]:
    """
    See whether a set that was accepted in silence is refused for one bad scope (rule 5).

    With the canary added, and with scopes that were refused alone. Once a server: by those who are
    asked before anything is known of it. Raises ControlFailed.
    """
    so_far = prober.so_far
    refused = so_far.refused_alone()
    granted = tuple(scope for scope in prober.assignment.candidates if scope in prober.granted)
    is_pilot = prober.behavior == NOTHING_KNOWN
    if not (is_pilot and prober.in_doubt and refused and granted):
        return
    accepted = granted[: prober.fitting(granted, beside=[prober.assignment.canary])]
    reply = yield from prober.ask(accepted)
    added = {prober.assignment.canary: None, refused[0]: None}
    added |= dict.fromkeys((refused[len(refused) // 2], refused[-1]))
    for scope in added if reply.is_issued else ():
        answer = yield from so_far.learn(Question((*accepted, scope)))
        if not withholds(answer):
            return


def _is_canary_needed_in_a_set(prober: SetProber) -> bool:
    """
    It has to be left out of a list before what is left out as well is denied (rules 1 and 2).

    Where its own token had no list, which says nothing of it; and for scopes that were left out and
    that no other client is known to have.
    """
    canary = prober.so_far.answers.get(prober.so_far.canary)
    if not prober.has_listed or prober.assignment.canary in names_on(canary):
        return False
    is_silent = isinstance(canary, Issued) and not canary.tells
    return is_silent or not _known_to_others(prober).issuperset(_left_out(prober))


def _lists_may_repeat_requests(prober: SetProber) -> bool:
    """
    No list had a gap, and not all that was accepted was refused beside a bad scope (rule 1).

    A server that drops in silence what is not given may repeat the request in its answer all the
    same.
    """
    return (
        prober.has_listed
        and not (prober.left_out or prober.refuses_all_that_is_granted)
        and prober.assignment.target.label not in prober.behavior.judges_sets
        and prober.assignment.canary not in prober.carried
    )


def _ask_canary_in_a_set(prober: SetProber) -> PlanPart[None]:
    """Ask for the canary and what was left out, with a scope that is granted. So a list comes."""
    granted = (scope for scope in prober.assignment.candidates if scope in prober.granted)
    anchor, canary = tuple(islice(granted, 1)), prober.assignment.canary
    known = _known_to_others(prober)
    rest = [scope for scope in _left_out(prober) if scope not in known]
    while True:
        size = prober.fitting(rest, beside=(*anchor, canary)) if rest else 0
        yield from prober.so_far.learn(Question((*anchor, *rest[:size], canary)))
        rest = rest[size:]
        if not rest:
            return


def _is_canary_left_out_of_a_set(prober: SetProber) -> bool:
    canary = prober.assignment.canary
    return any(
        isinstance(answer, Issued) and answer.tells and canary not in answer.names
        for question, answer in prober.so_far.answers.items()
        if canary in question.asked
    )


def _left_out(prober: SetProber) -> list[Scope]:
    return [scope for scope in prober.left_out if scope not in prober.granted]


def _known_to_others(prober: SetProber) -> frozenset[Scope]:
    """What earlier clients of the server were granted for the same target."""
    return frozenset().union(
        *(
            past.granted
            for past in prober.behavior.earlier_clients
            if past.audience == prober.assignment.target.label
        )
    )
