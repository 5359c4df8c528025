"""Runs as nights go, good and bad, laid out without any server, and their pages."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from random import Random

from settings import server_with

from scopeprobe.model.cell import Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.client import AuthMethod, Client, ClientName, Expectation, Target
from scopeprobe.model.run import Run
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId
from scopeprobe.policy import Policy, dated, findings, incidents
from scopeprobe.policy.history import Past
from scopeprobe.reports.page import report_page
from scopeprobe.reports.summary import (
    Commands,
    ServerSummary,
    Summary,
    client_summaries,
    counts,
    moment,
    not_tested,
)

RESOURCES = "orders invoices customers users reports tickets catalog payments audit-log settings"
ACTIONS = ("read", "write", "delete", "export", "admin", "approve", "list", "archive")
TEAMS = ("billing", "crm", "warehouse", "payroll", "shop", "data-platform")
TAGS = ("prod", "test", "partner")
LAST_NIGHT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
DAYS = 12


def scopes_of(count):
    names = [f"{resource}.{action}" for action in ACTIONS for resource in RESOURCES.split()]
    return [*names, *(f"area-{n:04}.read" for n in range(count))][:count]


def run_of(day):
    started = (LAST_NIGHT + timedelta(days=day)).timestamp()
    return Run(f"2026-{day + DAYS:02}", started, started + 840, "", "each", 0, 0)


class FleetOfPage:
    """Clients that may do a third of what there is, and a bad night on demand."""

    def __init__(self, clients=60, scopes=80, servers=5):
        self.scopes = scopes_of(scopes)
        self.clients = [self._client(n, servers) for n in range(clients)]
        self.maps = [self._map(client) for client in self.clients]
        self.before = list(self.maps)

    def _client(self, number, servers):
        chance = Random(number)
        team = TEAMS[number % len(TEAMS)]
        granted = tuple(s for s in self.scopes if chance.random() < 0.3)
        target = Target(tuple(map(Scope, self.scopes)), expect=Expectation(granted=granted))
        name = f"kc-{('eu', 'us', 'ap', 'lab', 'old')[number % servers % 5]}"
        return Client(
            ClientName(f"{team}-{number:04}"),
            ClientId(f"id-{number:04}"),
            server_with(
                name=name if servers <= 5 else f"server-{number % servers:03}",
                token_endpoint=f"https://{name}.corp.example/token",
            ),
            Secret("s3cret-of-nobody"),
            AuthMethod.CLIENT_SECRET_BASIC,
            (target,),
            tags=(TAGS[number % 3],),
            owner=f"{team}@corp.example",
        )

    def _map(self, client):
        (target,) = client.targets
        cells = [
            self.cell(client, scope, Verdict.GRANTED, Reason.LISTED_IN_RESPONSE, 200)
            if target.expect.wants(scope)
            else self.cell(client, scope, Verdict.DENIED, Reason.REFUSED_ALONE, 400)
            for scope in sorted(target.candidates)
        ]
        return PermissionMap(client.name, tuple(cells))

    def cell(self, client, scope, verdict, reason, *answer, error="", description=""):
        if verdict is Verdict.DENIED:
            error, description = "invalid_scope", f"Scope not allowed: {scope[:20]}"
        evidence = Evidence.NONE if verdict is Verdict.UNKNOWN else Evidence.ALONE
        (status,) = answer or (None,)
        return Cell(
            client.name, client.client_id, "", scope, verdict, reason, evidence, status, error,
            description,
        )  # fmt: skip

    def change(self, number, glob, *found, **more):
        """Let the cells of a client be others tonight."""
        client, permissions = self.clients[number], self.maps[number]
        cells = (
            self.cell(client, cell.scope, *found, **more) if fnmatchcase(cell.scope, glob) else cell
            for cell in permissions.cells
        )
        self.maps[number] = replace(permissions, cells=tuple(cells))

    def bad_night(self):
        """Three clients cannot log in, a server is away, some have too much, some too little."""
        for number in (6, 19, 28):
            self.change(
                number, "*", Verdict.UNAUTHENTICATED, Reason.CREDENTIALS_REJECTED, 401,
                error="invalid_client", description="Invalid client or Invalid client credentials",
            )  # fmt: skip
        for number, client in enumerate(self.clients):
            if client.server.name == "kc-ap":
                self.change(number, "*", Verdict.UNKNOWN, Reason.UNREACHABLE)
        for number, glob in ((5, "users.*"), (10, "payments.*"), (20, "*.admin")):
            self.change(number, glob, Verdict.GRANTED, Reason.LISTED_IN_RESPONSE, 200)
        for number, glob in ((11, "orders.*"), (13, "invoices.*")):
            self.change(number, glob, Verdict.DENIED, Reason.REFUSED_ALONE, 400)
        self.change(15, "reports.*", Verdict.UNKNOWN, Reason.TIMED_OUT)
        return self

    def past(self):
        nights = [run_of(day) for day in range(-DAYS, 0)]
        before = {permissions.client: permissions for permissions in self.before}
        return Past(
            run_of(0),
            before.keys() - {self.before[0].client} | {"crm-retired"} if self.before else (),
            lambda name: [(night, before[name]) for night in nights] if name in before else [],
        )

    def summary(self):
        by_name = {client.name: client for client in self.clients}
        found = incidents(
            findings(self.maps, self.clients, Policy(), None, date(2026, 11, 26)),
            self.maps, self.clients,
        )  # fmt: skip
        yesterday = [(date(2026, 11, 25), p) for p in self.before]
        nights = {p.client: [(day, p)] for day, p in yesterday}
        found = dated(found, lambda name: nights.get(name, ()), date(2026, 11, 26))
        failing = {"missing", "excess", "unauthenticated"}
        cells = [cell for permissions in self.maps for cell in permissions.cells]
        servers = sorted({(c.server.name, c.server.address) for c in self.clients})
        run = run_of(0)
        return Summary(
            run="20261126T020000Z-k3f9",
            started=moment(run.started),
            finished=moment(run.finished),
            complete=not any(cell.is_open for cell in cells),
            over_bar=any(one.kind in failing for one in found),
            counts=counts(self.maps),
            requests=len(cells) + 3 * len(self.maps),
            tokens=sum(cell.verdict is Verdict.GRANTED for cell in cells),
            clients=client_summaries(self.maps, by_name, dict.fromkeys(by_name, len(self.scopes))),
            servers=tuple(ServerSummary(name, at, 1000, 3, 840.0) for name, at in servers),
            not_tested=not_tested(self.maps, {c.name: c.server.name for c in self.clients}),
            findings=tuple(one for one in found if one.kind in failing),
            warnings=tuple(one for one in found if one.kind not in failing),
            commands=Commands(explain="scopeprobe explain clients.toml"),
        )

    def page(self):
        return "".join(report_page(self.maps, self.summary(), self.past()))
