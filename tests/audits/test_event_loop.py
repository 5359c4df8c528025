"""An application that audits goes on meanwhile: nothing blocks its event loop."""

import asyncio
import threading

import pytest
from blockbuster import blockbuster_ctx
from fast_server import fleet, grants_every_other
from harness import Entry, lab, raw_server, write_inputs

from scopeprobe import Audit, audit, read_clients
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.lab import AuthorizationServer, Client, read_profile


async def test_an_audit_blocks_no_event_loop(tmp_path):
    """Neither its folder, nor its reports, nor what the night before left."""
    with raw_server(grants_every_other) as server:
        asked = fleet(server.url, clients=3, scopes=6)
        for strategy in ("each", "adaptive", "recheck"):
            with blockbuster_ctx():
                result = await audit(
                    Audit(asked, tmp_path / "out", strategy=strategy, previous="last")
                )
            assert result.summary.counts["granted"] == 9


async def test_metadata_blocks_no_event_loop_either(tmp_path):
    clients = [Client("billing", "s3cret-of-nobody", ["a"])]
    server = AuthorizationServer("corp", read_profile("strict"), clients, scopes=["a", "b"])
    with lab([server]) as base:
        arguments, environment = write_inputs(
            tmp_path, {"corp": f'issuer = "{base}/corp"'}, [Entry("billing", "corp")], ["a", "b"]
        )
        asked = read_clients(arguments[:1], scopes_files=[arguments[-1]], environment=environment)
        with blockbuster_ctx():
            result = await audit(Audit(asked, tmp_path / "out"))
    assert [cell.verdict for cell in result.cells] == ["granted", "denied"]


async def test_who_cancels_what_is_written_waits_for_its_end():
    begun, may_end, ended = asyncio.Event(), threading.Event(), []
    loop = asyncio.get_running_loop()

    def write():
        loop.call_soon_threadsafe(begun.set)
        may_end.wait(10)
        ended.append(True)

    task = asyncio.create_task(off_the_loop(write))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended
