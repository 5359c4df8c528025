"""What a person does with the page of a night: read, filter, search, move, take along, print."""

import csv
import io
from dataclasses import replace

import pytest
from msgspec import structs
from pages import FleetOfPage
from served_folder import served

from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.reports.csv_files import permissions_csv

JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>"


def count(tab):
    return tab.get_by_role("status").inner_text()


def names(tab):
    """The clients of the rows in sight, from above."""
    return tab.eval_on_selector_all(
        "#grid .row",
        "rows => rows.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)"
        ".map(row => row.firstChild.ariaLabel)",
    )


def cell(tab, client, scope):
    """The cell of a client and a scope that are in sight."""
    (column,) = tab.eval_on_selector_all(
        ".head .cell",
        "(heads, scope) => heads.filter(head => head.ariaLabel === scope)"
        ".map(head => head.ariaColIndex)",
        scope,
    )
    row = tab.locator("#grid .row").filter(has_text=client)
    return row.locator(f"[aria-colindex='{column}']")


def focused(tab):
    return tab.evaluate(
        "[document.activeElement.parentElement.ariaRowIndex, document.activeElement.ariaColIndex]"
    )


def detail(tab):
    return " ".join(tab.locator("#detail").inner_text().split())


def test_it_opens_with_the_worst_first(opened, bad_night):
    tab = opened(bad_night)
    assert "3 clients cannot log in" in tab.title()
    assert count(tab) == "60 rows of 60, 80 scopes of 80, 4,800 cells"
    assert names(tab)[:4] == ["billing-0006", "crm-0019", "shop-0028", "data-platform-0005"]
    grid = tab.get_by_role("grid")
    assert (grid.get_attribute("aria-rowcount"), grid.get_attribute("aria-colcount")) == (
        "61",
        "81",
    )
    assert tab.locator("#matrix").is_hidden()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("Client", "crm-00*", "10 rows of 60, 80 scopes of 80, 800 cells"),
        ("Client", "crm-0013", "1 row of 60, 80 scopes of 80, 80 cells"),
        ("Scope", "*.admin", "60 rows of 60, 10 scopes of 80, 600 cells"),
        ("Search", "invalid client", "3 rows of 60, 80 scopes of 80, 240 cells"),
        ("Search", "orders.list", "60 rows of 60, 1 scope of 80, 60 cells"),
        ("Search", "nothing like it", "0 rows of 60, 0 scopes of 80, 0 cells"),
    ],
)
def test_texts_filter(opened, bad_night, field, value, told):
    tab = opened(bad_night)
    tab.get_by_label(field, exact=True).fill(value)
    assert count(tab) == told
    tab.get_by_role("button", name="Show all").click()
    tab.wait_for_function("document.querySelector('#count').innerText.startsWith('60 rows')")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("Server", "kc-eu", "12 rows of 60, 80 scopes of 80, 960 cells"),
        ("Owner", "crm@corp.example", "10 rows of 60, 80 scopes of 80, 800 cells"),
        ("Tag", "prod", "20 rows of 60, 80 scopes of 80, 1,600 cells"),
        ("Verdict", "unauthenticated", "3 rows of 60, 80 scopes of 80, 240 cells"),
        ("Finding", "excess", "3 rows of 60, 15 scopes of 80, 16 cells"),
        ("Finding", "missing", "2 rows of 60, 5 scopes of 80, 5 cells"),
    ],
)
def test_choices_filter(opened, bad_night, field, value, told):
    tab = opened(bad_night)
    tab.get_by_label(field, exact=True).select_option(value)
    assert count(tab) == told


def test_rows_and_scopes_are_sorted(opened, bad_night):
    tab = opened(bad_night)
    tab.get_by_label("Clients by").select_option("server")
    servers = {client.name: client.server.name for client in bad_night.clients}
    shown = [servers[name] for name in names(tab)]
    assert shown == sorted(shown)
    tab.get_by_label("Scopes by").select_option("worst")
    first = tab.locator(".head .cell[aria-colindex='2']").get_attribute("aria-label")
    assert first in {"payments.admin", "users.read", "users.archive"}


def test_a_click_tells_of_a_cell(opened, bad_night):
    tab = opened(bad_night)
    tab.get_by_label("Client", exact=True).fill("crm-0013")
    tab.get_by_label("Scope", exact=True).fill("invoices.*")
    cell(tab, "crm-0013", "invoices.write").click()
    told = detail(tab)
    assert "denied for crm-0013" in told
    assert "reason refused_alone evidence alone HTTP status 400 error invalid_scope" in told
    assert "missing invoices.write expected granted, is denied" in told
    assert "denied 2026-11-26 to 2026-11-26, proved in 1 night granted 2026-11-14 to" in told
    assert "scopeprobe explain clients.toml crm-0013 invoices.write" in told
    tab.locator("#detail").get_by_role("button", name="Copy").first.click()
    tab.get_by_role("button", name="Copied").wait_for()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == "scopeprobe explain clients.toml crm-0013 invoices.write"


def test_a_link_of_a_finding_leads_to_its_client(opened, bad_night):
    tab = opened(bad_night)
    tab.get_by_role("link", name="crm-0013").first.click()
    assert count(tab) == "1 row of 60, 80 scopes of 80, 80 cells"


def test_the_keyboard_alone_reaches_everything(opened, bad_night):
    tab = opened(bad_night)
    tab.get_by_role("button", name="Download CSV").focus()
    tab.keyboard.press("Tab")
    assert focused(tab) == ["2", "2"]
    for keys, place in (
        ("ArrowDown ArrowRight", ["3", "3"]),
        ("End", ["3", "81"]),
        ("Control+End", ["61", "81"]),
        ("Home", ["61", "1"]),
        ("Control+Home", ["2", "2"]),
        ("PageDown PageDown PageDown PageDown", ["61", "2"]),
        ("PageUp PageUp PageUp PageUp ArrowLeft", ["2", "1"]),
        ("ArrowUp ArrowRight ArrowRight", ["1", "3"]),
    ):
        for key in keys.split():
            tab.keyboard.press(key)
        assert focused(tab) == place, keys
    tab.keyboard.press("Enter")
    assert detail(tab).startswith("Who has audit-log.approve Close granted:")
    assert tab.evaluate("document.activeElement.id") == "detail-title"
    tab.keyboard.press("Escape")
    assert tab.locator("#detail").is_hidden()
    assert focused(tab) == ["1", "3"]
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    assert "unauthenticated for billing-0006" in detail(tab)


def test_the_focus_is_not_lost_when_its_cell_is_scrolled_away(opened, bad_night):
    tab = opened(bad_night)
    tab.locator("#grid .cell[tabindex='0']").focus()
    tab.evaluate("document.querySelector('#grid').scrollTop = 1e6")
    tab.wait_for_function("document.activeElement.id === 'grid'")
    tab.keyboard.press("ArrowDown")
    assert focused(tab) == ["3", "2"]


def test_who_has_a_scope(opened, bad_night):
    tab = opened(bad_night)
    tab.get_by_label("Scope", exact=True).fill("users.read")
    tab.get_by_role("button", name="Who has these scopes?").click()
    granted = {
        one.client
        for permissions in bad_night.maps
        for one in permissions.cells
        if one.scope == "users.read" and one.verdict is Verdict.GRANTED
    }
    listed = tab.locator("#detail .names").first.inner_text().split(", ")
    assert set(listed) == granted
    assert f"granted: {len(granted)}" in detail(tab)


def test_what_is_shown_is_taken_along_as_csv(opened, bad_night):
    tab = opened(bad_night)
    tab.get_by_label("Client", exact=True).fill("crm-0013")
    tab.get_by_label("Verdict", exact=True).select_option("granted")
    (permissions,) = [one for one in bad_night.maps if one.client == "crm-0013"]
    cells = [one for one in permissions.cells if one.verdict is Verdict.GRANTED]
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download CSV").click()
    assert download.value.path().read_text() == permissions_csv(cells)
    tab.get_by_role("button", name="Copy as CSV").click()
    tab.get_by_role("button", name="Copied").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()") == permissions_csv(cells)


def test_a_finding_of_one_target_is_not_shown_at_another(opened):
    fleet = FleetOfPage(clients=1, scopes=3)
    (permissions,) = fleet.maps
    fleet.change(0, "*", Verdict.UNKNOWN, Reason.TIMED_OUT)
    silent = [structs.replace(one, audience="api") for one in fleet.maps[0].cells]
    fleet.maps[0] = replace(permissions, cells=(*permissions.cells, *silent))
    tab = opened(fleet)
    assert names(tab) == ["billing-0000 api", "billing-0000"]
    rows = tab.locator("#grid .row")
    shown = {
        row.locator(".name").inner_text(): row.locator(".cell.warning").count()
        for row in rows.all()
    }
    assert shown == {"billing-0000 api": 3, "billing-0000": 0}


def hostile_night(text):
    fleet = FleetOfPage(clients=6, scopes=5)
    fleet.change(0, "*", Verdict.UNKNOWN, Reason.THROTTLED, 429, error=text, description=text)
    owners = [replace(client, owner=text, tags=(text,)) for client in fleet.clients]
    fleet.clients = owners
    fleet.maps[1] = replace(
        fleet.maps[1],
        cells=tuple(
            type(one)(one.client, one.client_id, text, text + one.scope, one.verdict, one.reason)
            for one in fleet.maps[1].cells
        ),
    )
    return fleet


def test_markup_that_a_server_sends_does_nothing(opened):
    tab = opened(hostile_night(HOSTILE))
    assert tab.title().startswith("5 excess") or "scopeprobe" in tab.title()
    assert tab.locator("img").count() == 0
    assert tab.locator("script").count() == 3
    tab.locator("#grid .row .cell").first.click()
    assert "<img" in tab.locator("#grid").inner_html() or tab.locator("#detail").is_visible()
    assert tab.locator("img").count() == 0


def test_formulas_that_a_server_sends_stay_text(opened):
    tab = opened(hostile_night("=1+1\r\n@x"))
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download CSV").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text(), newline="")))
    assert any(value.startswith("'=1+1") for row in rows for value in row)
    assert not any(value.startswith(("=", "@")) for row in rows for value in row)


def test_without_script_and_style_everything_can_be_read(chromium, tmp_path, bad_night):
    (tmp_path / "report.html").write_text(bad_night.page(), encoding="utf-8")
    with served(tmp_path, ("Content-Security-Policy", JENKINS)) as address:
        tab = chromium.new_page()
        asked = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"{address}/report.html")
        assert asked == [f"{address}/report.html"]
        assert tab.locator("h1").is_visible()
        assert tab.locator("#matrix pre").first.is_visible()
        assert (
            "scopeprobe explain clients.toml billing-0006" in tab.locator("#findings").inner_text()
        )
        tab.close()


def test_with_script_forbidden_alone_nothing_is_lost(opened, bad_night):
    tab = opened(bad_night, java_script_enabled=False)
    assert tab.locator("#matrix pre").first.is_visible()
    assert tab.locator("#grid").is_hidden()
    assert tab.get_by_role("button").count() == 0


def test_on_paper_the_static_part_is_whole(opened, bad_night):
    tab = opened(bad_night)
    tab.emulate_media(media="print")
    assert tab.locator("#grid").is_hidden()
    assert tab.locator("#matrix pre").last.is_visible()
    assert tab.get_by_role("button", name="Copy").count() == 0
    more = tab.locator("#untested details bdi").first
    assert more.evaluate("one => one.getBoundingClientRect().height") > 0
    assert len(tab.pdf()) > 10_000


def test_it_is_dark_where_the_desktop_is(opened, bad_night):
    tab = opened(bad_night, color_scheme="dark")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert tab.evaluate(background) == "rgb(20, 23, 27)"
    tab.emulate_media(color_scheme="light")
    assert tab.evaluate(background) == "rgb(255, 255, 255)"


def test_findings_stand_out_without_colors_of_ours(opened, bad_night):
    tab = opened(bad_night, forced_colors="active")
    tab.get_by_label("Client", exact=True).fill("crm-0013")
    tab.get_by_label("Scope", exact=True).fill("invoices.*")
    width = "one => getComputedStyle(one).borderTopWidth"
    assert cell(tab, "crm-0013", "invoices.write").evaluate(width) == "2px"
    assert cell(tab, "crm-0013", "invoices.read").evaluate(width) == "0px"


def test_many_cells_take_few_elements(opened):
    tab = opened(FleetOfPage(clients=400, scopes=200))
    drawn = tab.locator("#grid *").count()
    assert drawn < 4000
    tab.evaluate("document.querySelector('#grid').scrollTo(1e6, 1e6)")
    tab.wait_for_function("document.querySelector(\"#grid .row[aria-rowindex='401']\")")
    assert tab.locator("#grid *").count() == drawn


# -- by everybody


STATES = {
    "as it opens": lambda _tab: None,
    "filtered": lambda tab: tab.get_by_label("Finding", exact=True).select_option("any"),
    "nothing found": lambda tab: tab.get_by_label("Search").fill("nothing like it"),
    "a cell": lambda tab: tab.locator("#grid .row .cell").first.click(),
    "a client": lambda tab: tab.locator("#grid .row .name").first.click(),
    "a scope": lambda tab: tab.locator("#grid .head .cell").first.click(),
    "scopes": lambda tab: tab.get_by_role("button", name="Who has these scopes?").click(),
    "names unfolded": lambda tab: tab.locator("summary").first.click(),
}
SETTINGS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 400, "height": 800}},
    "narrow and dark": {"viewport": {"width": 400, "height": 800}, "color_scheme": "dark"},
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_axe_finds_nothing_in_any_state(opened, bad_night, settings):
    page = bad_night.page()
    for state, reach in STATES.items():
        tab = opened(page, **SETTINGS[settings])
        reach(tab)
        assert violations(tab) == [], state


@pytest.mark.parametrize("fleet", [FleetOfPage(), FleetOfPage(clients=0)], ids=["good", "empty"])
def test_axe_finds_nothing_on_other_nights(opened, fleet):
    for settings in SETTINGS.values():
        assert violations(opened(fleet, **settings)) == []


def violations(tab):
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - of an extra

    found = Axe().run(tab).response["violations"]
    return [
        (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found
    ]
