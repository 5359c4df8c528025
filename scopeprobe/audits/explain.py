"""Explain: one client, its diagnosis, and what was found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from scopeprobe.audits.discover import Discovered, best_method, discover
from scopeprobe.diagnosis import Case, Explanation, OtherEndpoint, diagnose, explain_log
from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.build_queues import build_queues
from scopeprobe.engine.experiments import ExperimentRun, ExplainedAssignment
from scopeprobe.engine.http_client import connect
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.retry import EXPERIMENT
from scopeprobe.engine.scheduler import Scheduler
from scopeprobe.errors import InputError
from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.client import Client
from scopeprobe.model.failed_authentication import looks_like_failed_authentication
from scopeprobe.model.journal import Allowance
from scopeprobe.model.provider import Pack
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import Server
from scopeprobe.model.urls import host_of, origin_of
from scopeprobe.providers import shipped_packs
from scopeprobe.store import Store, StoredRuns

DEFAULT_OUT = Path("scopeprobe-out")


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Explain:
    """What an explanation is told to do."""

    client: Client
    scopes: tuple[Scope, ...] | None = None
    """What is asked for, nothing if empty; None: the client's candidates."""
    try_endpoint: str = ""
    """A token endpoint of the user's that credentials may be sent to as well."""
    packs: Sequence[Pack] = field(default_factory=shipped_packs)
    out: Path = DEFAULT_OUT
    """The output folder of audits, which knows what was used up of quotas. It is not made."""
    max_requests: int = 60
    max_auth_failures: int | None = None
    """None: as many as the server's own."""
    max_pause: float = 60.0
    """Seconds: a longer throttle is not waited for."""
    now: Callable[[], datetime] = _wall_clock


async def explain(order: Explain) -> Explanation:
    """
    Find out why a client gets no token, or not the scopes that it asks for.

    Raises InputError where its server is to be left alone by now: then nothing is sent.
    """
    _respect_quiet_hours(order.client, order.now())
    case = await case_of(order)
    assignment = ExplainedAssignment(case.client, case.target)
    run = ExperimentRun(assignment, diagnose(case), order.now)
    budgets, notes = Budgets(max_pause=order.max_pause), _QuotaNotes()
    with StoredRuns.read_if_any(order.out) as store:
        (group,) = build_queues(
            [assignment],
            run.strategy,
            known=_OnlyQuotas(store),
            budgets=budgets,
            token_handling={},
            retry_policy=EXPERIMENT,
            counts=looks_like_failed_authentication,
            now=order.now,
        )
    try:
        async with connect([case.client]) as http:
            await Scheduler(
                http=http,
                journal=notes,
                observer=run.observe,
                budgets=budgets,
                groups=[group],
                on_response=run.note_response,
            ).run()
    finally:
        await notes.write_to(order.out)
    return explain_log(case, run.log(_facts_of(group, order)))


def _respect_quiet_hours(client: Client, now: datetime) -> None:
    quiet = client.server.limits.quiet
    if quiet is not None and quiet.holds(now):
        raise InputError([f"{client.name}: {client.server.name} is left alone from {quiet}"])


def _facts_of(group: RateGroup, order: Explain) -> list[Fact]:
    """
    All that was answered.

    Raises InputError where nothing could be asked: a quota is used up, or a pause goes on.
    """
    (queue,) = group.queues
    facts = [fact for plan in queue.begun for fact in plan.facts.values()]
    if not facts:
        name, server = queue.client.name, queue.client.server.name
        message = (
            f"{name}: nothing can be asked of {server} within {order.max_pause:g} s, so says"
            f" {order.out}: its quota is used up, or it asked for a pause"
        )
        raise InputError([message])
    return facts


class _OnlyQuotas:
    """What is known before the first request: no fact, and what was used up of quotas."""

    def __init__(self, store: StoredRuns | None) -> None:
        self._store = store

    def facts_of(self, _assignment: Assignment) -> Mapping[Question, Fact]:
        return {}

    def allowance(self, quota: str) -> Allowance:
        return Allowance() if self._store is None else self._store.allowance(quota)

    def failures_of(self, _registration: str) -> int:
        return 0


class _QuotaNotes:
    """A journal in memory: facts count at once, and what is used up of quotas is written later."""

    def __init__(self) -> None:
        self._sent: list[tuple[str, float]] = []
        self._pauses: dict[str, float] = {}

    def put(self, _assignment: Assignment, _fact: Fact, then: Callable[[], None]) -> None:
        then()

    def note_sent(self, quota: str, at: float) -> None:
        self._sent.append((quota, at))

    def note_pause(self, quota: str, until: float) -> None:
        self._pauses[quota] = until

    def note_failures(self, registration: str, count: int) -> None:
        """A diagnosis has no run that could be gone on with."""

    async def flush(self) -> None:
        """Nothing is on its way."""

    async def write_to(self, folder: Path) -> None:
        """
        Keep the notes in an output folder that has a database and can be written just now.

        Its lock is held for that moment only, lest an audit that begins meanwhile is refused.
        """
        with StoredRuns.read_if_any(folder) as store:
            if store is None or not (self._sent or self._pauses):
                return
        with suppress(InputError), Store.open(folder) as store:
            journal = store.quota_journal()
            for quota, at in self._sent:
                journal.note_sent(quota, at)
            for quota, until in self._pauses.items():
                journal.note_pause(quota, until)
            await journal.close()


async def case_of(order: Explain) -> Case:
    """
    Everything that is known before the first token request; metadata is read for it.

    Raises InputError where no token endpoint is known at all.
    """
    written = order.client
    found = (await discover([written.server])).get(written.server)
    client = _discovered(written, found)
    if not client.server.endpoints.token:
        message = (
            f"{written.name}: no token_endpoint is known: the metadata of"
            f" {written.server.endpoints.issuer} cannot be had, or names none; name it in the"
            " clients file, or look with `scopeprobe discover`"
        )
        raise InputError([message])
    pack, region = _pack_of(client.server, order.packs)
    if pack is not None and not client.server.provider:
        client = replace(client, server=_with_traits(client.server, pack, region))
    endpoints = dict.fromkeys(_endpoints(order, client.server, found, pack, region))
    known = [e for e in endpoints if e.url and e.url != client.server.endpoints.token]
    limits = client.server.limits
    if order.max_auth_failures is not None:
        limits = replace(limits, max_auth_failures=order.max_auth_failures)
        client = replace(client, server=replace(client.server, limits=limits))
    target = client.targets[0]
    candidates = target.candidates if client.server.traits.send_scope else ()
    return Case(
        client=client,
        target=target,
        wanted=candidates if order.scopes is None else order.scopes,
        endpoints=tuple(known),
        methods=_methods(found, pack),
        unconfirmed=() if pack is None else pack.unconfirmed,
        issuer=client.server.endpoints.issuer,
        most_requests=order.max_requests,
        most_failures=limits.max_auth_failures,
    )


def _discovered(client: Client, found: Discovered | None) -> Client:
    if found is None:
        return client
    method = client.auth_method
    if not client.names_method and found.metadata is not None:
        method = best_method(client, found.metadata.token_endpoint_auth_methods_supported)
    return replace(client, server=found.server, auth_method=method)


def _methods(found: Discovered | None, pack: Pack | None) -> tuple[str, ...] | None:
    if found is not None and found.metadata is not None:
        return found.metadata.token_endpoint_auth_methods_supported
    if pack is not None and pack.token_endpoint_auth_methods:
        return pack.token_endpoint_auth_methods
    return None


def _pack_of(server: Server, packs: Sequence[Pack]) -> tuple[Pack | None, str]:
    """The pack that was chosen; or else the one in whose regions the host is, and that region."""
    for pack in packs:
        if pack.name == server.provider:
            return pack, server.region
    host = host_of(server.endpoints.token)
    for pack in packs:
        for region in pack.regions:
            if host.endswith(f".{region}"):
                return pack, region
    return None, ""


def _with_traits(server: Server, pack: Pack, region: str) -> Server:
    """What the provider of a host is known for, although its token host is another."""
    rights = pack.traits.rights
    if rights is not None:
        rights = rights.located(lambda template: template.replace("{region}", region))
    traits = replace(pack.traits, rights=rights)
    return replace(server, traits=traits, provider=pack.name, region=region, regions=pack.regions)


def _endpoints(
    order: Explain, server: Server, found: Discovered | None, pack: Pack | None, region: str
) -> Iterator[OtherEndpoint]:
    """
    Others than the configured endpoint that may be the right one.

    Credentials go to another origin only where the user or a shipped pack names it.
    """
    if order.try_endpoint:
        yield OtherEndpoint(order.try_endpoint, "as you said")
    if (
        pack is not None
        and pack.token_endpoint
        and (region or "{region}" not in pack.token_endpoint)
    ):
        url = pack.token_endpoint.replace("{region}", region)
        if pack in shipped_packs() or origin_of(url) == origin_of(server.endpoints.token):
            yield OtherEndpoint(url, f"so says {pack.title}")
    if found is not None and found.metadata is not None:
        url = found.metadata.token_endpoint
        if origin_of(url) == origin_of(server.endpoints.token):
            yield OtherEndpoint(url, f"so says the metadata of {server.endpoints.issuer}")
