"""A clients file of many clients, in each format."""

import csv
import io
import json

from ruamel.yaml import YAML

SERVERS = '[servers.corp]\ntoken_endpoint = "https://login.example/token"\n'
SCOPES = ["orders.read", "orders.write", "users.read", "users.write"]


def entries(count):
    return [
        {
            "name": f"client-{n:04}",
            "server": "corp",
            "client_id": f"id-{n:04}",
            "client_secret": {"env": f"SECRET_{n % 7}"},
            "scopes": SCOPES,
            "expect": {"granted": ["orders.*"], "denied": ["users.write"]},
            "tags": ["prod" if n % 2 else "test"],
        }
        for n in range(count)
    ]


def as_json(clients):
    return json.dumps({"clients": clients}, indent=1)


def as_yaml(clients):
    text = io.StringIO()
    YAML().dump({"clients": clients}, text)
    return text.getvalue()


def as_toml(clients):
    lines = []
    for client in clients:
        lines.append("[[clients]]")
        for key, value in client.items():
            if isinstance(value, dict):
                inner = ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items())
                lines.append(f"{key} = {{ {inner} }}")
            else:
                lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def as_csv(clients):
    rows = []
    for client in clients:
        row = {}
        for key, value in client.items():
            members = value.items() if isinstance(value, dict) else [("", value)]
            for member, one in members:
                name = f"{key}.{member}" if member else key
                row[name] = " ".join(one) if isinstance(one, list) else one
        rows.append(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


FORMATS = {"toml": as_toml, "yaml": as_yaml, "json": as_json, "csv": as_csv}


def write(folder, ending, clients):
    """Write the clients, and their server in a file of its own; the words that name both."""
    (folder / "servers.toml").write_text(SERVERS)
    path = folder / f"clients.{ending}"
    path.write_text(FORMATS[ending](clients))
    return [folder / "servers.toml", path]


ENVIRONMENT = {f"SECRET_{n}": f"secret-{n}" for n in range(7)}
