"""The causes that a log of experiments proves: how surely, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.causes import cause_texts, codes
from scopeprobe.diagnosis.causes.credentials import credential_causes
from scopeprobe.diagnosis.causes.network import network_causes
from scopeprobe.diagnosis.causes.request import request_causes
from scopeprobe.diagnosis.causes.scopes import scope_causes, shown_minimal
from scopeprobe.diagnosis.confidence import confidences, model
from scopeprobe.diagnosis.error_patterns import known_patterns
from scopeprobe.diagnosis.next_steps import NextStepFields
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import failures_in, is_accepting, left_out
from scopeprobe.diagnosis.theories import (
    COMPARE,
    NotTested,
    RuledOut,
    cheapest_test,
    judge_theories,
    theories,
)
from scopeprobe.model.answer import Refusal
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import Scope

LEAST_CONFIDENCE = 0.1
"""Causes that are less likely are not named."""


class Cause(msgspec.Struct, frozen=True):
    """One thing that is wrong, in the order of mending."""

    code: str
    confidence: float
    """From 0 to 1."""
    evidence: tuple[str, ...]
    next_step: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a diagnosis found out."""

    client: str
    outcome: str
    """`working`, `explained` or `not_explained`."""
    causes: tuple[Cause, ...]
    refusing_sets: tuple[tuple[Scope, ...], ...]
    experiments: tuple[Experiment, ...]
    requests: int
    """Token requests, also those that were sent again."""
    credential_failures: int
    refusals: int
    """Refused requests that were no failed authentication."""
    ruled_out: tuple[RuledOut, ...] = ()
    not_tested: tuple[NotTested, ...] = ()
    next_test: str = ""
    """What would tell most for the least; empty where the client is explained."""


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A cause beside its rivals."""

    cause: LikelyCause
    confidence: float


def read_texts() -> None:
    """Read the files of causes, theories and words of servers, which is done once a process."""
    for read in (cause_texts, theories, model, known_patterns):
        read()


def explain_log(case: Case, log: Sequence[Experiment]) -> Explanation:
    """Say what the experiments prove. Pure: equal logs are explained alike."""
    seen = Observations(case, tuple(log))
    weighed = _weighed(seen)
    failures = failures_in(log)
    outcome = _outcome(seen, weighed)
    fallen, left = judge_theories(seen, [one.cause.code for one in weighed])
    doubted = [one.cause.code for one in weighed if not one.cause.is_proved]
    tests = {"working": COMPARE, "explained": "", "not_explained": cheapest_test(doubted, left)}
    refused = [e for e in log if isinstance(e.answer, Refusal) and e not in failures]
    return Explanation(
        client=case.client.name,
        outcome=outcome,
        causes=tuple(_cause(seen, one) for one in weighed),
        refusing_sets=shown_minimal(seen),
        experiments=seen.log,
        requests=sum(e.sent for e in log),
        credential_failures=len(failures),
        refusals=len(refused),
        ruled_out=fallen,
        not_tested=left,
        next_test=tests[outcome],
    )


def _cause(seen: Observations, one: _Weighed) -> Cause:
    text = cause_texts()[one.cause.code]
    template = text.mended_step if one.cause.value and text.mended_step else text.step
    step = template.format_map(NextStepFields(seen, one.cause))
    return Cause(one.cause.code, round(one.confidence, 2), one.cause.evidence, step)


def _weighed(seen: Observations) -> tuple[_Weighed, ...]:
    """The causes of each failure, the likeliest first; failures in the order of mending."""
    if not seen.log:
        return ()
    failures: dict[str, dict[str, LikelyCause]] = {}
    for found in _likely_causes(seen):
        failures.setdefault(found.failure or found.code, {}).setdefault(found.code, found)
    provider = seen.case.client.server.provider
    weighed = [_weigh(tuple(rivals.values()), provider) for rivals in failures.values()]
    order = {code: place for place, code in enumerate(codes())}
    weighed.sort(key=lambda rivals: order[rivals[0].cause.code] if rivals else 0)
    return tuple(_together(one for rivals in weighed for one in rivals))


def _weigh(rivals: Sequence[LikelyCause], provider: str) -> list[_Weighed]:
    sure = confidences([(rival.code, rival.signs) for rival in rivals], provider)
    weighed = map(_Weighed, rivals, sure)
    named = (w for w in weighed if w.confidence >= LEAST_CONFIDENCE or w.cause.is_kept)
    return sorted(named, key=lambda one: -one.confidence)


def _likely_causes(seen: Observations) -> Iterator[LikelyCause]:
    yield from network_causes(seen)
    yield from credential_causes(seen)
    yield from request_causes(seen)
    yield from scope_causes(seen)


def _together(weighed: Iterable[_Weighed]) -> Iterator[_Weighed]:
    """Single scopes with the same cause are named together."""
    alike: dict[object, _Weighed] = {}
    for one in weighed:
        is_single = len(one.cause.scopes) == 1 and one.cause.value is None
        key = (one.cause.code, round(one.confidence, 2)) if is_single else id(one)
        alike[key] = _joined(alike[key], one) if key in alike else one
    return iter(alike.values())


def _joined(some: _Weighed, more: _Weighed) -> _Weighed:
    evidence = tuple(dict.fromkeys((*some.cause.evidence, *more.cause.evidence)))
    scopes = (*some.cause.scopes, *more.cause.scopes)
    return _Weighed(replace(some.cause, scopes=scopes, evidence=evidence), some.confidence)


def _outcome(seen: Observations, weighed: Sequence[_Weighed]) -> str:
    first = seen.log[0] if seen.log else None
    if first is not None and is_accepting(first.answer) and not first.throttled:
        is_whole = not left_out(first, seen.log)
        if is_whole and all(cause_texts()[one.cause.code].is_harmless for one in weighed):
            return "working"
    leaders = {one.cause.failure or one.cause.code: one.cause for one in reversed(weighed)}
    is_explained = bool(leaders) and all(cause.is_proved for cause in leaders.values())
    return "explained" if is_explained else "not_explained"
