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
    accepted = (fact.question.asked for fact in facts if _is_accepted_set(fact))
    chosen, held = [], set[Scope]()
    for asked in sorted(filter(granted.issuperset, accepted), key=len, reverse=True):
        if not held.issuperset(asked):
            chosen.append(asked)
            held.update(asked)
    return tuple(chosen)


def _is_accepted_set(fact: Fact) -> bool:
    """A token was issued for several scopes, and its lists leave none of them out."""
    asked, answer = fact.question.asked, fact.answer
    if len(asked) < 2 or not isinstance(answer, Issued):  # noqa: PLR2004
        return False
    return not answer.tells or answer.names.issuperset(asked)


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
