"""Beside the token endpoint: introspection, revocation, metadata, and the rights API of Genesys."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from lab_endpoints import OWN, basic, make_server

from scopeprobe.lab import AuthorizationServer, Client, Lab, read_profile

SHOP = basic("shop", "open%2Bsesame%3A+100%25")
CLERK = basic("clerk", "clerk-s3cret")


@dataclass(frozen=True)
class Site:
    """A lab server, all of it."""

    session: aiohttp.ClientSession
    base: str

    async def call(self, method, path, *, data=None, headers=None):
        async with self.session.request(
            method, f"{self.base}/{path}", data=data, headers=headers
        ) as answer:
            body = await answer.json() if answer.content_type == "application/json" else None
            return answer.status, body

    async def token(self, headers=SHOP, **form):
        form = {"grant_type": "client_credentials", **form}
        return (await self.call("POST", "corp/token", data=form, headers=headers))[1]

    async def introspect(self, token, headers=CLERK):
        return await self.call("POST", "corp/introspect", data={"token": token}, headers=headers)


@asynccontextmanager
async def visit(server):
    async with Lab([server]).serve() as base, aiohttp.ClientSession() as session:
        yield Site(session, base)


def serve(profile="strict", override=None, **options):
    return make_server(profile, override, introspectors={"clerk": "clerk-s3cret"}, **options)


@pytest.mark.parametrize("caller", [SHOP, CLERK, basic("other", "else")])
async def test_introspection_tells_a_client_and_a_resource_server_what_a_token_carries(caller):
    server = serve()
    async with visit(server) as site:
        token = (await site.token(scope=OWN))["access_token"]
        status, told = await site.introspect(token, caller)
        issuer = f"{site.base}/corp"
    assert status == 200
    assert told["exp"] - told.pop("iat") == 300
    assert told.pop("exp") > time.time()
    assert told == {
        "active": True, "client_id": "shop", "sub": "shop", "iss": issuer, "scope": OWN,
        "token_type": "Bearer",
    }  # fmt: skip
    assert server.token_store.counts == {"issued": 1, "introspected": 1}


async def test_introspection_names_the_target_of_a_token():
    no = {"status": 400, "error": "invalid_target"}
    override = {"target": {"parameter": "audience", "missing": no, "unknown": no, "ungranted": no}}
    async with visit(serve(override=override, targets=["https://api.example"])) as site:
        token = await site.token(scope="orders.read", audience="https://api.example")
        _, told = await site.introspect(token["access_token"])
    assert told["aud"] == "https://api.example"


async def test_a_request_that_names_no_token_is_malformed():
    async with visit(serve()) as site:
        for place in ("introspect", "revoke"):
            for form in ({}, {"access_token": "x"}):
                status, told = await site.call("POST", f"corp/{place}", data=form, headers=SHOP)
                assert (status, told["error"]) == (400, "invalid_request")


async def test_a_token_is_revoked_only_by_who_authenticates():
    async with visit(serve()) as site:
        token = (await site.token())["access_token"]
        for caller in (None, CLERK, basic("nobody", "x")):
            status, told = await site.call(
                "POST", "corp/revoke", data={"token": token}, headers=caller
            )
            assert (status, told["error"]) == (401, "invalid_client")
        assert (await site.introspect(token))[1]["active"]


async def test_google_tells_anybody_what_a_token_is_for():
    override = {"introspection": {"dead_token": {"status": 400, "error": "invalid_token"}}}
    server = serve(override=override)
    async with visit(server) as site:
        token = (await site.token(scope=OWN))["access_token"]
        told = await site.call("POST", "corp/introspect", data={"access_token": token})
        dead = await site.call("POST", "corp/introspect", data={"access_token": "x"})
        none = await site.call("POST", "corp/introspect", data={})
    assert told == (
        200,
        {
            "issued_to": "shop", "audience": "shop", "scope": OWN, "expires_in": 300,
            "access_type": "online",
        },
    )  # fmt: skip
    assert dead == none == (400, {"error": "invalid_token"})
    assert server.token_store.counts["introspected"] == 3


@pytest.mark.parametrize("caller", [None, basic("clerk", "guess"), basic("nobody", "x"), {}])
async def test_introspection_is_refused_to_whom_nobody_knows(caller):
    async with visit(serve()) as site:
        token = (await site.token())["access_token"]
        assert await site.introspect(token, caller) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        pytest.param("inactive", (200, {"active": False}), id="inactive"),
        pytest.param(
            {"status": 403, "error": "access_denied"}, (403, {"error": "access_denied"}), id="403"
        ),
    ],
)
async def test_a_manner_may_make_introspection_useless(profile, expected):
    async with visit(serve(override={"introspection": {"answer": profile}})) as site:
        token = (await site.token())["access_token"]
        assert await site.introspect(token) == expected


async def test_a_revoked_token_is_dead_and_revoking_it_twice_changes_nothing():
    server = serve()
    async with visit(server) as site:
        token = (await site.token())["access_token"]
        for _ in range(2):
            status, _ = await site.call("POST", "corp/revoke", data={"token": token}, headers=SHOP)
            assert status == 200
        assert await site.introspect(token) == (200, {"active": False})
    assert server.token_store.counts["revoked"] == 1


async def test_a_shared_token_is_handed_out_again_until_it_is_revoked():
    server = serve(override={"token": {"shared": True}})
    async with visit(server) as site:
        first, second = [(await site.token(scope=OWN))["access_token"] for _ in range(2)]
        another = (await site.token(scope="orders.read"))["access_token"]
        await site.call("POST", "corp/revoke", data={"token": first}, headers=SHOP)
        third = (await site.token(scope=OWN))["access_token"]
    assert first == second
    assert len({first, another, third}) == 3
    assert server.token_store.counts == {"issued": 3, "reused": 1, "revoked": 1}


async def test_a_shared_token_is_replaced_when_it_has_expired():
    server = serve(override={"token": {"shared": True, "lifetime": 60}})
    async with visit(server) as site:
        first = (await site.token())["access_token"]
        now = server.token_store.now
        server.token_store.now = lambda: now() + 60
        assert await site.introspect(first) == (200, {"active": False})
        assert (await site.token())["access_token"] != first


PLACES = {
    "openid": "corp/.well-known/openid-configuration",
    "inserted": ".well-known/oauth-authorization-server/corp",
    "appended": "corp/.well-known/oauth-authorization-server",
}


@pytest.mark.parametrize("place", PLACES.values())
async def test_metadata_tells_endpoints_scopes_and_methods(place):
    async with visit(serve()) as site:
        _, told = await site.call("GET", place)
    assert told == {
        "issuer": f"{site.base}/corp",
        "token_endpoint": f"{site.base}/corp/token",
        "introspection_endpoint": f"{site.base}/corp/introspect",
        "revocation_endpoint": f"{site.base}/corp/revoke",
        "scopes_supported": ["orders.read", "orders.write", "reports.read"],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
    }


@pytest.mark.parametrize("served", PLACES)
async def test_metadata_may_be_at_one_place_only(served):
    async with visit(serve(override={"metadata": {"served": [served]}})) as site:
        statuses = {name: (await site.call("GET", place))[0] for name, place in PLACES.items()}
    assert statuses == {name: 200 if name == served else 404 for name in PLACES}


async def test_metadata_may_lie_leave_out_and_add():
    story = {
        "issuer": "{issuer}/",
        "token_endpoint": "https://evil.example/token",
        "mtls_endpoint_aliases": {"token_endpoint": "{origin}/mtls"},
    }
    override = {"metadata": {"members": story, "omitted": ["scopes_supported"]}}
    async with visit(serve(override=override)) as site:
        _, told = await site.call("GET", PLACES["openid"])
    assert told["issuer"] == f"{site.base}/corp/"
    assert told["token_endpoint"] == "https://evil.example/token"
    assert told["mtls_endpoint_aliases"] == {"token_endpoint": f"{site.base}/mtls"}
    assert "scopes_supported" not in told


def genesys():
    rights = ["routing:queue:view", "routing:queue:edit", "analytics:*:*"]
    client = Client("bot", "bot-s3cret", rights)
    return AuthorizationServer("corp", read_profile("genesys"), [client])


BOT = basic("bot", "bot-s3cret")
SUBJECT = "corp/api/v2/authorization/subjects/me"
TOKEN = "corp/api/v2/tokens/me"


async def test_the_rights_api_tells_a_token_its_policies():
    server = genesys()
    async with visit(server) as site:
        bearer = {"Authorization": f"Bearer {(await site.token(BOT))['access_token']}"}
        _, subject = await site.call("GET", SUBJECT, headers=bearer)
        _, token = await site.call("GET", TOKEN, headers=bearer)
    (grant,) = subject["grants"]
    assert (subject["id"], grant["subjectId"]) == ("bot", "bot")
    assert grant["role"]["policies"] == [
        {"domain": "routing", "entityName": "queue", "actions": ["view", "edit"]},
        {"domain": "analytics", "entityName": "*", "actions": ["*"]},
    ]
    assert token["OAuthClient"]["id"] == "bot"
    assert token["OAuthClient"]["state"] == "active"
    assert token["authorizedScope"] == []
    assert server.token_store.counts["asked_for_rights"] == 2


async def test_genesys_tells_all_clients_to_who_may_read_clients():
    reader = Client("bot", "bot-s3cret", ["oauth:*:view"])
    other = Client("web", "x", [], ("authorization_code",), state="inactive")
    other.date_to_delete = "2026-12-01T00:00:00.000Z"
    server = AuthorizationServer("corp", read_profile("genesys"), [reader, other])
    async with visit(server) as site:
        bearer = {"Authorization": f"Bearer {(await site.token(BOT))['access_token']}"}
        status, told = await site.call("GET", "corp/api/v2/oauth/clients", headers=bearer)
    bot, web = told.pop("entities")
    assert (status, told) == (200, {"pageSize": 25, "pageNumber": 1, "total": 2})
    assert (bot["name"], bot["authorizedGrantType"]) == ("bot", "CLIENT-CREDENTIALS")
    assert "dateToDelete" not in bot
    (division,) = web.pop("roleDivisions")
    assert division["divisionId"] == "00000000-0000-4000-8000-000000000002"
    assert web == {
        "id": "web", "name": "web", "authorizedGrantType": "CODE", "scope": [],
        "state": "inactive", "dateToDelete": "2026-12-01T00:00:00.000Z",
    }  # fmt: skip


async def test_genesys_says_which_right_is_missing_and_whether_there_is_a_token():
    async with visit(genesys()) as site:
        bearer = {"Authorization": f"Bearer {(await site.token(BOT))['access_token']}"}
        place = "corp/api/v2/oauth/clients"
        status, refused = await site.call("GET", place, headers=bearer)
        assert (status, refused["code"]) == (403, "missing.any.permissions")
        assert refused["message"].endswith("assigned: [oauth:client:view]")
        for headers, code in (
            ({}, "authentication.required"),
            (BOT, "authentication.required"),
            ({"Authorization": "Bearer x"}, "bad.credentials"),
        ):
            status, told = await site.call("GET", SUBJECT, headers=headers)
            assert (status, told["code"]) == (401, code)


async def test_a_client_of_genesys_without_rights_has_no_role():
    server = AuthorizationServer("corp", read_profile("genesys"), [Client("bot", "bot-s3cret", [])])
    async with visit(server) as site:
        bearer = {"Authorization": f"Bearer {(await site.token(BOT))['access_token']}"}
        _, subject = await site.call("GET", SUBJECT, headers=bearer)
    assert subject == {"id": "bot", "name": "bot", "grants": [], "version": 1}


@pytest.mark.parametrize(
    ("right", "status", "code"),
    [("authorization:*:*", 200, None), ("routing:*:*", 403, "missing.any.permissions")],
)
async def test_a_role_of_genesys_is_told_apart_to_who_may_read_roles(right, status, code):
    client = Client("bot", "bot-s3cret", ["routing:queue:view", right])
    profile = read_profile("genesys", {"roles": "apart"})
    async with visit(AuthorizationServer("corp", profile, [client])) as site:
        bearer = {"Authorization": f"Bearer {(await site.token(BOT))['access_token']}"}
        _, subject = await site.call("GET", SUBJECT, headers=bearer)
        (grant,) = subject["grants"]
        assert "policies" not in grant["role"]
        place = f"corp/api/v2/authorization/roles/{grant['role']['id']}"
        told, role = await site.call("GET", place, headers=bearer)
        assert (told, role.get("code")) == (status, code)
        assert (await site.call("DELETE", place, headers=bearer))[0] == 405
        if status == 200:
            assert role["permissionPolicies"][0]["actionSet"] == ["view"]
            assert (await site.call("GET", f"{place}x", headers=bearer))[0] == 404


async def test_a_token_of_genesys_is_checked_and_deleted_through_its_api():
    server = genesys()
    async with visit(server) as site:
        bearer = {"Authorization": f"Bearer {(await site.token(BOT))['access_token']}"}
        assert (await site.call("HEAD", TOKEN, headers=bearer))[0] == 200
        assert (await site.call("DELETE", TOKEN, headers=bearer))[0] == 200
        status, body = await site.call("GET", SUBJECT, headers=bearer)
    assert (status, body["code"]) == (401, "bad.credentials")
    assert server.token_store.counts["revoked"] == 1
