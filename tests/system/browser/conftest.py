"""
The page of a run in a real browser: Debian's Chromium, driven by playwright (extra `browser`).

`-m browser` runs these tests; without it they are left out, since not everybody has a browser.
"""

import pytest
from chromium import EXECUTABLE, FLAGS
from pages import FleetOfPage


@pytest.fixture(scope="module")
def chromium():
    """For the tests of one file: its driver keeps an event loop running in this thread."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of an extra

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=EXECUTABLE, args=list(FLAGS))
        yield browser
        browser.close()


class Watched:
    """A tab of the browser: what it asked for, and what it complained of."""

    def __init__(self, tab):
        self.tab, self.requests, self.complaints = tab, [], []
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("console", lambda message: self.complaints.append(message.text))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))


@pytest.fixture
def opened(chromium, tmp_path):
    """
    Open the page of a fleet. In the end it has asked for nothing and complained of nothing.

    `wait_for_function` is not for these pages: it evaluates strings, which their policy forbids.
    """
    watched = []

    def open_(fleet, **settings):
        settings = {"viewport": {"width": 1280, "height": 900}, **settings}
        context = chromium.new_context(**settings)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        one = Watched(context.new_page())
        watched.append((context, one))
        page = tmp_path / "report.html"
        page.write_text(fleet if isinstance(fleet, str) else fleet.page(), encoding="utf-8")
        one.tab.goto(page.as_uri())
        return one.tab

    yield open_
    for context, one in watched:
        context.close()
        assert one.complaints == []
        assert [url for url in one.requests if not url.startswith("blob:")] == [
            (tmp_path / "report.html").as_uri()
        ]


@pytest.fixture(scope="module")
def bad_night():
    return FleetOfPage().bad_night()
