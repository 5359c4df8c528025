"""The lab plays real servers as their profiles and the answers in `data/answers/` say."""

import base64
import json
from collections.abc import Callable

import pytest
from answers import ANSWERS
from fleets_of_real_servers import ISSUER, RealFleet, make_fleet, make_message

from scopeprobe.lab import Message, read_profile, real_profiles
from scopeprobe.lab.answers import Refusal
from scopeprobe.lab.conclusions import OPPOSITES

REAL = sorted(real_profiles())


def granted_scope(fleet, **request):
    """What `one` asks for, and nothing else was granted to it."""
    return make_message(fleet, "one", fleet.existing[7], **request)


def ungranted_target(fleet):
    fleet.server.clients["one-id"].targets = {"https://elsewhere": ()}
    return granted_scope(fleet)


def another_method(fleet):
    fleet.server.clients["one-id"].method = "client_secret_basic"
    return granted_scope(fleet, method="client_secret_post")


def another_grant(fleet):
    fleet.server.clients["one-id"].grant_types = ("authorization_code", "refresh_token")
    return granted_scope(fleet)


def one_too_many(fleet):
    message = granted_scope(fleet)
    assert fleet.server.answer(message, issuer=ISSUER).status == 200
    return message


def scope_of_openid(fleet):
    scope = "offline_access" if fleet.existing[0] == "orders:read" else "openid"
    return make_message(fleet, "all", scope)


OCCASIONS: dict[str, Callable[[RealFleet], Message]] = {
    "unknown client": lambda fleet: make_message(fleet, "stranger", fleet.existing[0]),
    "wrong secret": lambda fleet: make_message(fleet, "wrong", fleet.existing[0]),
    "posted secret": lambda fleet: granted_scope(fleet, method="client_secret_post"),
    "another method": another_method,
    "two mechanisms": lambda fleet: granted_scope(
        fleet, client_id="one-id", client_secret=fleet.entries["one"].secret
    ),
    "client_id beside Basic": lambda fleet: granted_scope(fleet, client_id="one-id"),
    "JSON body": lambda fleet: granted_scope(fleet, as_json=True),
    "grant not allowed": another_grant,
    "granted scope": granted_scope,
    "ungranted scope": lambda fleet: make_message(fleet, "one", fleet.existing[0]),
    "unknown scope": lambda fleet: make_message(fleet, "one", fleet.candidates[-2]),
    "mixed scopes": lambda fleet: make_message(
        fleet, "one", f"{fleet.existing[7]} {fleet.existing[0]} {fleet.candidates[-2]}"
    ),
    "no scope": lambda fleet: make_message(fleet, "one"),
    "no scope, none granted": lambda fleet: make_message(fleet, "none"),
    "OpenID scope": scope_of_openid,
    "unknown target": lambda fleet: granted_scope(fleet, audience="https://other"),
    "unknown resource": lambda fleet: granted_scope(fleet, resource="urn:nobody"),
    "ungranted target": ungranted_target,
    "throttle": one_too_many,
}


def said(fleet, message):
    """Status, body and headers; of a success what it says of scopes."""
    answer = fleet.server.answer(message, issuer=ISSUER)
    if answer.text is not None:
        return answer.status, answer.text, answer.headers
    body = json.loads(answer.body)
    if answer.status == 200:
        body = {key: body[key] for key in ("scope",) if key in body}
    return answer.status, body, answer.headers


def on(profile, occasion):
    override = {"throttle": {"requests": 1, "seconds": 60}} if occasion == "throttle" else None
    fleet = make_fleet(profile, override, clock=lambda: 1000.0)
    return said(fleet, OCCASIONS[occasion](fleet))


@pytest.mark.parametrize("profile", REAL)
def test_a_server_answers_in_its_own_words(profile):
    expected = {
        occasion: answer
        for answer in ANSWERS.values()
        for occasion in answer.played.get(profile, ())
    }
    assert expected
    for occasion, answer in expected.items():
        status, body, headers = on(profile, occasion)
        words = answer.text if answer.body is None else dict(answer.body)
        if answer.status == 200:
            words = {key: words[key] for key in ("scope",) if key in words}
        assert (status, body) == (answer.status, words), occasion
        assert {name: headers.get(name) for name in answer.headers} == answer.headers, occasion


@pytest.mark.parametrize("name", REAL)
def test_every_row_about_a_real_server_says_what_it_rests_on(name):
    profile = read_profile(name)
    places = {
        "credentials.unknown_client": profile.credentials.unknown_client,
        "credentials.wrong_secret": profile.credentials.wrong_secret,
        "scope.unknown": profile.scope.unknown,
        "scope.ungranted": profile.scope.ungranted,
        "scope.absent": profile.scope.absent,
    }
    unmarked = [
        place
        for place, what in places.items()
        if (what.source is None if isinstance(what, Refusal) else place not in profile.sources)
    ]
    assert unmarked == []
    for place in profile.sources:
        found = profile
        for step in place.split("."):
            found = getattr(found, step)


@pytest.mark.parametrize("name", REAL)
def test_no_conclusion_admits_a_lie(name):
    profile = read_profile(name)
    for conclusions in (profile.conclusions, profile.conclusions_by_rights_api):
        for kind, lie in OPPOSITES.items():
            everybody = profile.scope.grants == "all" and kind == "ungranted"
            if conclusions and not everybody:
                assert lie not in conclusions.of(kind).verdicts


# -- what one answer does not show


def test_auth0_tells_its_quota_on_success_too():
    override = {"throttle": {"requests": 10, "seconds": 3600}}
    fleet = make_fleet("auth0", override, clock=lambda: 1000.0)
    _, _, headers = said(fleet, granted_scope(fleet))
    assert headers["Auth0-Client-Quota-Limit"] == "b=per_hour;q=10;r=9;t=3600"
    assert headers["X-RateLimit-Remaining"] == "9"


def test_hydra_hides_the_forbidden_grant_behind_a_refused_scope():
    fleet = make_fleet("hydra")
    fleet.server.clients["one-id"].grant_types = ("authorization_code",)
    assert said(fleet, make_message(fleet, "one", "unicorns.read"))[1]["error"] == "invalid_scope"
    assert said(fleet, make_message(fleet, "one"))[1]["error"] == "unauthorized_client"


def test_hydra_grants_what_a_clients_pattern_matches():
    fleet = make_fleet("hydra")
    fleet.server.grant("none-id", "anything.*")
    status, body, _ = said(fleet, make_message(fleet, "none", "anything.at.all"))
    assert (status, body) == (200, {"scope": "anything.at.all"})


def test_forgerock_answers_posted_credentials_with_another_status():
    fleet = make_fleet("forgerock")
    status, _, _ = said(fleet, make_message(fleet, "wrong", method="client_secret_post"))
    assert (status, on("forgerock", "wrong secret")[0]) == (400, 401)


def test_keycloak_refuses_an_empty_scope_that_others_take_for_none():
    statuses = {}
    for profile in ("keycloak", "spring"):
        fleet = make_fleet(profile)
        statuses[profile], _, _ = said(fleet, make_message(fleet, "one", ""))
    assert statuses == {"keycloak": 400, "spring": 200}


def test_authentik_lists_in_another_order_than_was_asked():
    fleet = make_fleet("authentik")
    _, body, _ = said(fleet, make_message(fleet, "all", "orders.read users.read"))
    assert body == {"scope": "users.read orders.read"}


def test_doorkeepers_application_without_scopes_may_have_any_that_exists():
    fleet = make_fleet("doorkeeper")
    assert said(fleet, make_message(fleet, "none", "read_orders"))[0] == 200
    assert said(fleet, make_message(fleet, "none", "read_unicorns"))[0] == 400
    assert fleet.kinds["none", "read_orders"] == "granted"


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
    fleet = make_fleet("entra")
    found, body, _ = said(fleet, make_message(fleet, name, scope))
    assert (found, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert "\r\nTrace ID: " in body["error_description"]
    assert {"timestamp", "trace_id", "correlation_id"} <= body.keys()


def claims_of(fleet, message):
    answer = fleet.server.answer(message, issuer=ISSUER)
    payload = answer.members["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


CLAIMS = {
    "auth0": {"scope": "write:users", "permissions": ["write:users"], "azp": "one-id"},
    "cognito": {"scope": "corp-api/users.write"},
    "duende": {"scope": ["users.write"]},
    "entra": {"roles": ["Use.All"], "scope": None},
    "hydra": {"scp": ["users.write"]},
    "keycloak": {
        "scope": "users-write profile email",
        "azp": "one-id",
        "realm_access": {"roles": ["users-write"]},
    },
    "oidc-provider-resource": {"scope": "users:write"},
    "okta-custom": {"scp": ["users.write"], "cid": "one-id"},
    "spring": {"scope": ["users.write"], "aud": ["one-id"]},
    "zitadel": {"urn:zitadel:iam:org:project:roles": {"users.write": {}}},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_jwt_shows_rights_where_this_server_puts_them(name):
    fleet = make_fleet(name)
    claims = claims_of(fleet, granted_scope(fleet))
    assert {key: claims.get(key) for key in CLAIMS[name]} == CLAIMS[name]


@pytest.mark.parametrize(
    ("name", "claim"), [("zitadel", "urn:zitadel:iam:org:project:roles"), ("entra", "roles")]
)
def test_a_claim_of_roles_has_none_that_was_not_granted(name, claim):
    fleet = make_fleet(name)
    assert claim not in claims_of(fleet, make_message(fleet, "none", fleet.existing[0]))


ENCODINGS = {
    **dict.fromkeys(("hydra", "keycloak", "oidc-provider", "spring", "duende"), "rfc6749"),
    **dict.fromkeys(("zitadel", "django-oauth-toolkit"), "rfc6749"),
    **dict.fromkeys(("doorkeeper", "authentik", "cognito", "genesys"), "raw"),
    "authlib": "percent",
}
MEANINGS = {
    "rfc6749": {"a+b": "a b", "a%2Bb": "a+b", "a b": "a b"},
    "percent": {"a+b": "a+b", "a%2Bb": "a+b", "a b": "a b"},
    "raw": {"a+b": "a+b", "a%2Bb": "a%2Bb", "a b": "a b"},
}


def with_basic(fleet, pair):
    form = granted_scope(fleet, method="none")
    encoded = base64.b64encode(pair.encode()).decode()
    return Message(form.content_type, f"Basic {encoded}", form.body)


@pytest.mark.parametrize("name", ENCODINGS)
def test_basic_is_decoded_as_this_server_does_it(name):
    fleet = make_fleet(name)
    for sent, meant in MEANINGS[ENCODINGS[name]].items():
        message = with_basic(fleet, f"one-id:{sent}")
        fleet.server.rotate("one-id", meant)
        assert said(fleet, message)[0] == 200
        fleet.server.rotate("one-id", "another")
        assert said(fleet, message)[0] in (400, 401)


def test_hydra_calls_a_bad_percent_sign_a_malformed_request():
    fleet = make_fleet("hydra")
    status, body, _ = said(fleet, with_basic(fleet, "one-id:a%zz"))
    assert (status, body["error"]) == (400, "invalid_request")
