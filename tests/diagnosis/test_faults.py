"""Every fault on every server of the lab: the right cause, never a wrong one, few requests."""

from collections import Counter

from explained_faults import CellKey, cells_of, explained, is_right, show, wrong_ones
from faults_to_explain import FAULTS, PROFILES, healthy


async def test_a_healthy_client_works_on_every_server():
    cells = [CellKey(profile, (), healthy(profile)) for profile in PROFILES]
    found = await explained(cells)
    outcomes = {cell.profile: found[cell.name].outcome for cell in cells}
    assert Counter(outcomes.values()) == {"working": len(PROFILES)}, outcomes


async def test_every_fault_is_named_on_every_server_and_no_wrong_one_surely():
    cells = [cell for fault in FAULTS for cell in cells_of(fault)]
    found = await explained(cells)
    show(cells, found)
    right = [cell for cell in cells if is_right(cell, found[cell.name])]
    misled = {cell.name: wrong for cell in cells if (wrong := wrong_ones(cell, found[cell.name]))}
    print(f"{len(right)} of {len(cells)} cells are right")
    assert len({cell.faults[0].expected for cell in cells}) >= 20
    assert min(Counter(cell.faults[0].name for cell in cells).values()) >= 8
    assert max(explanation.credential_failures for explanation in found.values()) <= 3
    assert not misled
    assert len(right) >= 0.98 * len(cells)
