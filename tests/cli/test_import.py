"""`scopeprobe import`: exports of identity products become clients files that can be read."""

import json
import re
import tomllib

import pytest
from harness import scopeprobe

OKTA_APPS = [
    {
        "label": "Billing (EU)", "status": "ACTIVE", "name": "oidc_client",
        "credentials": {"oauthClient": {
            "client_id": "0oa1", "token_endpoint_auth_method": "client_secret_post",
            "client_secret": "never-to-be-copied",
        }},
        "settings": {"oauthClient": {"grant_types": ["client_credentials"]}},
        "_links": {"users": {"href": "https://corp.okta.com/api/v1/apps/0oa1/users"}},
    },
    {
        "label": "Signer", "status": "ACTIVE",
        "credentials": {"oauthClient": {
            "client_id": "0oa2", "token_endpoint_auth_method": "private_key_jwt",
        }},
        "settings": {"oauthClient": {"grant_types": ["client_credentials"]}},
    },
    {
        "label": "Old", "status": "INACTIVE",
        "credentials": {"oauthClient": {
            "client_id": "0oa3", "token_endpoint_auth_method": "client_secret_basic",
        }},
        "settings": {"oauthClient": {"grant_types": ["client_credentials"]}},
    },
    {
        "label": "Web", "status": "ACTIVE",
        "credentials": {"oauthClient": {
            "client_id": "0oa4", "token_endpoint_auth_method": "client_secret_basic",
        }},
        "settings": {"oauthClient": {"grant_types": ["authorization_code"]}},
    },
    {"label": "SAML", "status": "ACTIVE", "credentials": {}},
]  # fmt: skip
OKTA_CLIENTS = [
    {
        "client_id": "0oa9", "client_name": "Service", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
    },
    {
        "client_id": "0oa8", "client_name": "Phone", "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "none",
    },
]  # fmt: skip
ENTRA = {
    "value": [
        {
            "displayName": "Payroll", "appId": "11111111-0000-4000-8000-000000000001",
            "publisherDomain": "corp.onmicrosoft.com",
            "passwordCredentials": [
                {"endDateTime": "2026-01-31T00:00:00Z"}, {"endDateTime": "2027-01-31T00:00:00Z"},
            ],
            "keyCredentials": [],
        },
        {
            "displayName": "Payroll", "appId": "11111111-0000-4000-8000-000000000002",
            "publisherDomain": "corp.onmicrosoft.com", "passwordCredentials": [],
            "keyCredentials": [{"endDateTime": "2027-06-30T12:00:00Z"}],
        },
        {"displayName": "Nobody", "appId": "3", "passwordCredentials": [], "keyCredentials": []},
    ]
}  # fmt: skip
KEYCLOAK = {
    "realm": "main",
    "clients": [
        {
            "clientId": "reports", "enabled": True, "publicClient": False,
            "serviceAccountsEnabled": True, "clientAuthenticatorType": "client-secret",
            "secret": "never-to-be-copied", "defaultClientScopes": ["profile"],
            "optionalClientScopes": ["reports.read"],
        },
        {"clientId": "account", "publicClient": True},
        {"clientId": "off", "enabled": False, "serviceAccountsEnabled": True},
        {"clientId": "api", "bearerOnly": True},
    ],
}  # fmt: skip


KEY = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""


def imported(folder, product, export, *options):
    file = folder / "export.json"
    file.write_text(json.dumps(export))
    return scopeprobe("import", product, file, *options)


@pytest.mark.parametrize(
    ("export", "issuer", "names", "left_out"),
    [
        (
            ("okta", OKTA_APPS), "https://corp.okta.com/oauth2/default",
            {"Billing-EU": "0oa1", "Signer": "0oa2"},
            ["Old: is disabled", "Web: may not use client_credentials", "SAML: is no OAuth client"],
        ),
        (
            ("okta", OKTA_CLIENTS), "https://YOUR-ORG.okta.com/oauth2/default",
            {"Service": "0oa9"}, ["Phone: is a public client"],
        ),
        (
            ("entra", ENTRA), "https://login.microsoftonline.com/corp.onmicrosoft.com/v2.0",
            {
                "Payroll": "11111111-0000-4000-8000-000000000001",
                "Payroll-2": "11111111-0000-4000-8000-000000000002",
            },
            ["Nobody: has no credentials"],
        ),
        (
            ("keycloak", KEYCLOAK), "https://YOUR-KEYCLOAK/realms/main", {"reports": "reports"},
            [
                "account: is a public client", "off: is disabled",
                "api: may not use client_credentials",
            ],
        ),
    ],
)  # fmt: skip
def test_an_export_becomes_a_clients_file(tmp_path, export, issuer, names, left_out):
    product = export[0]
    result = imported(tmp_path, *export)
    assert result.returncode == 0, result.stderr
    read = tomllib.loads(result.stdout)
    assert read["servers"][product]["issuer"] == issuer
    assert {client["name"]: client["client_id"] for client in read["clients"]} == names
    assert [line[10:] for line in result.stderr.splitlines() if line.startswith("left out")] == (
        left_out
    )
    assert "never-to-be-copied" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("product", "export"),
    [("okta", OKTA_APPS), ("entra", ENTRA), ("keycloak", KEYCLOAK)],
)
def test_the_clients_file_can_be_used_once_its_secrets_are_there(tmp_path, product, export):
    result = imported(tmp_path, product, export, "--issuer", "https://login.corp.example")
    clients = tmp_path / "clients.toml"
    clients.write_text(result.stdout)
    clients.chmod(0o600)
    variables = re.findall(r'env = "(\w+)"', result.stdout)
    secrets = {name: KEY if name.endswith("_KEY") else f"secret of {name}" for name in variables}
    read = scopeprobe("validate", clients, "--scope", "a", env=secrets)
    assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("export", [{}, [], [1], {"value": 1}, {"clients": [{}]}, [{"a": 1}], "x"])
@pytest.mark.parametrize("product", ["okta", "entra", "keycloak"])
def test_what_is_no_export_is_an_input_error_or_empty(tmp_path, product, export):
    result = imported(tmp_path, product, export)
    assert result.returncode in ({0} if export == [] else {2}), result.stdout
    assert "internal error" not in result.stderr
