"""What a server advertises, compared with what its clients have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scopeprobe.model.cell import Cell, Verdict
from scopeprobe.model.scope_names import Scope

_JUDGED = frozenset({Verdict.GRANTED, Verdict.DENIED, Verdict.UNENFORCED})


@dataclass(frozen=True, slots=True)
class Advertised:
    """Where `scopes_supported` (RFC 8414 section 2) and the cells differ; sorted."""

    refused: tuple[Scope, ...]
    """In the list, and denied to every client that was judged."""
    unadvertised: tuple[Scope, ...]
    """Granted to some client, and not in the list, which may be incomplete."""


def compare_with_advertised(
    scopes_supported: Iterable[Scope] | None, cells: Iterable[Cell]
) -> Advertised | None:
    """Compare the cells of one server's clients with its list; None where it has none."""
    if scopes_supported is None:
        return None
    listed = frozenset(scopes_supported)
    verdicts: defaultdict[Scope, set[Verdict]] = defaultdict(set)
    for cell in cells:
        if cell.verdict in _JUDGED:
            verdicts[cell.scope].add(cell.verdict)
    return Advertised(
        refused=tuple(
            sorted(
                scope for scope in listed & verdicts.keys() if verdicts[scope] == {Verdict.DENIED}
            )
        ),
        unadvertised=tuple(
            sorted(
                scope for scope in verdicts.keys() - listed if Verdict.GRANTED in verdicts[scope]
            )
        ),
    )
