"""What passed by on its way to the journal: the next worker begins with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from scopeprobe.cluster.task import KnownOfGroup
from scopeprobe.engine.build_queues import quota_of, registration_of
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.client import ClientName
from scopeprobe.model.journal import Allowance, KnownFacts
from scopeprobe.model.question import Question
from scopeprobe.store import Row, Statement, fact_of


class Remembered:
    """Rows of this invocation; facts only until it is known what became of their rate group."""

    def __init__(self, known: KnownFacts) -> None:
        self._known = known
        self._facts: defaultdict[tuple[str, str], dict[bytes, list[Any]]]
        self._facts = defaultdict(dict)
        self._used: defaultdict[str, list[float]] = defaultdict(list)
        self._paused: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def note(self, row: Row) -> None:
        statement: Statement = row[0]
        values: tuple[Any, ...] = row[1]
        match statement:
            case Statement.PUT:
                _, client, audience, question, *answer = values
                facts = self._facts[client, audience]
                facts.pop(question, None)
                facts[question] = answer
            case Statement.FAILED:
                _, registration, count = values
                self._failures[registration] = count
            case Statement.USED:
                quota, at = values
                self._used[quota].append(at)
            case Statement.PAUSED:
                quota, until = values
                self._paused[quota] = until
            case Statement.READ:
                pass  # it is of the run itself

    def facts_of(self, assignment: Assignment) -> list[Fact]:
        """What was found out and not forgotten since, in the order in which it was."""
        key = assignment.client.name, assignment.target.label
        return [fact_of(question, *values) for question, values in self._facts.get(key, {}).items()]

    def forget(self, assignment: Assignment) -> None:
        """Drop its facts: they are where they belong."""
        self._facts.pop((assignment.client.name, assignment.target.label), None)

    def of(
        self, groups: Iterable[RateGroup], known: KnownFacts, paused_until: float
    ) -> KnownOfGroup:
        """What is known of rate groups beside `known`; nothing is asked before then (epoch)."""
        facts: dict[tuple[ClientName, str], Mapping[Question, Fact]] = {}
        allowances, failures = {}, dict(self._failures)
        for group in groups:
            allowance = self._allowance(group.group)
            until = max(allowance.paused_until, paused_until)
            allowances[group.group] = replace(allowance, paused_until=until)
            for queue in group.queues:
                client = queue.client
                allowances[quota_of(client)] = self._allowance(quota_of(client))
                name = registration_of(client.server.endpoints.token, client.client_id)
                failures.setdefault(name, self._known.failures_of(name))
                for plan in queue.begun:
                    found = dict(known.facts_of(plan.assignment))
                    for fact in self.facts_of(plan.assignment):
                        found.pop(fact.question, None)
                        found[fact.question] = fact
                    facts[client.name, plan.assignment.target.label] = found
        return KnownOfGroup(facts, allowances, failures)

    def _allowance(self, quota: str) -> Allowance:
        known = self._known.allowance(quota)
        return Allowance(
            max(known.paused_until, self._paused.get(quota, 0.0)),
            (*known.spent_at, *self._used.get(quota, ())),
        )
