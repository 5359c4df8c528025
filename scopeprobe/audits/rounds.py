"""Ask in rounds, and say what the answers prove: the part of an audit that knows the engine."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from scopeprobe.audits.interruption import until_interrupted
from scopeprobe.engine.conversation import Conversation
from scopeprobe.engine.courier import Tally
from scopeprobe.engine.lane import Lane
from scopeprobe.engine.line import Line
from scopeprobe.engine.lines import Limits, lines_for
from scopeprobe.engine.run import Engine
from scopeprobe.engine.transport import connect
from scopeprobe.inputs import Fleet
from scopeprobe.model.answers import Fact, Purpose
from scopeprobe.model.clients import ClientName
from scopeprobe.model.events import Observer
from scopeprobe.model.findings import Finding, PermissionMap, Reason
from scopeprobe.model.memory import Journal, Memory
from scopeprobe.model.plans import Assignment, Strategy
from scopeprobe.oauth.exchange import TokenOffice
from scopeprobe.verdicts import judge, learn, shapes_in_doubt


class Rounds:
    """One invocation of a run: every client is asked, then what the answers left in doubt."""

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
        self.offices: dict[str, TokenOffice] = {}
        """What became of tokens, by token endpoint."""
        self._fleet = fleet
        self._strategy = strategy
        self._memory = memory
        self._limits = limits
        self._lines = lines_for(
            assignments, strategy, memory=memory, limits=limits, offices=self.offices
        )
        self._is_second = False
        self._stopped_because: Reason | None = None
        for line in self._lines:
            for lane in line.lanes:
                if reason := fleet.unusable.get(lane.client.server.name):
                    lane.close(reason)
            line.refresh(line.lanes)

    @property
    def is_over(self) -> bool:
        """Nothing is left to ask, also not about shapes that the first round left in doubt."""
        if self._is_asked() and not self._is_second:
            self._is_second = True
            self._look_again()
        return self._is_asked()

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
                tallies=self.tallies,
            )
            stopped_by = await until_interrupted(partial(self._run, engine))
            if stopped_by is not None:
                engine.stop(Reason.INTERRUPTED)
            self._stopped_because = engine.stopped_because
            return stopped_by

    async def _run(self, engine: Engine) -> None:
        await engine.run()
        while engine.stopped_because is None and not self.is_over:
            await engine.run()

    def _is_asked(self) -> bool:
        return all(line.is_over for line in self._lines)

    def _look_again(self) -> None:
        """Go on where the granted scopes of a server have a prefix that may be granted whole."""
        talks = self._talks()

        def can_ask(assignment: Assignment) -> bool:
            return talks[id(assignment)][1].closed_because is None

        for members in _by_endpoint(self._heard()).values():
            for assignment, further in shapes_in_doubt(map(_told, members), can_ask):
                line, lane, talk = talks[id(assignment)]
                line.go_on(lane, talk, talk.further(further, self._strategy))

    def _talks(self) -> dict[int, tuple[Line, Lane, Conversation]]:
        """By the identity of its assignment, every conversation and whose it is."""
        return {
            id(talk.assignment): (line, lane, talk)
            for line in self._lines
            for lane in line.lanes
            for talk in lane.heard
        }

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
        lessons = {
            endpoint: learn(map(_told, talks)) for endpoint, talks in _by_endpoint(heard).items()
        }
        by_client: dict[ClientName, list[Finding]] = {}
        by_name: dict[ClientName, list[Conversation]] = {}
        for talk in heard:
            by_name.setdefault(talk.assignment.client.name, []).append(talk)
        for talk in sorted(heard, key=_name_and_audience):
            client, because = talk.assignment.client, talk.open_because or Reason.NOT_ASKED
            lesson = lessons[_endpoint(talk)]
            others = (other for other in by_name[client.name] if other is not talk)
            elsewhere = (fact for other in others for fact in other.facts.values())
            findings = judge(talk.assignment, lesson, talk.facts.values(), because, elsewhere)
            by_client.setdefault(client.name, []).extend(findings)
        return (PermissionMap(client, tuple(cells)) for client, cells in by_client.items())

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
            office = self.offices.get(client.server.token_endpoint)
            if office is not None and office.shares_tokens:
                yield client.server.name

    def _heard(self) -> Sequence[Conversation]:
        return [talk for line in self._lines for lane in line.lanes for talk in lane.heard]


def _told(talk: Conversation) -> tuple[Assignment, Iterable[Fact]]:
    return talk.assignment, talk.facts.values()


def _name_and_audience(talk: Conversation) -> tuple[str, str]:
    return talk.assignment.client.name, talk.assignment.target.label


def _by_endpoint(talks: Iterable[Conversation]) -> dict[str, list[Conversation]]:
    endpoints: dict[str, list[Conversation]] = {}
    for talk in talks:
        endpoints.setdefault(_endpoint(talk), []).append(talk)
    return endpoints


def _endpoint(talk: Conversation) -> str:
    server = talk.assignment.client.server
    return server.token_endpoint or server.issuer
