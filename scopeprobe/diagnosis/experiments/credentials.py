"""
The order of experiments: that which settles most for the fewest requests.

As configured; then, wall by wall, whatever stands before the scopes; then the scopes. What was
found to be demanded is kept in the base of all further questions, so that several causes at once
are all found.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.diagnosis.hypotheses import Hypothesis, hypotheses
from scopeprobe.diagnosis.investigation import Asking, Investigation
from scopeprobe.diagnosis.minimal_sets import Scopes, refusing_sets
from scopeprobe.diagnosis.outcomes import (
    is_accepting,
    is_failure,
    is_out_of_reach,
    is_past_credentials,
    left_out,
    lists_scopes,
)
from scopeprobe.model.answer import GrantNotAllowed, Issued, Refused, TooLarge
from scopeprobe.model.cell import Reason
from scopeprobe.model.experiment import Experiment, ExperimentPlan
from scopeprobe.model.question import AS_CONFIGURED, Question, RequestChange
from scopeprobe.model.scope_names import Scope

MOST_SINGLES = 8
"""Scopes that are asked alone in the search for one that is accepted."""
MOST_OTHERS = 3
"""Known scopes that are asked for to see whether the server shows any."""
_STOPS = ("client_locked", "client_disabled", "secret_expired")
_PUZZLES = {Reason.SERVER_ERROR, Reason.MALFORMED_ANSWER}
"""Faults that may be about what was asked."""


def diagnose(case: Case) -> ExperimentPlan:
    """Ask until the cause is found, or nothing that could be asked would tell more."""
    investigation = Investigation(case)
    first = yield from investigation.ask(case.wanted)
    if first is None:
        return
    if is_out_of_reach(first.answer):
        first = yield from _reach(investigation, first)
        if first is None:
            return
    if not is_accepting(first.answer):
        yield from _get_past_credentials(investigation, first)
        if _is_over(investigation) or not _is_any_past(investigation):
            return
        yield from _get_past_request(investigation)
        if investigation.log and is_failure(investigation.log[-1]) and not investigation.is_proved:
            yield from _get_past_credentials(investigation, investigation.log[-1])
    yield from _judge_scopes(investigation)


_Part = Generator[Question, Experiment, None]


def _reach(
    investigation: Investigation, first: Experiment
) -> Generator[Question, Experiment, Experiment | None]:
    """Try the endpoint that somebody else names; else see whether the scopes make the fault."""
    for endpoint in () if isinstance(first.answer, TooLarge) else investigation.case.endpoints:
        change = RequestChange(endpoint=endpoint.url)
        elsewhere = yield from investigation.ask(investigation.case.wanted, change)
        if elsewhere is not None and not is_out_of_reach(elsewhere.answer):
            investigation.base, investigation.is_proved = change, is_accepting(elsewhere.answer)
            return elsewhere
    is_too_large = isinstance(first.answer, TooLarge)
    is_puzzle = is_too_large or getattr(first.answer, "reason", None) in _PUZZLES
    if investigation.case.wanted and is_puzzle:
        control = yield from investigation.ask(None)
        if control is not None and not is_out_of_reach(control.answer):
            return control
    return None


# -- credentials


def _get_past_credentials(investigation: Investigation, first: Experiment) -> _Part:
    if _is_done(investigation):
        return
    if is_past_credentials(first) and investigation.case.wanted:
        control = yield from investigation.ask(None)
        if control is None or not is_failure(control):
            return
        first = control
    if not is_failure(first) and not _is_unclear(first):
        return
    tried = list(hypotheses(investigation.case, investigation.patterns(), first))
    yield from _try_all(investigation, [hypothesis for hypothesis in tried if hypothesis.is_strong])
    if _is_done(investigation) or _is_past(investigation):
        yield from _show_each(investigation, tried)
        return
    control = yield from investigation.ask(None)
    if control is not None and not is_failure(control) and not _is_unclear(control):
        return
    for hypothesis in tried:
        if not (hypothesis.is_strong or _is_done(investigation) or _is_past(investigation)):
            yield from _try_alone(investigation, hypothesis)
    yield from _show_each(investigation, tried)


def _is_unclear(experiment: Experiment) -> bool:
    """A refusal that says neither what it is about nor that it is about the credentials."""
    return isinstance(experiment.answer, Refused) and not is_past_credentials(experiment)


def _is_over(investigation: Investigation) -> bool:
    """The server said what no experiment can mend."""
    return any(s.cause in _STOPS and s.is_certain for s in investigation.patterns())


def _is_done(investigation: Investigation) -> bool:
    return investigation.is_proved or _is_over(investigation)


def _is_past(investigation: Investigation) -> bool:
    """The last answer speaks of something behind the credentials, unlike the first."""
    return bool(investigation.log) and is_past_credentials(investigation.log[-1])


def _is_any_past(investigation: Investigation) -> bool:
    """Something can still be asked that is no failed authentication."""
    return any(not (is_failure(e) or is_out_of_reach(e.answer)) for e in investigation.log)


def _try_all(investigation: Investigation, strong: list[Hypothesis]) -> _Part:
    """One after the other on top of what is demanded; the rest is taken back where it fails."""
    for hypothesis in strong:
        change = hypothesis.applied(investigation.base)
        experiment = yield from investigation.ask(None, change)
        if experiment is None:
            return
        if hypothesis.stays or _is_better(experiment):
            investigation.base, investigation.is_proved = change, is_accepting(experiment.answer)
        if _is_better(experiment):
            yield from _follow_sign(investigation, experiment)
            return
        yield from _follow_sign(investigation, experiment)
        if _is_done(investigation):
            return


def _follow_sign(investigation: Investigation, experiment: Experiment) -> _Part:
    """A new answer may name the method that it wants, at once."""
    for pattern in patterns_in(experiment):
        method = pattern.method
        able = (*investigation.case.other_methods, investigation.case.client.auth_method)
        if method is None or method not in able or method is investigation.base.auth_method:
            continue
        change = Hypothesis(pattern.cause, "auth_method", method, True).applied(investigation.base)
        further = yield from investigation.ask(None, change)
        if further is not None and _is_better(further):
            investigation.base, investigation.is_proved = change, is_accepting(further.answer)


def _try_alone(investigation: Investigation, hypothesis: Hypothesis) -> _Part:
    change = hypothesis.applied(investigation.base)
    experiment = yield from investigation.ask(None, change)
    if experiment is not None and _is_better(experiment):
        investigation.base, investigation.is_proved = change, is_accepting(experiment.answer)


def _is_better(experiment: Experiment) -> bool:
    return is_past_credentials(experiment)


def _show_each(investigation: Investigation, tried: list[Hypothesis]) -> _Part:
    """
    For each change that was found, a request that differs from an accepted one in it alone.

    It mostly is there already: then nothing is asked.
    """
    if investigation.base == AS_CONFIGURED or not _is_any_better(investigation):
        return
    whole = investigation.base
    applied = [hypothesis for hypothesis in tried if hypothesis.is_in(whole)]
    if investigation.case.wanted:
        yield from investigation.ask(investigation.case.wanted)
    for hypothesis in applied:
        without = _without(whole, hypothesis)
        if not _is_shown(investigation, whole, without):
            experiment = yield from _spend(investigation, without)
            if experiment is not None and is_accepting(experiment.answer):
                investigation.base = whole = without


def _is_shown(investigation: Investigation, whole: RequestChange, without: RequestChange) -> bool:
    """Some request failed without the change, and the same one fared better with it."""
    worse = {e.question.scopes for e in investigation.log if e.question.change == without}
    better = {
        e.question.scopes for e in investigation.log if e.question.change == whole and _is_better(e)
    }
    return not worse.isdisjoint(better)


def _spend(investigation: Investigation, change: RequestChange) -> Asking:
    """Ask what probably fails to authenticate, as far as the budget of failures goes."""
    was_proved, investigation.is_proved = investigation.is_proved, False
    experiment = yield from investigation.ask(None, change)
    investigation.is_proved |= was_proved
    return experiment


def _is_any_better(investigation: Investigation) -> bool:
    return any(e.question.change == investigation.base and _is_better(e) for e in investigation.log)


def _without(change: RequestChange, hypothesis: Hypothesis) -> RequestChange:
    return Hypothesis(
        hypothesis.cause, hypothesis.member, getattr(AS_CONFIGURED, hypothesis.member), True
    ).applied(change)


# -- what else stands before the scopes


def _get_past_request(investigation: Investigation) -> _Part:
    """A proof of possession, an audience, a grant: each may be masked by the one before it."""
    for _ in range(3):
        control = yield from investigation.ask(None)
        if control is None or is_accepting(control.answer):
            return
        causes = {pattern.cause for pattern in patterns_in(control)}
        change = _mended(investigation, causes)
        if change is None:
            if isinstance(control.answer, GrantNotAllowed):
                investigation.beyond = control.answer
            return
        mended = yield from investigation.ask(None, change)
        if mended is None or mended.answer == control.answer:
            return
        investigation.base, investigation.is_proved = change, is_accepting(mended.answer)


def _mended(investigation: Investigation, causes: set[str]) -> RequestChange | None:
    """The change that a wall demands, where it can be made."""
    case, base = investigation.case, investigation.base
    if "dpop_required" in causes and not (case.client.binds_tokens or base.proof):
        return Hypothesis("dpop_required", "proof", True, True).applied(base)
    for cause, name in (("audience_required", "audience"), ("resource_required", "resource")):
        if cause in causes and not base.added:
            for value in _other_targets(case, name):
                added = ((name, value),)
                return Hypothesis(cause, "added", added, True).applied(base)
    return None


def _other_targets(case: Case, name: str) -> Iterator[str]:
    for target in case.client.targets:
        value = getattr(target, name)
        if value and value != getattr(case.target, name):
            yield value


# -- scopes


def _judge_scopes(investigation: Investigation) -> _Part:
    case = investigation.case
    whole = yield from investigation.ask(case.wanted)
    if whole is None or is_out_of_reach(whole.answer):
        return
    if not case.wanted:
        yield from _try_any_scope(investigation, whole)
        return
    if not is_accepting(whole.answer):
        yield from investigation.ask(None)
    if not investigation.is_proved and investigation.beyond is None:
        yield from _find_an_accepted_one(investigation)
        if not investigation.is_proved:
            return
    if not investigation.accepts(whole):
        found = yield from _search(investigation)
    else:
        found = tuple((scope,) for scope in left_out(whole, investigation.log))
    yield from _compare(investigation, found)


def _try_any_scope(investigation: Investigation, whole: Experiment) -> _Part:
    """A server may merely want some scope."""
    if is_accepting(whole.answer) or not is_past_credentials(whole):
        return
    if isinstance(whole.answer, Refused):
        for scope in investigation.case.known_scopes[:3]:
            experiment = yield from investigation.ask((scope,))
            if experiment is None or is_accepting(experiment.answer):
                return


def _find_an_accepted_one(investigation: Investigation) -> _Part:
    """Without a request that succeeds, a refused scope proves nothing: one alone may succeed."""
    case = investigation.case
    hopeful = sorted(case.wanted, key=lambda scope: not case.target.expect.wants(scope))
    for scope in hopeful[:MOST_SINGLES]:
        experiment = yield from investigation.ask((scope,))
        if experiment is None or investigation.is_proved:
            return
    if not investigation.is_proved and not is_failure(investigation.log[-1]):
        for known in dict.fromkeys(s for w in case.wanted for s in case.spellings_of(w)):
            experiment = yield from investigation.ask((known,))
            if experiment is None or investigation.is_proved:
                return


def _search(investigation: Investigation) -> Generator[Question, Experiment, tuple[Scopes, ...]]:
    """Find the minimal refusing sets, and end with a success that brackets the refusals."""
    asking = refusing_sets(investigation.case.wanted)
    found: tuple[Scopes, ...] = ()
    try:
        scopes = next(asking)
        while True:
            experiment = yield from investigation.ask(
                tuple(s for s in investigation.case.wanted if s in scopes)
            )
            if experiment is None or is_out_of_reach(experiment.answer):
                asking.close()
                return _refused_alone(investigation)
            named = getattr(experiment.answer, "named", ())
            scopes = asking.send((investigation.accepts(experiment), named))
    except StopIteration as end:
        found = end.value
    if investigation.log and not investigation.accepts(investigation.log[-1]):
        success = next((e for e in reversed(investigation.log) if investigation.accepts(e)), None)
        if success is not None and success.question.change == investigation.base:
            yield from investigation.again(success)
    return found


def _refused_alone(investigation: Investigation) -> tuple[Scopes, ...]:
    asked = (
        e
        for e in investigation.log
        if len(e.question.scopes or ()) == 1 and not investigation.accepts(e)
    )
    return tuple(e.question.scopes for e in asked if e.question.scopes)


def _compare(investigation: Investigation, found: tuple[Scopes, ...]) -> _Part:
    """Hold refused scopes against one that nobody has, and against those they may be meant for."""
    canary = yield from investigation.ask((investigation.case.client.canary,))
    if canary is None:
        return
    if isinstance(canary.answer, Issued) and not lists_scopes(investigation.log):
        yield from _make_it_list(investigation)
        whole = investigation.known(Question(investigation.case.wanted, change=investigation.base))
        found = found or tuple(
            (scope,) for scope in (left_out(whole, investigation.log) if whole else ())
        )
    singles: list[Scope] = [core[0] for core in found if len(core) == 1]
    for scope in singles:
        for spelling in investigation.case.spellings_of(scope):
            experiment = yield from investigation.ask((spelling,))
            if experiment is None:
                return
            is_given = isinstance(experiment.answer, Issued)
            if is_given and not left_out(experiment, investigation.log):
                break


def _make_it_list(investigation: Investigation) -> _Part:
    """A server that shows no scope may have left out all: one that exists may be shown."""
    case = investigation.case
    alike = [name for scope in case.wanted for name in case.spellings_of(scope)]
    others = [name for name in case.known_scopes if name not in case.wanted]
    for scope in list(dict.fromkeys((*alike, *others)))[:MOST_OTHERS]:
        experiment = yield from investigation.ask((scope,))
        if experiment is None or lists_scopes(investigation.log):
            return
