"""Every strategy, through a proxy that spoils what passes: what a map says is true."""

import json

import pytest
from fault_proxy import FAULTS, NUISANCES, assert_true, fault_proxy
from faulty_ways import WAYS
from harness import Entry, lab, scopeprobe, verdicts, write_inputs

from scopeprobe.lab import AuthorizationServer, Client, read_profile

SCOPES = [f"orders.{verb}" for verb in ("read", "write", "delete", "list", "export", "audit")]
CANDIDATES = [*SCOPES, "invoices.raed"]
GRANTS = {"all": SCOPES, "some": SCOPES[1:3], "one": SCOPES[4:5], "none": []}
PACE = 'rate = "200/s"\nclient_rate = "200/s"\ntimeout = "1s"\nmax_auth_failures = 8\nretries = 6'
STRATEGIES = ["each", "adaptive", "recheck"]
PROFILES = ["strict", "naming", "narrowing", "narrowing-jwt", "silent-narrowing"]
LONG = pytest.mark.torture
TRUTH = {
    (client, scope): "granted" if scope in granted else "denied"
    for client, granted in GRANTS.items()
    for scope in CANDIDATES
}


def playing(profile):
    clients = [Client(name, f"{name}-s3cret", list(granted)) for name, granted in GRANTS.items()]
    return AuthorizationServer("corp", read_profile(profile), clients, scopes=SCOPES)


def audit(tmp_path, profile, strategy, *, resumes=2, **faults):
    """The maps after a night and its resumes, and what the proxy spoiled."""
    with (
        lab([playing(profile)]) as base,
        fault_proxy(f"{base}/corp/token", **faults) as (proxy, url),
    ):
        return asked(tmp_path, f'token_endpoint = "{url}"', strategy, resumes), proxy


def asked(tmp_path, server, strategy, resumes=2):
    entries = [Entry(name, "corp", secret=f"{name}-s3cret") for name in GRANTS]
    settings = {"corp": f"{server}\n{PACE}"}
    arguments, environment = write_inputs(tmp_path, settings, entries, CANDIDATES)
    words = ("audit", *arguments, "-s", strategy, "-o", tmp_path / "out", "--max-pause", "20s")
    for n in range(resumes + 1):
        ended = scopeprobe(*words, *(["--resume"] if n else []), env=environment)
        assert "Traceback" not in ended.stderr
        assert ended.returncode in {0, 1, 3}, ended.stderr
        if ended.returncode != 3:
            break
    return verdicts(tmp_path / "out")


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
@pytest.mark.parametrize("fault", NUISANCES)
def test_what_comes_beside_an_answer_changes_no_map(tmp_path, fault, strategy):
    found, proxy = audit(tmp_path, "naming", strategy, share=1.0, faults=(fault,), resumes=0)
    assert found == TRUTH
    assert proxy.spoiled[fault] == proxy.requests


@LONG
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_by_itself_makes_a_map_false(tmp_path, fault):
    found, proxy = audit(tmp_path, "strict", "each", share=0.3, faults=(fault,))
    assert_true(found, TRUTH)
    assert proxy.spoiled[fault] > 3


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "profile", [PROFILES[0], *(pytest.param(one, marks=LONG) for one in PROFILES[1:])]
)
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=LONG) for n in range(1, 8))])
def test_no_map_is_false_where_three_in_ten_answers_are_spoiled(tmp_path, profile, strategy, seed):
    found, proxy = audit(tmp_path, profile, strategy, seed=seed)
    assert_true(found, TRUTH)
    assert proxy.spoiled.total() > 0


@pytest.mark.parametrize(
    ("strategy", "seed"),
    [
        ("adaptive", 0),
        *(
            pytest.param(strategy, seed, marks=LONG)
            for strategy in STRATEGIES
            for seed in range(1, 4)
        ),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_no_map_is_false_where_the_way_to_a_server_fails(tmp_path, way, strategy, seed):
    with (
        lab([playing("strict")]) as base,
        WAYS[way](f"{base}/corp/token", tmp_path, seed=seed) as there,
    ):
        settings = {"token_endpoint": there.url} | there.settings
        server = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
        found = asked(tmp_path, server, strategy)
    assert_true(found, TRUTH)
    assert there.spoiled.total() > 0
