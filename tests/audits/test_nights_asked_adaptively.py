"""Adaptive audits over several nights: exact counts, single flips, budgets."""

from collections import Counter

import pytest
from adaptive_nights import CLIENTS, nights
from harness import maps, scopeprobe, summary, verdicts


@pytest.fixture
def night(tmp_path):
    with nights(tmp_path, scopeprobe) as night:
        yield night


def test_an_unchanged_night_costs_the_denied_the_covers_and_the_controls(night):
    night("adaptive")
    assert verdicts(night.out) == night.server.truth()
    files = maps(night.out)

    asked = Counter(client for client, _ in night("recheck"))
    assert maps(night.out).keys() == files.keys()
    assert verdicts(night.out) == night.server.truth()
    files = maps(night.out)

    # 5 denied, one set of 35, one closing control; for the first of the server, the canary alone
    # and beside the set, which shows that lists do not merely repeat what was asked.
    assert asked == {name: 5 + 1 + 1 + 2 * (name == "c0") for name in CLIENTS}

    assert Counter(client for client, _ in night("recheck")) == asked
    assert maps(night.out) == files


def test_any_single_flip_is_found_the_same_night(night):
    night("adaptive")
    night("recheck")
    for client, scope in (
        ("c0", "s30"),
        ("c0", "s05"),
        ("c4", "s39"),
        ("c7", "s21"),
        ("c7", "s00"),
    ):
        night.server.granted[client] ^= {scope}
        night("recheck")
        assert verdicts(night.out) == night.server.truth()


def test_a_new_candidate_is_found_out_beside_what_is_proved_again(night):
    night.server.granted["c3"].add("t0")
    night("adaptive")

    night("recheck", "--scope", "t0 t1")

    found = verdicts(night.out)
    assert found["c3", "t0"] == "granted"
    assert {found["c3", "t1"], found["c0", "t0"], found["c0", "t1"]} == {"denied"}
    assert {cell: found[cell] for cell in night.server.truth()} == night.server.truth()


def test_budgets_spread_over_days_ask_nothing_twice(night, tmp_path):
    whole = night("adaptive", out=tmp_path / "whole")
    files = maps(tmp_path / "whole")

    asked, invocations = night("adaptive", "--max-requests", "30", codes=(3,)), 1
    assert len(asked) == 30
    assert "unknown" in verdicts(night.out).values()
    while not summary(night.out)["complete"]:
        more = night("adaptive", "--max-requests", "30", "--resume", codes=(0, 3))
        asked += more
        invocations += 1
        assert len(more) <= 30

    assert maps(night.out) == files
    print(f"{len(whole)} requests at once, {len(asked)} in {invocations} invocations")
    repeated = Counter(asked) - Counter(whole)
    for client, scopes in repeated:  # a control of each unfinished client, once a resume
        assert night.server.granted[client].issuperset((scopes or "").split())
    assert sum(repeated.values()) <= (invocations - 1) * len(CLIENTS)


def test_every_lone_refusal_is_repeated_where_proof_is_wanted_twice(night):
    asked = Counter(night("adaptive", "--proof", "twice"))

    denied = [cell for cell, verdict in night.server.truth().items() if verdict == "denied"]
    assert {asked[cell] for cell in denied} == {2}
    assert verdicts(night.out) == night.server.truth()
