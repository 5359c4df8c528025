"""Last night's map, proved again (docs/algorithm.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.cell import Verdict
from scopeprobe.model.scope_names import Scope
from scopeprobe.strategies.adaptive import adaptive, estimate_adaptive, find_out
from scopeprobe.strategies.controls import ControlFailed, PlanPart, conclude
from scopeprobe.strategies.estimates import (
    BESIDE_THE_SEARCH,
    Estimate,
    expected_denials,
    expected_search,
    with_controls,
)
from scopeprobe.strategies.groups import slack
from scopeprobe.strategies.priors import remembered
from scopeprobe.strategies.scope_sets import SetProber
from scopeprobe.strategies.search import Search
from scopeprobe.strategies.set_controls import (
    add_bad_scopes_to_a_set,
    ask_all_granted,
    ask_controls,
)


def recheck(assignment: Assignment) -> Plan:
    """
    Ask for every set that was accepted last night, and for every denied scope alone.

    Where nothing was granted, what is likeliest to succeed goes before the denied scopes.
    What is no longer accepted is searched, and what was not proved last night is found out. Where
    nothing was proved, or one answer tells everything, this is `adaptive`.
    """
    granted, denied = _proved_before(assignment)
    if _is_asked_afresh(assignment, granted, denied):
        yield from adaptive(assignment)
        return
    prober = SetProber(assignment)
    try:
        if not granted:
            yield from prober.so_far.learn(assignment.first_try)
        for group in _groups_of(assignment, granted):
            yield from _prove_again(prober, group, denied)
        if assignment.is_first and prober.so_far.success is not None:
            yield from prober.so_far.learn(prober.so_far.canary)
        for scope in denied:
            yield from prober.ask([scope])
        known = {*granted, *denied}
        if new := [scope for scope in assignment.candidates if scope not in known]:
            yield from find_out(prober, new)
            yield from ask_all_granted(prober)
        if assignment.is_first or prober.so_far.success is None:
            yield from ask_controls(prober)
        yield from add_bad_scopes_to_a_set(prober)
        yield from conclude(assignment, prober.so_far)
    except ControlFailed:
        return


def estimate_recheck(assignment: Assignment) -> Estimate:
    """What was granted in its sets, what was denied alone; the rest as if never asked before."""
    granted, denied = _proved_before(assignment)
    if _is_asked_afresh(assignment, granted, denied):
        return estimate_adaptive(assignment)
    groups = _groups_of(assignment, granted)
    new = [scope for scope in assignment.candidates if scope not in {*granted, *denied}]
    searches = [*map(len, groups), *([len(new)] if new else [])]
    return with_controls(
        assignment,
        expected=len(groups) + len(denied) + expected_search(assignment, new) + assignment.is_first,
        refused=len(denied) + expected_denials(assignment, new),
        most=len(denied) + sum(n + slack(n) + 1 for n in searches) + BESIDE_THE_SEARCH,
    )


def _is_asked_afresh(
    assignment: Assignment, granted: Sequence[Scope], denied: Sequence[Scope]
) -> bool:
    """Nothing was proved last night, or one answer tells everything."""
    is_known = granted or denied
    return assignment.was_told_all_at_once or not is_known or assignment.was_unauthenticated


def _proved_before(assignment: Assignment) -> tuple[list[Scope], list[Scope]]:
    """The candidates that were granted last night, and those that were denied."""
    verdicts = {cell.scope: cell.verdict for cell in assignment.known_before}

    def having(verdict: Verdict) -> list[Scope]:
        return [scope for scope in assignment.candidates if verdicts.get(scope) is verdict]

    return having(Verdict.GRANTED), having(Verdict.DENIED)


def _groups_of(assignment: Assignment, granted: Sequence[Scope]) -> list[tuple[Scope, ...]]:
    """
    The sets to ask for: those that were accepted, without what is no candidate any more.

    Scopes of no such set go together, as many as fit into one request.
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
    """Ask for a group that was accepted last night; if it is refused now, search the culprits."""
    prior = partial(remembered, group, denied)
    search = Search(prober, group, prior, candidates=len(group))
    prober.spent = 0
    yield from search.open()
    yield from search.settle()
