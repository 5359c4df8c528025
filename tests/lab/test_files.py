"""Manners files and fleet files: what they may say, and how they are complained about."""

from __future__ import annotations

import tomllib

import pytest

from scopeprobe.errors import LabError
from scopeprobe.inputs.scopes import read_scopes
from scopeprobe.lab import (
    abstract_profiles,
    available_profiles,
    read_fleet,
    read_profile,
    real_profiles,
)
from scopeprobe.lab.demo import demo_clients, demo_environment, demo_scopes, demo_servers
from scopeprobe.lab.profiles import PROFILES as FOLDER

STRICT = 'like = "strict"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[scope\n", r"bad.toml: .*line 1", id="no TOML"),
        pytest.param('summary = "x"', "bad.toml: .*`credentials`", id="a section is missing"),
        pytest.param(
            STRICT + "[scope]\nlisting = 1", r"bad.toml: .*`listing` - at `\$.scope`", id="a typo"
        ),
        pytest.param(
            STRICT + "[scope]\nunknown = 'shrug'",
            r"bad.toml: .*'shrug' - at `\$.scope.unknown`",
            id="no such treatment",
        ),
        pytest.param(
            STRICT + "[scope.unknown]\nstatus = 200",
            r"bad.toml: .*>= 400 - at `\$.scope.unknown.status`",
            id="a refusal that is a success",
        ),
        pytest.param(
            STRICT + "[scope.unknown]\ndescription = '{culprint}'",
            r"bad.toml: {culprint} is none of .* - at `\$.scope.unknown`",
            id="no such template field",
        ),
        pytest.param(
            STRICT + "[scope.unknown]\nheaders = { X-Scope = '{asked}' }",
            r"bad.toml: {asked} is none of date, .*seconds, server - at `\$.scope.unknown`",
            id="a client's words in a header",
        ),
        pytest.param(
            STRICT
            + "[scope.unknown]\nstatus = 400\ndescription = '{asked}'\n"
            + "headers = { X-Why = '{description}' }",
            r"bad.toml: {description} is none of .* - at `\$.scope.unknown`",
            id="a client's words in a header by way of the description",
        ),
        pytest.param(
            "order = ['scope']\n" + STRICT, "bad.toml: order must hold each of", id="half an order"
        ),
        pytest.param(
            STRICT + "[conclusions]\ngranted = { verdicts = ['granted'], source = 'R' }",
            r"bad.toml: a row marked R must admit unknown - at `\$.conclusions.granted`",
            id="a report taken for the truth",
        ),
        pytest.param(
            STRICT + "[throttle]\nrequests = 0",
            r"bad.toml: .*>= 1 - at `\$.throttle.requests`",
            id="a throttle that admits nothing",
        ),
        pytest.param('like = "good"', "bad.toml: no manner 'good'", id="like nothing"),
        pytest.param('like = "bad"', "bad.toml: like = 'bad' goes round", id="like itself"),
    ],
)
def test_a_bad_manners_file_is_complained_about_with_its_place(tmp_path, text, message):
    (tmp_path / "strict.toml").write_text((FOLDER / "strict.toml").read_text())
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(LabError, match=message):
        read_profile("bad", folder=tmp_path)


FLEET = """
[servers.corp]
manner = "throttling"
scopes = ["reports.read"]
override = { throttle = { requests = 1 } }

[[servers.corp.clients]]
client_id = "shop"
client_secret = "s"
granted = ["orders.read"]
"""


def test_a_fleet_file_overrides_single_keys_of_a_manner(tmp_path):
    (tmp_path / "fleet.toml").write_text(FLEET)
    (server,) = read_fleet(tmp_path / "fleet.toml")
    throttle = server.profile.throttle
    assert (server.name, throttle.requests, throttle.seconds) == ("corp", 1, 1)
    assert server.scopes == {"reports.read", "orders.read"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("manner =", "maner =", r"fleet.toml: .*`maner` - at `\$.servers\[...\]`"),
        ('"throttling"', '"polite"', "fleet.toml: servers.corp: no manner 'polite'"),
        (
            "requests = 1",
            "request = 1",
            r"fleet.toml: servers.corp: .*`request` - at `\$.throttle`",
        ),
        ("orders.read", "orders read", r"fleet.toml: .*clients\[0\].granted\[0\]`"),
        ("[servers.corp]", "[servers.'a/b']", "fleet.toml: .*at .*servers"),
        (
            'granted = ["orders.read"]',
            "[[servers.corp.clients]]\nclient_id = 'shop'",
            "fleet.toml: servers.corp: client_id 'shop' is used twice",
        ),
    ],
)
def test_a_bad_fleet_file_is_complained_about_with_its_place(tmp_path, old, new, message):
    (tmp_path / "fleet.toml").write_text(FLEET.replace(old, new))
    with pytest.raises(LabError, match=message):
        read_fleet(tmp_path / "fleet.toml")


REGISTERED = """
[servers.corp]
manner = "auth0"
targets = ["https://api.example"]
introspectors = { clerk = "c" }

[[servers.corp.clients]]
client_id = "shop"
method = "private_key_jwt"
jwk = { kty = "EC" }
roles = ["clerk"]
targets = { "https://api.example" = ["orders.read"] }
dpop_bound_access_tokens = true
"""


def test_a_fleet_file_registers_keys_roles_and_targets(tmp_path):
    (tmp_path / "fleet.toml").write_text(REGISTERED)
    (server,) = read_fleet(tmp_path / "fleet.toml")
    client = server.clients["shop"]
    assert (client.method, client.jwk, client.roles) == (
        "private_key_jwt",
        {"kty": "EC"},
        ("clerk",),
    )
    assert client.dpop_bound_access_tokens
    assert client.granted_for("https://api.example") == ("orders.read",)
    assert (server.targets, server.scopes) == ({"https://api.example"}, {"orders.read"})


def test_every_profile_is_of_a_real_server_or_shows_one_trait():
    everything = available_profiles()
    abstract, real = abstract_profiles(), real_profiles()
    assert abstract | real == everything
    assert abstract.keys().isdisjoint(real)
    assert {"strict", "narrowing", "throttling"} <= abstract.keys()
    assert {"keycloak", "entra", "genesys"} <= real.keys()
    assert [*everything] == sorted(everything)
    assert real["keycloak"] == read_profile("keycloak").summary


# -- the sample fleet


def test_the_demo_knows_its_clients_but_for_one_and_their_secrets_but_for_one():
    written = tomllib.loads(demo_clients(port=8123))
    servers = {server.name: server for server in demo_servers()}
    for name in written["servers"]:
        endpoint = f"http://127.0.0.1:8123/{name}/token"
        assert (name in servers, written["servers"][name]["token_endpoint"]) == (True, endpoint)
    variables, unknown, wrong = demo_environment(), [], []
    for client in written["clients"]:
        known = servers[client["server"]].clients.get(client["client_id"])
        if known is None:
            unknown.append(client["name"])
        elif known.client_secret != variables[client["client_secret"]["env"]]:
            wrong.append(client["name"])
    assert (unknown, wrong) == (["shop-checkout"], ["warehouse-loader"])


def test_the_scopes_of_the_demo_are_for_its_clients(tmp_path):
    (tmp_path / "scopes.txt").write_text(demo_scopes())
    asked = read_scopes([tmp_path / "scopes.txt"])
    corp = next(server for server in demo_servers() if server.name == "corp")
    assert "invoices.read" in asked
    assert len(corp.scopes.intersection(asked)) > len(asked) / 2
