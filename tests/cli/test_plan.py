"""`plan`: what an audit would take, told before anything is sent."""

import json
import re
import sqlite3
from random import Random
from statistics import mean

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, write_inputs
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import (
    NAMERS,
    REFUSED,
    Log,
    alone,
    assigned,
    narrowing,
    of_one_resource,
    placements,
    scopes,
    strict,
    with_conflicts,
)

from scopeprobe.model.answer import Issued, Refused, Unauthenticated
from scopeprobe.model.assignment import Proof
from scopeprobe.model.cell import PermissionMap, Reason
from scopeprobe.model.client import ClientName
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.strategies import STRATEGIES, each
from scopeprobe.verdicts import accepted_sets, judge, learn_behavior

FAILED = Unauthenticated(401, "invalid_client")


@st.composite
def fleets(draw):
    rng = Random(draw(st.integers(0, 2**16)))
    kind = draw(st.sampled_from(["strict", "resources", "conflicts", "narrowing"]))
    names = scopes(draw(st.integers(1, 60)), 3 if kind == "resources" else 0)
    server = {
        "strict": strict,
        "resources": of_one_resource,
        "conflicts": with_conflicts(rng.choices(names, k=2) for _ in range(4) if len(names) > 1),
        "narrowing": narrowing,
    }[kind]
    return server, names, frozenset(rng.sample(names, rng.randint(0, len(names)))), rng


DRESSES = {
    "plain": (REFUSED, REFUSED),
    "like a wrong secret": (FAILED, FAILED),
    "unspecific": (Refused(403, "access_denied"),) * 2,
    "a scope like a wrong secret, the canary not": (FAILED, REFUSED),
    "the canary like a wrong secret, a scope not": (REFUSED, FAILED),
    "each in its own way": (FAILED, Refused(403, "access_denied")),
}
"""How a scope and the canary are refused."""


def dressed(answer, asked, dress):
    """The answer of a server that words its refusals in its own way."""
    if answer != REFUSED:
        return answer
    of_scope, of_canary = DRESSES[dress]
    return of_canary if asked[0].startswith("scopeprobe-canary-") else of_scope


@settings(max_examples=240)
@given(
    fleet=fleets(),
    strategy=st.sampled_from(sorted(STRATEGIES)),
    proof=st.sampled_from(Proof),
    dress=st.sampled_from(sorted(DRESSES)),
    without_scope=st.sampled_from([Issued(()), REFUSED, FAILED]),
    max_auth_failures=st.integers(1, 4),
)
def test_no_run_takes_more_than_it_was_said_to(
    *, fleet, strategy, proof, dress, without_scope, max_auth_failures
):
    """Also where a third of what was granted changed since the last night."""
    server, names, has, rng = fleet
    before = alone(server, has, names, strategy=each).logs[0]
    cells = judge(
        before.assignment,
        learn_behavior([(before.assignment, before.facts)]),
        before.facts,
        Reason.NOT_ASKED,
    )
    has = has.symmetric_difference(rng.sample(names, len(names) // 3))
    base = assigned(names, "c000", max_auth_failures=max_auth_failures)
    assignment = type(base)(
        base.client,
        base.target,
        PermissionMap(base.client.name, cells),
        proof=proof,
        accepted_sets=accepted_sets(before.facts, cells),
        last_success=rng.choice([None, WITHOUT_SCOPE, Question(names[:1])]),
        needs_scope=without_scope != Issued(()),
    )
    log = Log(assignment)
    log.follow(
        STRATEGIES[strategy].ask(assignment),
        lambda q: (
            without_scope if q.scopes is None else dressed(server(has, q.scopes), q.scopes, dress)
        ),
    )
    estimate = STRATEGIES[strategy].estimate(assignment)
    assert len(log.facts) <= estimate.requests_at_most
    issued = sum(isinstance(fact.answer, Issued) for fact in log.facts)
    assert issued <= estimate.tokens_at_most
    assert estimate.requests_expected <= estimate.requests_at_most


@pytest.mark.parametrize("count", [10, 50, 200])
@pytest.mark.parametrize("strategy", ["each", "adaptive"])
def test_what_is_expected_is_what_it_takes_on_average(strategy, count):
    """Over clients whose share of denied scopes is spread as the flat prior says."""
    rng, names, taken = Random(5), scopes(count), []
    for _ in range(20 if count == 200 else 60):
        lot = rng.random()
        share = 0.0 if lot < 0.15 else 1.0 if lot > 0.9 else rng.choice([0.01, 0.05, 0.2, 0.6])
        has = next(placements(names, round(share * count), 1, rng))
        night = alone(strict, has, names, strategy=STRATEGIES[strategy].ask)
        taken.append(len(night.logs[0].facts))
    expected = STRATEGIES[strategy].estimate(assigned(names)).requests_expected
    assert mean(taken) / 2 <= expected <= 2 * mean(taken)


def test_a_server_that_named_its_culprits_is_expected_to_do_so_again():
    names = scopes(50)
    night = alone(NAMERS["names all culprits"], names[:30], names)
    base = assigned(names, "c000")
    known = type(base)(base.client, base.target, PermissionMap(ClientName("c000"), night.cells[0]))
    assert STRATEGIES["recheck"].estimate(known).requests_expected < 6
    assert STRATEGIES["adaptive"].estimate(base).requests_expected > 20


# -- the command


@pytest.fixture
def fleet(tmp_path):
    """Two servers that list what is granted, and count what they are asked."""

    def answer(asked):
        wanted = (asked.scopes or "").split()
        if not {"a", "b"}.issuperset(wanted):
            return Reply(400, b'{"error":"invalid_scope"}')
        return Reply(body=b'{"access_token":"opaque","scope":"%s"}' % " ".join(wanted).encode())

    with raw_server(answer) as wire:
        servers = {
            "corp": f'token_endpoint = "{wire.url}/t"\nrate = "100/s"\nclient_rate = "50/s"',
            "small": f'token_endpoint = "{wire.url}/u"\nrate = "100/s"\nclient_rate = "10/8h"',
        }
        entries = [Entry("one", "corp"), Entry("two", "corp"), Entry("three", "small")]
        scopes = [*"abc", *(f"{n:02}" for n in range(27))]
        arguments, environment = write_inputs(tmp_path, servers, entries, scopes)

        def run(command, *options):
            words = (command, *arguments, "-o", tmp_path / "out", *options)
            return scopeprobe(*words, env=environment)

        run.wire = wire
        yield run


def told(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_nothing_is_sent_and_nothing_is_written(fleet, tmp_path):
    planned = told(fleet("plan", "--print", "json"))
    assert fleet.wire.asked == []
    assert not (tmp_path / "out").exists()
    corp, small = planned["servers"]
    assert (corp["name"], corp["clients"], corp["candidates"]) == ("corp", 2, 60)
    assert (small["name"], small["clients"], small["candidates"]) == ("small", 1, 30)
    assert set(corp["strategies"]) == {"each", "adaptive"}
    for strategy, cost in planned["total"]["strategies"].items():
        parts = [server["strategies"][strategy] for server in planned["servers"]]
        for member in ("requests_at_most", "tokens_at_most"):
            assert cost[member] == sum(part[member] for part in parts)


def test_a_quota_that_is_too_small_binds_and_is_waited_for(fleet):
    planned = told(fleet("plan", "--print", "json"))
    small = planned["servers"][1]["strategies"]["each"]
    assert small["binds"] == "10/8h for one client"
    assert small["minutes"] == 3 * 8 * 60  # 33 requests or 34: three further windows of ten
    assert planned["servers"][0]["strategies"]["each"]["minutes"] < 1


@pytest.mark.parametrize(
    "budget",
    ["--max-requests 20", "--max-tokens 9", "--max-requests-per-client 12"],
)
def test_the_budget_that_would_end_it_is_named(fleet, budget):
    planned = told(fleet("plan", "--print", "json", *budget.split()))
    assert planned["total"]["strategies"]["each"]["binds"] == budget


def test_a_quota_that_was_spent_is_counted(fleet, tmp_path):
    fleet("audit", "--max-requests-per-client", "6")
    database = sqlite3.connect(tmp_path / "out/scopeprobe.db")
    spent = [quota for (quota,) in database.execute("select quota from used_permits where at > 0")]
    database.close()
    assert sum("three" in quota for quota in spent) == 6
    small = told(fleet("plan", "--print", "json"))["servers"][1]["strategies"]["each"]
    assert small["minutes"] == 3 * 8 * 60


def test_a_recheck_is_planned_to_the_request(fleet):
    """Once a run is finished, with what it proved."""
    quick = ("--client-rate", "50/s")
    fleet("audit", "-s", "adaptive", *quick)
    planned = told(fleet("plan", "--print", "json"))["servers"][0]["strategies"]["recheck"]
    before = len(fleet.wire.asked)
    fleet("audit", "-s", "recheck", *quick)
    asked = [one for one in fleet.wire.asked[before:] if one.path == "/t"]
    assert abs(len(asked) - planned["requests_expected"]) <= 2  # what brackets 28 refusals each
    assert len(asked) <= planned["requests_at_most"]


def test_the_table_fits_80_columns_and_names_what_binds(fleet):
    result = fleet("plan")
    assert result.returncode == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "10/8h for one client" in " ".join(result.stdout.split())
    assert "in all" in result.stdout


def test_an_audit_says_what_it_takes_before_it_starts(fleet):
    options = ("audit", "--max-requests", "4", "--log-format", "console")
    said = " ".join(fleet(*options).stderr.split())
    assert re.search(r"each: about \d+ requests, \d+ at most, 24\.0 h \(--max-requests 4\)", said)
    assert said.index("each: about") < said.index("4 requests, ")
    assert "each: about" not in fleet(*options, "-q").stderr


def test_a_folder_without_a_run_and_wrong_inputs_are_told_apart(fleet, tmp_path):
    assert scopeprobe("plan", tmp_path / "none.toml").returncode == 2
    (tmp_path / "out").mkdir()
    (tmp_path / "out/scopeprobe.db").write_text("no database")
    result = fleet("plan")
    assert result.returncode == 2
    assert "scopeprobe.db" in result.stderr


@pytest.mark.parametrize("issuer", [False, True], ids=["endpoint", "issuer"])
def test_no_secret_is_needed(tmp_path, issuer):
    def answer(_asked):
        said = {"issuer": server.url, "token_endpoint": f"{server.url}/t"}
        return Reply(body=json.dumps(said).encode())

    with raw_server(answer) as server:
        place = f'issuer = "{server.url}"' if issuer else f'token_endpoint = "{server.url}/t"'
        words, environment = write_inputs(tmp_path, {"s": place}, [Entry("c", "s")], ["a", "b"])
        without, with_secret = (
            scopeprobe("plan", *words, "-o", tmp_path / "out", "--print", "json", env=secrets)
            for secrets in ({}, environment)
        )
    assert without.returncode == 0, without.stderr
    assert without.stdout == with_secret.stdout
