"""Standard streams that are closed, full or gone lose no run."""

import os
import subprocess
import sys

import pytest
from granting import FAST, grants
from harness import Entry, command, raw_server, rows, write_inputs
from long_runs import inputs, strict


def test_a_closed_pipe_is_no_error(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 4)
        line = subprocess.run(
            ["sh", "-c", '"$@" --print csv 2>err | head -n 1', "sh", *command(*words)],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **environment},
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=True,
        )
    assert line.stdout.startswith("client,client_id,")
    assert "Traceback" not in (tmp_path / "err").read_text()
    assert "Error" not in (tmp_path / "err").read_text()


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        pytest.param("2>&-", 0, id="standard-error-closed"),
        pytest.param(">&-", 0, id="standard-output-closed"),
        pytest.param("2>/dev/full", 0, id="standard-error-full"),
        pytest.param("--print csv >/dev/full", 0, id="standard-output-full"),
        pytest.param("-vv 2>&1 | head -n 1", 0, id="nobody-reads-the-log"),
    ],
)
def test_a_run_is_not_lost_for_a_stream_that_is_gone(tmp_path, redirection, code):
    with raw_server(grants("a")) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        arguments, environment = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a", "b"])
        words = command("audit", *arguments, "-o", tmp_path / "out")
        result = subprocess.run(
            ["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", *words],
            env={**os.environ, **environment},
            capture_output=True,
            check=False,
        )
        assert len(server.asked) == 6
    assert result.returncode == code
    assert b"Traceback" not in result.stdout + result.stderr
    assert [row["verdict"] for row in rows(tmp_path / "out/permissions.csv")] == [
        "granted",
        "denied",
    ]
