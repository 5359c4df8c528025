"""Equal nights ask equal questions and write equal bytes, whatever Python hashes with."""

from collections import Counter

import pytest
from adaptive_nights import CLIENTS, SCOPES, Strict, name_of
from harness import Entry, maps, raw_server, scopeprobe_process, write_inputs
from long_runs import inputs, strict


def test_equal_nights_give_equal_bytes(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 6)
        nights = []
        for seed in ("1", "2"):
            scopeprobe_process(*words, env={**environment, "PYTHONHASHSEED": seed})
            nights.append(maps(tmp_path / "out"))
    assert nights[0] == nights[1]


def test_replay_asks_the_remaining_questions_alone_under_another_hash_seed(tmp_path):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 3)
        scopeprobe_process(*words, "--max-requests", 30, env={**environment, "PYTHONHASHSEED": "1"})
        scopeprobe_process(*words, "--resume", env={**environment, "PYTHONHASHSEED": "2"})
        counted = Counter((a.client, a.scopes) for a in server.asked if a.scopes is not None)
    assert set(counted.values()) == {1}


@pytest.fixture
def night(tmp_path):
    """Runs one audit of the fleet; its files are in the folder `out`."""
    server = Strict()
    with raw_server(server) as wire:

        def run(strategy, *options, out=tmp_path / "out", codes=(0,), seed="0"):
            settings = f'token_endpoint = "{wire.url}/t"\nrate = "900/s"\nclient_rate = "900/s"'
            entries = [Entry(name, "s") for name in CLIENTS]
            arguments, environment = write_inputs(tmp_path, {"s": settings}, entries, SCOPES)
            before = len(wire.asked)
            result = scopeprobe_process(
                *("audit", *arguments, "-s", strategy, "-o", out, *options),
                env={**environment, "PYTHONHASHSEED": seed},
            )
            assert result.returncode in codes, result.stderr
            return [(name_of(asked), asked.scopes) for asked in wire.asked[before:]]

        run.server, run.out = server, tmp_path / "out"
        yield run


def test_replay_under_another_hash_seed_asks_the_remaining_questions(night, tmp_path):
    whole = Counter(night("adaptive", out=tmp_path / "whole", seed="1"))

    first = Counter(night("adaptive", "--max-requests", "60", codes=(3,), seed="2"))
    rest = Counter(night("adaptive", "--resume", seed="3"))

    assert maps(night.out) == maps(tmp_path / "whole")
    repeated = first + rest - whole
    assert not whole - (first + rest)
    assert sum(repeated.values()) <= len(CLIENTS)
