"""Every fault on every server of the lab: the right cause, never a wrong one, few requests."""

from collections import Counter

import pytest
from explained_faults import (
    CellKey,
    cells_of,
    explained,
    first_wrong,
    is_right,
    reliability,
    show,
    wrong_ones,
)
from faults_to_explain import FAULTS, PROFILES, SAYING_401, healthy


async def test_a_healthy_client_works_on_every_server():
    cells = [CellKey(profile, (), healthy(profile)) for profile in PROFILES]
    found = await explained(cells)
    outcomes = {cell.profile: found[cell.name].outcome for cell in cells}
    assert Counter(outcomes.values()) == {"working": len(PROFILES)}, outcomes


async def test_a_healthy_client_works_where_a_401_may_be_about_scopes():
    cells = [CellKey(profile, (), healthy(profile)) for profile in SAYING_401]
    found = await explained(cells)
    assert {explanation.outcome for explanation in found.values()} == {"working"}


@pytest.mark.parametrize(
    ("profiles", "least_cells"),
    [
        pytest.param(PROFILES, 8, id="all-servers"),
        pytest.param(SAYING_401[::3], 1, id="servers-that-say-401-to-scopes"),
    ],
)
async def test_the_first_cause_is_right_on_every_server_and_no_wrong_one_is_sure(
    profiles, least_cells
):
    cells = [cell for fault in FAULTS for cell in cells_of(fault, profiles=profiles)]
    found = await explained(cells)
    show(cells, found)
    measured, wrong = reliability(cells, found), first_wrong(cells, found)
    measured.show()
    right = [cell for cell in cells if is_right(cell, found[cell.name])]
    misled = {cell.name: wrong for cell in cells if (wrong := wrong_ones(cell, found[cell.name]))}
    print(f"{len(right)} of {len(cells)} cells are right; first cause wrong: {wrong}")
    assert len({cell.faults[0].expected for cell in cells}) >= 20
    assert min(Counter(cell.faults[0].name for cell in cells).values()) >= least_cells
    assert max(explanation.credential_failures for explanation in found.values()) <= 3
    assert not misled
    assert not measured.sure_and_wrong
    assert measured.worst <= 0.1
    assert len(right) >= 0.98 * len(cells)
    assert len(wrong) <= 0.02 * len(cells)
