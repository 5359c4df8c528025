"""A database with scribbled pages is named, with what can be done; nothing is asked in vain."""

import random
import shutil

import pytest
from harness import raw_server, scopeprobe
from long_runs import inputs, strict

PAGE = 4096


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A folder with a finished and an unfinished run, its server still there."""
    folder = tmp_path_factory.mktemp("audited")
    with raw_server(strict) as server:
        words, environment = inputs(folder, server, 6)
        assert scopeprobe(*words, env=environment).returncode == 0
        assert scopeprobe(*words, "--max-requests", 60, env=environment).returncode == 3
        yield folder, words, environment


@pytest.mark.parametrize("seed", range(12))
def test_a_database_with_scribbled_pages_is_named(audited, tmp_path, seed):
    folder, words, environment = audited
    chance = random.Random(seed)
    out = tmp_path / "out"
    words = [out if word == folder / "out" else word for word in words]
    content = bytearray((folder / "out/scopeprobe.db").read_bytes())
    pages = len(content) // PAGE
    for page in chance.sample(range(pages), chance.choice([1, 2, max(pages // 2, 3)])):
        start = page * PAGE + chance.choice([0, 8, 100, 2048])
        content[start : (page + 1) * PAGE] = chance.randbytes((page + 1) * PAGE - start)
    for command in (
        ["runs", "-o", out],
        ["history", "c001", "-o", out],
        ["report", "-f", "json", "-o", out],
        ["diff", "last", "last", "-o", out],
        ["plan", *words[1:-1]],
        [*words, "--previous", "last"],
        [*words, "--strategy", "recheck"],
        [*words, "--resume"],
    ):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (out / "scopeprobe.db").write_bytes(content)
        ended = scopeprobe(*command, env=environment)
        assert ended.returncode in {0, 1, 2, 3}, (command, ended.stderr)
        if ended.returncode == 2:
            assert str(out) in ended.stderr


@pytest.mark.parametrize(
    "command", [["runs"], ["audit"], ["audit", "--resume"]], ids=["reads", "begins", "goes on"]
)
def test_who_meets_a_damaged_database_is_told_what_can_be_done(audited, tmp_path, command):
    folder, words, environment = audited
    out = tmp_path / "out"
    out.mkdir()
    content = (folder / "out/scopeprobe.db").read_bytes()
    (out / "scopeprobe.db").write_bytes(b"no database at all" + content[18:])
    name, *options = command
    inputs_of = words[1 : words.index("-o")] if name == "audit" else []
    ended = scopeprobe(name, *inputs_of, *options, "-o", out, env=environment)
    assert ended.returncode == 2
    assert "is damaged" in ended.stderr
    assert "move it away to begin anew without history" in " ".join(ended.stderr.split())
    assert (out / "scopeprobe.db").read_bytes()[18:] == content[18:]
