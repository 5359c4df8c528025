"""Wrong inputs: each message says where, what, and what to do. `-rP` prints them as a table."""

import pytest
from wrong_inputs import SECRET, WRONG_INPUTS


@pytest.mark.parametrize("wrong", WRONG_INPUTS, ids=lambda wrong: wrong.name)
def test_a_wrong_input_is_told_where_it_is_what_it_is_and_what_to_do(wrong, tmp_path):
    said = wrong.said(tmp_path)
    print(f"| {wrong.name} | {said} |")
    assert said.startswith(wrong.where)
    assert wrong.what in said
    assert wrong.cure in said
    assert SECRET not in said
    assert len(said) <= 400


def test_there_are_at_least_forty():
    assert len({wrong.name for wrong in WRONG_INPUTS}) == len(WRONG_INPUTS) >= 40
