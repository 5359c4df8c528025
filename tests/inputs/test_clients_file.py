"""What a clients file says: the same in three formats, from one file or from several."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from clients_files import (
    BILLING,
    CORP,
    ENVIRONMENT,
    FORMATS,
    SECRET,
    WHOLE,
    as_yaml,
    fleet_of,
    write,
)

from scopeprobe.inputs import read_clients
from scopeprobe.model.client import AuthMethod, Expectation, Target
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope

pytestmark = pytest.mark.usefixtures("_folder")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_fleet(name):
    write("corp-ca.pem", "")
    fleet = fleet_of(FORMATS[name](WHOLE), name=name)
    billing, kiosk = fleet.clients

    assert (billing.name, billing.client_id, billing.auth_method) == (
        "billing",
        "billing",
        AuthMethod.CLIENT_SECRET_POST,
    )
    assert billing.secret is not None
    assert billing.secret.reveal() == SECRET
    assert (billing.owner, billing.authorised_by) == ("platform", "CISO")
    assert billing.tags == ("audit", "prod", "files")
    shared = ("users:view", "queues:view", "invoices.read")
    assert billing.targets == (
        Target(
            candidates=(*map(Scope, shared), Scope("reports.read")),
            audience="https://api.corp.example",
            token_params=(("region", "us"), ("tenant", "main")),
            expect=Expectation(("invoices.*",), ("users:*", "queues:*")),
        ),
        Target(
            candidates=(*map(Scope, shared),),
            resource="https://files.corp.example",
            token_params=(("region", "us"), ("tenant", "main")),
            expect=Expectation(granted=()),
        ),
    )
    server = billing.server
    assert (server.name, server.endpoints.token) == ("corp", "https://login.corp.example/token")
    assert server.limits.rates == (Rate(300, 60), Rate(10, 8 * 3600))
    assert server.limits.client_rates == (Rate(1, 1),)
    assert (server.limits.burst, server.limits.in_flight, server.limits.rate_group) == (
        2,
        8,
        "corp",
    )
    assert (server.connection.timeout, server.limits.retries, server.limits.max_auth_failures) == (
        20,
        0,
        2,
    )
    assert (server.connection.ca_file, server.connection.proxy) == (
        Path("corp-ca.pem"),
        "http://proxy.corp.example:8080",
    )
    assert server.connection.headers == (("X-Tenant", "main"),)
    assert (server.traits.basic_encoding, server.traits.absent_scope) == (
        BasicEncoding.RAW,
        "as_requested",
    )
    assert server.connection.contact == "billing@corp.example"

    assert (kiosk.secret, kiosk.auth_method) == (None, AuthMethod.NONE)
    assert kiosk.server.endpoints.token == "http://localhost:8080/token"
    assert kiosk.server.connection.timeout == 20
    assert kiosk.targets == (Target((Scope("invoices.read"),)),)
    assert fleet.known == {"billing", "kiosk"}
    assert fleet.notices == ()


@pytest.mark.parametrize("write_text", [as_yaml, json.dumps], ids=["yaml", "json"])
@pytest.mark.parametrize("dash", ["-", Path("-")], ids=["text", "path"])
def test_a_dash_reads_standard_input(dash, write_text):
    write("corp-ca.pem", "")
    stdin = io.StringIO(write_text(WHOLE))
    fleet = read_clients([dash], environment=ENVIRONMENT, stdin=stdin)
    written = fleet_of(json.dumps(WHOLE), name="clients.json")
    assert fleet.goes_on_from(written.digest)


def test_servers_of_one_file_serve_the_clients_of_another():
    files = [write("clients.toml", BILLING), write("servers.toml", CORP)]
    fleet = read_clients(files, environment=ENVIRONMENT)
    assert [client.server.name for client in fleet.clients] == ["corp"]


def test_defaults_hold_for_their_own_file():
    crm = BILLING.replace('"billing"', '"crm"').replace("BILLING", "CRM")
    files = [
        write("servers.toml", "[defaults]\nscopes = ['of.servers']\n" + CORP),
        write("billing.toml", "[defaults]\nscopes = ['of.billing']\n" + BILLING),
        write("crm.toml", crm),
    ]
    billing, crm = read_clients(files, environment=ENVIRONMENT).clients
    assert billing.targets[0].candidates == ("of.billing", "of.servers", "invoices.read")
    assert crm.targets[0].candidates == ("of.servers", "invoices.read")


def test_defaults_may_name_the_server_and_the_secret():
    text = """
        [defaults]
        server = "corp"
        client_secret = { env = "BILLING_SECRET" }
        [[clients]]
        name = "billing"
        client_id = "billing"
        """
    [client] = fleet_of(text + CORP).clients
    assert client.server.name == "corp"
    assert client.secret is not None


def test_an_endpoint_of_a_client_outdoes_the_server_of_the_defaults():
    text = """
        [defaults]
        server = "corp"
        [[clients]]
        name = "kiosk"
        client_id = "kiosk"
        token_endpoint = "https://login.kiosk.example/token"
        token_endpoint_auth_method = "none"
        scopes = ["read"]
        """
    [client] = fleet_of(text + CORP).clients
    assert client.server.endpoints.token == "https://login.kiosk.example/token"


@pytest.mark.parametrize("name", ["clients.toml", "clients.yaml", "clients.json"])
def test_ten_times_as_many_clients_take_about_ten_times_as_long_to_read(name):
    def time_of(count):
        clients = [
            {
                "name": f"client-{number}",
                "server": "corp",
                "client_id": f"id-{number}",
                "client_secret": {"env": f"SECRET_{number}"},
                "scopes": ["{users,queues}:{view,edit}", f"own-{number}"],
                "tags": ["prod"],
            }
            for number in range(count)
        ]
        server = {"token_endpoint": "https://login.corp.example/token"}
        path = write(name, FORMATS[name]({"servers": {"corp": server}, "clients": clients}))
        environment = {f"SECRET_{number}": f"secret-{number}" for number in range(count)}
        started = time.process_time()
        fleet = read_clients([path], environment=environment)
        took = time.process_time() - started
        assert len(fleet.clients) == count
        print(f"{name}, {count} clients: {took:.2f} s")
        return took

    def least_time_of(count):
        """Of three: what else the processor did only ever adds to it."""
        return min(time_of(count) for _ in range(3))

    assert least_time_of(500) < 30 * least_time_of(50)
