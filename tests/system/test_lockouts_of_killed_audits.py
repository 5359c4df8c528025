"""An audit that is killed with a request in the air, and gone on with: that request counts."""

import signal
import time

import pytest
from harness import Reply, raw_server, scopeprobe_process, started, summary
from locking_server import DRESSES, LockingServer, nights

SCOPES = [f"s{n:02}" for n in range(12)]


def killed_after(server, requests):
    """What starts an audit, and kills it as soon as so many requests have come."""

    def run(*words, env):
        before = len(server.asked)
        process = started(*words, env=env)
        while len(server.asked) < before + requests and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    return run


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
@pytest.mark.parametrize("dress", ["401 invalid_client", "500"])
def test_a_wrong_secret_fails_three_times_however_often_the_audit_is_killed(
    tmp_path, strategy, dress
):
    server = LockingServer({"c": set(SCOPES)}, dress=DRESSES[dress])
    server.secrets["c"], server.delay = "another", 0.3
    with nights(tmp_path, server, SCOPES) as night:
        for options in [(), *[("--resume",)] * 4]:
            night(strategy, *options, run=killed_after(server, 1))
    assert server.most["c"] == 3


@pytest.mark.parametrize("killed_at", [1, 3, 8])
def test_a_good_client_is_asked_to_the_end_although_the_audit_was_killed(tmp_path, killed_at):
    """On a server whose refusals look like a wrong secret: its control has a try left."""
    reply = DRESSES["401 invalid_client"]
    server = LockingServer({"c": set(SCOPES[::2])}, dress=reply, refusal=reply)
    with nights(tmp_path, server, SCOPES) as night:
        night("each", run=killed_after(server, killed_at))
        assert night("each", "--resume", run=scopeprobe_process).returncode == 0
    counts = summary(tmp_path / "out")["counts"]
    assert (counts["granted"], counts["denied"]) == (6, 6)


@pytest.mark.parametrize("killed_at", [1, 2])
def test_explanations_that_are_killed_spend_three_tries_together(tmp_path, killed_at):
    refused = Reply(401, b'{"error":"invalid_client"}', delay=0.3)

    def answer(asked):
        return refused if asked.method == "POST" else Reply(404, b"")

    words = ("explain", "--client-id", "c", "--scope", "a b", "-o", tmp_path / "out")
    with raw_server(answer) as server:
        for _ in range(4):
            endpoint = ("--token-endpoint", f"{server.url}/t")
            posted = Posted(server)
            killed_after(posted, killed_at)(
                *words, *endpoint, env={"SCOPEPROBE_CLIENT_SECRET": "another"}
            )
        assert len(posted.asked) == 3
    assert not list((tmp_path / "out").glob("*.csv"))


class Posted:
    """A server by its token requests only."""

    def __init__(self, server):
        self._server = server

    @property
    def asked(self):
        return [asked for asked in self._server.asked if asked.method == "POST"]
