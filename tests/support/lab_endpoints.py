"""A lab server and a client of its token endpoint, for the tests of the lab."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote_plus

import aiohttp

from scopeprobe.lab import AuthorizationServer, Client, Lab, read_profile

SECRET = "open+sesame: 100%"
OWN = "orders.read orders.write"
FOREIGN = "reports.read"
INVENTED = "no.such.scope"

REFUSED = {"status": 400, "error": "invalid_scope"}
DISGUISED = {"status": 401, "error": "invalid_client"}

PROFILES = {
    "strict",
    "strict-401",
    "strict-needs-scope",
    "strict-401-needs-scope",
    "strict-unlisted",
    "naming",
    "echoing",
    "narrowing",
    "narrowing-jwt",
    "silent-narrowing",
    "ignoring-echo",
    "ignoring-silent",
    "throttling",
    "throttling-disguised",
    "locking",
}


class Clock:
    """Monotonic seconds that pass only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def make_server(profile, override=None, **options):
    """A server with the client `shop`, which holds OWN; FOREIGN is somebody else's."""
    clients = [
        Client("shop", SECRET, OWN.split()),
        Client("other", "else", [FOREIGN]),
        Client("public", None, ["orders.read"]),
        Client("pages", SECRET, OWN.split(), grant_types=("authorization_code",)),
    ]
    return AuthorizationServer("corp", read_profile(profile, override), clients, **options)


@dataclass(frozen=True)
class Endpoint:
    """One token endpoint, as a client of it sees it."""

    session: aiohttp.ClientSession
    url: str

    async def post(self, data=None, *, headers=None, **options):
        async with self.session.post(self.url, data=data, headers=headers, **options) as answer:
            return answer.status, dict(answer.headers), json.loads(await answer.read())

    async def ask(self, scope=None, *, client_id="shop", secret=SECRET, **parameters):
        """Ask for a token with client_secret_basic."""
        form = {"grant_type": "client_credentials", **parameters}
        if scope is not None:
            form["scope"] = scope
        return await self.post(form, headers=basic(quote_plus(client_id), quote_plus(secret)))

    async def status(self, scope=None, **options):
        return (await self.ask(scope, **options))[0]


def basic(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


@asynccontextmanager
async def at(server) -> AsyncIterator[Endpoint]:
    async with Lab([server]).serve() as base_url, aiohttp.ClientSession() as session:
        yield Endpoint(session, f"{base_url}/{server.name}/token")


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def facts(answer):
    """What a client can tell from an answer: a token that is not a JWT claims nothing."""
    status, _, body = answer
    seen = {"status": status} | {key: body[key] for key in ("error", "scope") if key in body}
    if "." in body.get("access_token", ""):
        seen["claims"] = claims_of(body["access_token"]).get("scope")
    return seen


def issued(*, listed=None, **claims):
    return {"status": 200} | ({} if listed is None else {"scope": listed}) | claims


GRANT = {"grant_type": "client_credentials"}
POSTED = GRANT | {"client_id": "shop", "client_secret": SECRET}
ENCODED = basic("shop", quote_plus(SECRET))
