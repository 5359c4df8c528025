"""Without CLIENTS those of the current folder are taken, and words may stand in any order."""

import json

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, token_body, verdicts, write_inputs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with clients.toml and scopes.txt, in which one stands."""

    def answer(asked):
        if asked.method == "GET":
            said = {
                "issuer": server.url,
                "token_endpoint": f"{server.url}/t",
                "scopes_supported": ["c"],
            }
            return Reply(body=json.dumps(said).encode())
        return Reply(body=token_body(scope="a"))

    with raw_server(answer) as server:
        settings = {"s": f'issuer = "{server.url}"\nrate = "900/s"\nclient_rate = "900/s"'}
        _, environment = write_inputs(tmp_path, settings, [Entry("one", "s")], ["a", "b"])
        monkeypatch.chdir(tmp_path)
        yield lambda *words: scopeprobe(*words, env=environment)


def test_without_clients_files_those_of_this_folder_are_taken_and_named(here, tmp_path):
    result = here("audit")
    assert result.returncode == 0, result.stderr
    assert "taken from this folder: clients.toml and scopes.txt" in result.stderr
    assert verdicts(tmp_path / "scopeprobe-out") == {
        ("one", "a"): "granted",
        ("one", "b"): "denied",
    }
    (tmp_path / "more.txt").write_text("c")
    result = here("validate", "--scopes", "more.txt")
    assert "taken from this folder: clients.toml\n" in result.stderr
    for words in (["plan"], ["discover"], ["discover", "one"], ["explain", "one"]):
        result = here(*words)
        assert result.returncode == 0, result.stderr
        assert "taken from this folder: clients.toml" in result.stderr
    assert "taken from" not in here("validate", "clients.toml", "--scopes", "scopes.txt").stderr


@pytest.mark.parametrize("words", [("--scope", "c"), ("--scopes-from-metadata",)])
def test_scopes_of_this_folder_are_left_alone_where_others_are_chosen(here, tmp_path, words):
    result = here("audit", *words)
    assert result.returncode == 0, result.stderr
    assert "scopes.txt" not in result.stderr
    assert "b" not in {scope for _, scope in verdicts(tmp_path / "scopeprobe-out")}


def test_where_there_are_none_the_way_to_some_is_told(here, tmp_path):
    (tmp_path / "clients.toml").unlink()
    for words in (["audit"], ["plan"], ["validate"], ["discover"], ["explain", "one"]):
        result = here(*words)
        assert result.returncode == 2
        assert "there is no clients.toml in this folder (`scopeprobe init`" in result.stderr


def test_a_name_may_stand_before_the_files(here):
    assert here("explain", "one", "clients.toml").returncode == 0
    assert here("discover", "one", "clients.toml").returncode == 0
    assert "did you mean one?" in here("discover", "clients.toml", "onee").stderr
