"""What a judged client leaves to others: sets to prove again next night, and precedents."""

from __future__ import annotations

from collections.abc import Iterable

from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import EarlierClient
from scopeprobe.model.cell import Cell, Verdict
from scopeprobe.model.scope_names import Scope


def accepted_sets(facts: Iterable[Fact], cells: Iterable[Cell]) -> tuple[tuple[Scope, ...], ...]:
    """
    Few sets of granted scopes that were accepted as a whole, and together hold all such scopes.

    The larger first, and of equals the one asked first. The next run asks for these to prove again
    what is granted today.
    """
    granted = {cell.scope for cell in cells if cell.verdict is Verdict.GRANTED}
    accepted = [asked for fact in facts if (asked := _accepted(fact)) and granted.issuperset(asked)]
    chosen, held = [], set[Scope]()
    for asked in sorted(accepted, key=len, reverse=True):
        if not held.issuperset(asked):
            chosen.append(asked)
            held.update(asked)
    return tuple(chosen)


def _accepted(fact: Fact) -> tuple[Scope, ...]:
    """The scopes of a set whose answer left none of them out."""
    asked = fact.question.scopes or ()
    if len(asked) < 2 or not isinstance(fact.answer, Issued):  # noqa: PLR2004
        return ()
    return () if fact.answer.tells and not fact.answer.names.issuperset(asked) else asked


def earlier_client(assignment: Assignment, cells: Iterable[Cell]) -> EarlierClient:
    """What the next clients of the server may learn from this one: proved verdicts only."""
    found = list(cells)

    def having(verdict: Verdict) -> frozenset[Scope]:
        return frozenset(cell.scope for cell in found if cell.verdict is verdict)

    return EarlierClient(
        assignment.target.label,
        assignment.candidates,
        having(Verdict.GRANTED),
        having(Verdict.DENIED),
    )
