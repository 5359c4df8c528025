"""The pages that people read: the README and the manual."""

import re
from pathlib import Path

import scopeprobe

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = Path(scopeprobe.__file__).parent / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\((?P<place>[^)#\n]*)(?:#(?P<heading>[^)]+))?\)")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of_all():
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def name_of(page):
    """`README`, and of pages of the manual `docs/…`."""
    return page.stem if page == README else f"docs/{page.stem}"


def table(*header):
    """The rows of the table that begins with this header, which only one page has."""
    pattern = rf"^\| {re.escape(' | '.join(header))} \|\n\|[-|]+\|\n((?:\|.*\|\n)+)"
    (found,) = re.findall(pattern, text_of_all(), re.MULTILINE)
    return [
        [cell.strip() for cell in row.removeprefix("|").removesuffix("|").split("|")]
        for row in (line.strip() for line in found.splitlines())
    ]


def bare(cell):
    return cell.strip(" `")
