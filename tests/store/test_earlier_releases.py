"""
Output folders that earlier releases left, with two nights each: today's program goes on from them.

Of the second night `payroll-export` has `users.read`, which it lacked in the first. The databases
have the layouts 3 and 4; tests/store/test_store.py has one of layout 0.
"""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import lab, rows, scopeprobe, summary

from scopeprobe.lab import AuthorizationServer, Client, read_profile
from scopeprobe.reports.formats import Format

EARLIER = sorted((Path(__file__).parents[1] / "data/store").glob("layout-*"))
SECRETS = {
    "BILLING_SECRET": "lab-billing-71d0",
    "PAYROLL_SECRET": "lab-payroll-2c9e",
    "SHOP_SECRET": "lab-shop-2025",
}
MAPS = ("permissions.csv", "matrix.csv", *(f"clients/{name}.csv" for name in (
    "billing-nightly", "payroll-export", "shop-checkout",
)))  # fmt: skip


@pytest.fixture(params=EARLIER, ids=lambda path: path.name)
def earlier(request, tmp_path):
    """What an earlier release left, where a user has it."""
    folder = tmp_path / "audit"
    shutil.copytree(request.param, folder)
    for path in (folder / "out", *(folder / "out").rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


@contextmanager
def server_is_up(folder, payroll="invoices.read customers.read users.read"):
    """The server of the stored nights; `payroll` is what that client has tonight."""
    clients = [
        Client("billing", SECRETS["BILLING_SECRET"], ["invoices.read", "invoices.write"]),
        Client("payroll", SECRETS["PAYROLL_SECRET"], payroll.split()),
        Client("shop", "lab-shop-2026", ["customers.read"]),
    ]
    scopes = ["invoices.read", "invoices.write", "customers.read", "users.read"]
    server = AuthorizationServer("corp", read_profile("strict-401"), clients, scopes=scopes)
    with lab([server]) as url:
        file = folder / "clients.toml"
        file.write_text(file.read_text().replace("{port}", url.rpartition(":")[2]))
        yield


def run(folder, *words):
    return scopeprobe(*words, cwd=folder, env=SECRETS)


def printed(folder, *words):
    result = run(folder, *words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def state(folder):
    return {
        str(path): (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes())
        for path in (folder, *folder.rglob("*"))
    }


@pytest.fixture
def unchanged(earlier):
    """The folder, which has to be the same afterwards."""
    before = state(earlier / "out")
    yield earlier
    assert state(earlier / "out") == before


# -- commands that only read


def test_runs_lists_both_nights(unchanged):
    told = json.loads(printed(unchanged, "runs", "-o", "out", "--print", "json"))
    assert [(one["complete"], one["clients"], one["cells"]) for one in told["runs"]] == [
        (True, 3, 12)
    ] * 2


def test_history_tells_what_the_second_night_changed(unchanged):
    text = printed(unchanged, "history", "-o", "out", "--changed", "*", "--print", "json")
    (cell,) = json.loads(text)["cells"]
    assert (cell["client"], cell["scope"]) == ("payroll-export", "users.read")
    assert [one["verdict"] for one in cell["intervals"]] == ["denied", "granted"]


def test_diff_tells_the_same(unchanged):
    told = json.loads(printed(unchanged, "diff", "-o", "out", "--print", "json"))
    assert [(one["client"], one["scope"]) for one in told["gained"]] == [
        ("payroll-export", "users.read")
    ]
    assert told["lost"] == told["changed"] == []


def test_report_prints_the_map_that_was_written_then(unchanged):
    then = (unchanged / "out/permissions.csv").read_bytes().decode()
    assert printed(unchanged, "report", "-o", "out", "--print", "csv") == then


@pytest.mark.parametrize("form", Format)
def test_report_renders_it_in_every_format_of_today(unchanged, form):
    printed(unchanged, "report", "-o", "out", "--into", ".", "-f", form)
    assert (unchanged / form.file).stat().st_size


def test_a_baseline_of_then_is_read(unchanged):
    told = json.loads(printed(unchanged, "baseline", "show", "-o", "out", "--print", "json"))
    assert len(told["accepted"]) == 8
    assert told["unauthenticated"] == ["shop-checkout"]


def test_plan_counts_on_the_map_of_then(unchanged):
    words = ("clients.toml", "--scopes", "scopes.txt", "-o", "out", "--print", "json")
    with server_is_up(unchanged):
        told = json.loads(printed(unchanged, "plan", *words))
    assert set(told["total"]["strategies"]) == {"each", "adaptive", "recheck"}


# -- the next night

NIGHT = (
    *("audit", "clients.toml", "--scopes", "scopes.txt", "-o", "out", "-s", "recheck"),
    *("--previous", "last", "--fail-on", "missing,excess,changed,unauthenticated"),
)


def test_an_equal_night_gives_equal_maps_and_goes_on_with_the_history(earlier):
    before = {name: (earlier / "out" / name).read_bytes() for name in MAPS}
    with server_is_up(earlier):
        result = run(earlier, *NIGHT, "--baseline", "out/baseline.toml")
    assert result.returncode == 1, result.stderr
    assert {name: (earlier / "out" / name).read_bytes() for name in MAPS} == before
    found = [(one["kind"], one["scope"]) for one in summary(earlier / "out")["findings"]]
    assert found == [("excess", "users.read")]
    assert summary(earlier / "out")["requests"] < 23, "the map of then was proved again"
    told = json.loads(printed(earlier, "runs", "-o", "out", "--print", "json"))
    assert len(told["runs"]) == 3
    told = json.loads(
        printed(
            earlier, "history", "-o", "out", "payroll-export", "invoices.read", "--print", "json"
        )
    )
    assert [one["nights"] for one in told["cells"][0]["intervals"]] == [3]


def test_what_was_proved_then_is_what_tonight_is_held_against(earlier):
    with server_is_up(earlier, payroll="invoices.read customers.read"):
        result = run(earlier, *NIGHT)
    assert result.returncode == 1, result.stderr
    changed = [one for one in rows(earlier / "out/findings.csv") if one["kind"] == "changed"]
    assert [(one["client"], one["scope"]) for one in changed] == [("payroll-export", "users.read")]


def test_explain_uses_what_was_found_then(earlier):
    with server_is_up(earlier, payroll="invoices.read customers.read"):
        words = ("clients.toml", "payroll-export", "-o", "out", "--print", "json")
        told = json.loads(printed(earlier, "explain", *words))
    assert told["outcome"] == "explained"
    assert told["refusing_sets"] == [["invoices.write"], ["users.read"]]
