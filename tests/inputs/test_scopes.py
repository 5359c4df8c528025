"""Candidates: their order, their braces, and what cannot be a scope."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from clients_files import BILLING, CORP, candidates_of, write
from hypothesis import given
from hypothesis import strategies as st

from scopeprobe.errors import InputError
from scopeprobe.inputs import read_clients, read_scopes
from scopeprobe.model.scope_names import CANARY_PREFIX

pytestmark = pytest.mark.usefixtures("_folder")


def test_candidates_keep_their_order_and_lose_their_duplicates():
    text = CORP + BILLING + 'scopes = ["b", "a"]\ntargets = [{ scopes = ["c", "a"] }]'
    first = write("first.txt", "d b # and b again\n\n# nothing\n  {e,f}:x\n")
    second = write("second.txt", "f:x g")
    candidates = candidates_of(text, scopes_files=[first, second], extra_scopes=["h d", "i"])
    assert candidates == ("invoices.read", "b", "a", "c", "d", "e:x", "f:x", "g", "h", "i")


SCOPE_TEXT = st.text(
    [chr(code) for code in (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))], min_size=1
).filter(lambda scope: not scope.startswith(CANARY_PREFIX))


def escaped(scope: str) -> str:
    return "".join(f"\\{character}" if character in "{},#" else character for character in scope)


@given(st.lists(SCOPE_TEXT, unique=True), st.sampled_from([" ", "\n", "\t # comment\r\n"]))
def test_a_scopes_file_says_every_scope_that_there_can_be(scopes, separator):
    text = separator.join(map(escaped, scopes))
    assert read_scopes(["-"], stdin=io.StringIO(text)) == tuple(scopes)


@pytest.mark.parametrize(
    ("pattern", "scopes"),
    [
        pytest.param("{users,queues}:{view,edit}", "users:view users:edit queues:view queues:edit"),
        pytest.param("tier{1..3}", "tier1 tier2 tier3", id="range"),
        pytest.param("{only}", "{only}", id="no alternatives"),
        pytest.param(r"\{a,b\}", "{a,b}", id="escaped"),
        pytest.param("a#b", "a#b", id="number sign within a word"),
    ],
)
def test_braces_are_written_out(pattern, scopes):
    assert read_scopes([], [pattern]) == tuple(scopes.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a\nb\u00e4", "2: a scope holds no U+00E4 LATIN SMALL LETTER A WITH DIAERESIS"
        ),
        pytest.param('"a"', "1: a scope holds no U+0022 QUOTATION MARK", id="quoted"),
        pytest.param("a\\b", "1: a scope holds no backslash", id="backslash"),
        pytest.param("{a,b", r"1: braces do not match; write \{", id="open brace"),
        pytest.param("a}", r"1: braces do not match; write \{", id="closing brace"),
        pytest.param("{a,}", "1: a scope is empty", id="empty alternative"),
        pytest.param("{1..999999999999}", "1: the braces stand for more than 10,000", id="range"),
        pytest.param("{a,b}" * 40, "1: the braces stand for more than 10,000", id="product"),
        pytest.param("scopeprobe-canary-1", "1: scopeprobe-canary-… is kept for", id="canary"),
    ],
)
def test_what_cannot_be_a_scope_is_refused_with_file_and_line(text, message):
    with pytest.raises(InputError) as caught:
        read_scopes([write("scopes.txt", text)])
    [said] = caught.value.messages
    assert said.startswith(f"scopes.txt:{message}")


def test_all_scopes_files_are_complained_about_at_once():
    with pytest.raises(InputError) as caught:
        read_scopes(
            [Path("none.txt"), write("a.txt", "ok\n\\\n\\"), "-"], ['"'], stdin=io.StringIO("{")
        )
    assert [said.split(": ")[0] for said in caught.value.messages] == [
        "none.txt",
        "a.txt:2",
        "a.txt:3",
        "standard input:1",
        "--scope",
    ]


def test_standard_input_that_is_no_text_is_said_to_be_none():
    stdin = io.TextIOWrapper(io.BytesIO(b"a.read \xff"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_scopes(["-"], stdin=stdin)
    assert caught.value.messages == ("standard input: is not UTF-8 text",)


def test_standard_input_is_read_only_once():
    with pytest.raises(InputError, match="standard input: can be read only once"):
        read_clients(["-"], scopes_files=["-"], stdin=io.StringIO("{}"))
