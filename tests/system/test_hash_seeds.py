"""Equal nights ask equal questions and write equal bytes, whatever Python hashes with."""

from collections import Counter

import pytest
from adaptive_nights import CLIENTS, nights
from harness import maps, raw_server, scopeprobe_process
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
    with nights(tmp_path, scopeprobe_process) as night:
        yield night


def test_replay_under_another_hash_seed_asks_the_remaining_questions(night, tmp_path):
    whole = Counter(night("adaptive", out=tmp_path / "whole", PYTHONHASHSEED="1"))

    first = Counter(night("adaptive", "--max-requests", "60", codes=(3,), PYTHONHASHSEED="2"))
    rest = Counter(night("adaptive", "--resume", PYTHONHASHSEED="3"))

    assert maps(night.out) == maps(tmp_path / "whole")
    repeated = first + rest - whole
    assert not whole - (first + rest)
    assert sum(repeated.values()) <= len(CLIENTS)
