"""What is wrong with a file: all of it at once, each with its place, nothing quoted."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients_files import BILLING, CORP, SECRET, candidates_of, complaints_of, fleet_of, write

from scopeprobe.errors import InputError
from scopeprobe.inputs import read_clients

pytestmark = pytest.mark.usefixtures("_folder")


def corp(line: str) -> str:
    return CORP + line + BILLING


def billing(line: str) -> str:
    return CORP + BILLING + line


BAD_FILES = [
    ("top-level key", corp("") + "[client]", ":11: client: unknown key; did you mean `clients`?"),
    ("unknown key", billing('colour = "red"'), ":11 billing: colour: unknown key"),
    (
        "near key",
        corp("timout = 1"),
        ":5: servers.corp.timout: unknown key; did you mean `timeout`?",
    ),
    (
        "short key",
        billing('secret = "x"'),
        ":11 billing: secret: unknown key; did you mean `client_secret`?",
    ),
    (
        "name of a network",
        corp('network = "two words"'),
        (
            ":5: servers.corp.network: must be 1 to 64 letters, digits, dots, dashes or "
            "underscores, beginning with a letter or digit"
        ),
    ),
    (
        "key in a target",
        billing('targets = [{ audiance = "x" }]'),
        ":11 billing: targets[0].audiance: unknown key; did you mean `audience`?",
    ),
    (
        "key in expect",
        billing("expect = { granted = [], refused = [] }"),
        ":11 billing: expect.refused: unknown key",
    ),
    ("no name", CORP + BILLING.replace('name = "billing"', ""), ":6 clients[0]: name: is missing"),
    (
        "bad name",
        CORP + BILLING.replace('name = "billing"', 'name = "a/b"'),
        ":7 clients[0]: name: must be 1 to 64",
    ),
    (
        "names differ in case only",
        corp("") + BILLING.replace('name = "billing"', 'name = "Billing"'),
        ":13 Billing: name: is the name of another client, in clients.toml:6 billing",
    ),
    (
        "no client_id",
        CORP + BILLING.replace('client_id = "billing"', ""),
        ":6 billing: client_id: is missing",
    ),
    (
        "number for text",
        CORP + BILLING.replace('client_id = "billing"', "client_id = 5"),
        ":9 billing: client_id: must be text: put it in quotes",
    ),
    (
        "line break",
        CORP + BILLING.replace('client_id = "billing"', r'client_id = "a\nb"'),
        ":9 billing: client_id: holds a line break",
    ),
    ("empty text", billing('owner = ""'), ":11 billing: owner: is empty"),
    ("text for list", billing('tags = "prod"'), ":11 billing: tags: must be a list"),
    ("no server", CORP + BILLING.replace('server = "corp"', ""), ":6 billing: server: is missing"),
    (
        "unknown server",
        CORP + BILLING.replace('server = "corp"', 'server = "crop"'),
        ':8 billing: server "crop": did you mean "corp"?',
    ),
    (
        "server and endpoint",
        billing('token_endpoint = "https://a.example"'),
        ":6 billing: names a server and a token_endpoint",
    ),
    (
        "no endpoint",
        CORP.replace("token_endpoint", "# ") + BILLING,
        ":2: servers.corp.token_endpoint: is missing",
    ),
    (
        "endpoint with a fragment",
        CORP.replace("/token", "/token#x") + BILLING,
        ":3: servers.corp.token_endpoint: must not have a fragment",
    ),
    (
        "endpoint with credentials",
        CORP.replace("login.", f"me:{SECRET}@login.") + BILLING,
        ":3: servers.corp.token_endpoint: must not hold credentials",
    ),
    (
        "endpoint without a host",
        CORP.replace("https://login.corp.example", "") + BILLING,
        ":3: servers.corp.token_endpoint: must be an absolute http or https URL",
    ),
    (
        "endpoint with a bad port",
        CORP.replace("corp.example", "corp.example:99999") + BILLING,
        ":3: servers.corp.token_endpoint: must be an absolute http or https URL",
    ),
    (
        "plain http",
        CORP.replace("https", "http") + BILLING,
        ":3: servers.corp.token_endpoint: must be https (or say allow_http = true)",
    ),
    (
        "bad rate",
        corp('rate = "5/week"'),
        ':5: servers.corp.rate "5/week": must be a rate: N/s, N/min, N/h, N/day',
    ),
    ("no rate", corp("rate = []"), ":5: servers.corp.rate: must name at least one rate"),
    ("bad rate in a list", corp("rate = ['1/s', 2]"), ":5: servers.corp.rate: must be a rate: N/s"),
    ("bad default", "[defaults]\nrate = 5\n" + corp(""), ":2: defaults.rate 5: must be a rate"),
    ("bad timeout", corp('timeout = "15"'), ':5: servers.corp.timeout "15": must be a duration'),
    ("zero", corp("burst = 0"), ":5: servers.corp.burst 0: must be at least 1"),
    (
        "truth for a number",
        corp("retries = true"),
        ":5: servers.corp.retries true: must be a whole number",
    ),
    (
        "number for truth",
        corp("allow_http = 1"),
        ":5: servers.corp.allow_http 1: must be true or false",
    ),
    (
        "no such CA file",
        corp('ca_file = "ca.pem"'),
        ':5: servers.corp.ca_file "ca.pem": there is no such file',
    ),
    (
        "header of ours",
        corp('headers = { Authorization = "x" }'),
        ":5: servers.corp.headers: Authorization is written by scopeprobe itself",
    ),
    (
        "header injection",
        corp(r'headers = { A = "b\r\nC: d" }'),
        ":5: servers.corp.headers: A must be one",
    ),
    (
        "header name",
        corp('headers = { "A B" = "b" }'),
        ":5: servers.corp.headers: holds a name that no",
    ),
    (
        "parameter of ours",
        billing('token_params = { scope = "x" }'),
        ":11 billing: token_params: scope is written by scopeprobe itself",
    ),
    (
        "audience twice",
        billing("token_params = { audience = 'x' }\ntargets = [{ audience = 'y' }]"),
        ":12 billing: targets[0].audience: is given by token_params already",
    ),
    (
        "same target twice",
        billing("targets = [{ audience = 'x' }, { audience = 'x' }]"),
        ":11 billing: targets[1]: has the audience of another target",
    ),
    (
        "word that is none",
        corp('basic_encoding = "utf-8"'),
        ":5: servers.corp.basic_encoding \"utf-8\": must be 'rfc6749' or 'raw'",
    ),
    (
        "absent_scope",
        corp('absent_scope = "none"'),
        ":5: servers.corp.absent_scope \"none\": must be 'as_requested'",
    ),
    (
        "auth method that is none",
        billing('token_endpoint_auth_method = "client_secret_jpg"'),
        ":11 billing: token_endpoint_auth_method: must be 'client_secret_basic',",
    ),
    (
        "secret without use",
        billing('token_endpoint_auth_method = "none"'),
        ":10 billing: client_secret: is not used where token_endpoint_auth_method is none",
    ),
    (
        "no secret",
        CORP + BILLING.replace("client_secret", "# "),
        ":6 billing: client_secret: is missing: client_secret_basic needs one",
    ),
    (
        "bad scope",
        billing(r'scopes = ["a", "b\u00e4"]'),
        ":11 billing: scopes[1]: a scope holds no U+00E4",
    ),
    (
        "two scopes in one",
        corp("") + 'scopes = ["a b"]',
        ":11 billing: scopes[0]: a scope holds no U+0020 SPACE",
    ),
    ("scope that is a number", billing("scopes = [5]"), ":11 billing: scopes[0]: must be text"),
    (
        "canary",
        billing('scopes = ["scopeprobe-canary-1"]'),
        ":11 billing: scopes[0]: scopeprobe-canary-… is kept for controls",
    ),
    (
        "no candidates",
        CORP.replace("scopes", "# ") + BILLING,
        ":6 billing: has no candidate scopes: give --scopes FILE, or `scopes`",
    ),
    (
        "clients as a table",
        CORP + "[clients]",
        ":5: clients: must be a list of clients: write [[clients]]",
    ),
    ("servers as a list", "[[servers]]\n", ":1: servers: must be a table"),
    ("client that is none", CORP + "clients = [5]", ":5: servers.corp.clients: unknown key"),
]


@pytest.mark.parametrize(
    ("text", "message"), [pytest.param(text, said, id=name) for name, text, said in BAD_FILES]
)
def test_a_bad_file_is_refused_in_the_words_of_its_user(text, message):
    said = complaints_of(text)
    assert said[0].startswith(f"clients.toml{message}")
    assert len(said) == 1, "one fault, one complaint"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param(
            "a.toml", "x = 1\ny = \n", "a.toml:2:5: is not valid TOML: a value is missing"
        ),
        pytest.param(
            "a.toml",
            f'x = "{SECRET}\n',
            "a.toml:1:21: is not valid TOML: a quotation mark is missing",
        ),
        pytest.param("a.toml", "x = [", "a.toml:1:1: is not valid TOML: a value is missing"),
        pytest.param(
            "a.toml", "[x]\n[x]\n", "a.toml:2:3: is not valid TOML: a key or table is given"
        ),
        pytest.param(
            "a.toml", "x = 1\nx = 2\n", "a.toml:2:6: is not valid TOML: a key or table is given"
        ),
        pytest.param("a.json", '{"x":\n 1,}', "a.json:2:4: is not valid JSON: "),
        pytest.param(
            "a.json", '{"x": {"y": 1, "y": 2}}', "a.json:1: an object has the member `y` twice"
        ),
        pytest.param("a.json", '{"x": NaN}', "a.json: NaN and Infinity are not JSON"),
        pytest.param("a.json", "[" * 100_000, "a.json: is nested too deeply"),
        pytest.param("a.yaml", "x: 1\nx: 2\n", "a.yaml:2:1: a key is given twice"),
        pytest.param("a.yaml", f"x: '{SECRET}\n", "a.yaml:2:1: is not valid YAML: a quotation"),
        pytest.param("a.yaml", f"x: !{SECRET} 1\n", "a.yaml:1:4: is not valid YAML: a tag"),
        pytest.param("a.yaml", f"x: !!bool {SECRET}\n", "a.yaml: is not valid YAML"),
        pytest.param("a.yaml", f"x: *{SECRET}\n", "a.yaml:1:4: is not valid YAML: an alias"),
        pytest.param("a.yaml", "[" * 5_000, "a.yaml:1:101: is not valid YAML"),
        pytest.param("a.yaml", "x: &x [*x]\n", "a.yaml: holds more than 1,000,000 values"),
        pytest.param("a.yaml", "x: 1\n---\ny: 2\n", "a.yaml:2:1: is not valid YAML: a second"),
        pytest.param("a.yaml", "- 1\n", "a.yaml: must be a table with text for keys"),
        pytest.param("a.yaml", "1: 2\n", "a.yaml: must be a table with text for keys"),
        pytest.param("a.yaml", "", "a.yaml: there are no clients"),
        pytest.param(
            "a.txt", "name\n", "a.txt: the ending must be one of .toml, .yaml, .yml, .json, .csv"
        ),
        pytest.param("a", "", "a: the ending must be one of .toml, .yaml, .yml, .json"),
    ],
)
def test_broken_text_is_placed_and_never_quoted(name, text, message):
    [said] = complaints_of(text, name=name)
    assert said.startswith(message)
    assert SECRET not in said


def test_aliases_that_multiply_are_refused_unexpanded():
    levels = (f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    [said] = complaints_of("l0: &l0 [x]\n" + "".join(levels), name="a.yaml")
    assert said == "a.yaml: holds more than 1,000,000 values behind its aliases"


def test_a_file_that_is_not_there_or_not_text_is_named():
    Path("bytes.toml").write_bytes(b"x = '\xff'")
    with pytest.raises(InputError) as caught:
        read_clients([Path("none.toml"), Path("bytes.toml"), write("ok.toml", CORP)])
    assert caught.value.messages == (
        "none.toml: there is no such file",
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
    beginnings = (
        "first.toml:11 billing: scopes[0]: must be text",
        "none.toml: there is no such file",
        "scopes.txt:1: a scope holds no backslash (RFC 6749 section 3.3)",
        "second.toml:2: servers.corp: is defined already, in first.toml",
        "first.toml:14 billing: name: is the name of another client, in first.toml:6 billing",
        "second.toml:5 billing: name: is the name of another client, in first.toml:6 billing",
        "first.toml:10 billing: client_secret: environment variable BILLING_SECRET is not set",
        "first.toml:17 billing: client_secret: environment variable MISSING_ONE is not set",
        "second.toml:8 billing: client_secret: environment variable MISSING_TWO is not set",
        "second.toml:13 filed: client_secret: the file cannot be read: No such file or directory",
    )
    for said, beginning in zip(caught.value.messages, beginnings, strict=True):
        assert said.startswith(beginning)


def test_a_faulty_server_does_not_make_its_clients_faulty():
    said = complaints_of(CORP + "retries = -1\n" + BILLING)
    assert said == ("clients.toml:5: servers.corp.retries -1: must be at least 0",)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_plain_http_is_welcome_on_loopback(host):
    fleet_of(CORP.replace("https://login.corp.example", f"http://{host}:8080") + BILLING)


def test_plain_http_elsewhere_needs_leave():
    fleet_of(CORP.replace("https", "http") + "allow_http = true\n" + BILLING)
