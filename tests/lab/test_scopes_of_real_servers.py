"""How real servers treat scopes, targets and claims beyond the plain table."""

from __future__ import annotations

import base64
import json

import pytest
from fleets_of_real_servers import ISSUER, make_fleet, make_message
from words_of_real_servers import no, rows, say, yes


def test_keycloak_refuses_an_empty_scope_that_others_take_for_none():
    keycloak, spring = make_fleet("keycloak"), make_fleet("spring")
    assert say(keycloak, make_message(keycloak, "one", "")) == no(
        400, "invalid_scope", "Invalid scopes: "
    )
    assert say(spring, make_message(spring, "one", "")) == yes()


def test_authentik_lists_in_another_order_than_was_asked():
    fleet = make_fleet("authentik")
    assert say(fleet, make_message(fleet, "all", "orders.read users.read")) == yes(
        "users.read orders.read"
    )


def entra(name, scope, **parameters):
    fleet = make_fleet("entra")
    return say(fleet, make_message(fleet, name, scope, **parameters))


@pytest.mark.parametrize(
    ("name", "scope", "status", "error", "number"),
    [
        pytest.param("stranger", "api://x/.default", 400, "unauthorized_client", 700016, id="id"),
        pytest.param("wrong", "api://x/.default", 401, "invalid_client", 7000215, id="secret"),
        pytest.param("one", "api://x/.default", 400, "invalid_scope", 70011, id="resource"),
        pytest.param("one", "orders.read", 400, "invalid_scope", 1002012, id="no .default"),
        pytest.param("one", None, 400, "invalid_request", 900144, id="no scope"),
        pytest.param(
            "one",
            "api://users-read/.default api://users-write/.default",
            400,
            "invalid_scope",
            28000,
            id="two resources",
        ),
    ],
)
def test_entra_numbers_its_errors_and_traces_them(name, scope, status, error, number):
    said = entra(name, scope)
    assert (said.status, said.members["error"]) == (status, error)
    assert said.members["error_codes"] == [number]
    assert said.members["error_description"].startswith(f"AADSTS{number}: ")
    assert "\r\nTrace ID: " in said.members["error_description"]
    assert {"timestamp", "trace_id", "correlation_id"} <= said.members.keys()


def claims_of(fleet, message):
    answer = fleet.server.answer(message, issuer=ISSUER)
    payload = answer.members["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_entra_shows_roles_of_the_asked_resource_and_no_scope():
    fleet = make_fleet("entra")
    claims = claims_of(fleet, make_message(fleet, "one", fleet.existing[7]))
    assert claims["roles"] == ["Use.All"]
    assert "scope" not in claims
    assert "roles" not in claims_of(fleet, make_message(fleet, "one", fleet.existing[0]))


CLAIMS = {
    "auth0": {"scope": "write:users", "permissions": ["write:users"], "azp": "one-id"},
    "cognito": {"scope": "corp-api/users.write"},
    "duende": {"scope": ["users.write"]},
    "hydra": {"scp": ["users.write"]},
    "keycloak": {"scope": "users-write profile email", "azp": "one-id"},
    "oidc-provider-resource": {"scope": "users:write"},
    "okta-custom": {"scp": ["users.write"], "cid": "one-id"},
    "spring": {"scope": ["users.write"], "aud": ["one-id"]},
    "zitadel": {"urn:zitadel:iam:org:project:roles": {"users.write": {}}},
}


@pytest.mark.parametrize(("name", "expected"), rows(CLAIMS))
def test_a_jwt_shows_rights_where_this_server_puts_them(name, expected):
    fleet = make_fleet(name)
    claims = claims_of(fleet, make_message(fleet, "one", fleet.existing[7]))
    assert {key: claims.get(key) for key in expected} == expected


def test_keycloak_puts_roles_into_realm_access():
    fleet = make_fleet("keycloak")
    claims = claims_of(fleet, make_message(fleet, "one", fleet.existing[7]))
    assert claims["realm_access"] == {"roles": ["users-write"]}


def test_zitadels_roles_claim_has_no_role_that_was_only_echoed():
    fleet = make_fleet("zitadel")
    claims = claims_of(fleet, make_message(fleet, "none", fleet.existing[0]))
    assert claims["scope"] == fleet.existing[0]
    assert "urn:zitadel:iam:org:project:roles" not in claims


@pytest.mark.parametrize(
    ("name", "said"),
    rows({"duende": no(400, "invalid_scope"), "cognito": no(400, "invalid_scope")})
    + rows(
        {
            "forgerock": no(
                400, "invalid_scope", "No scope requested and no default scope configured"
            )
        }
    ),
)
def test_no_scope_is_refused_to_a_client_that_has_none(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "none")) == said


@pytest.mark.parametrize(
    ("name", "scope", "description"),
    [
        pytest.param("duende", "openid", None, id="duende"),
        pytest.param(
            "okta-custom",
            "openid",
            "Cannot request 'openid' scopes using client credentials.",
            id="okta-custom",
        ),
        pytest.param(
            "oidc-provider-resource",
            "offline_access",
            "requested scope is not allowed",
            id="oidc-provider-resource",
        ),
    ],
)
def test_scopes_of_openid_connect_are_refused(name, scope, description):
    fleet = make_fleet(name)
    said = say(fleet, make_message(fleet, "all", scope))
    assert (said.status, said.members["error"]) == (400, "invalid_scope")
    assert said.members.get("error_description") == description


def test_hydra_grants_what_a_clients_pattern_matches():
    fleet = make_fleet("hydra")
    fleet.server.grant("none-id", "anything.*")
    assert say(fleet, make_message(fleet, "none", "anything.at.all")) == yes("anything.at.all")


def test_doorkeepers_application_without_scopes_may_have_any_that_exists():
    fleet = make_fleet("doorkeeper")
    assert say(fleet, make_message(fleet, "none", "read_orders")) == yes("read_orders")
    assert say(fleet, make_message(fleet, "none", "read_unicorns")).status == 400
    assert fleet.kinds["none", "read_orders"] == "granted"


TARGETED = {
    "unknown": ("https://other", "Service not enabled within domain: https://other"),
    "ungranted": (
        "https://api.corp.example",
        (
            'Client is not authorized to access "https://api.corp.example". '
            'You need to create a "client-grant" associated to this API.'
        ),
    ),
}


@pytest.mark.parametrize("case", TARGETED)
def test_auth0_refuses_an_audience_that_does_not_exist_or_was_not_granted(case):
    audience, description = TARGETED[case]
    fleet = make_fleet("auth0")
    fleet.server.clients["one-id"].targets = {"https://elsewhere": ()}
    message = make_message(fleet, "one", "write:users", audience=audience)
    assert say(fleet, message) == no(403, "access_denied", description)


def test_oidc_provider_refuses_an_unknown_resource():
    fleet = make_fleet("oidc-provider-resource")
    message = make_message(fleet, "one", "users:write", resource="urn:nobody")
    assert say(fleet, message) == no(
        400, "invalid_target", "resource indicator is missing, or unknown"
    )
