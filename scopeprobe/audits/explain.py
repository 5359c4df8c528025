"""Explain: clients, their diagnoses, and what was found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import scopeprobe
from scopeprobe.audits.cases import Explain, case_of, cases_of
from scopeprobe.audits.diagnoses import Diagnoses, Explanations
from scopeprobe.diagnosis import Case, Explanation, diagnose, explain_log
from scopeprobe.diagnosis.bundle import read_bundle
from scopeprobe.diagnosis.comparison import Compared, ask_once, compare, compared, differences
from scopeprobe.diagnosis.describe import answered
from scopeprobe.diagnosis.outcomes import is_accepting
from scopeprobe.diagnosis.write_bundle import bundle_text
from scopeprobe.errors import InputError
from scopeprobe.model.client import Client
from scopeprobe.reports.explanations import Explained, NotExplained

__all__ = [
    "Explain",
    "Explanations",
    "bundled",
    "case_of",
    "explain",
    "explain_all",
    "replay",
]


async def explain(order: Explain) -> Explanation:
    """
    Find out why a client gets no token, or not the scopes that it asks for: its first target.

    Raises InputError where nothing may be asked of its server by now: then nothing is sent.
    """
    client = replace(order.client, targets=order.client.targets[:1])
    found = await explain_all(replace(order, client=client, others=()))
    if not found.explained:
        raise InputError([one.told for one in found.not_explained])
    return found.explained[0].explanation


async def explain_all(order: Explain) -> Explanations:
    """The same for each target of its client and the others, in one run that keeps their pace."""
    clients, now = (order.client, *order.others), order.now()
    quiet = [client for client in clients if _is_left_alone(client, now)]
    cases, unknown = await cases_of(order, [client for client in clients if client not in quiet])
    if order.like is None:
        found = await _explanations(order, cases)
    elif _is_left_alone(order.like, now):
        found = await _explanations(order, cases)
        found = replace(found, notices=(_left_alone(order.like).told, *found.notices))
    else:
        found = await _beside(order, order.like, cases)
    silent = (*map(_left_alone, quiet), *unknown)
    return replace(found, not_explained=(*silent, *found.not_explained))


async def _explanations(order: Explain, cases: Sequence[Case]) -> Explanations:
    return await Diagnoses(order, cases, diagnose).explanations()


async def _beside(order: Explain, other: Client, cases: Sequence[Case]) -> Explanations:
    """See that the other client works; where it does, ask for what leads from one to the other."""
    cases_of_other, unknown = await cases_of(replace(order, scopes=None), [other])
    if unknown:
        found = await _explanations(order, cases)
        return replace(found, notices=(unknown[0].told, *found.notices))
    its = cases_of_other[0]
    asked = await Diagnoses(order, [its], ask_once).explanations()
    works = [one for one in asked.explained if is_accepting(one.explanation.experiments[0].answer)]
    if not works:
        told = [one.told for one in asked.not_explained] or [_does_not_work(asked.explained[0])]
        found = await _explanations(order, cases)
        return replace(found, notices=(*told, *found.notices))
    found = await Diagnoses(
        order, cases, lambda case: compare(case, differences(case, its))
    ).explanations()
    explained = (
        replace(one, like=its.client.name, compared=_compared(one, its)) for one in found.explained
    )
    return replace(found, explained=tuple(explained))


def _compared(one: Explained, its: Case) -> tuple[Compared, ...]:
    log = one.explanation.experiments
    return compared(one.case, differences(one.case, its), log)


def _does_not_work(other: Explained) -> str:
    first = other.explanation.experiments[0]
    return f"{other.name} does not work either, so there is nothing to compare: {answered(first)}"


def bundled(found: Explanations) -> str:
    """The evidence without names, ids and hosts, as the text of a file."""
    diagnosed = [(one.case, one.explanation.experiments) for one in found.explained]
    return bundle_text(diagnosed, scopeprobe.__version__)


def replay(text: str) -> Explanations:
    """Conclude again from such a text; nothing is sent. Raises ValueError where it is none."""
    return Explanations(
        tuple(Explained(case, explain_log(case, log)) for case, log in read_bundle(text))
    )


def _is_left_alone(client: Client, now: datetime) -> bool:
    quiet = client.server.limits.quiet
    return quiet is not None and quiet.holds(now)


def _left_alone(client: Client) -> NotExplained:
    server = client.server
    return NotExplained(
        client.name,
        "",
        f"{server.name} gets no attempts during its quiet hours, {server.limits.quiet}",
    )
