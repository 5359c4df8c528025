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
    true = {code for fault in cell.faults for code in (fault.expected, *fault.also)} | CHILDREN
    return [
        cause.code
        for cause in explanation.causes
        if cause.code not in true and cause.confidence > SURE
    ]


def is_right(cell: CellKey, explanation: Explanation) -> bool:
    named = {cause.code for cause in explanation.causes}
    return all(fault.expected in named for fault in cell.faults)


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
