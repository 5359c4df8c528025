"""From the log of experiments to causes: what they prove, how surely, and what to do next."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import msgspec

from scopeprobe.diagnosis.cases import Case
from scopeprobe.diagnosis.causes.credentials import credential_causes
from scopeprobe.diagnosis.causes.network import reach_causes
from scopeprobe.diagnosis.causes.request import wall_causes
from scopeprobe.diagnosis.causes.scopes import scope_causes, shown_minimal
from scopeprobe.diagnosis.desk import failures_in, is_accepting
from scopeprobe.diagnosis.particulars import Particulars
from scopeprobe.diagnosis.seen import left_out
from scopeprobe.diagnosis.view import Found, View
from scopeprobe.model.answer import Refusal
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import Scope

LEAST_CONFIDENCE = 0.3
"""What is less likely than that is not named."""
_HARMLESS = {"scopes_do_not_apply"}
"""Causes that keep nobody from a token."""


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


def codes() -> tuple[str, ...]:
    """Every cause code, in the order of mending."""
    return tuple(_steps())


@cache
def _steps() -> dict[str, str]:
    text = resources.files(__package__).joinpath("causes.toml").read_text(encoding="utf-8")
    return {code: cause["step"] for code, cause in tomllib.loads(text).items()}


def explain_log(case: Case, log: Sequence[Experiment]) -> Explanation:
    """Say what the experiments prove. Pure: equal logs are explained alike."""
    view = View(case, tuple(log))
    causes = tuple(_causes(view))
    failures = failures_in(list(log))
    refused = [e for e in log if isinstance(e.answer, Refusal) and e not in failures]
    return Explanation(
        client=case.client.name,
        outcome=_outcome(view, causes),
        causes=causes,
        refusing_sets=shown_minimal(view),
        experiments=view.log,
        requests=sum(e.sent for e in log),
        credential_failures=len(failures),
        refusals=len(refused),
    )


def _causes(view: View) -> Iterator[Cause]:
    if not view.log:
        return
    order = {code: place for place, code in enumerate(_steps())}
    for found in sorted(_distinct(_found(view)), key=lambda one: order[one.code]):
        step = _steps()[found.code].format_map(Particulars(view, found))
        yield Cause(found.code, round(found.confidence, 2), found.evidence, step)


def _found(view: View) -> Iterator[Found]:
    yield from reach_causes(view)
    yield from credential_causes(view)
    yield from wall_causes(view)
    yield from scope_causes(view)


def _distinct(found: Iterable[Found]) -> Iterator[Found]:
    """The surest of each code; scopes with which it is the same are named together."""
    best: dict[tuple[str, tuple[str, ...]], Found] = {}
    for one in found:
        known = best.get((one.code, one.scopes))
        if known is None or one.confidence > known.confidence:
            best[one.code, one.scopes] = one
    likely = [one for one in best.values() if one.confidence >= LEAST_CONFIDENCE]
    alike: dict[object, Found] = {}
    for one in likely:
        is_single = len(one.scopes) == 1 and one.value is None
        key = (one.code, one.confidence) if is_single else id(one)
        alike[key] = _together(alike[key], one) if key in alike else one
    return iter(alike.values())


def _together(some: Found, more: Found) -> Found:
    evidence = tuple(dict.fromkeys((*some.evidence, *more.evidence)))
    return replace(some, scopes=(*some.scopes, *more.scopes), evidence=evidence)


def _outcome(view: View, causes: Sequence[Cause]) -> str:
    first = view.log[0] if view.log else None
    if first is not None and is_accepting(first.answer) and not first.throttled:
        is_whole = not left_out(first, view.log)
        if is_whole and all(cause.code in _HARMLESS for cause in causes):
            return "working"
    return "explained" if causes else "not_explained"
