"""Which prefixes of granted scopes may grant anything that begins so (docs/design.md, rule 12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.evidence import ServerEvidence
from scopeprobe.model.scope_names import prefix
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.learn_behavior import learn_behavior
from scopeprobe.verdicts.lone_refusals import canary_is_refused


def shapes_in_doubt(
    clients: Iterable[tuple[Assignment, Iterable[Fact]]],
    can_ask: Callable[[Assignment], bool] = lambda _assignment: True,
) -> Iterator[tuple[Assignment, Assignment]]:
    """
    Assignments of one server that have something left to ask, each with its further one.

    A server may grant whatever begins with a prefix. It does not where a scope that begins so was
    withheld. For every other prefix, the first client that was granted such a scope and can still
    ask is to ask for an invented one.
    """
    clients_facts = [ClientFacts(assignment, tuple(facts)) for assignment, facts in clients]
    behavior = learn_behavior((client.assignment, client.facts) for client in clients_facts)
    is_silent = not (behavior.lists or behavior.lists_in_token)
    seen = {
        (client.assignment.target.label, prefix(scope))
        for client in clients_facts
        for scope in client.asked()
        if client.is_withheld(scope)
        or (scope in client.assignment.shapes and client.is_issued(scope))
        or client.is_dropped(scope, silence_is_consent=is_silent)
    }
    for client in clients_facts:
        assignment = client.assignment
        if not _is_kept_from_the_canary(client, behavior.evidence) or not can_ask(assignment):
            continue
        shapes = []
        for scope in assignment.candidates:
            shape = assignment.target.label, prefix(scope)
            if (
                shape[1]
                and shape not in seen
                and client.is_carried(scope, silence_is_consent=is_silent)
            ):
                seen.add(shape)
                shapes.append(assignment.shaped_canary(shape[1]))
        if shapes:
            yield assignment, replace(assignment, shapes=tuple(shapes))


def _is_kept_from_the_canary(client: ClientFacts, evidence: ServerEvidence) -> bool:
    """It was refused the canary, or given a list without it."""
    return canary_is_refused(client, evidence) or any(
        client.name in names for names in evidence.canary_missing.values()
    )
