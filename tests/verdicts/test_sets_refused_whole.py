"""When a server is known to refuse a set for one bad scope, where no token lists anything."""

import pytest
from stories import CANARY, OK, REFUSED, VAGUE, listing, told

from scopeprobe.verdicts import learn_behavior

TAKES_SETS = ("a b", OK)
KNOWS_C = ("c", OK)
FOR_THE_CANARY = (f"a b {CANARY}", REFUSED)
FOR_C = ("a b c", REFUSED)
C_ALONE = ("c", REFUSED)


def learned(one, other=()):
    """Of two clients, with a success behind all that each was told."""
    stories = {"one": one, "other": other}
    clients = (told("a b c", *told_so, ("a", OK), name=name) for name, told_so in stories.items())
    return learn_behavior(tuple(clients))


def test_a_set_refused_for_the_canary_and_one_for_a_known_scope_show_it():
    behavior = learned([TAKES_SETS, FOR_THE_CANARY, FOR_C, C_ALONE], [KNOWS_C])
    assert behavior.refuses_sets_whole


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param([TAKES_SETS, FOR_C, C_ALONE], [KNOWS_C], id="only unknown names may matter"),
        pytest.param([TAKES_SETS, FOR_THE_CANARY, C_ALONE], [KNOWS_C], id="c was not added"),
        pytest.param([TAKES_SETS, FOR_THE_CANARY, FOR_C], [KNOWS_C], id="c is in conflict"),
        pytest.param([TAKES_SETS, FOR_THE_CANARY, FOR_C, C_ALONE], [], id="nobody has c"),
        pytest.param(
            [TAKES_SETS, (f"a b {CANARY}", VAGUE), FOR_C, C_ALONE],
            [KNOWS_C],
            id="a passing fault",
        ),
        pytest.param([FOR_THE_CANARY, FOR_C, C_ALONE], [KNOWS_C], id="the set was not accepted"),
        pytest.param(
            [("a b", listing("a")), FOR_THE_CANARY, FOR_C, C_ALONE],
            [KNOWS_C],
            id="the set was narrowed",
        ),
    ],
)
def test_less_does_not_show_it(one, other):
    assert not learned(one, other).refuses_sets_whole
