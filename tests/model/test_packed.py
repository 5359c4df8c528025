import pickle
from collections import Counter

import pytest
from outcomes import DENIED, GRANTED, LATE, REJECTED, UNENFORCED, permissions

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


@pytest.mark.parametrize(
    "outcomes",
    [
        [GRANTED, DENIED, UNENFORCED],
        [REJECTED, REJECTED],
        [REJECTED, LATE],
        [GRANTED, REJECTED],
        [],
    ],
)
def test_a_packed_map_says_what_the_map_does(outcomes):
    plain = permissions("billing", *outcomes, audience="x")
    packed = PackedMap.of(plain)
    assert packed.cells == plain.cells
    assert packed.is_unauthenticated is plain.is_unauthenticated
    assert packed.tally == plain.tally == Counter((c.verdict, c.reason) for c in plain.cells)
    for audience in ("x", ""):
        for scope in ("s0", "s1", "s2", "s9"):
            assert packed.grants(audience, scope) is plain.grants(audience, scope)
    assert packed.grants("x", "s0") is (outcomes[:1] == [GRANTED])


def test_a_map_that_is_packed_is_not_packed_again_and_belongs_to_its_client():
    packed = PackedMap.of(permissions("billing", GRANTED))
    assert PackedMap.of(packed) is packed
    with pytest.raises(ValueError, match="a map is of another client"):
        PackedMap(ClientName("crm"), packed.packed)
    with pytest.raises(ValueError, match="incorrect header check"):
        PackedMap(ClientName("billing"), b"no bytes of a map")
