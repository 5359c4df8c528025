"""What a comment cites stands in the package: pages of `scopeprobe/docs`, their headings, rules."""

import re
from pathlib import Path

import pytest

import scopeprobe

PACKAGE = Path(scopeprobe.__file__).parent
DOCS = PACKAGE / "docs"
PLACE = r'rules? \d+|sections? \d+|appendix [A-G](?:\.\w+)?|"[^"]+"|[A-Z][a-z]+(?: [a-z]+)*'
CITATION = re.compile(
    rf"(?P<page>docs/\w+\.md|(?:design|algorithm)\.md|DESIGN(?:\.md)?)"
    rf"(?:,\s+(?P<place>{PLACE})(?P<further>(?:, \d+| and \d+| to [A-G]\b)*))?"
)
PAGES = {"DESIGN": "design.md", "DESIGN.md": "design.md"}


def citations():
    for path in sorted(PACKAGE.rglob("*.py")):
        text = re.sub(r"\s*\n\s*#?\s*", " ", path.read_text(encoding="utf-8"))
        for found in CITATION.finditer(text):
            page = PAGES.get(found["page"], found["page"].removeprefix("docs/"))
            for place in places(found["place"] or "", found["further"] or ""):
                yield f"{path.relative_to(PACKAGE)}: {page}, {place}", page, place


def places(first, further):
    """`rules 1, 2 and 7` are three, `appendix A to F` is its ends."""
    kind, _, _ = first.rstrip('"').partition(" ")
    yield first.strip('"')
    for name in re.findall(r"\d+|[A-G]", further):
        yield f"{kind} {name}"


def stands_in(page, place):
    """Whether a page has the rule of that number, or a heading that begins so."""
    text = (DOCS / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    kind, _, name = place.partition(" ")
    match kind.rstrip("s"):
        case "":
            return True
        case "rule":
            rules = text.partition("\n## Rules\n")[2].partition("\n## ")[0]
            return re.search(rf"^{name}\. ", rules, re.MULTILINE) is not None
        case "section" | "appendix":
            heading = re.compile(rf"{re.escape(name)}(?:\.|) ")
            in_text = f"**{name} " in text  # B.1 to B.4 are paragraphs
            return in_text or any(map(heading.match, headings))
        case _:
            return place in headings


FOUND = list(citations())


def test_there_are_citations_of_every_page():
    assert {page for _, page, _ in FOUND} >= {"design.md", "algorithm.md"}


@pytest.mark.parametrize(("page", "place"), [pytest.param(p, w, id=i) for i, p, w in FOUND])
def test_what_is_cited_is_there(page, place):
    assert stands_in(page, place)


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("design.md", "rule 15"),
        ("design.md", "Exit"),
        ("algorithm.md", "section 3"),
        ("algorithm.md", "appendix H"),
        ("algorithm.md", "appendix B.9"),
    ],
)
def test_what_is_not_there_is_noticed(page, place):
    assert not stands_in(page, place)


def test_the_index_names_every_page():
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", text)) == pages


def test_the_rules_are_numbered_from_1_to_14():
    text = (DOCS / "design.md").read_text(encoding="utf-8")
    assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == [str(n) for n in range(1, 15)]
