"""Which prefixes of granted scopes may grant anything that begins so (docs/design.md, rule 12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.cell import Reason
from scopeprobe.model.scope_names import prefix
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.learn_behavior import ToldClient
from scopeprobe.verdicts.ruling import Known
from scopeprobe.verdicts.server_evidence import given_to
from scopeprobe.verdicts.true_lists import lacks_the_canary


def shapes_in_doubt(
    told: Iterable[ToldClient],
    behavior: ServerBehavior,
    can_ask: Callable[[Assignment], bool] = lambda _assignment: True,
) -> Iterator[tuple[Assignment, Assignment]]:
    """
    Assignments of one server that have something left to ask, each with its further one.

    A server may grant whatever begins with a prefix. It does not where a scope that begins so was
    withheld. For every other prefix, the first client that was granted such a scope and can still
    ask is to ask for an invented one; where it is given that, all others with such grants are.

    :param behavior: of the server, as all these clients show it.
    """
    opened = {(audience, shape) for _, audience, shape in behavior.open_shapes}
    settled = set(behavior.settled_shapes)
    for assignment, facts in told:
        audience, shapes = assignment.target.label, set(map(prefix, assignment.candidates)) - {""}
        doubtful = {shape for shape in shapes if (audience, shape) not in settled}
        if not doubtful or not can_ask(assignment):
            continue
        client = ClientFacts(assignment, tuple(facts))
        if not _is_kept_from_the_canary(client, behavior):
            continue
        mine = client.issued_for & given_to(client, behavior.evidence)
        granted = {prefix(scope): None for scope in assignment.candidates if scope in mine}
        settled |= {(audience, shape) for shape in granted} - opened
        invented = (assignment.shaped_canary(shape) for shape in granted if shape in doubtful)
        if to_ask := tuple(shape for shape in invented if not client.answered_alone(shape)):
            yield assignment, replace(assignment, shapes=to_ask)


def _is_kept_from_the_canary(client: ClientFacts, behavior: ServerBehavior) -> bool:
    """It was refused the canary, or given a list without it."""
    nothing_else = ClientFacts(client.assignment, ())
    known = Known(client, behavior, Reason.NOT_ASKED, nothing_else)
    return known.is_refused_the_canary or any(
        lacks_the_canary(known, kind) for kind in client.listed
    )
