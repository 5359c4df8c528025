"""An application that audits goes on meanwhile: nothing blocks its event loop."""

import asyncio
import base64
import threading
import time

import pytest
from blockbuster import blockbuster_ctx
from fast_server import fleet, grants_every_other
from harness import Entry, Reply, lab, raw_server, write_inputs
from locking_server import INVALID_CLIENT

from scopeprobe import Audit, Explain, audit, read_clients
from scopeprobe.audits.explain import explain_all
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.diagnosis.causes import cause_texts
from scopeprobe.diagnosis.confidence import model
from scopeprobe.diagnosis.error_patterns import known_patterns
from scopeprobe.diagnosis.theories import theories
from scopeprobe.lab import AuthorizationServer, Client, read_profile
from scopeprobe.providers import shipped_packs
from scopeprobe.store import SqliteJournal


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


def rejects_one(asked):
    """The others get every other scope."""
    is_first = base64.b64decode(asked.client.split()[-1]).startswith(b"c0:")
    return INVALID_CLIENT if is_first else grants_every_other(asked)


@pytest.mark.parametrize("nights", [0, 1])
@pytest.mark.parametrize("like", [None, 2])
async def test_an_explanation_blocks_no_event_loop(tmp_path, nights, like):
    """Neither what was found out before, nor what it remembers, nor the texts it speaks in."""
    for read in (shipped_packs, cause_texts, theories, model, known_patterns):
        read.cache_clear()
    throttles = []
    with raw_server(lambda asked: throttles.pop() if throttles else rejects_one(asked)) as server:
        asked = fleet(server.url, clients=3, scopes=6)
        for _ in range(nights):
            await audit(Audit(asked, tmp_path / "out"))
        throttles.append(Reply(429, b"", {"Retry-After": "0"}))
        first, *others = asked.clients
        order = Explain(
            first,
            out=tmp_path / "out",
            max_auth_failures=3,
            others=tuple(others),
            like=None if like is None else asked.clients[like],
        )
        with blockbuster_ctx():
            found = await explain_all(order)
    told = {one.name: one.explanation.outcome for one in found.explained}
    assert (told["c1"], told["c2"]) == ("explained", "explained")
    assert told.get("c0") != "working"
    assert (tmp_path / "out" / "scopeprobe.db").exists()


async def test_an_audit_that_is_cancelled_ends_with_its_journal_however_often(
    tmp_path, monkeypatch
):
    commit = vars(SqliteJournal)["_commit"]

    def commit_slowly(journal, batch):
        time.sleep(0.3)
        commit(journal, batch)

    monkeypatch.setattr(SqliteJournal, "_commit", commit_slowly)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(asked):
        loop.call_soon_threadsafe(begun.set)
        return grants_every_other(asked)

    with raw_server(answer) as server:
        task = asyncio.create_task(
            audit(Audit(fleet(server.url, clients=3, scopes=6), tmp_path / "out"))
        )
        await begun.wait()
        for _ in range(10):
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert "journal" not in {thread.name for thread in threading.enumerate()}


async def test_who_cancels_what_is_written_waits_for_its_end():
    begun, may_end, ended = asyncio.Event(), threading.Event(), []
    loop = asyncio.get_running_loop()

    def write():
        loop.call_soon_threadsafe(begun.set)
        may_end.wait(10)
        ended.append(True)

    task = asyncio.create_task(off_the_loop(write))
    await begun.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended
