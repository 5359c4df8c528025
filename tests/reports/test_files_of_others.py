"""An audit writes its own files, removes its own files, and touches no other."""

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import raw_server, scopeprobe, verdicts
from long_runs import inputs, strict

NOBODY = 65534
SCOPES = ["s01", "s02"]
IS_READ_BY_ALL = all(
    parent.stat().st_mode & stat.S_IXOTH for parent in Path(__file__).resolve().parents
)
of_several_users = pytest.mark.skipif(
    os.geteuid() != 0 or not IS_READ_BY_ALL,
    reason="only root can be several users, where all of them can read the program",
)


@pytest.fixture
def audit(tmp_path):
    """Audit so many clients into a folder; the result."""
    with raw_server(strict) as server:

        def run(out, clients, *options, folder=tmp_path / "in"):
            words, environment = inputs(folder, server, clients, scopes=SCOPES)
            words[words.index("-o") + 1] = out
            words = [*words, *options, "--log-format", "console"]
            return scopeprobe(*words, env=environment)

        run.asked = lambda: len(server.asked)
        yield run


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_text("precious")
    return path


def test_foreign_csv_files_beside_the_maps_stay(audit, tmp_path):
    """`audit clients/mine.csv -o .` removed every file of clients/, the input among them."""
    clients = tmp_path / "clients"
    clients.mkdir()
    for name in ("mine.csv", "notes.csv", "c009.csv"):
        (clients / name).write_text("name,server\n")
    assert audit(tmp_path, 3).returncode == 0
    assert audit(tmp_path, 2).returncode == 0
    assert {path.name for path in clients.iterdir()} == {
        *("mine.csv", "notes.csv", "c009.csv", "c000.csv", "c001.csv")
    }


def test_a_map_that_somebody_changed_stays(audit, tmp_path):
    audit(tmp_path / "out", 3)
    (tmp_path / "out/clients/c001.csv").write_text("my own list")
    audit(tmp_path / "out", 1)
    assert {path.name for path in (tmp_path / "out/clients").iterdir()} == {"c000.csv", "c001.csv"}
    assert (tmp_path / "out/clients/c001.csv").read_text() == "my own list"


@pytest.mark.parametrize("name", ["clients/c001.csv", "permissions.csv"])
def test_an_input_in_the_place_of_a_map_is_not_overwritten(audit, tmp_path, name):
    (tmp_path / "clients").mkdir()
    (tmp_path / name).write_text("name,server\n")
    ended = audit(tmp_path, 2)
    assert ended.returncode == 2
    assert audit.asked() == 0
    assert f"{name}: was not written by scopeprobe" in "".join(ended.stderr.split("\n"))
    assert (tmp_path / name).read_text() == "name,server\n"


def test_maps_of_a_folder_whose_database_was_removed_are_written_anew(audit, tmp_path):
    audit(tmp_path / "out", 2)
    for log in (tmp_path / "out").glob("scopeprobe.db*"):
        log.unlink()
    assert audit(tmp_path / "out", 2).returncode == 0


def test_a_link_in_the_place_of_the_folder_of_maps_is_not_followed(audit, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/clients").symlink_to(tmp_path / "elsewhere")
    ended = audit(tmp_path / "out", 1)
    assert ended.returncode == 2
    assert "clients: is not a folder" in ended.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "draft",
    [
        ".permissions.csv.draft",
        ".summary.json.draft",
        ".report.md.draft",
        "clients/.c000.csv.draft",
    ],
)
def test_a_link_in_the_place_of_a_draft_is_not_followed(audit, tmp_path, victim, draft):
    link = tmp_path / "out" / draft
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    assert audit(tmp_path / "out", 1, "-f", "markdown").returncode == 0
    assert victim.read_text() == "precious"
    assert verdicts(tmp_path / "out")["c000", "s01"] == "granted"


def test_a_link_in_the_place_of_a_file_is_replaced(audit, tmp_path, victim):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/summary.json").symlink_to(victim)
    assert audit(tmp_path / "out", 1).returncode == 0
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_link_in_the_place_of_the_database_is_refused(audit, tmp_path, victim, suffix):
    (tmp_path / "out").mkdir()
    (tmp_path / f"out/scopeprobe.db{suffix}").symlink_to(victim)
    ended = audit(tmp_path / "out", 1)
    assert ended.returncode == 2
    assert audit.asked() == 0
    assert victim.read_text() == "precious"


# -- folders


@contextmanager
def acting_as(user):
    before = os.geteuid()
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def open_folder():
    """A folder of /tmp: other users cannot get at what pytest makes."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@of_several_users
def test_a_folder_of_another_user_is_refused(audit, open_folder):
    out = open_folder / "out"
    out.mkdir()
    os.chown(out, 12345, -1)
    out.chmod(0o777)
    with acting_as(NOBODY):
        ended = audit(out, 1, folder=open_folder / "in")
    assert ended.returncode == 2
    assert "belongs to another user (12345)" in ended.stderr
    assert list(out.iterdir()) == []
    ended = audit(out, 1)
    assert ended.returncode == 0
    assert "belongs to another user (12345)" in ended.stderr


@of_several_users
def test_a_volume_of_root_that_a_group_may_write_to_is_used(audit, open_folder):
    """As Kubernetes mounts it."""
    out = open_folder / "out"
    out.mkdir()
    os.chown(out, 0, NOBODY)
    out.chmod(0o2777)
    with acting_as(NOBODY):
        ended = audit(out, 1, folder=open_folder / "in")
    assert ended.returncode == 0
    assert "anybody may write here" in ended.stderr


def test_a_folder_that_anybody_may_write_to_is_warned_about(audit, open_folder):
    open_folder.chmod(0o1777)
    ended = audit(open_folder, 1)
    assert ended.returncode == 0
    assert "anybody may write here" in " ".join(ended.stderr.split())


def test_the_folder_its_parents_and_its_files_are_private_whatever_the_umask(audit, tmp_path):
    before = os.umask(0)
    try:
        (tmp_path / "a").mkdir(mode=0o755)
        assert audit(tmp_path / "a/b/c/out", 1, "-f", "json").returncode == 0
        (tmp_path / "a/b/c/out/scopeprobe.db").chmod(0o666)
        (tmp_path / "a/b/c/out/report.json").chmod(0o666)
        assert audit(tmp_path / "a/b/c/out", 1, "-f", "json").returncode == 0
    finally:
        os.umask(before)
    modes = {
        path.relative_to(tmp_path): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "a").rglob("*")
    }
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_file()} == {0o600}
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755


@of_several_users
def test_a_folder_of_maps_that_cannot_be_written_to_is_said_before_anything_is_asked(
    audit, open_folder
):
    out = open_folder / "out"
    (out / "clients").mkdir(parents=True)
    os.chown(out, NOBODY, -1)
    with acting_as(NOBODY):
        ended = audit(out, 1, folder=open_folder / "in")
    assert ended.returncode == 2
    assert audit.asked() == 0
    assert "clients: cannot be written to" in ended.stderr
