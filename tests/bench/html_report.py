"""
How long the page of many cells takes: to write, to open in Chromium, and from frame to frame.

    python tests/bench/html_report.py [CLIENTS SCOPES]

Opens and scrolls the page five times (extra `browser`, and Debian's Chromium). Prints the medians
and, as its last line, JSON; ends with exit code 1 where one is beyond its limit. The frames of a
page that stands still tell what else this machine does; the work of a frame does not depend on it.
"""

import json
import os
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

from chromium import EXECUTABLE, FLAGS  # noqa: E402 - of the tests beside this folder
from pages import FleetOfPage  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from scopeprobe.reports.page import report_page  # noqa: E402

TIMES = 5
LIMITS = {"open": 1000.0, "95 %": 50.0, "longest": 150.0}
"""Milliseconds."""
OPENED = """
addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => requestAnimationFrame(
    () => { window.opened = performance.now(); })));
"""
FRAMES = """
(how) => new Promise((done) => {
    const grid = document.querySelector("#grid");
    const [down, across] = [grid.scrollHeight, grid.scrollWidth];
    const moves = {
        standing: () => {},
        scrolling: (n) => grid.scrollTo(0, n * 60),
        "scrolling across": (n) => grid.scrollTo(n * 30, 5000),
        jumps: (n) => grid.scrollTo((n * 7919) % across, (n * 104729) % down),
        pages: () => grid.querySelector("[tabindex='0']").dispatchEvent(
            new KeyboardEvent("keydown", { key: "PageDown", bubbles: true })),
    };
    const frames = [];
    let [n, before] = [0, 0];
    const step = (now) => {
        if (before) frames.push(now - before);
        before = now;
        moves[how](n += 1);
        if (n < 90) requestAnimationFrame(step);
        else done(frames);
    };
    grid.scrollTo(0, 0);
    grid.querySelector(".row .cell").click();
    document.querySelector(".close").click();
    requestAnimationFrame(step);
})
"""
MOVES = ("standing", "scrolling", "scrolling across", "jumps", "pages")


def written(fleet, page):
    """Write the page; seconds, and the most memory that it took beside the maps, in MiB."""
    summary, past = fleet.summary(), fleet.past()
    began = time.monotonic()
    with page.open("w", encoding="utf-8") as file:
        file.writelines(report_page(fleet.maps, summary, past))
    seconds = time.monotonic() - began
    tracemalloc.start()
    for _ in report_page(fleet.maps, summary, past):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, most / 2**20


def measured(browser, page):
    """
    Milliseconds until the page is open, and for each way to move those of its frames.

    Of these the median, that of 95 %, the longest, and what the page's own thread worked in one.
    """
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration") * 1000

    tab.add_init_script(OPENED)
    tab.goto(page.as_uri())
    tab.wait_for_function("window.opened")
    opened = tab.evaluate("window.opened")
    figures = {}
    for how in MOVES:
        before = worked()
        frames = sorted(tab.evaluate(FRAMES, how))
        work = (worked() - before) / len(frames)
        figures[how] = (frames[len(frames) // 2], frames[int(len(frames) * 0.95)], frames[-1], work)
    tab.close()
    return opened, figures


def main():
    clients, scopes = map(int, sys.argv[1:] or (1000, 200))
    fleet = FleetOfPage(clients, scopes).bad_night()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = Path(folder) / "report.html"
        seconds, most = written(fleet, page)
        print(
            f"{clients:,} x {scopes} cells: {page.stat().st_size / 1e6:.2f} MB written in"
            f" {seconds:.2f} s, {most:.1f} MiB beside the maps; load {os.getloadavg()[0]:.1f}"
        )
        browser = driver.chromium.launch(executable_path=EXECUTABLE, args=list(FLAGS))
        runs = [measured(browser, page) for _ in range(TIMES)]
        browser.close()
    opened = median(one for one, _ in runs)
    figures = {"open": opened}
    print(f"open: {opened:.0f} ms")
    for how in MOVES:
        told = [median(of[how][n] for _, of in runs) for n in range(4)]
        figures[how] = dict(zip(("median", "95 %", "longest", "work"), told, strict=True))
        print(f"{how}: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in figures[how].items()))
    print(json.dumps(figures))
    slow = opened >= LIMITS["open"] or any(
        figures[how][name] > LIMITS[name] for how in MOVES[1:] for name in ("95 %", "longest")
    )
    sys.exit(slow)


if __name__ == "__main__":
    main()
