"""
Renew the screenshots of `samples/screenshots`.

    PYTHONPATH=tests/support python tests/system/browser/screenshots.py

Needs the extra `browser`, Debian's Chromium, and optipng.
"""

import subprocess
import tempfile
from pathlib import Path

from chromium import EXECUTABLE, FLAGS
from pages import FleetOfPage
from playwright.sync_api import sync_playwright

SCREENSHOTS = Path(__file__).parents[3] / "samples/screenshots"
SIZE = {"width": 1280, "height": 860}


def findings_in_the_light(tab, file):
    tab.screenshot(path=file)


def cells_in_the_dark(tab, file):
    tab.emulate_media(color_scheme="dark")
    tab.evaluate("document.querySelector('#cells').scrollIntoView()")
    tab.evaluate("document.querySelector('#grid').scrollTo(600, 0)")
    tab.locator("#grid .cell.error.alone").nth(2).click()
    tab.wait_for_timeout(300)
    tab.screenshot(path=file)


PICTURES = {
    "bad-night-light.png": findings_in_the_light,
    "bad-night-dark.png": cells_in_the_dark,
}


def main():
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = Path(folder) / "report.html"
        page.write_text(FleetOfPage().bad_night().page(), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=EXECUTABLE, args=list(FLAGS))
        for name, take in PICTURES.items():
            tab = browser.new_page(viewport=SIZE)
            tab.goto(page.as_uri())
            take(tab, SCREENSHOTS / name)
            subprocess.run(
                ["optipng", "-quiet", "-o5", "-strip", "all", SCREENSHOTS / name], check=True
            )
        browser.close()


if __name__ == "__main__":
    main()
