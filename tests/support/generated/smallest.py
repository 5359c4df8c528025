"""The smallest generated server that shows a fault, and all that it was asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

from generated.manners import PLAIN, goes_together, what_is_special, without_what_decides_nothing
from generated.nights import MOST_FAILURES, STRATEGIES, Audited, Found, audited
from generated.servers import Case, Registered

LOCKED_OUT = "failures"
"""What asks for clients with too many failed authentications."""
MOST_SIMPLER = 40
"""Simpler servers that are tried at once."""


def smallest(found: Found, fault: str) -> tuple[Case, str] | None:
    """
    The simplest of the servers that show a fault, made simpler as long as it shows it.

    The fault is the beginning of what `name_of` says: `false granted: accepted_alone`. Returned
    with the strategy that shows it.
    """
    best = min(_showing(found, fault), key=_size, default=None)
    while best is not None:
        tried = list(_simpler(best[0]))[:MOST_SIMPLER]
        simpler = min(_showing(audit(tried, best[1:]), fault), key=_size, default=None)
        if simpler is None:
            return best
        best = simpler
    return None


def _showing(found: Found, fault: str) -> list[tuple[Case, str]]:
    """The cases that show it, each with a strategy that does."""
    if fault == LOCKED_OUT:
        worst = found.failures.items()
        return [(case, f.audit) for case, f in worst if f.in_a_row > MOST_FAILURES]
    shown = {cell.case: cell.strategy for cell in found.cells if name_of(cell).startswith(fault)}
    return list(shown.items())


def audit(cases: Sequence[Case], strategies: Iterable[str] = STRATEGIES) -> Found:
    """Audit servers in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        return audited(cases, Path(folder), strategies)


def name_of(cell: Audited) -> str:
    return f"{cell.fault}: {cell.reason}" if cell.fault else ""


def _size(shown: tuple[Case, str]) -> tuple[int, ...]:
    """How much there is to explain."""
    case = shown[0]
    clients = [client for night in case.nights for client in night.clients]
    changes = sum(one != next_ for one, next_ in pairwise(case.nights))
    oddities = sum(client.state != "good" for client in clients)
    return (
        len(case.nights),
        len(what_is_special(case.manner)) + 2 * len(case.nights[0].clients),
        changes + oddities + (case.fault_share > 0) + (case.stray_share > 0),
        sum(client.rotates_after is not None for client in clients),
        sum(len(mine) for client in clients for mine in client.grants),
    )


def _simpler(case: Case) -> Iterator[Case]:
    """Servers with one thing less; each under a name of its own."""
    for number, simpler in enumerate(_with_one_thing_less(case)):
        yield replace(simpler, name=f"{case.name[:5]}s{number:02}")


def _with_one_thing_less(case: Case) -> Iterator[Case]:
    yield from _with_fewer_nights(case)
    if case.fault_share:
        yield replace(case, fault_share=0.0)
    if case.stray_share:
        yield replace(case, stray_share=0.0)
    clients = case.nights[0].clients
    for client in range(len(clients)) if len(clients) > 1 else ():
        yield _with_clients(case, lambda cs, gone=client: (*cs[:gone], *cs[gone + 1 :]))
    for client, one in enumerate(clients):
        if one.state == "good" and any(night.clients[client] != one for night in case.nights):
            yield _with_clients(case, lambda cs, at=client, o=one: (*cs[:at], o, *cs[at + 1 :]))
    yield from _with_plainer_manners(case)


def _with_fewer_nights(case: Case) -> Iterator[Case]:
    first, last = case.nights[:1], case.nights[-1:]
    fewer = (first, last, case.nights[:-1], first * len(case.nights), last * len(case.nights))
    yield from (replace(case, nights=nights) for nights in fewer if nights not in {(), case.nights})


def _with_plainer_manners(case: Case) -> Iterator[Case]:
    kept = {"names", "audiences"}  # clients' grants are made of them
    for name in (field.name for field in fields(PLAIN) if field.name not in kept):
        plainer = replace(case.manner, **{name: getattr(PLAIN, name)})
        manner = without_what_decides_nothing(plainer)
        if manner != case.manner and goes_together(manner):
            hidden = case.nights[0].hidden if manner.hides == "some" else frozenset[str]()
            worlds = (replace(night, manner=manner, hidden=hidden) for night in case.nights)
            yield replace(case, nights=tuple(worlds))


Clients = tuple[Registered, ...]


def _with_clients(case: Case, change: Callable[[Clients], Clients]) -> Case:
    return replace(
        case, nights=tuple(replace(night, clients=change(night.clients)) for night in case.nights)
    )


def told_of(case: Case, strategy: str, fault: str) -> str:
    """The server, its clients, and what was asked and judged in the first audit that shows it."""
    found = audit([case], [strategy])
    worst = found.failures[case]
    faulty = [cell for cell in found.cells if name_of(cell).startswith(fault)]
    shown = (faulty[0].strategy, faulty[0].night) if faulty else (strategy, worst.night)
    lines = [
        f"{case.name}: {what_is_special(case.manner) or 'the plainest manner'}",
        f"faults {case.fault_share:.0%}, unmarked strays {case.stray_share:.0%}",
    ]
    for number, world in enumerate(case.nights):
        for client, one in enumerate(world.clients):
            grants = " | ".join(" ".join(sorted(mine)) or "nothing" for mine in one.grants)
            rotates = f", rotates after {one.rotates_after}" if one.rotates_after else ""
            lines.append(f"  night {number}: c{client} ({one.state}{rotates}) has {grants}")
    lines.append(f"{shown[0]}, night {shown[1]}:")
    lines += [f"  {heard}" for heard in found.heard[case.name, *shown]]
    judged = (cell for cell in found.cells if (cell.strategy, cell.night) == shown)
    return "\n".join((*lines, *(f"  {cell}" for cell in judged)))
