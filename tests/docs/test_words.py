"""Pages use one word for one thing. Codes in files, and what programs print, are not looked at."""

import re

import pytest
from manual import PAGES, ROOT, name_of, text_of_all

INSTEAD = {
    r"over the bar|the bar of": "findings that fail the run",
    r"left alone|leave[sd]? alone": "no more attempts",
    r"\bmanners?\b": "server behavior",
    r"what binds": "limited by",
    r"\bbehaviours?\b": "behavior",
}
"""Words that were used before, with those that are used now."""
CODE = re.compile(r"^```.*?^```$|<!--.*?-->|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def test_what_is_shown_as_printed_was_printed():
    """Prompts stand in blocks that a test plays, and in no others."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text_of_all(), re.MULTILINE | re.DOTALL)
    assert {language for language, text in blocks if text.startswith("$ ")} == {"console"}


def test_no_help_screen_is_pasted():
    assert not re.search("^ *Usage: scopeprobe|╭─", text_of_all(), re.MULTILINE)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "samples/README.md"], ids=name_of)
def test_a_page_says_it_in_the_words_of_the_others(page):
    prose = CODE.sub("", page.read_text(encoding="utf-8"))
    found = {word: new for word, new in INSTEAD.items() if re.search(word, prose, re.IGNORECASE)}
    assert found == {}
