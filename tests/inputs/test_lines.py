"""Every client knows the line on which it is written, whatever stands in texts and comments."""

from __future__ import annotations

import pytest
from clients_files import ENVIRONMENT, write

from scopeprobe.inputs import read_clients

pytestmark = pytest.mark.usefixtures("_folder")

TOML = r'''# [[clients]]
[servers.corp]
token_endpoint = "https://login.corp.example/token"
scopes = ["a[[clients]]"]

[[clients]]
name = "one"
server = "corp"
client_id = "x # [[clients]]"
client_secret = """
[[clients]]\"""
[[clients]]
"""
tags = [
  '[[clients]]', # it's one
  "[[clients]] \" ",
]

  [[ clients ]] # the second
name = "two"
server = "corp"
client_id = "two"
client_secret = { env = "CRM_SECRET" }
'''
YAML = """\
servers: {corp: {token_endpoint: "https://login.corp.example/token", scopes: [a]}}
clients:
  # - name: none
  - {name: one, server: corp, client_id: one, client_secret: {env: CRM_SECRET}}
  -
    name: two
    server: corp
    client_id: two
    client_secret: {env: CRM_SECRET}
"""
JSON = """\
{"servers": {"corp": {"token_endpoint": "https://login.corp.example/token", "scopes": ["[["]}},
 "clients": [
  {"name": "one", "server": "corp", "client_id": "} \\" {", "tags": ["clients"],
   "client_secret": {"env": "CRM_SECRET"}},

  {"name": "two",
   "server": "corp", "client_id": "two", "client_secret": {"env": "CRM_SECRET"}}]}
"""
CSV = """\
name,client_id,token_endpoint,scopes,client_secret.env,owner
one,one,https://login.corp.example/token,a,CRM_SECRET,it

two,two,https://login.corp.example/token,a,CRM_SECRET,
"""


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("clients.toml", TOML, {"one": 6, "two": 19}),
        ("clients.yaml", YAML, {"one": 4, "two": 6}),
        ("clients.json", JSON, {"one": 3, "two": 6}),
        ("clients.csv", CSV, {"one": 2, "two": 4}),
    ],
)
def test_a_client_knows_its_file_and_line(name, text, lines):
    fleet = read_clients([write(name, text)], environment=ENVIRONMENT)
    assert {client.name: client.line for client in fleet.clients} == lines
    assert {client.file for client in fleet.clients} == {name}
