"""What a run that goes on asks, and what it may not conclude."""

import base64

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
