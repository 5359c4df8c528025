"""What each abstract manner answers to scopes, and what its tokens show."""

from __future__ import annotations

import pytest
from lab_endpoints import (
    DISGUISED,
    FOREIGN,
    INVENTED,
    OWN,
    PROFILES,
    REFUSED,
    at,
    claims_of,
    facts,
    issued,
    make_server,
)


@pytest.mark.parametrize(
    ("profile", "scope", "expected"),
    [
        pytest.param(profile, scope, expected, id=f"{profile}: {asked}")
        for profile, asked, scope, expected in [
            ("strict", "its own", OWN, issued(listed=OWN, claims=OWN)),
            ("strict", "no scope", None, issued(listed=OWN, claims=OWN)),
            ("strict", "another's", FOREIGN, REFUSED),
            ("strict", "an invented one", INVENTED, REFUSED),
            ("strict", "its own and another's", f"{OWN} {FOREIGN}", REFUSED),
            ("strict-401", "its own", OWN, issued(listed=OWN, claims=OWN)),
            ("strict-401", "no scope", None, issued(listed=OWN, claims=OWN)),
            ("strict-401", "another's", FOREIGN, DISGUISED),
            ("strict-401", "an invented one", INVENTED, DISGUISED),
            ("strict-401", "its own and another's", f"{OWN} {FOREIGN}", DISGUISED),
            ("strict-needs-scope", "its own", OWN, issued(listed=OWN, claims=OWN)),
            ("strict-needs-scope", "no scope", None, REFUSED),
            ("strict-needs-scope", "another's", FOREIGN, REFUSED),
            ("strict-401-needs-scope", "its own", OWN, issued(listed=OWN, claims=OWN)),
            ("strict-401-needs-scope", "no scope", None, REFUSED),
            ("strict-401-needs-scope", "another's", FOREIGN, DISGUISED),
            ("strict-unlisted", "its own", OWN, issued()),
            ("strict-unlisted", "no scope", None, issued()),
            ("strict-unlisted", "another's", FOREIGN, REFUSED),
            ("naming", "its own", OWN, issued(listed=OWN, claims=OWN)),
            ("naming", "no scope", None, issued(listed="", claims=None)),
            ("naming", "another's", FOREIGN, REFUSED),
            ("echoing", "its own", OWN, issued(listed=OWN, claims=OWN)),
            ("echoing", "another's", FOREIGN, REFUSED),
            ("narrowing", "its own and others", f"{INVENTED} {OWN}", issued(listed=OWN)),
            ("narrowing", "another's", FOREIGN, issued(listed="")),
            ("narrowing", "an invented one", INVENTED, issued(listed="")),
            ("narrowing", "no scope", None, issued(listed="")),
            ("narrowing-jwt", "its own and another's", f"{OWN} {FOREIGN}", issued(claims=OWN)),
            ("narrowing-jwt", "another's", FOREIGN, issued(claims=None)),
            ("narrowing-jwt", "an invented one", INVENTED, issued(claims=None)),
            ("silent-narrowing", "its own and another's", f"{OWN} {FOREIGN}", issued(listed=OWN)),
            ("silent-narrowing", "another's", FOREIGN, issued()),
            ("silent-narrowing", "no scope", None, issued()),
            ("silent-narrowing", "an invented one", INVENTED, REFUSED),
            ("silent-narrowing", "its own and an invented one", f"{OWN} {INVENTED}", REFUSED),
            ("ignoring-echo", "another's", FOREIGN, issued(listed=FOREIGN)),
            ("ignoring-echo", "an invented one", INVENTED, issued(listed=INVENTED)),
            ("ignoring-echo", "no scope", None, issued()),
            ("ignoring-silent", "its own", OWN, issued()),
            ("ignoring-silent", "an invented one", INVENTED, issued()),
            ("throttling", "another's", FOREIGN, REFUSED),
            ("throttling-disguised", "another's", FOREIGN, REFUSED),
            ("locking", "another's", FOREIGN, REFUSED),
        ]
    ],
)
async def test_a_manner_answers_a_scope_in_its_own_way(profile, scope, expected):
    async with at(make_server(profile)) as endpoint:
        assert facts(await endpoint.ask(scope)) == expected


@pytest.mark.parametrize("profile", sorted(PROFILES))
async def test_bad_credentials_are_refused_before_any_scope_is_judged(profile):
    async with at(make_server(profile)) as endpoint:
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


async def test_no_two_tokens_are_equal():
    async with at(make_server("strict")) as endpoint:
        tokens = [(await endpoint.ask(OWN))[2]["access_token"] for _ in range(2)]
    assert tokens[0] != tokens[1]


@pytest.mark.parametrize("scope", [OWN, FOREIGN])
async def test_no_answer_may_be_stored(scope):
    async with at(make_server("strict")) as endpoint:
        _, headers, _ = await endpoint.ask(scope)
    assert (headers["Cache-Control"], headers["Pragma"]) == ("no-store", "no-cache")
    assert headers["Content-Type"].startswith("application/json")
