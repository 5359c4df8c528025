"""`scopeprobe docs`: a page of the manual, or what it says of a code."""

import re

import pytest
from harness import scopeprobe
from manual import DOCS, PAGES, README, name_of

from scopeprobe.cli.app import COMMANDS
from scopeprobe.cli.manual import about, topics
from scopeprobe.diagnosis import codes
from scopeprobe.model.cell import COLUMNS, Evidence, Reason, Verdict
from scopeprobe.model.finding import FindingKind

CODES = {*Verdict, *Reason, *Evidence, *FindingKind, *codes(), *(column.name for column in COLUMNS)}


def shown(*words):
    result = scopeprobe("docs", *words)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_without_a_topic_it_shows_the_index():
    first, *_ = shown().splitlines()
    assert first.strip() == "The manual of scopeprobe"
    assert all(page.stem in shown() for page in PAGES if page.parent == DOCS and page != INDEX)


INDEX = DOCS / "README.md"


@pytest.mark.parametrize("page", [page for page in PAGES if page != README], ids=name_of)
def test_a_page_is_shown_by_its_name_as_plain_text(page):
    text = shown(page.stem) if page != INDEX else shown()
    title = page.read_text().partition("\n")[0].removeprefix("# ").replace("`", "")
    assert text.splitlines()[0].strip() == title
    assert "\x1b" not in text
    assert "<!--" not in text
    wide = [line for line in text.splitlines() if len(line) > 80]
    assert all(line.startswith("    ") for line in wide), "code is not wrapped"


@pytest.mark.parametrize("page", [page for page in PAGES if page != README], ids=name_of)
def test_no_name_in_a_table_is_cut_and_no_code_is_wrapped(page):
    text = shown(page.stem) if page != INDEX else shown()
    first_cells = re.findall(r"^\| (`[^|]*`) \|", page.read_text(), re.MULTILINE)
    names = {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}
    assert [name for name in sorted(names) if name not in text] == []
    code = re.findall(r"^```\w*\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = {f"    {line}".rstrip() for block in code for line in block.splitlines()}
    assert lines <= {line.rstrip() for line in text.splitlines()}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained(code):
    assert code in shown(code)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained(command):
    assert command in shown(command)


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        (["left_out"], "a token was issued without it"),
        (["excess"], "granted or unenforced, and expected denied"),
        (["secret_rejected"], "Fetch the secret anew"),
        (["Exit", "codes"], "interrupted (Ctrl-C)"),
        (["exit-codes"], "interrupted (Ctrl-C)"),
        (["verdicts.md"], "The five verdicts"),
        (["max-time"], "stop asking after this long"),
        (["token_endpoint"], "where tokens come from"),
        (["rights.url"], "the API that tells the rights"),
        (["cell"], "one client, audience and scope"),
        (["70"], "a bug of ours"),
    ],
)
def test_a_topic_may_be_a_page_a_heading_or_what_a_table_explains(topic, words):
    assert words in " ".join(shown(*topic).split())


def test_a_link_names_the_topic_that_it_leads_to():
    text = " ".join(shown("nightly").split())
    assert "In the morning the exit code (scopeprobe docs exit-codes) says" in text


def test_all_that_is_said_of_a_code_is_shown_with_its_place():
    text = shown("unreachable")
    assert "verdicts: Reasons" in text
    assert "causes: unreachable" in text
    assert "the same request" not in text, "nothing of what stands around it"


def test_no_sentence_is_about_the_words_in_it():
    assert "promises" not in shown("formats")


def test_a_section_goes_before_the_row_that_sums_it_up():
    assert about("secret_rejected").count("## causes: ") == 1


@pytest.mark.parametrize(
    ("topic", "meant"),
    [
        ("left_uot", "left_out"),
        ("verdict-s", "verdicts"),
        ("excss", "excess"),
        ("pacing", "pacing-and-safety"),
        ("pause", "max-pause"),
    ],
)
def test_an_unknown_topic_is_an_error_that_says_what_was_meant(topic, meant):
    result = scopeprobe("docs", topic)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (f"error: the manual has no topic {topic!r}; did you mean {meant}?\n")


def test_topics_are_those_that_are_shown():
    assert {"exit-codes", "left_out", "verdicts", "secret_rejected", "max-time"} <= topics()
    assert all(about(topic) for topic in topics())
