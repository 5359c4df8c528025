"""When a cell changed: intervals that only a proof ends."""

import pytest
from outcomes import AWAY, DENIED, GRANTED, LATE, REJECTED, permissions

from scopeprobe.model.run import Run
from scopeprobe.policy.history import CellHistory, Interval, Past, history

DAY = 86400.0
RUNS = [Run(f"run-{n}", n * DAY, n * DAY + 60, "", "each", 1, 1) for n in range(12)]


def nights_of(*outcomes, client="a"):
    """Nights one after the other, each with one outcome of the client's only scope."""
    return list(zip(RUNS, [permissions(client, one) for one in outcomes], strict=False))


def intervals(*outcomes):
    """Verdict, first and last run, nights and unproved runs of each."""
    (cell,) = history(nights_of(*outcomes))
    return [
        (one.verdict, RUNS.index(one.first), RUNS.index(one.last), one.nights, one.unproved)
        for one in cell.intervals
    ]


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([GRANTED], [("granted", 0, 0, 1, 0)]),
        ([GRANTED, GRANTED, GRANTED], [("granted", 0, 2, 3, 0)]),
        ([GRANTED, DENIED], [("granted", 0, 0, 1, 0), ("denied", 1, 1, 1, 0)]),
        ([GRANTED, LATE, AWAY, GRANTED], [("granted", 0, 3, 2, 2)]),
        ([GRANTED, REJECTED], [("granted", 0, 0, 1, 1)]),
        ([LATE, LATE, AWAY], [("unknown", 0, 0, 0, 3)]),
        ([LATE, DENIED, LATE], [("unknown", 0, 0, 0, 1), ("denied", 1, 1, 1, 1)]),
        (
            [GRANTED, DENIED, DENIED, GRANTED],
            [("granted", 0, 0, 1, 0), ("denied", 1, 2, 2, 0), ("granted", 3, 3, 1, 0)],
        ),
    ],
)
def test_only_a_proof_ends_an_interval(outcomes, told):
    assert intervals(*outcomes) == told


def test_nights_that_share_a_map_are_counted_one_by_one():
    granted, late = permissions("a", GRANTED), permissions("a", LATE)
    maps = [late, late, granted, granted, granted, late, late, granted]
    (cell,) = history(zip(RUNS, maps, strict=False))
    assert cell.intervals == (
        Interval("unknown", RUNS[0], RUNS[0], nights=0, unproved=2),
        Interval("granted", RUNS[2], RUNS[7], nights=4, unproved=2),
    )


def test_cells_are_sorted_and_have_histories_of_their_own():
    nights = [
        (RUNS[0], permissions("b", GRANTED, audience="x")),
        (RUNS[0], permissions("a", GRANTED, DENIED)),
        (RUNS[1], permissions("a", DENIED, DENIED)),
    ]
    told = history(nights)
    assert [one.key for one in told] == [("a", "", "s0"), ("a", "", "s1"), ("b", "x", "s0")]
    assert [len(one.intervals) for one in told] == [2, 1, 1]
    assert told[2].intervals == (Interval("granted", RUNS[0], RUNS[0]),)


def test_a_cell_flaps_from_its_third_change_on():
    (three,) = history(nights_of(GRANTED, DENIED, GRANTED))
    (four,) = history(nights_of(GRANTED, DENIED, GRANTED, DENIED))
    assert (three.is_flapping, four.is_flapping) == (False, True)


@pytest.mark.parametrize(
    ("outcomes", "changed"),
    [
        ([GRANTED, DENIED], {1}),
        ([GRANTED, DENIED, DENIED], {1}),
        ([GRANTED, LATE, DENIED, LATE], {2}),
        ([DENIED, GRANTED, DENIED], {2}),
        ([LATE, GRANTED], set()),
        ([GRANTED, GRANTED], set()),
        ([GRANTED], set()),
    ],
)
def test_a_run_changed_a_cell_where_it_proved_another_verdict_first(outcomes, changed):
    (cell,) = history(nights_of(*outcomes))
    assert {n for n, run in enumerate(RUNS) if cell.changed_in(run)} == changed


def test_the_past_of_a_map_is_that_of_the_cells_it_has():
    before = [(RUNS[0], permissions("a", GRANTED, GRANTED, GRANTED))]
    past = Past(RUNS[1], ("a",), {"a": before}.get)
    told = past.of(permissions("a", DENIED, GRANTED))
    assert told == (
        CellHistory(
            "a", "", "s0",
            (Interval("granted", RUNS[0], RUNS[0]), Interval("denied", RUNS[1], RUNS[1])),
        ),
        CellHistory("a", "", "s1", (Interval("granted", RUNS[0], RUNS[1], nights=2),)),
    )  # fmt: skip
