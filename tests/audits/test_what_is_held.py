"""What an audit holds in memory of clients that it is done with."""

import gc
from types import FunctionType, ModuleType

import pytest
from fast_server import fleet
from harness import Reply, raw_server, token_body

from scopeprobe import Audit, audit
from scopeprobe.model.events import RunFinished
from scopeprobe.model.packed import PackedMap

CLIENTS, SCOPES = 12, 30


def lists_every_other(asked):
    given = [scope for scope in (asked.scopes or "").split() if scope[-1] in "02468"]
    return Reply(body=token_body(scope=" ".join(given)))


@pytest.fixture
def listing_server():
    with raw_server(lists_every_other) as server:
        yield server


async def test_no_map_of_a_run_is_in_memory_nor_any_of_the_run_before(tmp_path, listing_server):
    """Neither while reports are written nor when the store is closed; all can still be read."""
    asked = fleet(listing_server.url, clients=CLIENTS, scopes=SCOPES)
    await audit(Audit(asked, tmp_path / "out", strategy="adaptive"))
    held, before = [], living(PackedMap)

    def look(event):
        if isinstance(event, RunFinished):
            known = set(map(id, before))
            held.extend(bytes_behind(one) for one in living(PackedMap) if id(one) not in known)

    result = await audit(Audit(asked, tmp_path / "out", strategy="recheck", observer=look))
    assert held == [0] * (2 * CLIENTS)
    assert [len(one.cells) for one in result.maps] == [SCOPES] * CLIENTS
    assert [one.cells[0].client for one in result.maps] == [one.client for one in result.maps]


def living(kind):
    return [one for one in gc.get_objects() if isinstance(one, kind)]


def bytes_behind(one):
    """How many bytes an object keeps alive, as far as it is data."""
    seen, left, found = set(), [one], 0
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        found += len(one) if isinstance(one, bytes) else 0
        is_code = isinstance(one, FunctionType)
        left += (one.__closure__ or ()) if is_code else gc.get_referents(one)
    return found
