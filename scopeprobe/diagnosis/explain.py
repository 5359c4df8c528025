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
from scopeprobe.diagnosis.next_steps import NextStepFields
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import failures_in, is_accepting, left_out
from scopeprobe.model.answer import Refusal
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import Scope

LEAST_CONFIDENCE = 0.3
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


def explain_log(case: Case, log: Sequence[Experiment]) -> Explanation:
    """Say what the experiments prove. Pure: equal logs are explained alike."""
    seen = Observations(case, tuple(log))
    causes = tuple(_causes(seen))
    failures = failures_in(log)
    refused = [e for e in log if isinstance(e.answer, Refusal) and e not in failures]
    return Explanation(
        client=case.client.name,
        outcome=_outcome(seen, causes),
        causes=causes,
        refusing_sets=shown_minimal(seen),
        experiments=seen.log,
        requests=sum(e.sent for e in log),
        credential_failures=len(failures),
        refusals=len(refused),
    )


def _causes(seen: Observations) -> Iterator[Cause]:
    if not seen.log:
        return
    order = {code: place for place, code in enumerate(codes())}
    for found in sorted(_distinct(_likely_causes(seen)), key=lambda one: order[one.code]):
        step = cause_texts()[found.code].step.format_map(NextStepFields(seen, found))
        yield Cause(found.code, round(found.confidence, 2), found.evidence, step)


def _likely_causes(seen: Observations) -> Iterator[LikelyCause]:
    yield from network_causes(seen)
    yield from credential_causes(seen)
    yield from request_causes(seen)
    yield from scope_causes(seen)


def _distinct(found: Iterable[LikelyCause]) -> Iterator[LikelyCause]:
    """The surest cause of each code; scopes with the same cause are named together."""
    best: dict[tuple[str, tuple[str, ...]], LikelyCause] = {}
    for one in found:
        known = best.get((one.code, one.scopes))
        if known is None or one.confidence > known.confidence:
            best[one.code, one.scopes] = one
    likely = [one for one in best.values() if one.confidence >= LEAST_CONFIDENCE]
    alike: dict[object, LikelyCause] = {}
    for one in likely:
        is_single = len(one.scopes) == 1 and one.value is None
        key = (one.code, one.confidence) if is_single else id(one)
        alike[key] = _together(alike[key], one) if key in alike else one
    return iter(alike.values())


def _together(some: LikelyCause, more: LikelyCause) -> LikelyCause:
    evidence = tuple(dict.fromkeys((*some.evidence, *more.evidence)))
    return replace(some, scopes=(*some.scopes, *more.scopes), evidence=evidence)


def _outcome(seen: Observations, causes: Sequence[Cause]) -> str:
    first = seen.log[0] if seen.log else None
    if first is not None and is_accepting(first.answer) and not first.throttled:
        is_whole = not left_out(first, seen.log)
        if is_whole and all(cause_texts()[cause.code].is_harmless for cause in causes):
            return "working"
    return "explained" if causes else "not_explained"
