"""What is stored of a question."""

import msgspec

from scopeprobe.model.question import Question


def test_a_fact_that_was_stored_without_a_change_is_still_read():
    stored = msgspec.json.decode(b'{"scopes":["a"],"again":1}', type=Question)
    assert stored == Question(("a",), again=1)


def test_a_question_is_as_long_as_its_scopes_with_the_spaces_between():
    assert Question(("a", "bc", "é")).size == 7
    assert Question(("a",)).size == 1
    assert Question(None).size == 0
