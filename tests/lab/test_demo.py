"""The sample fleet of the demo agrees with itself."""

from __future__ import annotations

import re
import tomllib

from scopeprobe.lab import demo_clients, demo_environment, demo_scopes, demo_servers


def test_the_demo_audits_its_own_servers_with_the_secrets_that_it_hands_out():
    audited = tomllib.loads(demo_clients(8080))
    secrets = {
        (server.name, client.client_id): client.client_secret
        for server in demo_servers()
        for client in server.clients.values()
    }
    environment = demo_environment()
    wrong = {
        entry["name"]
        for entry in audited["clients"]
        if secrets.get((entry["server"], entry["client_id"]))
        != environment[entry["client_secret"]["env"]]
    }
    assert wrong == {"warehouse-loader", "shop-checkout"}
    assert len(audited["clients"]) >= 12
    assert {entry["client_secret"]["env"] for entry in audited["clients"]} == environment.keys()
    assert audited["servers"]["corp"]["token_endpoint"] == "http://127.0.0.1:8080/corp/token"
    assert audited["servers"].keys() == {server.name for server in demo_servers()}


def test_the_scopes_of_the_demo_are_all_that_its_servers_know():
    text = re.sub("#.*", "", demo_scopes())
    named = {
        prefix + ending
        for prefix, endings in re.findall(r"(\S+\.)\{(.*)\}", text)
        for ending in endings.split(",")
    }
    assert named == set().union(*(server.scopes for server in demo_servers()))
