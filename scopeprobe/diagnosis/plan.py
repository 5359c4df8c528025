"""
The order of experiments: that which settles most for the fewest requests.

As configured; then, wall by wall, whatever stands before the scopes; then the scopes. What was
found to be demanded is kept in the base of all further questions, so that several causes at once
are all found.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from scopeprobe.diagnosis.cases import Case
from scopeprobe.diagnosis.desk import (
    Asking,
    Desk,
    is_accepting,
    is_failure,
    is_out_of_reach,
    is_past_credentials,
)
from scopeprobe.diagnosis.search import Scopes, refusing_sets
from scopeprobe.diagnosis.seen import left_out, lists_scopes
from scopeprobe.diagnosis.signs import signs_of
from scopeprobe.diagnosis.suspects import Suspect, suspects
from scopeprobe.model.answer import GrantNotAllowed, Issued, Refused, TooLarge
from scopeprobe.model.cell import Reason
from scopeprobe.model.experiment import Experiment, Inquiry
from scopeprobe.model.question import AS_CONFIGURED, Question, RequestChange
from scopeprobe.model.scope_names import Scope

MOST_SINGLES = 8
"""Scopes that are asked alone in the search for one that is accepted."""
MOST_OTHERS = 3
"""Known scopes that are asked for to see whether the server shows any."""
_STOPS = ("client_locked", "client_disabled", "secret_expired")
_PUZZLES = {Reason.SERVER_ERROR, Reason.MALFORMED_ANSWER}
"""Faults that may be about what was asked."""


def diagnose(case: Case) -> Inquiry:
    """Ask until the cause is found, or nothing that could be asked would tell more."""
    desk = Desk(case)
    first = yield from desk.ask(case.wanted)
    if first is None:
        return
    if is_out_of_reach(first.answer):
        first = yield from _reach(desk, first)
        if first is None:
            return
    if not is_accepting(first.answer):
        yield from _get_past_credentials(desk, first)
        if _is_over(desk) or not _is_any_past(desk):
            return
        yield from _get_past_walls(desk)
        if desk.log and is_failure(desk.log[-1]) and not desk.is_proved:
            yield from _get_past_credentials(desk, desk.log[-1])
    yield from _judge_scopes(desk)


_Part = Generator[Question, Experiment, None]


def _reach(desk: Desk, first: Experiment) -> Generator[Question, Experiment, Experiment | None]:
    """Try the endpoint that somebody else names; else see whether the scopes make the fault."""
    for endpoint in () if isinstance(first.answer, TooLarge) else desk.case.endpoints:
        change = RequestChange(endpoint=endpoint.url)
        elsewhere = yield from desk.ask(desk.case.wanted, change)
        if elsewhere is not None and not is_out_of_reach(elsewhere.answer):
            desk.base, desk.is_proved = change, is_accepting(elsewhere.answer)
            return elsewhere
    is_too_large = isinstance(first.answer, TooLarge)
    is_puzzle = is_too_large or getattr(first.answer, "reason", None) in _PUZZLES
    if desk.case.wanted and is_puzzle:
        control = yield from desk.ask(None)
        if control is not None and not is_out_of_reach(control.answer):
            return control
    return None


# -- credentials


def _get_past_credentials(desk: Desk, first: Experiment) -> _Part:
    if _is_done(desk):
        return
    if is_past_credentials(first) and desk.case.wanted:
        control = yield from desk.ask(None)
        if control is None or not is_failure(control):
            return
        first = control
    if not is_failure(first) and not _is_unclear(first):
        return
    tried = list(suspects(desk.case, desk.signs(), first))
    yield from _try_all(desk, [suspect for suspect in tried if suspect.is_strong])
    if _is_done(desk) or _is_past(desk):
        yield from _show_each(desk, tried)
        return
    control = yield from desk.ask(None)
    if control is not None and not is_failure(control) and not _is_unclear(control):
        return
    for suspect in tried:
        if not (suspect.is_strong or _is_done(desk) or _is_past(desk)):
            yield from _try_alone(desk, suspect)
    yield from _show_each(desk, tried)


def _is_unclear(experiment: Experiment) -> bool:
    """A refusal that says neither what it is about nor that it is about the credentials."""
    return isinstance(experiment.answer, Refused) and not is_past_credentials(experiment)


def _is_over(desk: Desk) -> bool:
    """The server said what no experiment can mend."""
    return any(s.cause in _STOPS and s.is_certain for s in desk.signs())


def _is_done(desk: Desk) -> bool:
    return desk.is_proved or _is_over(desk)


def _is_past(desk: Desk) -> bool:
    """The last answer speaks of something behind the credentials, unlike the first."""
    return bool(desk.log) and is_past_credentials(desk.log[-1])


def _is_any_past(desk: Desk) -> bool:
    """Something can still be asked that is no failed authentication."""
    return any(not (is_failure(e) or is_out_of_reach(e.answer)) for e in desk.log)


def _try_all(desk: Desk, strong: list[Suspect]) -> _Part:
    """One after the other on top of what is demanded; the rest is taken back where it fails."""
    for suspect in strong:
        change = suspect.applied(desk.base)
        experiment = yield from desk.ask(None, change)
        if experiment is None:
            return
        if suspect.stays or _is_better(experiment):
            desk.base, desk.is_proved = change, is_accepting(experiment.answer)
        if _is_better(experiment):
            yield from _follow_sign(desk, experiment)
            return
        yield from _follow_sign(desk, experiment)
        if _is_done(desk):
            return


def _follow_sign(desk: Desk, experiment: Experiment) -> _Part:
    """A new answer may name the method that it wants, at once."""
    for sign in signs_of(experiment):
        method = sign.method
        able = (*desk.case.other_methods, desk.case.client.auth_method)
        if method is None or method not in able or method is desk.base.auth_method:
            continue
        change = Suspect(sign.cause, "auth_method", method, True).applied(desk.base)
        further = yield from desk.ask(None, change)
        if further is not None and _is_better(further):
            desk.base, desk.is_proved = change, is_accepting(further.answer)


def _try_alone(desk: Desk, suspect: Suspect) -> _Part:
    change = suspect.applied(desk.base)
    experiment = yield from desk.ask(None, change)
    if experiment is not None and _is_better(experiment):
        desk.base, desk.is_proved = change, is_accepting(experiment.answer)


def _is_better(experiment: Experiment) -> bool:
    return is_past_credentials(experiment)


def _show_each(desk: Desk, tried: list[Suspect]) -> _Part:
    """
    For each change that was found, a request that differs from an accepted one in it alone.

    It mostly is there already: then nothing is asked.
    """
    if desk.base == AS_CONFIGURED or not _is_any_better(desk):
        return
    whole = desk.base
    applied = [suspect for suspect in tried if suspect.is_in(whole)]
    if desk.case.wanted:
        yield from desk.ask(desk.case.wanted)
    for suspect in applied:
        without = _without(whole, suspect)
        if not _is_shown(desk, whole, without):
            experiment = yield from _spend(desk, without)
            if experiment is not None and is_accepting(experiment.answer):
                desk.base = whole = without


def _is_shown(desk: Desk, whole: RequestChange, without: RequestChange) -> bool:
    """Some request failed without the change, and the same one fared better with it."""
    worse = {e.question.scopes for e in desk.log if e.question.change == without}
    better = {e.question.scopes for e in desk.log if e.question.change == whole and _is_better(e)}
    return not worse.isdisjoint(better)


def _spend(desk: Desk, change: RequestChange) -> Asking:
    """Ask what probably fails to authenticate, as far as the budget of failures goes."""
    was_proved, desk.is_proved = desk.is_proved, False
    experiment = yield from desk.ask(None, change)
    desk.is_proved |= was_proved
    return experiment


def _is_any_better(desk: Desk) -> bool:
    return any(e.question.change == desk.base and _is_better(e) for e in desk.log)


def _without(change: RequestChange, suspect: Suspect) -> RequestChange:
    return Suspect(
        suspect.cause, suspect.member, getattr(AS_CONFIGURED, suspect.member), True
    ).applied(change)


# -- what else stands before the scopes


def _get_past_walls(desk: Desk) -> _Part:
    """A proof of possession, an audience, a grant: each may be masked by the one before it."""
    for _ in range(3):
        control = yield from desk.ask(None)
        if control is None or is_accepting(control.answer):
            return
        causes = {sign.cause for sign in signs_of(control)}
        change = _mended(desk, causes)
        if change is None:
            if isinstance(control.answer, GrantNotAllowed):
                desk.beyond = control.answer
            return
        mended = yield from desk.ask(None, change)
        if mended is None or mended.answer == control.answer:
            return
        desk.base, desk.is_proved = change, is_accepting(mended.answer)


def _mended(desk: Desk, causes: set[str]) -> RequestChange | None:
    """The change that a wall demands, where it can be made."""
    case, base = desk.case, desk.base
    if "dpop_required" in causes and not (case.client.binds_tokens or base.proof):
        return Suspect("dpop_required", "proof", True, True).applied(base)
    for cause, name in (("audience_required", "audience"), ("resource_required", "resource")):
        if cause in causes and not base.added:
            for value in _other_targets(case, name):
                added = ((name, value),)
                return Suspect(cause, "added", added, True).applied(base)
    return None


def _other_targets(case: Case, name: str) -> Iterator[str]:
    for target in case.client.targets:
        value = getattr(target, name)
        if value and value != getattr(case.target, name):
            yield value


# -- scopes


def _judge_scopes(desk: Desk) -> _Part:
    case = desk.case
    whole = yield from desk.ask(case.wanted)
    if whole is None or is_out_of_reach(whole.answer):
        return
    if not case.wanted:
        yield from _try_any_scope(desk, whole)
        return
    if not is_accepting(whole.answer):
        yield from desk.ask(None)
    if not desk.is_proved and desk.beyond is None:
        yield from _find_an_accepted_one(desk)
        if not desk.is_proved:
            return
    if not desk.accepts(whole):
        found = yield from _search(desk)
    else:
        found = tuple((scope,) for scope in left_out(whole, desk.log))
    yield from _compare(desk, found)


def _try_any_scope(desk: Desk, whole: Experiment) -> _Part:
    """A server may merely want some scope."""
    if is_accepting(whole.answer) or not is_past_credentials(whole):
        return
    if isinstance(whole.answer, Refused):
        for scope in desk.case.known_scopes[:3]:
            experiment = yield from desk.ask((scope,))
            if experiment is None or is_accepting(experiment.answer):
                return


def _find_an_accepted_one(desk: Desk) -> _Part:
    """Without a request that succeeds, a refused scope proves nothing: one alone may succeed."""
    case = desk.case
    hopeful = sorted(case.wanted, key=lambda scope: not case.target.expect.wants(scope))
    for scope in hopeful[:MOST_SINGLES]:
        experiment = yield from desk.ask((scope,))
        if experiment is None or desk.is_proved:
            return
    if not desk.is_proved and not is_failure(desk.log[-1]):
        for known in dict.fromkeys(s for w in case.wanted for s in case.spellings_of(w)):
            experiment = yield from desk.ask((known,))
            if experiment is None or desk.is_proved:
                return


def _search(desk: Desk) -> Generator[Question, Experiment, tuple[Scopes, ...]]:
    """Find the minimal refusing sets, and end with a success that brackets the refusals."""
    asking = refusing_sets(desk.case.wanted)
    found: tuple[Scopes, ...] = ()
    try:
        scopes = next(asking)
        while True:
            experiment = yield from desk.ask(tuple(s for s in desk.case.wanted if s in scopes))
            if experiment is None or is_out_of_reach(experiment.answer):
                asking.close()
                return _refused_alone(desk)
            named = getattr(experiment.answer, "named", ())
            scopes = asking.send((desk.accepts(experiment), named))
    except StopIteration as end:
        found = end.value
    if desk.log and not desk.accepts(desk.log[-1]):
        success = next((e for e in reversed(desk.log) if desk.accepts(e)), None)
        if success is not None and success.question.change == desk.base:
            yield from desk.again(success)
    return found


def _refused_alone(desk: Desk) -> tuple[Scopes, ...]:
    asked = (e for e in desk.log if len(e.question.scopes or ()) == 1 and not desk.accepts(e))
    return tuple(e.question.scopes for e in asked if e.question.scopes)


def _compare(desk: Desk, found: tuple[Scopes, ...]) -> _Part:
    """Hold refused scopes against one that nobody has, and against those they may be meant for."""
    canary = yield from desk.ask((desk.case.client.canary,))
    if canary is None:
        return
    if isinstance(canary.answer, Issued) and not lists_scopes(desk.log):
        yield from _make_it_list(desk)
        whole = desk.known(Question(desk.case.wanted, change=desk.base))
        found = found or tuple((scope,) for scope in (left_out(whole, desk.log) if whole else ()))
    singles: list[Scope] = [core[0] for core in found if len(core) == 1]
    for scope in singles:
        for spelling in desk.case.spellings_of(scope):
            experiment = yield from desk.ask((spelling,))
            if experiment is None:
                return
            is_given = isinstance(experiment.answer, Issued)
            if is_given and not left_out(experiment, desk.log):
                break


def _make_it_list(desk: Desk) -> _Part:
    """A server that shows no scope may have left out all: one that exists may be shown."""
    case = desk.case
    alike = [name for scope in case.wanted for name in case.spellings_of(scope)]
    others = [name for name in case.known_scopes if name not in case.wanted]
    for scope in list(dict.fromkeys((*alike, *others)))[:MOST_OTHERS]:
        experiment = yield from desk.ask((scope,))
        if experiment is None or lists_scopes(desk.log):
            return
