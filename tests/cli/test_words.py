"""Words of the command line that nothing else compares as a whole."""

from datetime import UTC, datetime, timedelta

import pytest
from harness import scopeprobe

from scopeprobe.cli.progress import ENOUGH_TO_MEASURE, LONG_PAUSE, ServerProgress

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def server():
    """One of which ten requests in twenty seconds are expected."""
    return ServerProgress("corp", 10, 20.0, 2)


def test_a_server_says_what_it_is_doing(server):
    assert server.state(0.0, NOON) == "not asked yet"
    server.began = 0.0
    assert server.state(0.0, NOON) == "asking"
    server.paused_until, server.because = 30.0, "throttled"
    assert server.state(0.0, NOON) == "paused 30 s: throttled"
    assert server.state(30.0, NOON) == "asking"
    server.paused_until = float(LONG_PAUSE)
    until = NOON + timedelta(seconds=LONG_PAUSE)
    assert server.state(0.0, NOON) == f"paused until {until:%H:%M}: throttled"
    server.given_up = "unreachable"
    assert server.state(0.0, NOON) == "given up: unreachable"


def test_the_time_that_is_left_is_by_the_rates_or_by_a_slower_pace(server):
    assert server.seconds_left(0.0) == 20.0
    server.began, server.done = 0.0, ENOUGH_TO_MEASURE
    server.expected = 2 * ENOUGH_TO_MEASURE
    server.seconds = 2.0 * server.expected
    assert server.seconds_left(ENOUGH_TO_MEASURE) == 2.0 * ENOUGH_TO_MEASURE
    assert server.seconds_left(4.0 * ENOUGH_TO_MEASURE) == 4.0 * ENOUGH_TO_MEASURE
    server.paused_until = 4.0 * ENOUGH_TO_MEASURE + 7
    assert server.seconds_left(4.0 * ENOUGH_TO_MEASURE) == 4.0 * ENOUGH_TO_MEASURE + 7
    server.done = server.expected + 1
    assert server.seconds_left(server.paused_until) == 0.0
    server.finished = 2
    assert server.is_over
    assert server.seconds_left(0.0) == 0.0


def test_a_variable_that_sets_nothing_is_told_with_what_was_probably_meant(monkeypatch):
    monkeypatch.setenv("SCOPEPROBE_RETRYS", "4")
    monkeypatch.setenv("SCOPEPROBE_XYZZY", "hidden")
    said = scopeprobe("providers").stderr
    words = "SCOPEPROBE_RETRYS sets no option of any command; did you mean SCOPEPROBE_RETRIES?"
    assert words in said
    assert "SCOPEPROBE_XYZZY sets no option of any command" in said
    assert "hidden" not in said


def test_init_says_what_it_wrote_and_what_is_next(tmp_path):
    ended = scopeprobe("init", tmp_path)
    clients, scopes = tmp_path / "clients.toml", tmp_path / "scopes.txt"
    assert ended.stdout.splitlines() == [
        f"wrote {clients} and {scopes}; next, once they say what is yours:",
        f"  scopeprobe validate {clients} --scopes {scopes}",
        f"  scopeprobe audit {clients} --scopes {scopes}",
    ]
