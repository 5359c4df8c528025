"""The manual: its pages, and what they say about a topic, which may be a code of any table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from posixpath import normpath

from markdown_it import MarkdownIt
from markdown_it.token import Token

from scopeprobe.errors import InputError, did_you_mean

INDEX = "README"
"""The page that lists the others."""
FOLDER = resources.files("scopeprobe").joinpath("docs")
WORDS_OF_A_NAME = 3
_PARSER = MarkdownIt().enable("table")
_LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\((?P<place>[^)#\n]*)(?:#(?P<anchor>[^)]+))?\)")
_COMMENT = re.compile(r"^<!--.*?-->\n+", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a page: a section, or a row of a table below the table's head."""

    page: str
    section: str
    """Its heading, or that of the section around the row."""
    topics: frozenset[str]
    """What it is about: the section's heading, or what stands in the row's first cell."""
    markdown: str
    """Of a section without its heading."""
    is_section: bool


@cache
def pages() -> Mapping[str, str]:
    """The Markdown of every page by its name."""
    return {
        file.name.removesuffix(".md"): file.read_text(encoding="utf-8")
        for file in FOLDER.iterdir()
        if file.name.endswith(".md")
    }


def topics() -> set[str]:
    """Every topic that `about` knows: pages, headings, what tables explain."""
    return (pages().keys() - {INDEX}).union(*(passage.topics for passage in _passages()))


def about(topic: str) -> str:
    """
    What the manual says about a topic, as Markdown: the page of that name, or all passages.

    :param topic: also a heading, or what the first column of any table has; empty: the index.
    :raises InputError: it says nothing; the message has what was probably meant.
    """
    manual, name = pages(), anchor(topic.removesuffix(".md"))
    if not name or name in manual:
        return manual[name or INDEX]
    found = [passage for passage in _passages() if name in passage.topics]
    if not found:
        longer = sorted((known for known in topics() if name in known), key=len)
        near = f"; did you mean {longer[0]}?" if longer else did_you_mean(name, topics())
        raise InputError([f"the manual has no topic {topic!r}{near}"])
    pages_with_section = {passage.page for passage in found if passage.is_section}
    return "\n".join(
        f"## {passage.page}: {passage.section}\n\n{passage.markdown}"
        for passage in found
        if passage.is_section or passage.page not in pages_with_section
    )


def for_reading(markdown: str) -> str:
    """The same where no link can be followed: each names the topic that it leads to."""
    return _LINK.sub(_topic_of, _COMMENT.sub("", markdown))


def anchor(heading: str) -> str:
    """
    What a link to a heading ends with, as code hosts make it.

    A code is its own anchor, an option without the hyphens that it begins with.
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-").lstrip("-")


def _topic_of(link: re.Match[str]) -> str:
    text, topic = link["text"], link["anchor"] or link["place"].removesuffix(".md")
    if anchor(text) == topic:
        return text
    if "/" in topic:
        return f"{text} (`{normpath(str(FOLDER.joinpath(topic)))}`)"
    return f"{text} (`scopeprobe docs {topic}`)"


@cache
def _passages() -> tuple[Passage, ...]:
    return tuple(
        passage for page, text in sorted(pages().items()) for passage in _passages_of(page, text)
    )


def _passages_of(page: str, markdown: str) -> Iterator[Passage]:
    lines, tokens = markdown.splitlines(keepends=True), _PARSER.parse(markdown)
    section = head = ""
    for number, token in enumerate(tokens):
        match token.type, token.map:
            case "heading_open", [first, _]:
                section = tokens[number + 1].content
                text = "".join(lines[first + 1 : _end(token, tokens[number + 1 :], len(lines))])
                yield Passage(page, section, frozenset({anchor(section)}), text, is_section=True)
            case "thead_open", [first, _]:
                head = "".join(lines[first : first + 2])
            case "tr_open", [first, _] if tokens[number + 1].type == "td_open":
                names = frozenset(map(anchor, _names_in(tokens[number + 2])))
                yield Passage(page, section, names, head + lines[first], is_section=False)


def _end(heading: Token, following: list[Token], last: int) -> int:
    """The line behind a section: of the next heading that is no smaller."""
    ends = (
        token.map[0]
        for token in following
        if token.type == "heading_open" and token.map and token.tag <= heading.tag
    )
    return next(ends, last)


def _names_in(cell: Token) -> list[str]:
    """What a cell lists, separated by commas; nothing of a sentence."""
    names = "".join(part.content for part in cell.children or ()).split(", ")
    return names if all(len(name.split()) <= WORDS_OF_A_NAME for name in names) else []
