"""Each promise of `docs/promises.md` names tests, and those are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "scopeprobe/docs/promises.md").read_text()
ROWS = re.findall(r"^\| (.+) \| (`tests/.+`) \|$", PAGE, re.MULTILINE)
NAMED = [(promise, test) for promise, tests in ROWS for test in re.findall("`([^`]+)`", tests)]


def test_every_row_names_a_test():
    lines = (line for line in PAGE.splitlines() if line.startswith("| "))
    assert len(ROWS) == sum("| kept by |" not in line for line in lines) > 20


@pytest.mark.parametrize(("promise", "test"), NAMED, ids=[test for _, test in NAMED])
def test_the_test_of_a_promise_is_there(promise, test):
    file, _, function = test.partition("::")
    text = (ROOT / file).read_text()
    assert re.search(rf"^(async )?def {function}\(", text, re.MULTILINE), promise
