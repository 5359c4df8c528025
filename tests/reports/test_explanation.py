"""What fell and what is open, as it is pasted into a ticket, shown to people, read by programs."""

import json

import pytest
from printed import printed

from scopeprobe.diagnosis import Explanation
from scopeprobe.diagnosis.theories import NotTested, RuledOut
from scopeprobe.reports.explanation import (
    explanation_for_people,
    explanation_json,
    explanation_markdown,
)

FELL = RuledOut("rotated_secret", "the secret was rotated", ("request 2: a token of `x` | <b>",))
OPEN = NotTested("wrong_host", "the wrong host", "Ask another endpoint.")


@pytest.fixture
def explanation():
    return Explanation(
        client="billing", outcome="not_explained", causes=(), refusing_sets=(), experiments=(),
        requests=3, credential_failures=3, refusals=0,
        ruled_out=(FELL,), not_tested=(OPEN,), next_test=OPEN.test,
    )  # fmt: skip


def test_programs_read_theories_by_their_names(explanation):
    told = json.loads(explanation_json(explanation))
    assert told["ruled_out"] == [
        {"theory": FELL.theory, "says": FELL.says, "evidence": list(FELL.evidence)}
    ]
    assert told["not_tested"] == [{"theory": OPEN.theory, "says": OPEN.says, "test": OPEN.test}]
    assert told["next_test"] == "Ask another endpoint."


def test_people_see_what_fell_what_is_open_and_what_is_next(explanation):
    shown = "\n".join(printed(explanation_for_people(explanation, ())))
    assert shown.index("Ruled out") < shown.index(FELL.says) < shown.index("Not tested")
    assert "- request 2: a token of `x` | <b>" in shown
    assert shown.rstrip().endswith("Next: Ask another endpoint.")


def test_a_ticket_has_the_same_and_nothing_of_a_server_is_markdown_there(explanation):
    ticket = explanation_markdown(explanation, ())
    assert (
        "## Ruled out\n\n* the secret was rotated\n  - request 2: a token of \\`x\\` \\|" in ticket
    )
    assert "\\<b\\>" in ticket
    assert "## Not tested\n\n* the wrong host\n  - Ask another endpoint." in ticket
    assert ticket.rstrip().endswith("**Next:** Ask another endpoint.")
