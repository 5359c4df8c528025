"""When a server is known to refuse a set for one bad scope, where no token lists anything."""

import pytest
from simulated import REFUSED, assigned

from scopeprobe.model.answer import Fact, Issued, Refused
from scopeprobe.model.question import Question
from scopeprobe.verdicts import learn_behavior

CANARY = assigned("a").canary
TAKES_SETS = (("a", "b"), Issued())
KNOWS_C = (("c",), Issued())
FOR_THE_CANARY = (("a", "b", CANARY), REFUSED)
FOR_C = (("a", "b", "c"), REFUSED)
C_ALONE = (("c",), REFUSED)


def facts(*answers):
    """One after the other, with a success behind them all."""
    told = [*answers, (("a",), Issued())]
    return [
        Fact(Question(asked), answer, 2 * i, 2 * i + 1) for i, (asked, answer) in enumerate(told)
    ]


def learned(one, other=()):
    clients = [(assigned("abc", name), answers) for name, answers in (("c", one), ("d", other))]
    return learn_behavior((client, facts(*answers)) for client, answers in clients)


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
            [TAKES_SETS, (("a", "b", CANARY), Refused(403)), FOR_C, C_ALONE],
            [KNOWS_C],
            id="a passing fault",
        ),
        pytest.param([FOR_THE_CANARY, FOR_C, C_ALONE], [KNOWS_C], id="the set was not accepted"),
        pytest.param(
            [(("a", "b"), Issued(("a",))), FOR_THE_CANARY, FOR_C, C_ALONE],
            [KNOWS_C],
            id="the set was narrowed",
        ),
    ],
)
def test_less_does_not_show_it(one, other):
    assert not learned(one, other).refuses_sets_whole
