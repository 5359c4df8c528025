"""Explanations of faults on servers of the lab, and whether they are right."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import anyio
from aiohttp import web
from faults_to_explain import PROFILES, CannotOccur, Fault, Patient, made_ill

from scopeprobe.audits.explain import explain
from scopeprobe.diagnosis import Explanation
from scopeprobe.diagnosis.describe import evidence
from scopeprobe.lab import Lab

SURE = 0.8
CHILDREN = {"scopes_do_not_apply"}
"""True of some servers whatever else is wrong."""


@dataclass(frozen=True)
class CellKey:
    profile: str
    faults: tuple[Fault, ...]
    patient: Patient

    @property
    def name(self) -> str:
        named = "-and-".join(fault.name.replace(" ", "_").replace(",", "") for fault in self.faults)
        return f"{self.profile}.{named}"

    @property
    def front(self) -> str:
        return next((fault.front for fault in self.faults if fault.front), "")


def cells_of(*faults: Fault, profiles=PROFILES):
    for profile in profiles:
        try:
            yield CellKey(profile, faults, made_ill(profile, *faults))
        except CannotOccur:
            continue


async def fronts(base: str, stack: AsyncExitStack) -> str:
    """Open what may stand in front of a server: `/{name of the front}/{server}`."""

    async def redirect(_request):
        raise web.HTTPFound("https://login.elsewhere.example/token")

    async def page(_request):
        text = "<html><title>Request blocked</title>Web Application Firewall</html>"
        return web.Response(status=403, text=text, content_type="text/html")

    async def breakdown(_request):
        return web.json_response({"error": "server_error"}, status=500)

    async def rewriter(request):
        """Posts on as JSON, as a misconfigured gateway would."""
        form = dict(await request.post())
        url = f"{base}/{request.match_info['server']}/token"
        headers = {"Content-Type": "application/json"}
        if "Authorization" in request.headers:
            headers["Authorization"] = request.headers["Authorization"]
        async with session.post(url, data=json.dumps(form), headers=headers) as r:
            return web.Response(status=r.status, body=await r.read(), content_type=r.content_type)

    session = await stack.enter_async_context(aiohttp.ClientSession())
    application = web.Application()
    for handler in (redirect, page, breakdown, rewriter):
        application.router.add_post(f"/{handler.__name__}/{{server}}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port, *_ = runner.addresses[0]
    return f"{host}:{port}"


async def explained(cells: list[CellKey], how=explain) -> dict[str, Explanation]:
    """Explain every cell, some at a time; by the cell's name."""
    found = {}
    turns = anyio.Semaphore(24)
    servers = [cell.patient.server(cell.name) for cell in cells]
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(Lab(servers).serve())
        front = await fronts(base, stack)

        async def one(cell: CellKey) -> None:
            if cell.front == "tls":
                cell.patient.endpoint = f"https://{front}/token"
            elif cell.front:
                cell.patient.endpoint = f"http://{front}/{cell.front}/{cell.name}"
            async with turns:
                found[cell.name] = await how(cell.patient.order(cell.name, base))

        async with anyio.create_task_group() as tasks:
            for cell in cells:
                tasks.start_soon(one, cell)
    return found


def wrong_ones(cell: CellKey, explanation: Explanation) -> list[str]:
    """Causes that are named surely although they are not the fault."""
    true = true_of(cell) | {code for fault in cell.faults for code in fault.also}
    return [
        cause.code
        for cause in explanation.causes
        if cause.code not in true and cause.confidence > SURE
    ]


def true_of(cell: CellKey) -> set[str]:
    """The causes that are true of it, whether they are to be found out or not."""
    return {code for f in cell.faults for code in (f.expected, *f.beside)} | CHILDREN


def is_right(cell: CellKey, explanation: Explanation) -> bool:
    named = {cause.code for cause in explanation.causes}
    return all(fault.expected in named for fault in cell.faults)


@dataclass(frozen=True)
class Reliability:
    """What the confidence in causes was worth."""

    bins: dict[int, list[tuple[float, bool]]]
    """By the tenth in which a confidence lies: confidences, and whether they were right."""
    sure_and_wrong: list[str]
    """Cells of which a wrong cause was called 95 % sure or more."""

    @property
    def worst(self) -> float:
        """The largest distance of a bin with thirty causes or more from what it promises."""
        full = (marks for marks in self.bins.values() if len(marks) >= LEAST_IN_A_BIN)
        return max((abs(_promised(marks) - _kept(marks)) for marks in full), default=0.0)

    def show(self) -> None:
        print(f"\n{'confidence':12} causes promised  right")
        for tenth, marks in sorted(self.bins.items()):
            few = "" if len(marks) >= LEAST_IN_A_BIN else "  (few)"
            named = f"{tenth / 10:.1f} to {tenth / 10 + 0.1:.1f}"
            print(f"{named:12} {len(marks):6} {_promised(marks):8.0%} {_kept(marks):6.0%}{few}")


LEAST_IN_A_BIN = 30


def _promised(marks: list[tuple[float, bool]]) -> float:
    return sum(sure for sure, _ in marks) / len(marks)


def _kept(marks: list[tuple[float, bool]]) -> float:
    return sum(is_true for _, is_true in marks) / len(marks)


def reliability(cells: list[CellKey], found: dict[str, Explanation]) -> Reliability:
    """Count how often causes were right, by how sure they were."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    wrong = []
    for cell in cells:
        for cause in found[cell.name].causes:
            is_true = cause.code in true_of(cell)
            bins[min(int(cause.confidence * 10), 9)].append((cause.confidence, is_true))
            if cause.confidence >= 0.95 and not is_true:
                wrong.append(f"{cell.name}: {cause.code} {cause.confidence}")
    return Reliability(dict(bins), wrong)


def first_wrong(cells: list[CellKey], found: dict[str, Explanation]) -> dict[str, list[str]]:
    """The causes of those whose first one is not true, nor true of a cell that answers the same."""
    same: dict[object, set[str]] = defaultdict(set)
    for cell in cells:
        same[_told(cell, found[cell.name])] |= true_of(cell)
    wrong = {}
    for cell in cells:
        causes = [cause.code for cause in found[cell.name].causes]
        also = {code for fault in cell.faults for code in fault.also}
        if not causes or causes[0] not in same[_told(cell, found[cell.name])] | also:
            wrong[cell.name] = causes
    return wrong


def first_strictly_wrong(cells: list[CellKey], found: dict[str, Explanation]) -> list[str]:
    """Those whose first cause is not the one that was inflicted."""
    return [
        cell.name
        for cell in cells
        if not (causes := found[cell.name].causes) or causes[0].code not in true_of(cell)
    ]


def _told(cell: CellKey, explanation: Explanation) -> object:
    """All that a diagnosis saw, but for the client's own id."""
    own = cell.patient.client_id.strip()
    return cell.profile, tuple(
        (evidence(0, e).replace(own, ""), e.trace.status, e.trace.body.replace(own, ""))
        for e in explanation.experiments
    )


def show(cells: list[CellKey], found: dict[str, Explanation]) -> None:
    """Print the table: a row a fault, with cells, right ones, and requests."""
    rows: dict[str, list[CellKey]] = defaultdict(list)
    for cell in cells:
        rows[" + ".join(fault.name for fault in cell.faults)].append(cell)
    print(f"\n{'fault':34} cells right  requests (mean, most)  failed authentications (most)")
    for name, row in rows.items():
        told = [found[cell.name] for cell in row]
        right = sum(is_right(cell, found[cell.name]) for cell in row)
        requests = [explanation.requests for explanation in told]
        failures = max(explanation.credential_failures for explanation in told)
        mean = sum(requests) / len(requests)
        print(f"{name:34} {len(row):5} {right:5}  {mean:8.1f} {max(requests):6}  {failures:10}")
    for cell in cells:
        told = found[cell.name]
        if not is_right(cell, told) or wrong_ones(cell, told):
            causes = [(cause.code, cause.confidence) for cause in told.causes]
            print(f"  {cell.name}: {told.outcome} {causes}")
