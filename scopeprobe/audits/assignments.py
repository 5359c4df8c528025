"""What is to be found out, with what the last run left to this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from msgspec.structs import replace

from scopeprobe.inputs import Fleet
from scopeprobe.model.assignment import Assignment, Proof
from scopeprobe.model.client import ClientName
from scopeprobe.model.packed import PackedMap
from scopeprobe.model.question import Question
from scopeprobe.store import AcceptedSets, StoredRuns


@dataclass(frozen=True, slots=True)
class PreviousMaps:
    """The maps of the last finished run, and what proved them."""

    maps: Mapping[ClientName, PackedMap] = field(default_factory=dict)
    accepted_sets: Mapping[tuple[ClientName, str], AcceptedSets] = field(default_factory=dict)

    last_successes: Mapping[tuple[ClientName, str], tuple[Question, bool]] = field(
        default_factory=dict
    )

    @classmethod
    def before(cls, started: float, store: StoredRuns) -> Self:
        """What was known when a run began (epoch)."""
        return cls(
            store.maps_before(started),
            store.accepted_sets_before(started),
            store.last_successes_before(started),
        )


def assignments_of(fleet: Fleet, previous_maps: PreviousMaps, proof: Proof) -> Iterator[Assignment]:
    """One for every client and target; the first of a server and target leads."""
    led = set()
    for client in fleet.clients:
        for target in client.targets:
            endpoints = client.server.endpoints
            place = endpoints.token or endpoints.issuer, target.label
            asked = client.name, target.label
            success, needs_scope = previous_maps.last_successes.get(asked, (None, False))
            if success is not None and success.scopes == target.candidates:
                success = replace(success, scopes=target.candidates)  # held once
            yield Assignment(
                client,
                target,
                previous_maps.maps.get(client.name),
                proof=proof,
                accepted_sets=previous_maps.accepted_sets.get(asked, ()),
                last_success=success,
                needs_scope=needs_scope,
                is_first=place not in led,
            )
            led.add(place)
