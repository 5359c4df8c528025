"""`scopeprobe replay`: the same causes from a file, without the network."""

import json
import stat

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, token_body, write_inputs

SECRET = "s3cret-of-nobody"


def answer(asked):
    if "z.read" in (asked.scopes or ""):
        return Reply(400, b'{"error":"invalid_scope"}')
    return Reply(body=token_body(scope=asked.scopes or "a.read"))


@pytest.fixture
def explained(tmp_path):
    """An explanation with its bundle; the server is gone by now."""
    with raw_server(answer) as server:
        entries = [Entry("billing", "corp", secret=SECRET, extra='scopes = ["a.read", "z.read"]')]
        settings = f'token_endpoint = "{server.url}/realms/corp/token"'
        words, environment = write_inputs(tmp_path, {"corp": settings}, entries)
        result = scopeprobe(
            *("explain", *words, "billing", "--bundle", tmp_path / "evidence.json"),
            *("--print", "json"), env=environment, cwd=tmp_path,
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_same_causes_from_the_file(explained, tmp_path):
    result = scopeprobe("replay", tmp_path / "evidence.json", "--print", "json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["client"] == "client-1"
    for member in ("outcome", "refusing_sets", "requests", "credential_failures", "refusals"):
        assert told[member] == explained[member]
    assert [(c["code"], c["confidence"]) for c in told["causes"]] == [
        (c["code"], c["confidence"]) for c in explained["causes"]
    ]


@pytest.mark.usefixtures("explained")
def test_the_file_is_private_and_can_be_read_from_standard_input(tmp_path):
    file = tmp_path / "evidence.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET not in file.read_text()
    result = scopeprobe("replay", "-", stdin=file.read_text())
    assert "client-1 is explained" in result.stdout


@pytest.mark.usefixtures("explained")
def test_markdown_for_a_ticket(tmp_path):
    result = scopeprobe("replay", tmp_path / "evidence.json", "--print", "markdown", "-v")
    assert result.stdout.startswith("# client-1 is explained")
    assert result.stdout.count("```sh\ncurl ") > 2


def test_a_folder_that_is_not_there_is_said_before_anything_is_sent(tmp_path):
    with raw_server(answer) as server:
        words, environment = write_inputs(
            tmp_path, {"corp": f'token_endpoint = "{server.url}/t"'}, [Entry("billing", "corp")]
        )
        result = scopeprobe(
            *("explain", *words, "billing", "--bundle", tmp_path / "none" / "evidence.json"),
            env=environment,
        )
    assert (result.returncode, server.asked) == (2, [])
    assert "there is no folder" in result.stderr


@pytest.mark.parametrize("text", [None, "", "{}"])
def test_what_is_no_bundle_is_an_input_error(tmp_path, text):
    file = tmp_path / "evidence.json"
    if text is not None:
        file.write_text(text)
    result = scopeprobe("replay", file)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {file}: ")
