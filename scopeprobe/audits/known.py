"""What the store of an output folder tells of a client and its server, without a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property

from scopeprobe.diagnosis.case import Known, ToldToAnother
from scopeprobe.engine.build_queues import registration_of
from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import NOTHING_KNOWN, ServerBehavior
from scopeprobe.model.cell import Cell, Reason
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.question import Question
from scopeprobe.model.run import Run
from scopeprobe.model.scope_names import Scope, is_canary
from scopeprobe.model.server import Server
from scopeprobe.oauth.exchange import exchanges
from scopeprobe.oauth.trace import curl_line
from scopeprobe.reports.summary import Summary
from scopeprobe.store import StoredRuns
from scopeprobe.verdicts import learn_behavior

_DAY = 86400.0
_MOST_RUNS = 3
"""Of the newest runs, those whose answers are looked for: a new run forgets complete ones."""


class StoredKnowledge:
    """What earlier runs found out. It reads each run once, however many clients are explained."""

    def __init__(self, store: StoredRuns, now: datetime) -> None:
        self._store = store
        self._now = now
        self._behaviors: dict[str, ServerBehavior] = {}

    def of(self, client: Client, target: Target, asked: Iterable[Scope] | None) -> Known:
        """Everything that is worth knowing about one target; `asked`: other than its candidates."""
        cells = [c for c in self._cells.get(client.name, ()) if c.audience == target.label]
        candidates = _candidates(cells)
        wanted = (target.candidates or candidates) if asked is None else asked
        worked = self._store.last_worked(client.name)
        return Known(
            behavior=self._behavior(client.server),
            verdicts={cell.scope: cell.verdict for cell in cells},
            told_to_others=tuple(self._told_to_others(client, wanted)),
            last_worked=None if worked is None else datetime.fromtimestamp(worked, UTC),
            failures_spent=self._store.failures_today(
                registration_of(client.server.endpoints.token, client.client_id),
                client.name,
                self._now,
            ),
            candidates=candidates,
        )

    def told(self, client: Client, target: Target) -> tuple[str, tuple[Experiment, ...]]:
        """
        What a run of the last day asked for a target and was told, as experiments; and its id.

        Nothing was sent for them now, so they have no words but those of the answers.
        """
        run = self._told_by
        if run is None or self._now.timestamp() - run.started > _DAY:
            return "", ()
        facts = self._facts.get((client.name, target.label), {}).values()
        ordered = sorted(facts, key=lambda fact: fact.received)
        return run.id, tuple(_experiment(client, target, fact, self._now) for fact in ordered)

    # -- the last run

    @cached_property
    def _last(self) -> Run | None:
        """The newest run that was finished: it has maps and a summary."""
        return next((run for run in self._store.runs() if run.finished is not None), None)

    @cached_property
    def _cells(self) -> Mapping[ClientName, tuple[Cell, ...]]:
        if self._last is None:
            return {}
        return {found.client: found.cells for found in self._store.maps_of(self._last)}

    @cached_property
    def _told_by(self) -> Run | None:
        """The newest run whose answers are kept."""
        runs = self._store.runs()[:_MOST_RUNS]
        return next((run for run in runs if len(self._store.facts(run))), None)

    @cached_property
    def _facts(self) -> Mapping[tuple[str, str], Mapping[Question, Fact]]:
        """Its answers, by client and audience."""
        run = self._told_by
        return {} if run is None else self._store.facts(run).by_client

    def _clients_of(self, server: Server) -> set[ClientName]:
        """Those that the last run asked the same token endpoint for."""
        if self._last is None or self._last.summary is None:
            return set()
        summary = Summary.from_json(self._last.summary)
        names = {
            one.name
            for one in summary.servers
            if one.token_endpoint.partition("?")[0] == server.address
        }
        return {client.name for client in summary.clients if client.server in names}

    def _asked_of(self, server: Server) -> Iterator[tuple[Assignment, Iterable[Fact]]]:
        """What the clients of a server were asked and told."""
        clients = self._clients_of(server)
        for (name, audience), facts in self._facts.items():
            cells = [c for c in self._cells.get(ClientName(name), ()) if c.audience == audience]
            if name in clients and cells:
                yield _assignment(server, audience, cells), facts.values()

    def _behavior(self, server: Server) -> ServerBehavior:
        address = server.address
        if address not in self._behaviors:
            asked = list(self._asked_of(server))
            self._behaviors[address] = learn_behavior(asked) if asked else NOTHING_KNOWN
        return self._behaviors[address]

    # -- what others were told

    def _told_to_others(self, client: Client, wanted: Iterable[Scope]) -> Iterator[ToldToAnother]:
        """The first answer to each question; clients whose credentials are good come first."""
        told = [one for one in self._told(client.server) if one.client != client.name]
        told.sort(key=lambda one: not one.is_authenticated)
        asked = {None, *((scope,) for scope in wanted)}
        seen: set[object] = set()
        for one in told:
            question: object = "canary" if one.is_canary else one.scopes
            if question not in seen and (one.is_canary or one.scopes in asked):
                seen.add(question)
                yield one

    def _told(self, server: Server) -> Iterator[ToldToAnother]:
        for assignment, found in self._asked_of(server):
            facts = list(found)
            is_authenticated = any(isinstance(fact.answer, Issued) for fact in facts)
            for fact in facts:
                scopes = fact.question.scopes
                yield ToldToAnother(
                    client=assignment.client.name,
                    is_authenticated=is_authenticated,
                    scopes=scopes,
                    is_canary=bool(scopes) and all(map(is_canary, scopes or ())),
                    answer=fact.answer,
                )


def _assignment(server: Server, audience: str, cells: list[Cell]) -> Assignment:
    """What a client was asked for, as far as the verdicts on a server need to know it."""
    first = cells[0]
    target = Target(_candidates(cells), audience=audience)
    client = Client(first.client, first.client_id, server, None, AuthMethod.NONE, (target,))
    return Assignment(client, target)


def _experiment(client: Client, target: Target, fact: Fact, now: datetime) -> Experiment:
    exchange = exchanges(client, target, now=lambda: now)(fact.question)
    request = next(exchange)
    exchange.close()
    status = getattr(fact.answer, "status", None)
    return Experiment(fact.question, fact.answer, Trace(curl_line(client, request), status), sent=0)


def _candidates(cells: Iterable[Cell]) -> tuple[Scope, ...]:
    """What was asked for: a map also has what was granted without being asked for."""
    return tuple(cell.scope for cell in cells if cell.reason is not Reason.UNLISTED)
