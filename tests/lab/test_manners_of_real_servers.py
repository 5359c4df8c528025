"""Every real server that the lab plays: its statuses, codes and texts, row by row."""

from __future__ import annotations

import pytest
from fleets_of_real_servers import ISSUER, make_fleet, make_message
from words_of_real_servers import (
    ABSENT,
    GRANTED,
    JSON_BODY,
    MIXED,
    UNGRANTED,
    UNKNOWN_CLIENT,
    UNKNOWN_SCOPE,
    WRONG_SECRET,
    rows,
    say,
)

from scopeprobe.lab import read_profile, real_profiles
from scopeprobe.lab.conclusions import OPPOSITES
from scopeprobe.lab.refusals import Refusal


@pytest.mark.parametrize(("name", "said"), rows(UNKNOWN_CLIENT))
def test_an_unknown_client_is_refused_in_the_servers_words(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "stranger", fleet.existing[0])) == said


@pytest.mark.parametrize(("name", "said"), rows(WRONG_SECRET))
def test_a_wrong_secret_is_refused_in_the_servers_words(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "wrong", fleet.existing[0])) == said


@pytest.mark.parametrize(("name", "said"), rows(UNKNOWN_SCOPE))
def test_a_scope_that_exists_nowhere(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "one", fleet.candidates[-2])) == said


@pytest.mark.parametrize(("name", "said"), rows(UNGRANTED))
def test_a_scope_that_exists_and_was_not_granted(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "one", fleet.existing[0])) == said


@pytest.mark.parametrize(("name", "said"), rows(GRANTED))
def test_a_granted_scope(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "one", fleet.existing[7])) == said


@pytest.mark.parametrize(("name", "said"), rows(MIXED))
def test_granted_ungranted_and_unknown_scopes_in_one_request(name, said):
    fleet = make_fleet(name)
    mixed = " ".join((fleet.existing[7], fleet.existing[0], fleet.candidates[-2]))
    assert say(fleet, make_message(fleet, "one", mixed)) == said


@pytest.mark.parametrize(("name", "said"), rows(ABSENT))
def test_a_request_without_scope(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "one")) == said


@pytest.mark.parametrize(("name", "said"), rows(JSON_BODY))
def test_a_json_body(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "one", fleet.existing[7], as_json=True)) == said


GRANT_NOT_ALLOWED = {
    "auth0": (403, "unauthorized_client"),
    "authentik": (400, "unsupported_grant_type"),
    "authlib": (400, "unauthorized_client"),
    "cognito": (400, "unauthorized_client"),
    "django-oauth-toolkit": (400, "unauthorized_client"),
    "doorkeeper": (400, "unauthorized_client"),
    "duende": (400, "unauthorized_client"),
    "hydra": (400, "unauthorized_client"),
    "keycloak": (401, "unauthorized_client"),
    "oidc-provider": (400, "invalid_request"),
    "okta-custom": (400, "unauthorized_client"),
    "salesforce": (400, "invalid_grant"),
    "spring": (400, "unauthorized_client"),
    "wso2": (400, "unauthorized_client"),
    "zitadel": (400, "unauthorized_client"),
}


@pytest.mark.parametrize(("name", "said"), rows(GRANT_NOT_ALLOWED))
def test_a_grant_that_the_client_may_not_use(name, said):
    fleet = make_fleet(name)
    fleet.server.clients["one-id"].grant_types = ("authorization_code", "refresh_token")
    answer = say(fleet, make_message(fleet, "one", fleet.existing[7]))
    assert (answer.status, answer.members["error"]) == said


def test_hydra_hides_the_forbidden_grant_behind_a_refused_scope():
    fleet = make_fleet("hydra")
    fleet.server.clients["one-id"].grant_types = ("authorization_code",)
    assert say(fleet, make_message(fleet, "one", "unicorns.read")).members["error"] == (
        "invalid_scope"
    )
    assert say(fleet, make_message(fleet, "one")).members["error"] == "unauthorized_client"


def test_okta_lists_the_grants_that_the_client_has():
    fleet = make_fleet("okta-custom")
    fleet.server.clients["one-id"].grant_types = ("authorization_code", "refresh_token")
    assert say(fleet, make_message(fleet, "one", "users.write")).members["error_description"] == (
        "The client is not authorized to use the provided grant type. "
        "Configured grant types: [authorization_code, refresh_token]."
    )


def headers_of(name, client, override=None):
    fleet = make_fleet(name, override)
    message = make_message(fleet, client, fleet.existing[7])
    return fleet.server.answer(message, issuer=ISSUER).headers


THROTTLES = {
    "auth0": (429, "Quota Exceeded."),
    "entra": (429, "Too Many Requests"),
    "genesys": (400, "rate limit exceeded; try again in 60 seconds"),
    "okta-custom": (429, "API call exceeded rate limit due to too many requests."),
    "uber": (429, "{}"),
}


@pytest.mark.parametrize(("name", "said"), rows(THROTTLES))
def test_a_throttle_comes_in_this_servers_disguise(name, said):
    override = {"throttle": {"requests": 1, "seconds": 60}}
    fleet = make_fleet(name, override, clock=lambda: 1000.0)
    message = make_message(fleet, "one", fleet.existing[7])
    assert fleet.server.answer(message, issuer=ISSUER).status == 200
    answer = fleet.server.answer(message, issuer=ISSUER)
    status, text = said
    assert answer.status == status
    assert text in answer.body.decode()
    assert (answer.content_type == "text/plain") == (name == "entra")


def test_entra_says_in_a_header_how_long_to_wait():
    override = {"throttle": {"requests": 1}}
    fleet = make_fleet("entra", override)
    message = make_message(fleet, "one", fleet.existing[7])
    answers = [fleet.server.answer(message, issuer=ISSUER) for _ in range(2)]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, "60"]


def test_auth0_tells_its_quota_on_success_too():
    override = {"throttle": {"requests": 10, "seconds": 3600}}
    headers = headers_of("auth0", "one", override)
    assert headers["Auth0-Client-Quota-Limit"] == "b=per_hour;q=10;r=9;t=3600"
    assert headers["X-RateLimit-Remaining"] == "9"


REAL = sorted(real_profiles())


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


@pytest.mark.parametrize("name", REAL)
def test_the_fleet_of_each_server_has_six_clients_twenty_scopes_and_one_truth(name):
    fleet = make_fleet(name)
    assert len(fleet.entries) == 6
    assert len(set(fleet.candidates)) == 20
    assert len(fleet.kinds) == 120
    told = {fleet.kinds["some", scope] for scope in fleet.candidates}
    ungranted = set() if name == "django-oauth-toolkit" else {"ungranted"}
    assert told == {"granted", "unknown_scope"} | ungranted
