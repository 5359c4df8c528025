"""`scopeprobe import`: exports of identity products become clients files that can be read."""

import base64
import json
import re
import tomllib

import pytest
from exports import ENTRA, GENESYS, KEYCLOAK, OKTA_APPS, OKTA_CLIENTS
from harness import lab, scopeprobe, verdicts

from scopeprobe.lab import AuthorizationServer, Client, Message, read_profile

KEY = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""


ISSUER = ("--issuer", "https://login.corp.example")


def imported(folder, product, export, *options):
    file = folder / "export.json"
    file.write_text(json.dumps(export))
    return scopeprobe("import", product, file, *options)


@pytest.mark.parametrize(
    ("export", "server", "names", "skipped"),
    [
        (
            ("okta", OKTA_APPS), {"issuer": "https://corp.okta.com/oauth2/default"},
            {"Billing-EU": "0oa1", "Signer": "0oa2"},
            ["Old: is disabled", "Web: may not use client_credentials", "SAML: is no OAuth client"],
        ),
        (
            ("okta", OKTA_CLIENTS), {"issuer": "https://YOUR-ORG.okta.com/oauth2/default"},
            {"Service": "0oa9"}, ["Phone: is a public client"],
        ),
        (
            ("entra", ENTRA),
            {"issuer": "https://login.microsoftonline.com/corp.onmicrosoft.com/v2.0"},
            {
                "Payroll": "11111111-0000-4000-8000-000000000001",
                "Payroll-2": "11111111-0000-4000-8000-000000000002",
            },
            ["Nobody: has no credentials"],
        ),
        (
            ("keycloak", KEYCLOAK), {"issuer": "https://YOUR-KEYCLOAK/realms/main"},
            {"reports": "reports", "poster": "poster"},
            [
                "account: is a public client", "off: is disabled",
                "api: may not use client_credentials",
            ],
        ),
        (
            ("genesys", GENESYS), {"provider": "genesys", "region": "YOUR-REGION"},
            {
                "Wallboard-EU": "5c1f0f6e-0000-4000-8000-00000000a001",
                "Queues": "5c1f0f6e-0000-4000-8000-00000000a002",
            },
            [
                "Agents: may not use client_credentials", "Old: is inactive", "Off: is disabled",
                "2 more: are not in this export",
            ],
        ),
        (
            ("genesys", GENESYS["entities"][:1], "--region", "mypurecloud.ie"),
            {"provider": "genesys", "region": "mypurecloud.ie"},
            {"Wallboard-EU": "5c1f0f6e-0000-4000-8000-00000000a001"}, [],
        ),
    ],
)  # fmt: skip
def test_an_export_becomes_a_clients_file(tmp_path, export, server, names, skipped):
    product = export[0]
    result = imported(tmp_path, *export)
    assert result.returncode == 0, result.stderr
    read = tomllib.loads(result.stdout)
    assert read["servers"][product] == server
    assert {client["name"]: client["client_id"] for client in read["clients"]} == names
    assert [line[9:] for line in result.stderr.splitlines() if line.startswith("skipped: ")] == (
        skipped
    )
    assert "never-to-be-copied" not in result.stdout + result.stderr
    assert "**********" not in result.stdout


@pytest.mark.parametrize("ends", ["0", "", "soon", None, -1, 10**20, ["1924992000"]])
def test_keycloak_may_tell_no_moment_at_which_a_secret_ends(tmp_path, ends):
    attributes = {"client.secret.expiration.time": ends}
    client = {"clientId": "c", "serviceAccountsEnabled": True, "attributes": attributes}
    (read,) = tomllib.loads(imported(tmp_path, "keycloak", [client]).stdout)["clients"]
    assert "secret_expires" not in read


def test_keycloak_tells_the_method_that_a_client_is_held_to_and_when_its_secret_ends(tmp_path):
    read = tomllib.loads(imported(tmp_path, "keycloak", KEYCLOAK).stdout)
    reports, poster = read["clients"]
    assert reports["token_endpoint_auth_method"] == "client_secret_basic"
    assert "secret_expires" not in reports
    assert poster["token_endpoint_auth_method"] == "client_secret_post"
    assert (poster["secret_expires"], poster["client_secret"]) == (
        "2031-01-01",
        {"env": "POSTER_SECRET"},
    )


@pytest.mark.parametrize(
    ("product", "export", "option"),
    [
        ("okta", OKTA_APPS, ISSUER),
        ("entra", ENTRA, ISSUER),
        ("keycloak", KEYCLOAK, ISSUER),
        ("genesys", GENESYS, ("--region", "mypurecloud.ie")),
    ],
)
def test_the_clients_file_can_be_used_once_its_secrets_are_there(tmp_path, product, export, option):
    result = imported(tmp_path, product, export, *option)
    clients = tmp_path / "clients.toml"
    clients.write_text(result.stdout)
    clients.chmod(0o600)
    variables = re.findall(r'env = "(\w+)"', result.stdout)
    secrets = {name: KEY if name.endswith("_KEY") else f"secret of {name}" for name in variables}
    read = scopeprobe("validate", clients, "--scope", "a", env=secrets)
    assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("export", [{}, [], [1], {"value": 1}, {"clients": [{}]}, [{"a": 1}], "x"])
@pytest.mark.parametrize("product", ["okta", "entra", "keycloak", "genesys"])
def test_what_is_no_export_is_an_input_error_or_empty(tmp_path, product, export):
    result = imported(tmp_path, product, export)
    assert result.returncode in ({0} if export == [] else {2}), result.stdout
    assert "internal error" not in result.stderr


@pytest.mark.parametrize(
    ("product", "export", "option", "words"),
    [
        ("genesys", GENESYS, ISSUER, "--issuer: genesys has none, but provider and region"),
        ("okta", OKTA_APPS, ("--region", "eu"), "--region: okta has none, but issuer"),
    ],
)
def test_what_a_product_does_not_have_is_an_input_error(tmp_path, product, export, option, words):
    result = imported(tmp_path, product, export, *option)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr


def clients_listed_to(client, server):
    pair = f"{client.client_id}:{client.client_secret}".encode()
    form, basic = "application/x-www-form-urlencoded", f"Basic {base64.b64encode(pair).decode()}"
    asked = Message(form, basic, b"grant_type=client_credentials")
    token = json.loads(server.answer(asked, issuer="https://lab.example").body)["access_token"]
    bearer = Message("", f"Bearer {token}", b"", method="GET")
    return json.loads(server.tell_rights("api/v2/oauth/clients", bearer).body)


def test_what_genesys_lists_in_the_lab_is_imported_and_audited(tmp_path):
    lister = Client("lister", "lister-s3cret", ["oauth:client:view"])
    reader = Client("reader", "reader-s3cret", ["routing:queue:view"])
    old = Client("old", "old-s3cret", state="inactive")
    app = Client("app", "app-s3cret", grant_types=("authorization_code",))
    server = AuthorizationServer("corp", read_profile("genesys"), [lister, reader, old, app])
    with lab([server]) as url:
        listing = {who.client_id: clients_listed_to(who, server) for who in (lister, reader)}
        assert listing["reader"]["code"] == "missing.any.permissions"
        result = imported(tmp_path, "genesys", listing["lister"])
        told = [line for line in result.stderr.splitlines() if line.startswith("skipped: ")]
        assert told == [
            "skipped: old: is inactive",
            "skipped: app: may not use client_credentials",
        ]
        place = f'token_endpoint = "{url}/corp/token"\n'
        place += f'rights_url = "{url}/corp/api/v2/authorization/subjects/me"\n'
        clients = tmp_path / "clients.toml"
        clients.write_text(result.stdout.replace('region = "YOUR-REGION"\n', place))
        secrets = {"LISTER_SECRET": "lister-s3cret", "READER_SECRET": "reader-s3cret"}
        words = ("audit", clients, "--scope", "routing:queue:view", "-o", tmp_path / "out")
        audited = scopeprobe(*words, env=secrets)
    assert audited.returncode == 0, audited.stderr
    assert verdicts(tmp_path / "out") == {
        ("lister", "oauth:client:view"): "granted",
        ("lister", "routing:queue:view"): "denied",
        ("reader", "routing:queue:view"): "granted",
    }


def test_names_that_differ_in_signs_only_get_variables_of_their_own(tmp_path):
    apps = [
        {**OKTA_APPS[0], "label": label, "credentials": {"oauthClient": {
            "client_id": client_id, "token_endpoint_auth_method": "client_secret_post",
        }}}
        for label, client_id in (("a.b", "1"), ("a-b", "2"))
    ]  # fmt: skip
    read = tomllib.loads(imported(tmp_path, "okta", apps).stdout)
    variables = [client["client_secret"]["env"] for client in read["clients"]]
    assert variables == ["A_B_SECRET", "A_B_2_SECRET"]
