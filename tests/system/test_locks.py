"""Two audits of one folder: one runs, the other is refused or waits."""

import signal
import time

import pytest
from harness import (
    Entry,
    Reply,
    raw_server,
    scopeprobe,
    started,
    token_body,
    verdicts,
    write_inputs,
)
from long_runs import inputs, strict


def test_a_second_audit_of_the_folder_is_refused_while_one_runs(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 4, rate="20/s")
        process = started(*words, env=environment)
        while not server.asked:
            time.sleep(0.02)
        second = scopeprobe(*words, env=environment)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert second.returncode == 2
    assert "another audit is writing here" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.fixture
def slow(tmp_path):
    """An audit that is under way and takes a while."""
    with raw_server(lambda _asked: Reply(body=token_body(scope="a"))) as wire:
        servers = {"s": f'token_endpoint = "{wire.url}/t"\nclient_rate = "4/s"'}
        words, environment = write_inputs(tmp_path, servers, [Entry("one", "s")], list("abcdefgh"))
        words = ("audit", *words, "-o", tmp_path / "out")
        first = started(*words, env=environment)
        while not wire.asked:
            time.sleep(0.02)
        yield first, words, environment, tmp_path / "out"
        first.kill()
        first.communicate()


def test_a_second_audit_waits_where_it_is_told_to(slow):
    first, words, environment, out = slow
    first.send_signal(signal.SIGSTOP)  # lest it is over before the second has begun
    refused = scopeprobe(*words, env=environment)
    first.send_signal(signal.SIGCONT)
    assert refused.returncode == 2
    assert "wait for it with --wait" in refused.stderr
    second = scopeprobe(*words, "--wait", env=environment)
    assert first.poll() == 0
    assert second.returncode == 0, second.stderr
    assert len(verdicts(out)) == 8


def test_the_lock_of_a_killed_audit_holds_nobody_up(slow):
    first, words, environment, out = slow
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert scopeprobe(*words, "--resume", env=environment).returncode == 0
    assert len(verdicts(out)) == 8
