"""Clients files to read, whole or wrong, as several tests write them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet, read_clients

SECRET = "hunter2-hunter2"
ENVIRONMENT = {"BILLING_SECRET": SECRET, "CRM_SECRET": "correct-horse"}

CORP = """
[servers.corp]
token_endpoint = "https://login.corp.example/token"
scopes = ["invoices.read"]
"""
BILLING = """
[[clients]]
name = "billing"
server = "corp"
client_id = "billing"
client_secret = { env = "BILLING_SECRET" }
"""


def write(name, text):
    path = Path(name)
    path.write_bytes(text.encode())
    path.chmod(0o600)
    return path


def fleet_of(text, *, name="clients.toml", environment=ENVIRONMENT, **options) -> Fleet:
    return read_clients([write(name, text)], environment=environment, **options)


def complaints_of(text, *, name="clients.toml", environment=ENVIRONMENT, **options):
    with pytest.raises(InputError) as caught:
        fleet_of(text, name=name, environment=environment, **options)
    return caught.value.messages


def candidates_of(text, **options):
    """The candidates of the only target of the only client."""
    [client] = fleet_of(text, **options).clients
    [target] = client.targets
    return target.candidates


def with_secret(source: str, name: str = "one", more: str = "") -> str:
    return f"""
[[clients]]
name = "{name}"
server = "corp"
client_id = "{name}"
client_secret = {source}
{more}
"""


WHOLE = {
    "defaults": {"owner": "platform", "timeout": "20s", "tags": ["audit"]},
    "servers": {
        "corp": {
            "token_endpoint": "https://login.corp.example/token",
            "rate": ["300/min", "10/8h"],
            "client_rate": "1/s",
            "burst": 2,
            "in_flight": 8,
            "rate_group": "corp",
            "retries": 0,
            "max_auth_failures": 2,
            "ca_file": "corp-ca.pem",
            "proxy": "http://proxy.corp.example:8080",
            "headers": {"X-Tenant": "main"},
            "basic_encoding": "raw",
            "absent_scope": "as_requested",
            "scopes": ["{users,queues}:view"],
            "token_params": {"tenant": "main", "region": "eu"},
            "authorised_by": "CISO",
            "contact": "iam@corp.example",
        }
    },
    "clients": [
        {
            "name": "billing",
            "server": "corp",
            "client_id": "billing",
            "client_secret": {"env": "BILLING_SECRET"},
            "token_endpoint_auth_method": "client_secret_post",
            "scopes": ["invoices.read", "users:view"],
            "token_params": {"region": "us"},
            "expect": {"granted": ["invoices.*"], "denied": ["{users,queues}:*"]},
            "tags": ["prod"],
            "contact": "billing@corp.example",
            "targets": [
                {"audience": "https://api.corp.example", "scopes": ["reports.read"]},
                {
                    "resource": "https://files.corp.example",
                    "expect": {"granted": []},
                    "tags": ["files"],
                },
            ],
        },
        {
            "name": "kiosk",
            "token_endpoint": "http://localhost:8080/token",
            "client_id": "kiosk",
            "token_endpoint_auth_method": "none",
            "scopes": ["invoices.read"],
        },
    ],
}


def as_toml(value) -> str:
    """Write plain data as one inline TOML value."""
    if isinstance(value, dict):
        members = (f"{json.dumps(key)} = {as_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(members) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


def as_yaml(value) -> str:
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(value, stream)
    return stream.getvalue()


FORMATS = {
    "clients.toml": lambda data: "\n".join(f"{key} = {as_toml(data[key])}" for key in data),
    "clients.yaml": as_yaml,
    "clients.yml": as_yaml,
    "clients.json": json.dumps,
}
