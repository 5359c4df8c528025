"""One report a group beside the whole: what it holds, where it goes, and what is left alone."""

import pytest
from harness import rows, scopeprobe, summary

HOSTILE = {
    "one": "../../up", "two": "/etc/passwd", "three": "a\\\\b:c*? \u202e<x>",
}  # fmt: skip


@pytest.fixture
def fleet(fleet_of_nights):
    """Three clients: two owners, and a finding of one of them."""
    fleet = fleet_of_nights
    fleet.extra = {
        "one": 'owner = "Team A"\ntags = ["prod", "eu"]\nexpect = { granted = ["a.read"] }',
        "two": 'owner = "team-b"\ntags = ["prod"]',
        "three": "",
    }
    return fleet


def groups(out, by):
    return {path.name: path for path in (out / f"by-{by}").iterdir()}


def clients_in(folder):
    return {row["client"] for row in rows(folder / "permissions.csv")}


def test_each_owner_has_the_files_of_the_whole(fleet):
    fleet.night("--split-by", "owner", "-f", "sarif", "-f", "xlsx", codes=(1,))
    found = groups(fleet.out, "owner")
    assert [name.rpartition("-")[0] or name for name in sorted(found)] == ["Team-A", "none", "team"]
    team_a = found[next(name for name in found if name.startswith("Team-A-"))]
    assert {path.name for path in team_a.iterdir()} == {
        "permissions.csv", "findings.csv", "matrix.csv", "summary.json", "report.html",
        "report.sarif", "report.xlsx",
    }  # fmt: skip
    assert clients_in(team_a) == {"one"}
    assert clients_in(found["team-b"]) == {"two"}
    assert clients_in(found["none"]) == {"three"}
    assert [row["scope"] for row in rows(team_a / "findings.csv")] == ["a.write"]
    assert rows(found["team-b"] / "findings.csv") == []
    assert summary(team_a)["over_bar"] is True
    assert summary(found["team-b"])["over_bar"] is False
    assert summary(found["team-b"])["counts"]["granted"] == 1
    assert clients_in(fleet.out) == {"one", "two", "three"}
    assert team_a.stat().st_mode & 0o777 == 0o700
    assert (team_a / "findings.csv").stat().st_mode & 0o777 == 0o600


def test_a_client_is_in_the_reports_of_all_its_tags_and_of_its_server(fleet):
    fleet.night("--split-by", "tag", codes=(1,))
    by_tag = {name: clients_in(path) for name, path in groups(fleet.out, "tag").items()}
    assert by_tag == {"prod": {"one", "two"}, "eu": {"one"}, "none": {"three"}}
    fleet.night("--split-by", "server", codes=(1,))
    by_server = {name: clients_in(path) for name, path in groups(fleet.out, "server").items()}
    assert by_server == {"east": {"one", "two"}, "west": {"three"}}
    assert not (fleet.out / "by-tag").exists()


def test_an_incident_of_a_server_is_told_to_every_owner_it_touches(fleet):
    fleet.secrets |= {"one": "rotated", "two": "rotated"}
    fleet.night("--split-by", "owner", codes=(1, 4))
    told = {name: summary(path)["findings"] for name, path in groups(fleet.out, "owner").items()}
    assert [one["clients"] for one in told["team-b"]] == [["two"]]
    assert told["none"] == []


def test_no_group_is_a_way_out_of_the_folder(fleet):
    for name, owner in HOSTILE.items():
        fleet.extra[name] = f"owner = '{owner}'" if name != "three" else 'owner = "a:b/c d"'
    fleet.night("--split-by", "owner", codes=(0, 1))
    before = {path.name for path in fleet.folder.iterdir()}
    assert before == {"clients.toml", "scopes.txt", "out"}
    names = groups(fleet.out, "owner")
    assert len(names) == 3
    assert all(name.strip(".") and "/" not in name for name in names)


def test_names_that_a_file_system_may_hold_for_one_are_kept_apart(fleet):
    for name, owner in {"one": "IAM", "two": "iam", "three": "Iam"}.items():
        fleet.extra[name] = f'owner = "{owner}"'
    fleet.night("--split-by", "owner")
    names = groups(fleet.out, "owner")
    assert len({name.lower() for name in names}) == 3
    assert sorted(map(str, map(sorted, map(clients_in, names.values())))) == [
        "['one']", "['three']", "['two']",
    ]  # fmt: skip


def test_files_of_groups_that_are_gone_are_removed_and_no_others(fleet):
    fleet.night("--split-by", "owner", codes=(1,))
    found = groups(fleet.out, "owner")
    (found["none"] / "mine.txt").write_text("precious")
    (found["team-b"] / "matrix.csv").write_text("my own")
    for name in fleet.extra:
        fleet.extra[name] = 'owner = "all"'
    fleet.night("--split-by", "owner")
    left = {str(path.relative_to(fleet.out / "by-owner")) for path in fleet.out.glob("by-*/*/*")}
    assert {path for path in left if not path.startswith("all/")} == {
        "none/mine.txt", "team-b/matrix.csv",
    }  # fmt: skip


def test_links_are_never_followed(fleet, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    fleet.out.mkdir()
    (fleet.out / "by-owner").symlink_to(elsewhere)
    refused = fleet.night("--split-by", "owner", codes=(2,))
    assert "by-owner: is not a folder" in refused.stderr
    (fleet.out / "by-owner").unlink()
    (fleet.out / "by-owner").mkdir()
    (fleet.out / "by-owner" / "team-b").symlink_to(elsewhere)
    fleet.night("--split-by", "owner", codes=(3,))
    assert list(elsewhere.iterdir()) == []


def test_a_stored_run_is_split_the_same_way(fleet, tmp_path):
    fleet.night("--split-by", "owner", "-f", "markdown", codes=(1,))
    into = tmp_path / "into"
    into.mkdir()
    words = ("report", "-f", "markdown", "--split-by", "owner", "-o", fleet.out, "--into", into)
    assert scopeprobe(*words).returncode == 0
    for path in into.glob("by-owner/*/*"):
        assert path.read_bytes() == (fleet.out / path.relative_to(into)).read_bytes()
    assert len(list(into.glob("by-owner/*/report.md"))) == 3
