"""What each abstract manner answers to scopes, and what its tokens show."""

from __future__ import annotations

import pytest
from lab_endpoints import (
    DISGUISED,
    FOREIGN,
    INVENTED,
    OWN,
    REFUSED,
    SECRET,
    Clock,
    at,
    claims_of,
    facts,
    issued,
    make_server,
)

ANSWERS = {
    "strict": {
        OWN: issued(listed=OWN, claims=OWN),
        None: issued(listed=OWN, claims=OWN),
        FOREIGN: REFUSED,
        INVENTED: REFUSED,
        f"{OWN} {FOREIGN}": REFUSED,
    },
    "strict-401": {
        OWN: issued(listed=OWN, claims=OWN),
        None: issued(listed=OWN, claims=OWN),
        FOREIGN: DISGUISED,
        INVENTED: DISGUISED,
        f"{OWN} {FOREIGN}": DISGUISED,
    },
    "strict-needs-scope": {
        OWN: issued(listed=OWN, claims=OWN),
        None: REFUSED,
        FOREIGN: REFUSED,
    },
    "strict-401-needs-scope": {
        OWN: issued(listed=OWN, claims=OWN),
        None: REFUSED,
        FOREIGN: DISGUISED,
    },
    "strict-unlisted": {
        OWN: issued(),
        None: issued(),
        FOREIGN: REFUSED,
    },
    "naming": {
        OWN: issued(listed=OWN, claims=OWN),
        None: issued(listed="", claims=None),
        FOREIGN: REFUSED,
    },
    "echoing": {
        OWN: issued(listed=OWN, claims=OWN),
        FOREIGN: REFUSED,
    },
    "narrowing": {
        f"{INVENTED} {OWN}": issued(listed=OWN),
        FOREIGN: issued(listed=""),
        INVENTED: issued(listed=""),
        None: issued(listed=""),
    },
    "narrowing-jwt": {
        f"{OWN} {FOREIGN}": issued(claims=OWN),
        FOREIGN: issued(claims=None),
        INVENTED: issued(claims=None),
    },
    "silent-narrowing": {
        f"{OWN} {FOREIGN}": issued(listed=OWN),
        FOREIGN: issued(),
        None: issued(),
        INVENTED: REFUSED,
        f"{OWN} {INVENTED}": REFUSED,
    },
    "ignoring-echo": {
        FOREIGN: issued(listed=FOREIGN),
        INVENTED: issued(listed=INVENTED),
        None: issued(),
    },
    "ignoring-silent": {
        OWN: issued(),
        INVENTED: issued(),
    },
    "throttling": {
        FOREIGN: REFUSED,
    },
    "throttling-disguised": {
        FOREIGN: REFUSED,
    },
    "locking": {
        FOREIGN: REFUSED,
    },
}
"""By profile, what is answered to which scopes; None: to a request without them."""


@pytest.mark.parametrize("profile", ANSWERS)
async def test_a_profile_answers_scopes_in_its_own_way_and_bad_credentials_before(profile):
    expected = ANSWERS[profile]
    async with at(make_server(profile)) as endpoint:
        assert {scope: facts(await endpoint.ask(scope)) for scope in expected} == expected
        assert facts(await endpoint.ask(INVENTED, secret="guess")) == DISGUISED
        assert facts(await endpoint.ask(OWN, client_id="nobody")) == DISGUISED


@pytest.mark.parametrize(
    ("profile", "description"),
    [
        ("naming", f"Client has not been granted scopes: {FOREIGN} {INVENTED}"),
        ("echoing", f"Invalid scopes: orders.read {FOREIGN} {INVENTED}"),
        ("strict", "The requested scope is invalid, unknown, or malformed."),
    ],
)
async def test_a_refusal_names_the_culprits_or_the_whole_request_or_nothing(profile, description):
    async with at(make_server(profile)) as endpoint:
        _, _, body = await endpoint.ask(f"orders.read {FOREIGN} {INVENTED}")
    assert body["error_description"] == description


@pytest.mark.parametrize("scope", [FOREIGN, INVENTED])
async def test_strict_401_answers_a_bad_scope_and_a_wrong_secret_alike(scope):
    async with at(make_server("strict-401")) as endpoint:
        bad_scope = await endpoint.ask(scope)
        wrong_secret = await endpoint.ask(secret="guess")
    for _, headers, _ in (bad_scope, wrong_secret):
        del headers["Date"]
    assert bad_scope == wrong_secret


@pytest.mark.parametrize("shape", ["string", "array"])
async def test_a_jwt_shows_its_scopes_under_the_claim_and_in_the_shape_of_its_manner(shape):
    override = {"token": {"format": "jwt", "claim": "scp", "shape": shape}}
    async with at(make_server("strict", override)) as endpoint:
        _, _, body = await endpoint.ask(OWN)
    claims = claims_of(body["access_token"])
    assert claims["scp"] == (OWN if shape == "string" else OWN.split())
    assert claims["iss"] == endpoint.url.removesuffix("/token")
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("shop", body["expires_in"])


EVERYTHING = (
    "{server} {issuer} {origin} {client_id} [{asked}] [{target}] {method} {registered_method}"
    " {grant_type} ({grant_types})"
)


async def test_a_refusal_may_name_all_that_was_asked_and_is_registered():
    refusal = {"status": 400, "error": "invalid_scope", "description": EVERYTHING}
    override = {"scope": {"unknown": refusal}}
    async with at(make_server("strict", override)) as endpoint:
        base = endpoint.url.removesuffix("/corp/token")
        _, _, body = await endpoint.ask(f"orders.read {INVENTED}")
        form = {"grant_type": "client_credentials", "client_id": "shop", "scope": INVENTED}
        _, _, posted = await endpoint.post({**form, "client_secret": SECRET})
    asked = f"corp {base}/corp {base} shop [orders.read {INVENTED}] []"
    registered = "client_secret_basic client_credentials (client_credentials)"
    assert body["error_description"] == f"{asked} client_secret_basic {registered}"
    assert f"[{INVENTED}] [] client_secret_post {registered}" in posted["error_description"]


async def test_the_quota_is_told_in_headers_of_every_answer():
    told = {"X-Limit": "{limit}", "X-Remaining": "{remaining}", "X-Reset": "{seconds}"}
    override = {"throttle": {"requests": 2, "seconds": 30, "headers": told}}
    async with at(make_server("throttling", override, clock=Clock())) as endpoint:
        answers = [await endpoint.ask() for _ in range(3)]
    assert [[headers[name] for name in told] for _, headers, _ in answers] == [
        ["2", "1", "30"], ["2", "0", "30"], ["2", "0", "30"],
    ]  # fmt: skip
    assert [status for status, _, _ in answers] == [200, 200, 429]
