"""What is stored of a question."""

import msgspec

from scopeprobe.model.question import Question


def test_a_fact_that_was_stored_without_a_change_is_still_read():
    stored = msgspec.json.decode(b'{"scopes":["a"],"again":1}', type=Question)
    assert stored == Question(("a",), again=1)
