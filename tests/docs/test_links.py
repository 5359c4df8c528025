"""Links of the README and the manual lead somewhere, also those that `scopeprobe docs` shows."""

import re

import pytest
from manual import DOCS, LINK, PAGES, README, ROOT, name_of

from scopeprobe.cli.manual import about, anchor, for_reading

LINKS = [
    pytest.param(page, found[0], id=f"{name_of(page)}: {found['place']}#{found['heading'] or ''}")
    for page in PAGES
    for found in LINK.finditer(page.read_text(encoding="utf-8"))
]


def target_of(page, link):
    """The page or file that a link leads to, and the anchor of the heading, if it names one."""
    found = LINK.match(link)
    return (page.parent / found["place"]).resolve() if found["place"] else page, found["heading"]


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_to_a_file_of_the_package_and_one_heading(page, link):
    target, heading = target_of(page, link)
    assert target.is_file()
    assert target.is_relative_to(ROOT / "scopeprobe" if page == README else DOCS.parent)
    text = target.read_text(encoding="utf-8")
    headings = list(map(anchor, re.findall(r"^#+ (.+)$", text, re.MULTILINE)))
    assert heading is None or headings.count(heading) == 1


@pytest.mark.parametrize(("page", "link"), [link for link in LINKS if link.values[0] == README])
def test_a_reader_of_a_package_index_is_told_the_topic(page, link):
    target, heading = target_of(page, link)
    assert f"{link} (`scopeprobe docs {heading or target.stem}`)" in page.read_text()


@pytest.mark.parametrize(("page", "link"), [link for link in LINKS if link.values[0] != README])
def test_what_docs_shows_in_place_of_a_link_leads_there_too(page, link):
    target, heading = target_of(page, link)
    shown = for_reading(link)
    assert link not in shown
    if target.suffix != ".md":
        assert f"`{target}`" in shown
        return
    told = re.search(r"`scopeprobe docs (\S+)`", shown)
    page_or_sections = about(told[1] if told else shown.strip("`"))
    if heading:
        assert f"## {target.stem}: " in page_or_sections
    else:
        assert page_or_sections == target.read_text(encoding="utf-8")
