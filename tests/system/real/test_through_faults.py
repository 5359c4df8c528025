"""A real server behind a proxy that spoils three in ten answers: what a map says is true."""

from dataclasses import replace

import pytest
from enrolment import enrol
from fault_proxy import assert_true, fault_proxy
from faulty_ways import WAYS
from harness import scopeprobe, verdicts

LONG = pytest.mark.torture
PATIENT = {"timeout": "1s", "retries": 6, "max_auth_failures": 8}
SERVERS = ["authlib_server", "oidc_provider", "django_per_client"]


@pytest.mark.parametrize(
    ("strategy", "seed"),
    [
        ("adaptive", 0),
        *(
            pytest.param(strategy, seed, marks=LONG)
            for strategy in ("each", "recheck", "adaptive")
            for seed in (1, 2, 3)
        ),
    ],
)
@pytest.mark.parametrize(
    "name", [SERVERS[0], *(pytest.param(name, marks=LONG) for name in SERVERS[1:])]
)
def test_no_map_of_a_real_server_is_false(name, strategy, seed, request, tmp_path):
    server = request.getfixturevalue(name)
    with fault_proxy(server.token_endpoint, seed=seed) as (proxy, url):
        found = audited(tmp_path, server, {"token_endpoint": url}, strategy)
    assert_true(found, server.truth)
    assert proxy.spoiled.total() > 0


@LONG
@pytest.mark.parametrize("strategy", ["each", "recheck", "adaptive"])
@pytest.mark.parametrize("way", WAYS)
def test_nor_is_one_where_the_way_to_it_fails(way, strategy, authlib_server, tmp_path):
    with WAYS[way](authlib_server.token_endpoint, tmp_path) as there:
        settings = {"token_endpoint": there.url} | there.settings
        found = audited(tmp_path, authlib_server, settings, strategy)
    assert_true(found, authlib_server.truth)
    assert there.spoiled.total() > 0


def audited(tmp_path, server, settings, strategy):
    """The maps after a night and two resumes at most."""
    there = replace(server, token_endpoint=settings["token_endpoint"])
    inputs = enrol(tmp_path, there, settings | PATIENT)
    words = ("audit", *inputs.arguments, "-s", strategy, "-o", tmp_path / "out")
    for n in range(3):
        ended = scopeprobe(*words, *(["--resume"] if n else []), env=inputs.environment)
        if ended.returncode != 3:
            break
    assert ended.returncode in {0, 1, 3}, ended.stderr
    return verdicts(tmp_path / "out")
