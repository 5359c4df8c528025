"""Tokens that a server kept and handed out for several questions (docs/design.md, rule 11)."""

import pytest
from stories import CANARY, OK, REFUSED, story, told, verdict

from scopeprobe.model.answer import Issued
from scopeprobe.verdicts.shared_tokens import shared_tokens

ONE, TWO, NOT_COMPARED = (Issued(token=n) for n in (1, 2, 0))


@pytest.mark.parametrize(
    ("answers", "shared"),
    [
        pytest.param([("a", ONE), ("b", ONE)], {1}, id="for-two-questions"),
        pytest.param([("a", ONE), ("a", ONE)], set(), id="for-one-question-twice"),
        pytest.param([("a", ONE), (None, ONE)], {1}, id="without-scope-as-well"),
        pytest.param([("a", ONE), ("b", TWO)], set(), id="two-tokens"),
        pytest.param([("a", ONE), ("c", TWO), ("b", ONE)], set(), id="another-came-between"),
        pytest.param([("a", ONE), ("b", ONE), ("c", TWO), ("a", ONE)], set(), id="it-came-back"),
        pytest.param([("a", NOT_COMPARED), ("b", NOT_COMPARED)], set(), id="not-compared"),
        pytest.param([("a", ONE), ("b", ONE), ("c", TWO), ("d", TWO)], {1, 2}, id="two-of-them"),
    ],
)
def test_a_token_is_shared_that_answered_different_questions_one_after_the_other(answers, shared):
    assert shared_tokens(story(*answers)) == shared


def test_the_order_of_asking_counts_and_not_that_of_the_facts():
    facts = story(("a", ONE), ("c", TWO), ("b", ONE))
    assert not shared_tokens([facts[0], facts[2], facts[1]])


def test_its_silence_and_its_gaps_are_told_to_be_shared():
    gap, silence = Issued(("c",), token=7), Issued(token=7)
    for kept in (gap, silence):
        answers = [(None, OK), (CANARY, REFUSED), ("b", kept), ("a", kept)]
        assert verdict("a", told("a b c", *answers)) == ("unknown", "token_shared")
