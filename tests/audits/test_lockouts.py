"""No client is locked: whatever a wrong secret looks like, in every strategy, over all resumes."""

import json
from random import Random

import pytest
from harness import Reply, reasons, verdicts
from locking_server import DRESSES, INVALID_CLIENT, SPOILED, LockingServer, nights

SCOPES = [f"s{n:02}" for n in range(24)]
STRATEGIES = ["each", "adaptive", "recheck"]
PLAIN_401 = DRESSES["401 in plain text"]


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_wrong_secret_fails_three_times_whatever_it_looks_like(tmp_path, strategy, dress):
    """Stopped after every request and gone on with, until nothing is left to ask."""
    server = LockingServer({"c": set(SCOPES)}, dress=dress)
    server.secrets["c"] = "another"
    with nights(tmp_path, server, SCOPES) as night:
        night(strategy, "--max-requests", 1)
        for _ in range(2):
            night(strategy, "--max-requests", 1, "--resume")
        night(strategy, "--resume")
    assert 0 < server.most["c"] <= 3
    assert not {"granted", "denied"} & set(verdicts(tmp_path / "out").values())


@pytest.mark.parametrize("dress", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize(("strategy", "rotates_at"), [("each", 0), ("each", 5), ("adaptive", 5)])
def test_a_401_that_cannot_be_read_is_a_failed_authentication(
    tmp_path, strategy, dress, rotates_at
):
    """Whether the secret is wrong from the start or rotated in the middle, and over resumes."""
    server = LockingServer({"c": set(SCOPES[::2])}, dress=dress)
    server.rotates_at = rotates_at
    with nights(tmp_path, server, SCOPES) as night:
        night(strategy, "--max-requests", rotates_at + 1)
        for _ in range(2):
            night(strategy, "--resume")
    assert 0 < server.most["c"] <= 3


@pytest.mark.parametrize("refusal", [INVALID_CLIENT, DRESSES["403 access_denied"]])
@pytest.mark.parametrize("granted", [0, 1, 12])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_refusals_that_look_like_a_wrong_secret_lock_nobody_in_three_nights(
    tmp_path, strategy, granted, refusal
):
    """Nobody can tell them apart, so the server counts them as failures."""
    server = LockingServer({"c": set(SCOPES[:granted])}, dress=refusal, refusal=refusal)
    with nights(tmp_path, server, SCOPES, timeout="15s") as night:
        for changed in [set(), {SCOPES[0]}, {SCOPES[0]}]:
            server.granted["c"] ^= changed
            assert night(strategy).returncode == 0
            # Who refuses everything with 403 may refuse the parameter as such (rule 6).
            is_told = server.granted["c"] or refusal is INVALID_CLIENT
            withheld = "denied" if is_told else "unknown"
            truth = {s: "granted" if s in server.granted["c"] else withheld for s in SCOPES}
            assert {s: v for (_, s), v in verdicts(tmp_path / "out").items()} == truth
    assert server.most["c"] <= 2


@pytest.mark.parametrize(
    ("strategy", "every", "lost"),
    [
        *((strategy, every, Reply(raw=b"")) for strategy in STRATEGIES for every in (2, 3)),
        ("each", 3, Reply(delay=0.7)),
    ],
)
def test_refusals_whose_answers_are_lost_lock_nobody(tmp_path, strategy, every, lost):
    """The server counted them: it refuses scopes as it rejects a wrong secret."""
    scopes = SCOPES[:6]
    server = LockingServer({"c": set(scopes[::2])}, dress=INVALID_CLIENT, refusal=INVALID_CLIENT)
    server.loses_every, server.lost = every, lost
    with nights(tmp_path, server, scopes) as night:
        assert night(strategy).returncode == 0
    assert server.most["c"] <= 2
    granted = {scope for (_, scope), v in verdicts(tmp_path / "out").items() if v == "granted"}
    assert granted == server.granted["c"]


@pytest.mark.parametrize("lost", [Reply(raw=b""), Reply(delay=0.7)], ids=["hung up", "late"])
def test_first_refusals_that_are_all_lost_lock_nobody(tmp_path, lost):
    """How it refuses is not known by then: it may be how it rejects a wrong secret, too."""
    scopes = SCOPES[:6]
    server = LockingServer({"c": set(scopes[::2])}, dress=INVALID_CLIENT, refusal=INVALID_CLIENT)
    server.lost_refusals, server.lost = 3, lost
    with nights(tmp_path, server, scopes) as night:
        assert night("each").returncode == 0
    assert server.most["c"] <= 2
    granted = {scope for (_, scope), v in verdicts(tmp_path / "out").items() if v == "granted"}
    assert granted == server.granted["c"]


@pytest.mark.parametrize("dress", ["401 invalid_client", "401 page"])
@pytest.mark.parametrize("rotates_at", [1, 3, 8, 20])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_secret_rotated_in_the_middle_of_a_run_fails_three_times(
    tmp_path, strategy, rotates_at, dress
):
    """On a server that refuses scopes in the same words; gone on with until the end."""
    reply = DRESSES[dress]
    server = LockingServer({"c": set(SCOPES[::2])}, dress=reply, refusal=reply)
    server.rotates_at = rotates_at
    with nights(tmp_path, server, SCOPES) as night:
        night(strategy)
        for _ in range(3):
            night(strategy, "--resume")
    assert server.most["c"] <= 3
    granted = {scope for (_, scope), v in verdicts(tmp_path / "out").items() if v == "granted"}
    denied = {scope for (_, scope), v in verdicts(tmp_path / "out").items() if v == "denied"}
    assert granted <= server.granted["c"]
    assert denied.isdisjoint(server.granted["c"])


@pytest.mark.parametrize(
    "dress", ["401 invalid_client", "403 access_denied", "404 page", "500", "200 with an error"]
)
@pytest.mark.parametrize("rotates_at", [2, 9])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_secret_rotated_on_a_server_of_plain_refusals_fails_three_times(
    tmp_path, strategy, rotates_at, dress
):
    server = LockingServer({"c": set(SCOPES[::2])}, dress=DRESSES[dress])
    server.rotates_at = rotates_at
    with nights(tmp_path, server, SCOPES, settings="in_flight = 8") as night:
        night(strategy)
        night(strategy, "--resume")
    assert 0 < server.most["c"] <= 3


def at_most(told, strategy):
    """How many requests `plan` says that a strategy takes at most."""
    return json.loads(told.stdout)["total"]["strategies"][strategy]["requests_at_most"]


@pytest.mark.parametrize("granted", [0, 12, 47])
@pytest.mark.parametrize("changed", [0, 4])
def test_a_recheck_takes_no_more_than_each_and_no_strategy_more_than_planned(
    tmp_path, granted, changed
):
    scopes = [f"s{n:02}" for n in range(48)]
    server = LockingServer({"c": set(Random(granted).sample(scopes, granted))})
    server.dress = server.refusal = INVALID_CLIENT
    taken = {}
    with nights(tmp_path, server, scopes, timeout="15s") as night:
        for strategy in ["each", "recheck", "adaptive"]:
            told = at_most(night(None, "--print", "json"), strategy) if taken else 1000
            before = len(server.asked)
            night(strategy)
            taken[strategy] = len(server.asked) - before
            assert taken[strategy] <= told
            server.granted["c"] ^= set(Random(changed).sample(scopes, changed))
        assert taken["recheck"] <= taken["each"]
    assert server.most["c"] <= 2


@pytest.mark.parametrize("settings", ["", "max_auth_failures = 8\nin_flight = 12"])
@pytest.mark.parametrize("dress", ["401 invalid_client", "401 with half a body"])
def test_an_address_is_not_locked_by_many_clients_in_a_row_nor_by_resumes(
    tmp_path, dress, settings
):
    """A server may lock an address after 80 failed authentications, whoever failed."""
    names = [f"c{n:02}" for n in range(60)]
    server = LockingServer({name: set(SCOPES) for name in names}, dress=DRESSES[dress])
    server.secrets = dict.fromkeys(names, "another")
    with nights(tmp_path, server, SCOPES, settings=settings) as night:
        night("each", "--max-requests", 30)
        for _ in range(3):
            night("each", "--resume")
    assert 55 < len(server.asked) < 80
    assert "endpoint_left_alone" in reasons(tmp_path / "out").values()


# -- what succeeded last night is asked first


@pytest.mark.parametrize("strategy", ["adaptive", "recheck"])
@pytest.mark.parametrize("refusal", [INVALID_CLIENT, PLAIN_401])
def test_a_good_client_without_grants_stays_proved_on_a_401_server(tmp_path, strategy, refusal):
    """Its request without scope succeeded the night before, so that is asked before all else."""
    server = LockingServer({"c": set()}, dress=refusal, refusal=refusal)
    with nights(tmp_path, server, SCOPES) as night:
        night("each")
        assert set(verdicts(tmp_path / "out").values()) == {"denied"}
        for _ in range(2):
            night(strategy)
            assert set(verdicts(tmp_path / "out").values()) == {"denied"}


@pytest.mark.parametrize("strategy", ["each", "adaptive", "recheck"])
@pytest.mark.parametrize("revoked", [SCOPES[0], SCOPES[1]])
def test_a_revoked_scope_makes_no_client_unauthenticated_where_a_scope_is_needed(
    tmp_path, strategy, revoked
):
    """A missing, a bad and a revoked scope look like a wrong secret; one other scope is granted."""
    server = LockingServer(
        {"c": set(SCOPES[:2])},
        dress=INVALID_CLIENT,
        refusal=INVALID_CLIENT,
        without_scope=INVALID_CLIENT,
    )
    with nights(
        tmp_path, server, SCOPES, extra={"c": 'expect = { granted = ["s00", "s01"] }'}
    ) as night:
        night("each")
        server.granted["c"] -= {revoked}
        for _ in range(2):
            night(strategy)
            found = verdicts(tmp_path / "out")
            assert [s for (_, s), v in found.items() if v == "granted"] == sorted(
                server.granted["c"]
            )
            assert "unauthenticated" not in found.values()
    assert server.most["c"] <= 3


# -- clients that nobody can prove


NEEDS_SCOPE = Reply(400, b'{"error":"invalid_scope"}')


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_client_denied_everything_stays_denied_night_after_night(tmp_path, strategy):
    """Another's wrong secret shows that credentials come first; it shows that every night."""
    server = LockingServer(
        {"good": {SCOPES[0]}, "none": set(), "wrong": {SCOPES[0]}}, without_scope=NEEDS_SCOPE
    )
    server.secrets["wrong"] = "another"
    with nights(tmp_path, server, SCOPES) as night:
        for asked in ["each", strategy, strategy]:
            night(asked)
            found = verdicts(tmp_path / "out")
            assert {found["none", scope] for scope in SCOPES} == {"denied"}, reasons(
                tmp_path / "out"
            )
            assert {found["wrong", scope] for scope in SCOPES} == {"unauthenticated"}
    assert server.in_a_row["wrong"] <= 5


def test_the_canary_is_one_of_the_tries_of_a_client_that_nobody_can_prove(tmp_path):
    server = LockingServer({"c": set()})
    server.secrets["c"] = "another"
    with nights(tmp_path, server, SCOPES) as night:
        night("each")
    without, hopeful, canary = (scopes for _, scopes in server.asked)
    assert (without, hopeful) == (None, SCOPES[0])
    assert canary.startswith("scopeprobe-canary-")
