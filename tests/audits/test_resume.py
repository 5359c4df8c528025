"""What a run that goes on asks, and what it may not conclude."""

import base64
import time

import pytest
from harness import Reply, maps, raw_server, reasons, scopeprobe, token_body
from long_runs import SCOPES, inputs, strict


def test_changed_inputs_are_not_resumed(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 2)
        scopeprobe(*words, "--max-requests", 5, env=environment)
        asked = len(server.asked)
        inputs(tmp_path, server, 2, scopes=SCOPES[:-1])
        result = scopeprobe(*words, "--resume", env=environment)
        assert len(server.asked) == asked
    assert result.returncode == 2
    assert "other inputs" in result.stderr


def test_a_complete_run_is_resumed_without_a_request(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 2)
        scopeprobe(*words, env=environment)
        before, asked = maps(tmp_path / "out"), len(server.asked)
        result = scopeprobe(*words, "--resume", env=environment)
        assert len(server.asked) == asked
    assert result.returncode == 0
    assert maps(tmp_path / "out") == before


@pytest.mark.parametrize("wrong", [401, 400], ids=["401-invalid_client", "400-unauthorized_client"])
def test_a_secret_rotated_between_two_invocations_denies_nothing(tmp_path, wrong):
    """Refusals that nothing brackets are not bracketed by a success of other credentials."""
    secret = {"good": "first-s3cret"}

    def answer(asked):
        error = "invalid_client" if wrong == 401 else "unauthorized_client"
        refusal = Reply(wrong, b'{"error":"%s"}' % error.encode())
        if base64.b64decode(asked.client.split()[-1]).decode() != f"c000:{secret['good']}":
            return refusal
        if not all(scope.startswith("s0") for scope in (asked.scopes or "").split()):
            return refusal
        if len(server.asked) == 8:
            secret["good"] = "other-s3cret"
        return Reply(body=token_body(scope=asked.scopes or ""))

    with raw_server(answer) as server:
        words, environment = inputs(tmp_path, server, 1, scopes=[f"s{n:02}" for n in range(12)])
        environment["SECRET_0"] = "first-s3cret"
        scopeprobe(*words, "--max-requests", 10, env=environment)
        environment["SECRET_0"] = "other-s3cret"
        scopeprobe(*words, "--resume", env=environment)
    found = reasons(tmp_path / "out")
    assert {scope: found["c000", scope] for _, scope in found if scope < "s10"} == {
        f"s{n:02}": "listed_in_response" for n in range(10)
    }


def test_a_wrong_secret_is_not_tried_again_by_resuming(tmp_path):
    with raw_server(lambda _asked: Reply(401, b'{"error":"invalid_client"}')) as server:
        words, environment = inputs(tmp_path, server, 3)
        scopeprobe(*words, "--max-requests", 7, env=environment)
        scopeprobe(*words, "--resume", env=environment)
        assert scopeprobe(*words, "--resume", env=environment).returncode == 4
        assert set(server.count().values()) == {3}


def test_to_go_on_where_no_run_is_stored_is_an_error_and_makes_no_folder(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 1)
        result = scopeprobe(*words, "--resume", env=environment)
        assert result.returncode == 2
        assert "out: --resume: no run is stored here" in result.stderr
        assert "--resume-if-any" in result.stderr
        assert server.asked == []
    assert not (tmp_path / "out").exists()


def test_a_job_that_is_restarted_goes_on_with_its_run_or_begins_one(tmp_path, monkeypatch):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 1)
        words.append("--resume-if-any")

        def job(*options, code):
            before = len(server.asked)
            ended = scopeprobe(*words, *options, env=environment)
            assert ended.returncode == code, ended.stderr
            return len(server.asked) - before

        whole = job(code=0)
        assert job(code=0) == whole  # the next night: nothing was cut off
        assert job("--max-requests", 5, code=3) == 5
        assert job("--max-requests", 2, code=3) == 2
        night, real = 24 * 3600, time.time
        monkeypatch.setattr(time, "time", lambda: real() + night)
        assert job(code=0) == whole  # what was cut off last night is not tonight's
        assert job("--max-requests", 5, code=3) == 5
        inputs(tmp_path, server, 1, scopes=SCOPES[:-1])
        assert job(code=0) == whole - 1  # other inputs are another run


def test_a_job_says_one_way_to_go_on(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 1)
        result = scopeprobe(*words, "--resume", "--resume-if-any", env=environment)
    assert result.returncode == 2
    assert "--resume-if-any: give it without" in result.stderr
