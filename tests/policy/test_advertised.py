"""What a server advertises, compared with what its clients have."""

from dataclasses import replace

from outcomes import DENIED, GRANTED, LATE, REJECTED, UNENFORCED, permissions

from scopeprobe.policy import Advertised, compare_with_advertised

MAPS = (
    permissions("one", GRANTED, DENIED, DENIED, GRANTED, DENIED, UNENFORCED, LATE),
    permissions("two", DENIED, DENIED, LATE, LATE, DENIED, DENIED, REJECTED),
)
CELLS = [cell for one in MAPS for cell in one.cells]


def test_a_server_without_a_list_advertises_nothing_to_compare_with():
    assert compare_with_advertised(None, CELLS) is None
    assert compare_with_advertised([], CELLS) == Advertised((), ("s0", "s3"))


def test_what_is_advertised_is_refused_where_no_client_that_was_judged_has_it():
    listed = ["s9", "s6", "s5", "s2", "s1", "s0"]
    assert compare_with_advertised(listed, CELLS) == Advertised(("s1", "s2"), ("s3",))


def test_the_order_of_cells_and_of_the_list_changes_nothing():
    told = compare_with_advertised(["s1", "s2"], CELLS)
    assert told == compare_with_advertised(["s2", "s1"], CELLS[::-1])
    assert told == replace(told, unadvertised=("s0", "s3"))
