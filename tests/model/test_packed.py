import pickle

from scopeprobe.model.cell import Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.packed import PackedMap
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId


def test_a_packed_map_is_the_same_in_another_process():
    cell = Cell(
        ClientName("billing"),
        ClientId("billing-id"),
        "",
        Scope("a"),
        Verdict.GRANTED,
        Reason.LISTED_IN_RESPONSE,
        Evidence.TOKEN,
    )
    packed = PackedMap.of(PermissionMap(ClientName("billing"), (cell,)))
    again = pickle.loads(pickle.dumps(packed))
    assert (again.client, again.cells, again.registration) == ("billing", (cell,), None)
