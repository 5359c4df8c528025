"""Ask in rounds, and say what the answers prove: the part of an audit that knows the engine."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from scopeprobe.audits.interruption import until_interrupted
from scopeprobe.engine.conversation import Conversation
from scopeprobe.engine.courier import Tally
from scopeprobe.engine.lane import Lane
from scopeprobe.engine.line import Line
from scopeprobe.engine.lines import Limits, lines_for
from scopeprobe.engine.run import Engine
from scopeprobe.engine.transport import connect
from scopeprobe.inputs import Fleet
from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.model.behavior import NOTHING_KNOWN, ServerBehavior
from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.events import Observer
from scopeprobe.model.http import Purpose
from scopeprobe.model.journal import Journal, Memory
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.exchange import TokenHandling
from scopeprobe.strategies import LEARNING
from scopeprobe.verdicts import (
    accepted_sets,
    earlier_client,
    judge,
    learn_behavior,
    shapes_in_doubt,
)

PILOTS = 5
"""Clients of a server that are asked before anything is known of it."""


class Rounds:
    """
    One invocation of a run, line by line.

    Where a strategy learns from other clients, the first five of a server begin, in the order of
    the file, so that equal nights ask equal questions; then all others, with what those taught;
    then once more those whose cells are open although more is known now. At last, names that were
    granted are tried for their shapes.
    """

    def __init__(
        self,
        fleet: Fleet,
        assignments: Iterable[Assignment],
        strategy: Strategy,
        memory: Memory,
        limits: Limits,
    ) -> None:
        self.tallies: dict[str, Tally] = {}
        """What was spent, by the name of the server."""
        self.token_handling: dict[str, TokenHandling] = {}
        """What became of tokens, by token endpoint."""
        self._fleet = fleet
        self._strategy = strategy
        self._memory = memory
        self._limits = limits
        assignments = list(assignments)
        held = _behind_the_pilots(assignments) if strategy in LEARNING else set()
        self._lines = lines_for(
            assignments,
            strategy,
            memory=memory,
            limits=limits,
            token_handling=self.token_handling,
            held=held,
        )
        self._further = {id(line): self._rounds(line) for line in self._lines}
        self._stopped_because: Reason | None = None
        for line in self._lines:
            for lane in line.lanes:
                if reason := fleet.unusable.get(lane.client.server.name):
                    lane.close(reason)
            line.refresh(line.lanes)

    @property
    def is_over(self) -> bool:
        """Nothing is left to ask, also not in further rounds."""
        return not any(not line.is_over or self._goes_on(line) for line in self._lines)

    async def ask(self, journal: Journal, observer: Observer) -> signal.Signals | None:
        """Ask what is not known yet. Returns the signal that ended it early, if one did."""
        clients = self._fleet.clients
        reachable = [c for c in clients if c.server.name not in self._fleet.unusable]
        async with connect(reachable) as transport:
            engine = Engine(
                transport=transport,
                journal=journal,
                observer=observer,
                limits=self._limits,
                lines=self._lines,
                goes_on=self._goes_on,
                tallies=self.tallies,
            )
            stopped_by = await until_interrupted(engine.run)
            if stopped_by is not None:
                engine.stop(Reason.INTERRUPTED)
            self._stopped_because = engine.stopped_because
            return stopped_by

    # -- the rounds of a line

    def _goes_on(self, line: Line) -> bool:
        return any(not line.is_over for _ in self._further[id(line)])

    def _rounds(self, line: Line) -> Iterator[None]:
        """Lay out one round after the other, each when the one before is over."""
        self._release(line)
        yield
        self._ask_once_more(line)
        yield
        self._look_for_shapes(line)
        yield

    def _release(self, line: Line) -> None:
        """Let all others begin, with what the pilots taught."""
        behaviors = self._lessons(line)

        def prepare(assignment: Assignment) -> Conversation:
            behavior = behaviors.get(_endpoint(assignment), NOTHING_KNOWN)
            return self._conversation(replace(assignment, behavior=behavior))

        for lane in line.lanes:
            if lane.is_held and lane.closed_because is None:
                line.release(lane, prepare)

    def _ask_once_more(self, line: Line) -> None:
        """Clients with open cells are asked again where more is known of their server by now."""
        if self._strategy not in LEARNING:
            return
        behaviors = self._lessons(line)
        for lane in line.lanes:
            for talk in tuple(lane.heard if lane.closed_because is None else ()):
                known = talk.assignment.behavior
                behavior = behaviors[_endpoint(talk.assignment)]
                flags = replace(behavior, earlier_clients=known.earlier_clients)
                if flags != known and self._has_open_cells(talk, behavior):
                    further = replace(talk.assignment, behavior=flags, is_first=True)
                    line.go_on(lane, talk, talk.further(further, self._strategy))

    def _look_for_shapes(self, line: Line) -> None:
        """Go on where the granted scopes of a server have a prefix that may be granted whole."""
        talks = {id(talk.assignment): (lane, talk) for lane in line.lanes for talk in lane.heard}

        def can_ask(assignment: Assignment) -> bool:
            return talks[id(assignment)][0].closed_because is None

        for members in _by_endpoint(_heard([line])).values():
            for assignment, further in shapes_in_doubt(map(_told, members), can_ask):
                lane, talk = talks[id(assignment)]
                line.go_on(lane, talk, talk.further(further, self._strategy))

    def _conversation(self, assignment: Assignment) -> Conversation:
        return Conversation(assignment, self._strategy, self._memory.facts_of(assignment))

    def _lessons(self, line: Line) -> dict[str, ServerBehavior]:
        """By endpoint, what its clients taught so far, and what they were found to have."""
        behaviors = {}
        for endpoint, talks in _by_endpoint(_heard([line])).items():
            behavior = learn_behavior((talk.assignment, talk.told) for talk in talks)
            earlier_clients = (
                earlier_client(talk.assignment, self._cells(talk, behavior)) for talk in talks
            )
            behaviors[endpoint] = replace(behavior, earlier_clients=tuple(earlier_clients))
        return behaviors

    def _has_open_cells(self, talk: Conversation, behavior: ServerBehavior) -> bool:
        return any(f.verdict is Verdict.UNKNOWN for f in self._cells(talk, behavior))

    def _cells(self, talk: Conversation, behavior: ServerBehavior) -> tuple[Cell, ...]:
        because = talk.open_because or Reason.NOT_ASKED
        return judge(talk.assignment, behavior, talk.told, because)

    def _talks(self) -> dict[int, tuple[Line, Lane, Conversation]]:
        """By the identity of its assignment, every conversation and whose it is."""
        return {
            id(talk.assignment): (line, lane, talk)
            for line in self._lines
            for lane in line.lanes
            for talk in lane.heard
        }

    def accepted_sets(
        self, maps: Iterable[PermissionMap]
    ) -> Iterator[tuple[Assignment, tuple[tuple[Scope, ...], ...]]]:
        """By client and target, the sets whose acceptance proves what the maps say is granted."""
        found = {cell.key: cell for proved in maps for cell in proved.cells}
        for talk in self._heard():
            assignment = talk.assignment
            place = assignment.client.name, assignment.target.label
            cells = [found[*place, scope] for scope in assignment.candidates]
            yield assignment, accepted_sets(talk.facts.values(), cells)

    def doubts(self) -> Iterator[tuple[ClientName, Reason]]:
        """Clients that did not get to ask about a shape, and why: asking again may settle it."""
        talks = self._talks()
        for members in _by_endpoint(self._heard()).values():
            for assignment, _ in shapes_in_doubt(map(_told, members)):
                _, lane, talk = talks[id(assignment)]
                reasons = (lane.closed_because, self._stopped_because, talk.open_because)
                yield assignment.client.name, next(filter(None, reasons), Reason.NOT_ASKED)

    # -- what the facts say

    def maps(self) -> Iterator[PermissionMap]:
        """The maps, sorted by client. A server's lesson comes from all its clients (rule 2)."""
        heard = self._heard()
        behaviors = {
            endpoint: learn_behavior(map(_told, talks))
            for endpoint, talks in _by_endpoint(heard).items()
        }
        by_client: dict[ClientName, list[Cell]] = {}
        by_name: dict[ClientName, list[Conversation]] = {}
        for talk in heard:
            by_name.setdefault(talk.assignment.client.name, []).append(talk)
        for talk in sorted(heard, key=_name_and_audience):
            client, because = talk.assignment.client, talk.open_because or Reason.NOT_ASKED
            behavior = behaviors[_endpoint(talk.assignment)]
            others = (other for other in by_name[client.name] if other is not talk)
            elsewhere = (fact for other in others for fact in other.facts.values())
            cells = judge(talk.assignment, behavior, talk.facts.values(), because, elsewhere)
            by_client.setdefault(client.name, []).extend(cells)
        return (PermissionMap(client, tuple(found)) for client, found in by_client.items())

    def requests_by_client(self) -> dict[str, int]:
        return {
            lane.client.name: lane.requests
            + sum(len(self._memory.facts_of(talk.assignment)) for talk in lane.heard)
            for line in self._lines
            for lane in line.lanes
        }

    def follow_ups(self, purpose: Purpose) -> int:
        return sum(tally.follow_ups[purpose] for tally in self.tallies.values())

    def servers_that_share_tokens(self) -> Iterator[str]:
        for client in self._fleet.clients:
            handling = self.token_handling.get(client.server.token_endpoint)
            if handling is not None and handling.shares_tokens:
                yield client.server.name

    def _heard(self) -> Sequence[Conversation]:
        return _heard(self._lines)


def _behind_the_pilots(assignments: Iterable[Assignment]) -> set[ClientName]:
    """All clients but the first few of every server."""
    servers: dict[str, dict[ClientName, None]] = {}
    for assignment in assignments:
        servers.setdefault(_endpoint(assignment), {})[assignment.client.name] = None
    return {name for names in servers.values() for name in list(names)[PILOTS:]}


def _heard(lines: Iterable[Line]) -> list[Conversation]:
    return [talk for line in lines for lane in line.lanes for talk in lane.heard]


def _told(talk: Conversation) -> tuple[Assignment, Iterable[Fact]]:
    return talk.assignment, talk.facts.values()


def _name_and_audience(talk: Conversation) -> tuple[str, str]:
    return talk.assignment.client.name, talk.assignment.target.label


def _by_endpoint(talks: Iterable[Conversation]) -> dict[str, list[Conversation]]:
    endpoints: dict[str, list[Conversation]] = {}
    for talk in talks:
        endpoints.setdefault(_endpoint(talk.assignment), []).append(talk)
    return endpoints


def _endpoint(assignment: Assignment) -> str:
    server = assignment.client.server
    return server.token_endpoint or server.issuer
