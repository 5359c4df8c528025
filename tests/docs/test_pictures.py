"""Pictures that pages show are there, and small enough to be kept."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "samples/screenshots"
PAGES = [ROOT / "README.md", *sorted((ROOT / "scopeprobe/docs").glob("*.md"))]
SHOWN = [
    (page, picture)
    for page in PAGES
    for picture in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text())
]


@pytest.mark.parametrize("name", ["bad-night-light.png", "bad-night-dark.png"])
def test_a_screenshot_is_small_and_a_picture(name):
    content = (SCREENSHOTS / name).read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert len(content) < 150_000


def test_whatever_picture_a_page_shows_is_there():
    missing = [
        (page.name, picture)
        for page, picture in SHOWN
        if "://" not in picture and not (page.parent / picture).is_file()
    ]
    assert missing == []
