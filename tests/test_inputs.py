"""Every file that is read: good ones in three formats, bad ones with their complaints."""

from __future__ import annotations

import io
import json
import os
import string
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_other
from ruamel.yaml import YAML

from scopeprobe.errors import InputError
from scopeprobe.inputs import (
    Fleet,
    Overrides,
    parse_duration,
    parse_rate,
    read_clients,
    read_permissions,
    read_scopes,
)
from scopeprobe.model.clients import (
    AuthMethod,
    BasicEncoding,
    ClientId,
    ClientName,
    Expectation,
    Rate,
    Scope,
    Target,
)
from scopeprobe.model.findings import Evidence, Finding, PermissionMap, Reason, Verdict
from scopeprobe.reports.tables import permissions_csv

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


pytestmark = pytest.mark.usefixtures("_folder")


@pytest.fixture
def _folder(tmp_path, monkeypatch):
    """Files are named as a user names them: relative to where the user stands."""
    monkeypatch.chdir(tmp_path)


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
    return caught.value.complaints


def candidates_of(text, **options):
    """The candidates of the only target of the only client."""
    [client] = fleet_of(text, **options).clients
    [target] = client.targets
    return target.candidates


# --- what is read ---------------------------------------------------------------------------

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
    assert (server.name, server.token_endpoint) == ("corp", "https://login.corp.example/token")
    assert server.rates == (Rate(300, 60), Rate(10, 8 * 3600))
    assert server.client_rates == (Rate(1, 1),)
    assert (server.burst, server.in_flight, server.rate_group) == (2, 8, "corp")
    assert (server.timeout, server.retries, server.max_auth_failures) == (20, 0, 2)
    assert (server.ca_file, server.proxy) == (
        Path("corp-ca.pem"),
        "http://proxy.corp.example:8080",
    )
    assert server.headers == (("X-Tenant", "main"),)
    assert (server.basic_encoding, server.absent_scope_as_requested) == (BasicEncoding.RAW, True)
    assert server.contact == "billing@corp.example"

    assert (kiosk.secret, kiosk.auth_method) == (None, AuthMethod.NONE)
    assert kiosk.server.token_endpoint == "http://localhost:8080/token"
    assert kiosk.server.timeout == 20
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
    assert fleet.digest == written.digest


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
    assert client.server.token_endpoint == "https://login.kiosk.example/token"


# --- candidates -----------------------------------------------------------------------------


def test_candidates_keep_their_order_and_lose_their_duplicates():
    text = CORP + BILLING + 'scopes = ["b", "a"]\ntargets = [{ scopes = ["c", "a"] }]'
    first = write("first.txt", "d b # and b again\n\n# nothing\n  {e,f}:x\n")
    second = write("second.txt", "f:x g")
    candidates = candidates_of(text, scopes_files=[first, second], extra_scopes=["h d", "i"])
    assert candidates == ("invoices.read", "b", "a", "c", "d", "e:x", "f:x", "g", "h", "i")


SCOPE_TEXT = st.text(
    [chr(code) for code in (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))], min_size=1
)


def escaped(scope: str) -> str:
    return "".join(f"\\{character}" if character in "{},#" else character for character in scope)


@given(st.lists(SCOPE_TEXT, unique=True), st.sampled_from([" ", "\n", "\t # comment\r\n"]))
def test_a_scopes_file_says_every_scope_that_there_can_be(scopes, separator):
    text = separator.join(map(escaped, scopes))
    assert read_scopes(["-"], stdin=io.StringIO(text)) == tuple(scopes)


@pytest.mark.parametrize(
    ("pattern", "scopes"),
    [
        pytest.param("{users,queues}:{view,edit}", "users:view users:edit queues:view queues:edit"),
        pytest.param("tier{1..3}", "tier1 tier2 tier3", id="range"),
        pytest.param("{only}", "{only}", id="no alternatives"),
        pytest.param(r"\{a,b\}", "{a,b}", id="escaped"),
        pytest.param("a#b", "a#b", id="number sign within a word"),
    ],
)
def test_braces_are_written_out(pattern, scopes):
    assert read_scopes([], [pattern]) == tuple(scopes.split())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            "a\nb\u00e4", "2: a scope holds no U+00E4 LATIN SMALL LETTER A WITH DIAERESIS"
        ),
        pytest.param('"a"', "1: a scope holds no U+0022 QUOTATION MARK", id="quoted"),
        pytest.param("a\\b", "1: a scope holds no backslash", id="backslash"),
        pytest.param("{a,b", r"1: braces do not match; write \{", id="open brace"),
        pytest.param("a}", r"1: braces do not match; write \{", id="closing brace"),
        pytest.param("{a,}", "1: a scope is empty", id="empty alternative"),
        pytest.param("{1..999999999999}", "1: the braces stand for more than 10,000", id="range"),
        pytest.param("{a,b}" * 40, "1: the braces stand for more than 10,000", id="product"),
        pytest.param("scopeprobe-canary-1", "1: scopeprobe-canary-… is kept for", id="canary"),
    ],
)
def test_what_cannot_be_a_scope_is_refused_with_file_and_line(text, complaint):
    with pytest.raises(InputError) as caught:
        read_scopes([write("scopes.txt", text)])
    [said] = caught.value.complaints
    assert said.startswith(f"scopes.txt:{complaint}")


def test_all_scopes_files_are_complained_about_at_once():
    with pytest.raises(InputError) as caught:
        read_scopes(
            [Path("none.txt"), write("a.txt", "ok\n\\\n\\"), "-"], ['"'], stdin=io.StringIO("{")
        )
    assert [said.split(": ")[0] for said in caught.value.complaints] == [
        "none.txt",
        "a.txt:2",
        "a.txt:3",
        "standard input:1",
        "--scope",
    ]


def test_standard_input_is_read_only_once():
    with pytest.raises(InputError, match="standard input: can be read only once"):
        read_clients(["-"], scopes_files=["-"], stdin=io.StringIO("{}"))


# --- who has the say ------------------------------------------------------------------------


def test_the_command_line_outdoes_the_file_and_only_lowers_its_rates():
    overrides = Overrides(
        rate=Rate(1, 60),
        client_rate=Rate(1, 1),
        in_flight=1,
        timeout=5,
        retries=0,
        max_auth_failures=1,
    )
    says_all = 'rate = "2/min"\nin_flight = 9\ntimeout = "9s"\nretries = 9\nmax_auth_failures = 9\n'
    [client] = fleet_of(CORP + says_all + BILLING, overrides=overrides).clients
    server = client.server
    assert server.rates == (Rate(2, 60), Rate(1, 60)), "both hold, so the stricter counts"
    assert server.client_rates == (Rate(1, 1),), "the file names none"
    assert (server.in_flight, server.timeout, server.retries, server.max_auth_failures) == (
        1,
        5,
        0,
        1,
    )


def test_a_server_outdoes_the_defaults():
    defaults = "[defaults]\nretries = 9\nin_flight = 9\nowner = 'far'\n"
    near = "retries = 0\nowner = 'near'\n"
    [client] = fleet_of(defaults + CORP + near + BILLING).clients
    assert (client.server.retries, client.server.in_flight, client.owner) == (0, 9, "near")


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("5/s", Rate(5, 1)),
        ("300/min", Rate(300, 60)),
        ("100/h", Rate(100, 3600)),
        ("5000/day", Rate(5000, 86400)),
        ("10/8h", Rate(10, 28800)),
        ("1/30s", Rate(1, 30)),
    ],
)
def test_a_rate_is_so_many_in_a_unit_or_a_multiple_of_it(written, rate):
    assert parse_rate(written) == rate


@pytest.mark.parametrize(
    "written", ["", "5", "5/", "0/s", "5/0h", "-1/s", "1.5/s", "5/S", "5 /s", 5]
)
def test_a_bad_rate_is_told_the_accepted_forms(written):
    with pytest.raises(ValueError, match="must be a rate"):
        parse_rate(written)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("15s", 15), ("500ms", 0.5), ("2m", 120), ("2h", 7200), ("1.5s", 1.5), (15, 15), (0.5, 0.5)],
)
def test_a_duration_is_text_with_a_unit_or_a_number_of_seconds(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["15", "s", "-1s", "0s", 0, True, None, float("nan"), float("inf")]
)
def test_a_bad_duration_is_told_the_accepted_forms(written):
    with pytest.raises(ValueError, match="must be a duration: 500ms, 15s, 2m"):
        parse_duration(written)


# --- bad files ------------------------------------------------------------------------------


def corp(line: str) -> str:
    return CORP + line + BILLING


def billing(line: str) -> str:
    return CORP + BILLING + line


BAD_FILES = [
    ("top-level key", corp("") + "[client]", "client: unknown key; did you mean `clients`?"),
    ("unknown key", billing('colour = "red"'), "clients[0].colour: unknown key"),
    ("near key", corp("timout = 1"), "servers.corp.timout: unknown key; did you mean `timeout`?"),
    (
        "short key",
        billing('secret = "x"'),
        "clients[0].secret: unknown key; did you mean `client_secret`?",
    ),
    ("key of a later step", corp('network = "x"'), "servers.corp.network: unknown key"),
    (
        "key in a target",
        billing('targets = [{ audiance = "x" }]'),
        "clients[0].targets[0].audiance: unknown key; did you mean `audience`?",
    ),
    (
        "key in expect",
        billing("expect = { granted = [], refused = [] }"),
        "clients[0].expect.refused: unknown key",
    ),
    ("no name", CORP + BILLING.replace('name = "billing"', ""), "clients[0].name: is missing"),
    (
        "bad name",
        CORP + BILLING.replace('name = "billing"', 'name = "a/b"'),
        "clients[0].name: must be 1 to 64",
    ),
    (
        "names differ in case only",
        corp("") + BILLING.replace('name = "billing"', 'name = "Billing"'),
        "clients[1].name: is the name of another client, at clients.toml: clients[0]",
    ),
    (
        "no client_id",
        CORP + BILLING.replace('client_id = "billing"', ""),
        "clients[0].client_id: is missing",
    ),
    (
        "number for text",
        CORP + BILLING.replace('client_id = "billing"', "client_id = 5"),
        "clients[0].client_id: must be text: put it in quotes",
    ),
    (
        "line break",
        CORP + BILLING.replace('client_id = "billing"', r'client_id = "a\nb"'),
        "clients[0].client_id: holds a line break",
    ),
    ("empty text", billing('owner = ""'), "clients[0].owner: is empty"),
    ("text for list", billing('tags = "prod"'), "clients[0].tags: must be a list"),
    ("no server", CORP + BILLING.replace('server = "corp"', ""), "clients[0].server: is missing"),
    (
        "unknown server",
        CORP + BILLING.replace('server = "corp"', 'server = "crop"'),
        "clients[0].server: is not among the [servers]",
    ),
    (
        "server and endpoint",
        billing('token_endpoint = "https://a.example"'),
        "clients[0]: names a server and a token_endpoint",
    ),
    (
        "no endpoint",
        CORP.replace("token_endpoint", "# ") + BILLING,
        "servers.corp.token_endpoint: is missing",
    ),
    (
        "endpoint with a fragment",
        CORP.replace("/token", "/token#x") + BILLING,
        "servers.corp.token_endpoint: must not have a fragment",
    ),
    (
        "endpoint with credentials",
        CORP.replace("login.", f"me:{SECRET}@login.") + BILLING,
        "servers.corp.token_endpoint: must not hold credentials",
    ),
    (
        "endpoint without a host",
        CORP.replace("https://login.corp.example", "") + BILLING,
        "servers.corp.token_endpoint: must be an absolute http or https URL",
    ),
    (
        "endpoint with a bad port",
        CORP.replace("corp.example", "corp.example:99999") + BILLING,
        "servers.corp.token_endpoint: must be an absolute http or https URL",
    ),
    (
        "plain http",
        CORP.replace("https", "http") + BILLING,
        "servers.corp.token_endpoint: must be https (or say allow_http = true)",
    ),
    (
        "bad rate",
        corp('rate = "5/week"'),
        "servers.corp.rate: must be a rate: N/s, N/min, N/h, N/day",
    ),
    ("no rate", corp("rate = []"), "servers.corp.rate: must name at least one rate"),
    ("bad rate in a list", corp("rate = ['1/s', 2]"), "servers.corp.rate: must be a rate: N/s"),
    ("bad default", "[defaults]\nrate = 5\n" + corp(""), "defaults.rate: must be a rate"),
    ("bad timeout", corp('timeout = "15"'), "servers.corp.timeout: must be a duration"),
    ("zero", corp("burst = 0"), "servers.corp.burst: must be at least 1"),
    ("truth for a number", corp("retries = true"), "servers.corp.retries: must be a whole number"),
    ("number for truth", corp("allow_http = 1"), "servers.corp.allow_http: must be true or false"),
    ("no such CA file", corp('ca_file = "ca.pem"'), "servers.corp.ca_file: there is no such file"),
    (
        "header of ours",
        corp('headers = { Authorization = "x" }'),
        "servers.corp.headers: Authorization is written by scopeprobe itself",
    ),
    (
        "header injection",
        corp(r'headers = { A = "b\r\nC: d" }'),
        "servers.corp.headers: A must be one",
    ),
    (
        "header name",
        corp('headers = { "A B" = "b" }'),
        "servers.corp.headers: holds a name that no",
    ),
    (
        "parameter of ours",
        billing('token_params = { scope = "x" }'),
        "clients[0].token_params: scope is written by scopeprobe itself",
    ),
    (
        "audience twice",
        billing("token_params = { audience = 'x' }\ntargets = [{ audience = 'y' }]"),
        "clients[0].targets[0].audience: is given by token_params already",
    ),
    (
        "same target twice",
        billing("targets = [{ audience = 'x' }, { audience = 'x' }]"),
        "clients[0].targets[1]: has the audience of another target",
    ),
    (
        "word that is none",
        corp('basic_encoding = "utf-8"'),
        "servers.corp.basic_encoding: must be 'rfc6749' or 'raw'",
    ),
    (
        "absent_scope",
        corp('absent_scope = "none"'),
        "servers.corp.absent_scope: must be 'as_requested'",
    ),
    (
        "auth method that is none",
        billing('token_endpoint_auth_method = "client_secret_jpg"'),
        "clients[0].token_endpoint_auth_method: must be 'client_secret_basic',",
    ),
    (
        "secret without use",
        billing('token_endpoint_auth_method = "none"'),
        "clients[0].client_secret: is not used where token_endpoint_auth_method is none",
    ),
    (
        "no secret",
        CORP + BILLING.replace("client_secret", "# "),
        "clients[0].client_secret: is missing: client_secret_basic needs one",
    ),
    (
        "bad scope",
        billing(r'scopes = ["a", "b\u00e4"]'),
        "clients[0].scopes[1]: a scope holds no U+00E4",
    ),
    (
        "two scopes in one",
        corp("") + 'scopes = ["a b"]',
        "clients[0].scopes[0]: a scope holds no U+0020 SPACE",
    ),
    ("scope that is a number", billing("scopes = [5]"), "clients[0].scopes[0]: must be text"),
    (
        "canary",
        billing('scopes = ["scopeprobe-canary-1"]'),
        "clients[0].scopes[0]: scopeprobe-canary-… is kept for controls",
    ),
    (
        "no candidates",
        CORP.replace("scopes", "# ") + BILLING,
        "clients[0]: has no candidate scopes: give --scopes FILE, or `scopes`",
    ),
    (
        "clients as a table",
        CORP + "[clients]",
        "clients: must be a list of clients: write [[clients]]",
    ),
    ("servers as a list", "[[servers]]\n", "servers: must be a table"),
    ("client that is none", CORP + "clients = [5]", "servers.corp.clients: unknown key"),
]


@pytest.mark.parametrize(
    ("text", "complaint"), [pytest.param(text, said, id=name) for name, text, said in BAD_FILES]
)
def test_a_bad_file_is_refused_in_the_words_of_its_user(text, complaint):
    said = complaints_of(text)
    assert said[0].startswith(f"clients.toml: {complaint}")
    assert len(said) == 1, "one fault, one complaint"


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        pytest.param("a.toml", "x = 1\ny = \n", "a.toml:2:5: is not valid TOML: Invalid value"),
        pytest.param("a.toml", f'x = "{SECRET}\n', "a.toml:1:21: is not valid TOML"),
        pytest.param("a.toml", "x = [", "a.toml:1:1: the TOML ends too early"),
        pytest.param("a.toml", "[x]\n[x]\n", "a.toml:2:3: a key or table is given twice"),
        pytest.param("a.toml", "x = 1\nx = 2\n", "a.toml:2:6: a key or table is given twice"),
        pytest.param("a.json", '{"x":\n 1,}', "a.json:2:4: is not valid JSON: "),
        pytest.param(
            "a.json", '{"x": {"y": 1, "y": 2}}', "a.json: an object has the member `y` twice"
        ),
        pytest.param("a.json", '{"x": NaN}', "a.json: NaN and Infinity are not JSON"),
        pytest.param("a.json", "[" * 100_000, "a.json: is nested too deeply"),
        pytest.param("a.yaml", "x: 1\nx: 2\n", "a.yaml:2:1: a key is given twice"),
        pytest.param("a.yaml", f"x: '{SECRET}\n", "a.yaml:2:1: is not valid YAML"),
        pytest.param("a.yaml", f"x: !{SECRET} 1\n", "a.yaml:1:4: is not valid YAML"),
        pytest.param("a.yaml", f"x: !!bool {SECRET}\n", "a.yaml: is not valid YAML"),
        pytest.param("a.yaml", f"x: *{SECRET}\n", "a.yaml:1:4: is not valid YAML"),
        pytest.param("a.yaml", "[" * 5_000, "a.yaml:1:101: is not valid YAML"),
        pytest.param("a.yaml", "x: &x [*x]\n", "a.yaml: holds more than 1,000,000 values"),
        pytest.param("a.yaml", "x: 1\n---\ny: 2\n", "a.yaml:2:1: is not valid YAML"),
        pytest.param("a.yaml", "- 1\n", "a.yaml: must be a table with text for keys"),
        pytest.param("a.yaml", "1: 2\n", "a.yaml: must be a table with text for keys"),
        pytest.param("a.yaml", "", "a.yaml: there are no clients"),
        pytest.param(
            "a.csv", "name\n", "a.csv: the ending must be one of .toml, .yaml, .yml, .json"
        ),
        pytest.param("a", "", "a: the ending must be one of .toml, .yaml, .yml, .json"),
    ],
)
def test_broken_text_is_placed_and_never_quoted(name, text, complaint):
    [said] = complaints_of(text, name=name)
    assert said.startswith(complaint)
    assert SECRET not in said


def test_aliases_that_multiply_are_refused_unexpanded():
    levels = (f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    [said] = complaints_of("l0: &l0 [x]\n" + "".join(levels), name="a.yaml")
    assert said == "a.yaml: holds more than 1,000,000 values behind its aliases"


def test_a_file_that_is_not_there_or_not_text_is_named():
    Path("bytes.toml").write_bytes(b"x = '\xff'")
    with pytest.raises(InputError) as caught:
        read_clients([Path("none.toml"), Path("bytes.toml"), write("ok.toml", CORP)])
    assert caught.value.complaints == (
        "none.toml: No such file or directory",
        "bytes.toml: is not UTF-8 text",
    )


def test_a_byte_order_mark_and_windows_newlines_are_welcome():
    text = "\ufeff" + (CORP + BILLING).replace("\n", "\r\n")
    assert candidates_of(text) == ("invoices.read",)


def test_all_complaints_of_all_files_come_at_once():
    first = CORP + BILLING + "scopes = [5]\n" + BILLING.replace("BILLING_SECRET", "MISSING_ONE")
    second = """
        [servers.corp]
        token_endpoint = "https://other.example/token"
        [[clients]]
        name = "billing"
        server = "corp"
        client_id = "other"
        client_secret = { env = "MISSING_TWO" }
        [[clients]]
        name = "filed"
        server = "corp"
        client_id = "filed"
        client_secret = { file = "none.txt" }
        """
    with pytest.raises(InputError) as caught:
        read_clients(
            [write("first.toml", first), write("second.toml", second), Path("none.toml")],
            scopes_files=[write("scopes.txt", "\\")],
            environment={},
        )
    assert caught.value.complaints == (
        "first.toml: clients[0].scopes[0]: must be text",
        "none.toml: No such file or directory",
        "scopes.txt:1: a scope holds no backslash (RFC 6749 section 3.3)",
        "second.toml: servers.corp: is defined already, in first.toml",
        "first.toml: clients[1].name: is the name of another client, at first.toml: clients[0]",
        "second.toml: clients[0].name: is the name of another client, at first.toml: clients[0]",
        "first.toml: clients[0].client_secret: environment variable BILLING_SECRET is not set",
        "first.toml: clients[1].client_secret: environment variable MISSING_ONE is not set",
        "second.toml: clients[0].client_secret: environment variable MISSING_TWO is not set",
        "second.toml: clients[1].client_secret: the file cannot be read: No such file or directory",
    )


def test_a_faulty_server_does_not_make_its_clients_faulty():
    said = complaints_of(CORP + "retries = -1\n" + BILLING)
    assert said == ("clients.toml: servers.corp.retries: must be at least 0",)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_plain_http_is_welcome_on_loopback(host):
    fleet_of(CORP.replace("https://login.corp.example", f"http://{host}:8080") + BILLING)


def test_plain_http_elsewhere_needs_leave():
    fleet_of(CORP.replace("https", "http") + "allow_http = true\n" + BILLING)


# --- secrets --------------------------------------------------------------------------------


def with_secret(source: str, name: str = "one", more: str = "") -> str:
    return f"""
[[clients]]
name = "{name}"
server = "corp"
client_id = "{name}"
client_secret = {source}
{more}
"""


def python(code: str) -> str:
    """A `command` that runs Python, as TOML."""
    return f"{{ command = {json.dumps([sys.executable, '-c', code])} }}"


def secret_of(source: str, **options) -> str | None:
    [client] = fleet_of(CORP + with_secret(source), **options).clients
    return client.secret and client.secret.reveal()


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        ("s3cr3t", "s3cr3t"),
        ("s3cr3t\n", "s3cr3t"),
        ("s3cr3t\r\n", "s3cr3t"),
        ("s3cr3t\n\n", "s3cr3t\n"),
        (" s3cr3t \n", " s3cr3t "),
        ("s3cr3t\r", "s3cr3t\r"),
    ],
)
def test_a_file_or_output_loses_one_newline_and_nothing_else(content, secret):
    write("secret.txt", content)
    assert secret_of('{ file = "secret.txt" }') == secret
    assert secret_of(python(f"import sys; sys.stdout.buffer.write({content.encode()!r})")) == secret


def test_a_secret_file_is_relative_to_the_clients_file(tmp_path):
    (tmp_path / "secret.txt").write_text("s3cr3t")
    path = tmp_path / "clients.toml"
    path.write_text(CORP + with_secret('{ file = "secret.txt" }'))
    [client] = read_clients([path]).clients
    assert client.secret is not None
    assert client.secret.reveal() == "s3cr3t"


def test_a_command_is_run_once_for_all_its_clients():
    source = python("print('s3cr3t'); open('runs.txt', 'a').write('x')")
    fleet_of(CORP + with_secret(source, "one") + with_secret(source, "two"))
    assert Path("runs.txt").read_text() == "x"


def test_no_command_is_run_where_something_else_is_wrong():
    source = python("open('runs.txt', 'a').write('x')")
    complaints_of(CORP + with_secret(source, "one") + with_secret('{ env = "NONE" }', "two"))
    assert not Path("runs.txt").exists()


def test_a_command_gets_no_shell_and_no_standard_input():
    assert secret_of(python("import sys; print(repr(sys.stdin.read()))")) == "''"
    assert secret_of('{ command = ["echo", "$HOME", "*"] }') == "$HOME *"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('{ env = "NONE" }', "environment variable NONE is not set"),
        ('{ env = "EMPTY" }', "environment variable EMPTY is empty"),
        ('{ env = "hunter2hunter2" }', "environment variable is not set"),
        ('{ env = "hunter2-hunter2" }', "env must be the name of an environment variable"),
        ('{ file = "none.txt" }', "the file cannot be read: No such file or directory"),
        ('{ file = "." }', "the file cannot be read: Is a directory"),
        (r'{ file = "a\u0000b" }', "the file cannot be read: no system has a file of that name"),
        ('{ file = "empty.txt" }', "the file is empty"),
        ('{ file = "bytes.txt" }', "the file is not UTF-8 text"),
        (
            '{ command = ["no-such-program"] }',
            "command no-such-program cannot be run: No such file",
        ),
        ('{ command = ["false"] }', "command false ended with exit code 1"),
        ('{ command = ["true"] }', "the output of command true is empty"),
        (r'{ command = ["true", "\u0000"] }', "the command cannot be run: an argument holds a NUL"),
        ('""', "the secret is empty"),
    ],
)
def test_a_secret_that_cannot_be_had_is_placed(source, complaint):
    write("empty.txt", "\n")
    Path("bytes.txt").write_bytes(b"\xff")
    [said] = complaints_of(CORP + with_secret(source), environment={"EMPTY": ""})
    assert said.startswith(f"clients.toml: clients[0].client_secret: {complaint}")


def test_what_a_failing_command_says_is_kept_quiet():
    code = f"import sys; print('{SECRET}'); print('{SECRET}', file=sys.stderr); sys.exit(3)"
    [said] = complaints_of(CORP + with_secret(python(code)))
    assert said.endswith(f"command {sys.executable} ended with exit code 3")


def test_a_command_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr("scopeprobe.inputs.secrets.COMMAND_SECONDS", 0.1)
    [said] = complaints_of(CORP + with_secret('{ command = ["sleep", "60"] }'))
    assert said.endswith("command sleep took longer than 0.1 s")


WRONG_SECRETS = [
    pytest.param(lambda secret: [secret], id="list"),
    pytest.param(lambda secret: {"value": secret}, id="unknown key"),
    pytest.param(lambda secret: {secret: "x"}, id="as a key"),
    pytest.param(lambda secret: {"env": [secret]}, id="list in env"),
    pytest.param(lambda secret: {"env": "CRM_SECRET", "literal": secret}, id="two sources"),
    pytest.param(lambda secret: {"env": secret}, id="as a variable"),
    pytest.param(lambda secret: {"file": secret}, id="as a file"),
    pytest.param(lambda secret: {"command": secret}, id="as a command line"),
    pytest.param(lambda secret: {"command": ["false", secret]}, id="as an argument"),
    pytest.param(lambda secret: {"command": [1, secret]}, id="number in a command"),
    pytest.param(lambda _: 12345678901, id="number"),
]
ANYWHERE = [
    "client_id",
    "token_endpoint",
    "token_endpoint_auth_method",
    "server",
    "scopes",
    "tags",
    "owner",
    "expect",
    "targets",
    "token_params",
]


@pytest.mark.parametrize("name", ["clients.toml", "clients.yaml", "clients.json"])
@pytest.mark.parametrize("wrong", WRONG_SECRETS)
def test_a_secret_given_the_wrong_way_is_never_echoed(name, wrong):
    client = {**WHOLE["clients"][0], "client_secret": wrong(SECRET)}
    said = complaints_of(FORMATS[name]({**WHOLE, "clients": [client]}), name=name)
    assert all(SECRET not in text and "12345678901" not in text for text in said)


@pytest.mark.parametrize("key", ANYWHERE)
@pytest.mark.parametrize(
    "wrap", [lambda it: it, lambda it: [it], lambda it: {"k": [it]}, lambda it: [{"k": it}]]
)
def test_a_secret_in_a_wrong_place_is_never_echoed(key, wrap):
    """Whatever the value breaks, and whether it breaks anything at all."""
    bad = {"name": "bad name", "server": "corp", "client_id": "x", key: wrap(f"{SECRET} \u00e4")}
    said = complaints_of(json.dumps({"clients": [bad]}), name="clients.json")
    assert all(SECRET not in text for text in said)


def test_no_notice_and_no_repr_shows_a_secret():
    text = CORP + with_secret(f'" {SECRET}+/ "', "one") + with_secret(f'" {SECRET}+/ "', "two")
    fleet = fleet_of(text)
    assert len(fleet.notices) == 5
    assert SECRET not in repr(fleet) + fleet.digest


def test_a_secret_in_the_file_is_warned_about():
    fleet = fleet_of(CORP + with_secret(f'"{SECRET}"'))
    [said] = fleet.notices
    assert said == (
        "clients.toml: holds literal secrets (clients[0]); env, file or command keep them elsewhere"
    )


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_in_a_file_that_others_can_read_needs_leave(mode):
    path = write("clients.toml", CORP + with_secret(f'"{SECRET}"'))
    path.chmod(mode)
    with pytest.raises(InputError, match="chmod 600, or --allow-literal-secrets") as caught:
        read_clients([path])
    assert SECRET not in str(caught.value)
    fleet = read_clients([path], allow_literal_secrets=True)
    assert "holds literal secrets" in fleet.notices[0]


def test_a_file_that_others_can_read_may_name_where_secrets_are():
    path = write("clients.toml", CORP + BILLING)
    path.chmod(0o644)
    assert read_clients([path], environment=ENVIRONMENT).notices == ()


def test_a_secret_from_standard_input_is_only_warned_about():
    text = json.dumps({**WHOLE, "servers": {}, "clients": [WHOLE["clients"][1]]})
    text = text.replace('"none"', f'"client_secret_post", "client_secret": "{SECRET}"')
    fleet = read_clients(["-"], stdin=io.StringIO(text))
    assert fleet.notices[0].startswith("standard input: holds literal secrets (clients[0]")


def test_white_space_at_the_ends_of_a_secret_is_kept_and_told():
    fleet = fleet_of(CORP + BILLING, environment={"BILLING_SECRET": "s3cr3t\n"})
    assert fleet.notices[0] == (
        "clients.toml: clients[0].client_secret: white space at the ends of the secret is kept"
    )


@pytest.mark.parametrize(
    ("secret", "more", "is_told"),
    [
        pytest.param("a+b/c=", "", True, id="base64"),
        pytest.param("aZ09._~-", "", False, id="unreserved"),
        pytest.param("a+b", 'token_endpoint_auth_method = "client_secret_post"', False, id="post"),
    ],
)
def test_a_secret_that_servers_may_decode_differently_is_told(secret, more, is_told):
    text = CORP + with_secret('{ env = "ODD" }', more=more)
    notices = fleet_of(text, environment={"ODD": secret}).notices
    assert any('try basic_encoding = "raw"' in notice for notice in notices) == is_told


@pytest.mark.parametrize("encoding", ["raw", "rfc6749"])
def test_a_chosen_encoding_is_not_doubted(encoding):
    text = CORP + f'basic_encoding = "{encoding}"\n' + with_secret('{ env = "ODD" }')
    assert fleet_of(text, environment={"ODD": "a+b"}).notices == ()


def test_two_secrets_of_one_client_id_are_a_rotation_and_three_are_guessing():
    environment = {"A": "a", "B": "b", "C": "c"}
    clients = [
        with_secret(f'{{ env = "{variable}" }}', variable).replace(
            f'client_id = "{variable}"', 'client_id = "same"'
        )
        for variable in environment
    ]
    assert fleet_of(CORP + "".join(clients[:2]), environment=environment).notices == ()
    [said] = complaints_of(CORP + "".join(clients), environment=environment)
    assert said == (
        "clients.toml: clients[0].client_id: has more than 2 different secrets on one token "
        "endpoint (A, B, C): this is no tool for guessing"
    )


def test_one_secret_of_several_clients_is_told():
    names = [f"c{number}" for number in range(7)]
    text = CORP + "".join(with_secret('{ env = "CRM_SECRET" }', name) for name in names)
    [said] = fleet_of(text).notices
    assert said == (
        "clients.toml: clients[0].client_secret: one secret serves several: "
        "c0, c1, c2, c3, c4 and 2 more"
    )


# --- the digest -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('client_id = "billing"', 'client_id = "other"', id="client_id"),
        pytest.param('name = "billing"', 'name = "other"', id="name"),
        pytest.param("login.corp", "login2.corp", id="endpoint"),
        pytest.param('["invoices.read"]', '["invoices.write"]', id="candidates"),
        pytest.param("scopes", "basic_encoding = 'raw'\nscopes", id="encoding"),
        pytest.param("scopes", "headers = { A = 'b' }\nscopes", id="headers"),
        pytest.param("scopes", "token_params = { a = 'b' }\nscopes", id="parameters"),
        pytest.param("client_id =", "targets = [{ audience = 'x' }]\nclient_id =", id="audience"),
        pytest.param(
            "client_id =",
            "token_endpoint_auth_method = 'client_secret_post'\nclient_id =",
            id="auth method",
        ),
    ],
)
def test_whatever_decides_questions_changes_the_digest(before, after):
    text = CORP + BILLING
    assert fleet_of(text).digest != fleet_of(text.replace(before, after, 1)).digest


def test_neither_secrets_nor_manners_nor_order_change_the_digest():
    crm = with_secret('{ env = "CRM_SECRET" }', "crm")
    fleet = fleet_of(CORP + BILLING + crm)
    other = fleet_of(
        CORP + "rate = '1/h'\nowner = 'me'\n" + crm + BILLING,
        environment={"BILLING_SECRET": "new", "CRM_SECRET": "newer"},
    )
    assert fleet.digest == other.digest


def test_a_selection_has_a_digest_of_its_own_and_still_knows_the_others():
    fleet = fleet_of(CORP + BILLING + with_secret('{ env = "CRM_SECRET" }', "crm"))
    some = replace(fleet, clients=fleet.clients[:1])
    assert some.known == {"billing", "crm"}
    assert some.digest == fleet_of(CORP + BILLING).digest


# --- permissions.csv ------------------------------------------------------------------------

FINDING = Finding(
    client=ClientName("billing"),
    client_id=ClientId("billing"),
    audience="",
    scope=Scope("invoices.read"),
    verdict=Verdict.DENIED,
    reason=Reason.REFUSED_ALONE,
    evidence=Evidence.ALONE,
    http_status=400,
    error="invalid_scope",
    error_description="no, never",
)
PRINTED = string.printable.replace("\r", "") + "ä"
CELL = st.text(PRINTED).filter(lambda cell: cell[:1] != "'")
"""What began with `'=` cannot be told from what began with `=`."""


@given(st.lists(st.builds(with_other, st.just(FINDING), scope=CELL, audience=CELL, error=CELL)))
def test_permissions_are_read_as_they_were_written(tmp_path_factory, findings):
    path = tmp_path_factory.mktemp("maps") / "permissions.csv"
    path.write_bytes(permissions_csv(findings).encode())
    expected = tuple(sorted(findings, key=lambda finding: finding.cell))
    assert read_permissions(path) == (
        (PermissionMap(FINDING.client, expected),) if findings else ()
    )


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "'x", "''=1", "'", "x'=1"])
def test_what_kept_a_cell_from_being_a_formula_is_taken_off(cell):
    finding = with_other(FINDING, error_description=cell)
    path = write("permissions.csv", permissions_csv([finding]))
    assert read_permissions(path) == (PermissionMap(FINDING.client, (finding,)),)


def test_a_carriage_return_survives_in_quotes():
    text = permissions_csv([FINDING]).replace("no, never", "'\rno")
    [permissions] = read_permissions(write("permissions.csv", text))
    assert permissions.findings[0].error_description == "\rno"


def test_maps_are_told_apart_and_sorted():
    findings = [
        with_other(FINDING, client=ClientName(client), scope=Scope(scope), http_status=None)
        for client, scope in [("b", "y"), ("a", "z"), ("b", "x")]
    ]
    maps = read_permissions(write("permissions.csv", permissions_csv(findings)))
    cells = [[finding.cell for finding in one.findings] for one in maps]
    assert cells == [[("a", "", "z")], [("b", "", "x"), ("b", "", "y")]]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        pytest.param("denied", "refused", "permissions.csv:2: 'refused' is not a valid Verdict"),
        pytest.param("400", "4xx", "permissions.csv:2: http_status must be a number"),
        pytest.param(
            "client,client_id",
            "client",
            "permissions.csv:1: is no permission map: it lacks client_id",
        ),
        pytest.param("invalid_scope,", "", "permissions.csv:2: has another number of cells"),
        pytest.param('"no, never"', '"no" never"', "permissions.csv:2: is not valid CSV"),
    ],
)
def test_what_is_no_permission_map_is_refused_with_file_and_line(before, after, complaint):
    text = permissions_csv([FINDING]).replace(before, after)
    with pytest.raises(InputError) as caught:
        read_permissions(write("permissions.csv", text))
    [said] = caught.value.complaints
    assert said.startswith(complaint)


# --- size -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clients.toml", "clients.yaml", "clients.json"])
def test_a_thousand_clients_are_read_within_a_moment(name):
    clients = [
        {
            "name": f"client-{number}",
            "server": "corp",
            "client_id": f"id-{number}",
            "client_secret": {"env": f"SECRET_{number}"},
            "scopes": ["{users,queues}:{view,edit}", f"own-{number}"],
            "tags": ["prod"],
        }
        for number in range(1000)
    ]
    server = {"token_endpoint": "https://login.corp.example/token"}
    data = {"servers": {"corp": server}, "clients": clients}
    path = write(name, FORMATS[name](data))
    environment = {f"SECRET_{number}": f"secret-{number}" for number in range(1000)}
    started = time.perf_counter()
    fleet = read_clients([path], environment=environment)
    elapsed = time.perf_counter() - started
    print(f"{name}: {elapsed:.2f} s")
    assert len(fleet.clients) == 1000
    assert elapsed < 3, "a quarter of this on a quiet machine"
