"""Last night's map, proved again (algorithm.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.model.scope_names import Scope
from scopeprobe.strategies.adaptive import adaptive, ask_all_granted, control, find_out
from scopeprobe.strategies.controls import ControlFailed, PlanPart, conclude
from scopeprobe.strategies.priors import remembered
from scopeprobe.strategies.scope_sets import SetProber
from scopeprobe.strategies.search import Search

_TOLD_BY_ONE = {
    Reason.LEFT_OUT,
    Reason.NAMED_IN_REFUSAL,
    Reason.CANARY_ISSUED,
    Reason.SCOPE_NOT_USED,
    Reason.SHAPE_UNENFORCED,
}
"""Reasons of servers that tell everything in one answer: they are asked as if never before."""


def recheck(assignment: Assignment) -> Plan:
    """
    Ask for every set that was accepted last night, and for every denied scope alone.

    What is no longer accepted is searched, and what was not proved last night is found out. Where
    nothing was proved, or one answer tells everything, this is `adaptive`.
    """
    granted, denied = proved_before(assignment)
    if is_told_by_one(assignment) or not (granted or denied) or assignment.was_unauthenticated:
        yield from adaptive(assignment)
        return
    prober = SetProber(assignment)
    try:
        for group in groups_of(assignment, granted):
            yield from _prove_again(prober, group, denied)
        for scope in denied:
            yield from prober.ask([scope])
        known = {*granted, *denied}
        if new := [scope for scope in assignment.candidates if scope not in known]:
            yield from find_out(prober, new)
            yield from ask_all_granted(prober)
        if assignment.is_first or prober.so_far.success is None:
            yield from control(prober)
        yield from conclude(assignment, prober.so_far)
    except ControlFailed:
        return


def is_told_by_one(assignment: Assignment) -> bool:
    """One answer of the server told everything last night."""
    return any(cell.reason in _TOLD_BY_ONE for cell in assignment.known_before)


def proved_before(assignment: Assignment) -> tuple[list[Scope], list[Scope]]:
    """The candidates that were granted last night, and those that were denied."""
    verdicts = {cell.scope: cell.verdict for cell in assignment.known_before}

    def having(verdict: Verdict) -> list[Scope]:
        return [scope for scope in assignment.candidates if verdicts.get(scope) is verdict]

    return having(Verdict.GRANTED), having(Verdict.DENIED)


def groups_of(assignment: Assignment, granted: Sequence[Scope]) -> list[tuple[Scope, ...]]:
    """
    The sets to ask for: as they were accepted, less what is no candidate any more.

    What no set held goes together, as far as it fits into one request: nothing is known against it.
    """
    left, groups = list(granted), list[tuple[Scope, ...]]()
    for accepted in assignment.accepted_sets:
        group = tuple(scope for scope in accepted if scope in granted)
        if not set(left).isdisjoint(group):
            groups.append(group)
            left = [scope for scope in left if scope not in group]
    prober = SetProber(assignment)
    while left:
        size = prober.fitting(left)
        groups.append(tuple(left[:size]))
        left = left[size:]
    return groups


def _prove_again(
    prober: SetProber, group: Sequence[Scope], denied: Sequence[Scope]
) -> PlanPart[None]:
    """A group that was accepted last night; where it is not any more, the culprits are searched."""
    search = Search(prober, group, remembered(group, denied), candidates=len(group))
    prober.spent = 0
    yield from search.open()
    yield from search.settle()
