"""The lab: what each manner answers on the wire, what it remembers, and what its files may say."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote_plus

import aiohttp
import pytest

from scopeprobe.errors import LabError
from scopeprobe.lab import (
    AuthorizationServer,
    Client,
    Lab,
    available_manners,
    demo_clients,
    demo_environment,
    demo_scopes,
    demo_servers,
    read_fleet,
    read_manner,
)
from scopeprobe.lab.manners import MANNERS as FOLDER

SECRET = "open+sesame: 100%"
OWN = "orders.read orders.write"
FOREIGN = "reports.read"
INVENTED = "no.such.scope"

REFUSED = {"status": 400, "error": "invalid_scope"}
DISGUISED = {"status": 401, "error": "invalid_client"}

MANNERS = {
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


def make_server(manner, override=None, **options):
    """A server with the client `shop`, which holds OWN; FOREIGN is somebody else's."""
    clients = [
        Client("shop", SECRET, OWN.split()),
        Client("other", "else", [FOREIGN]),
        Client("public", None, ["orders.read"]),
        Client("pages", SECRET, OWN.split(), grant_types=("authorization_code",)),
    ]
    return AuthorizationServer("corp", read_manner(manner, override), clients, **options)


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


@pytest.mark.parametrize(
    ("manner", "scope", "expected"),
    [
        pytest.param(manner, scope, expected, id=f"{manner}: {asked}")
        for manner, asked, scope, expected in [
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
async def test_a_manner_answers_a_scope_in_its_own_way(manner, scope, expected):
    async with at(make_server(manner)) as endpoint:
        assert facts(await endpoint.ask(scope)) == expected


@pytest.mark.parametrize("manner", sorted(MANNERS))
async def test_bad_credentials_are_refused_before_any_scope_is_judged(manner):
    async with at(make_server(manner)) as endpoint:
        assert facts(await endpoint.ask(INVENTED, secret="guess")) == DISGUISED
        assert facts(await endpoint.ask(OWN, client_id="nobody")) == DISGUISED


@pytest.mark.parametrize(
    ("manner", "description"),
    [
        ("naming", f"Client has not been granted scopes: {FOREIGN} {INVENTED}"),
        ("echoing", f"Invalid scopes: orders.read {FOREIGN} {INVENTED}"),
        ("strict", "The requested scope is invalid, unknown, or malformed."),
    ],
)
async def test_a_refusal_names_the_culprits_or_the_whole_request_or_nothing(manner, description):
    async with at(make_server(manner)) as endpoint:
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


GRANT = {"grant_type": "client_credentials"}
POSTED = GRANT | {"client_id": "shop", "client_secret": SECRET}
ENCODED = basic("shop", quote_plus(SECRET))
NOT_BASIC = {"Authorization": ENCODED["Authorization"].replace("Basic", "Bearer")}
NOT_BASE64 = {"Authorization": "Basic !"}
NO_COLON = {"Authorization": f"Basic {base64.b64encode(b'shop').decode()}"}


@pytest.mark.parametrize(
    ("form", "headers", "expected"),
    [
        pytest.param(POSTED, {}, (200, None), id="client_secret_post"),
        pytest.param(GRANT, ENCODED, (200, None), id="client_secret_basic"),
        pytest.param(
            GRANT | {"client_id": "shop"}, ENCODED, (200, None), id="the same client_id twice"
        ),
        pytest.param(GRANT | {"client_id": "public"}, {}, (200, None), id="none"),
        pytest.param(GRANT | {"scope": ""}, ENCODED, (200, None), id="an empty scope is no scope"),
        pytest.param(
            GRANT | {"client_id": "shop"}, {}, (401, "invalid_client"), id="a forgotten secret"
        ),
        pytest.param(GRANT, {}, (401, "invalid_client"), id="no client"),
        pytest.param(POSTED, ENCODED, (400, "invalid_request"), id="two methods"),
        pytest.param(
            GRANT | {"client_id": "other"}, ENCODED, (400, "invalid_request"), id="two clients"
        ),
        pytest.param(GRANT, NOT_BASIC, (400, "invalid_request"), id="not Basic"),
        pytest.param(GRANT, NOT_BASE64, (400, "invalid_request"), id="not base64"),
        pytest.param(GRANT, NO_COLON, (400, "invalid_request"), id="no secret in Basic"),
        pytest.param(
            GRANT | {"client_id": "public", "client_secret": ""},
            {},
            (200, None),
            id="an empty secret is no secret",
        ),
        pytest.param({}, ENCODED, (400, "invalid_request"), id="no grant_type"),
        pytest.param(
            {"grant_type": "password"}, ENCODED, (400, "unsupported_grant_type"), id="another grant"
        ),
        pytest.param(
            POSTED | {"client_id": "pages"}, {}, (400, "unauthorized_client"), id="not this client"
        ),
        pytest.param(
            [*POSTED.items(), ("scope", "a"), ("scope", "b")],
            {},
            (400, "invalid_request"),
            id="a repeated parameter",
        ),
    ],
)
async def test_a_token_request_is_read_as_rfc_6749_says(form, headers, expected):
    async with at(make_server("strict")) as endpoint:
        status, _, body = await endpoint.post(aiohttp.FormData(form), headers=headers)
    assert (status, body.get("error")) == expected


async def test_an_error_that_has_no_description_has_no_such_member():
    async with at(make_server("strict")) as endpoint:
        _, _, body = await endpoint.post({"grant_type": "password"}, headers=ENCODED)
    assert body == {"error": "unsupported_grant_type"}


async def test_a_json_body_is_refused():
    async with at(make_server("strict")) as endpoint:
        status, _, body = await endpoint.post(json=POSTED)
    assert (status, body["error"]) == (400, "invalid_request")


async def test_only_post_is_answered_and_only_by_servers_that_exist():
    async with at(make_server("strict")) as endpoint:
        async with endpoint.session.get(endpoint.url) as answer:
            assert answer.status == 405
        async with endpoint.session.post(endpoint.url.replace("corp", "nowhere")) as answer:
            assert answer.status == 404


@pytest.mark.parametrize(("encoding", "statuses"), [("rfc6749", (200, 401)), ("raw", (401, 200))])
async def test_basic_is_decoded_as_the_manner_says(encoding, statuses):
    override = {"credentials": {"basic_encoding": encoding}}
    async with at(make_server("strict", override)) as endpoint:
        encoded, _, _ = await endpoint.post(GRANT, headers=ENCODED)
        raw, _, _ = await endpoint.post(GRANT, headers=basic("shop", SECRET))
    assert (encoded, raw) == statuses


async def test_a_method_that_the_manner_does_not_accept_authenticates_nobody():
    override = {"credentials": {"methods": ["client_secret_basic"]}}
    async with at(make_server("strict", override)) as endpoint:
        status, _, body = await endpoint.post(POSTED)
    assert (status, body["error"]) == (401, "invalid_client")


async def test_a_throttle_lets_its_requests_through_and_then_says_when_to_come_back():
    clock = Clock()
    override = {"throttle": {"requests": 2, "seconds": 30}}
    async with at(make_server("throttling", override, clock=clock)) as endpoint:
        assert [await endpoint.status() for _ in range(3)] == [200, 200, 429]
        clock.now += 9.5
        status, headers, body = await endpoint.ask()
        assert (status, headers["Retry-After"]) == (429, "21")
        assert body["error"] == "too_many_requests"
        clock.now += 20.5
        assert [await endpoint.status() for _ in range(3)] == [200, 200, 429]


async def test_a_disguised_throttle_looks_like_a_malformed_request():
    override = {"throttle": {"requests": 1, "seconds": 30}}
    async with at(make_server("throttling-disguised", override, clock=Clock())) as endpoint:
        await endpoint.ask()
        status, headers, body = await endpoint.ask()
    assert (status, "Retry-After" in headers) == (400, False)
    assert body == {
        "error": "invalid_request",
        "error_description": "rate limit exceeded; try again in 30 seconds",
    }


async def test_a_throttle_may_count_every_client_by_itself():
    override = {"throttle": {"requests": 1, "seconds": 30, "per": "client"}}
    async with at(make_server("throttling", override, clock=Clock())) as endpoint:
        assert await endpoint.status() == 200
        assert await endpoint.status(client_id="other", secret="else") == 200
        assert await endpoint.status() == 429


async def test_five_failures_in_a_row_lock_a_client_for_good_and_no_other():
    async with at(make_server("locking")) as endpoint:
        assert [await endpoint.status(secret="guess") for _ in range(5)] == [401] * 5
        assert facts(await endpoint.ask()) == DISGUISED
        assert facts(await endpoint.ask()) == DISGUISED
        assert await endpoint.status(client_id="other", secret="else") == 200


async def test_a_success_forgives_the_failures_before_it():
    async with at(make_server("locking")) as endpoint:
        for _ in range(2):
            assert [await endpoint.status(secret="guess") for _ in range(4)] == [401] * 4
            assert await endpoint.status() == 200


async def test_refused_scopes_lock_nobody():
    async with at(make_server("locking")) as endpoint:
        assert [await endpoint.status(INVENTED) for _ in range(6)] == [400] * 6
        assert await endpoint.status() == 200


async def test_a_secret_may_be_rotated_and_a_grant_revoked_while_the_server_runs():
    server = make_server("silent-narrowing")
    async with at(server) as endpoint:
        server.rotate("shop", "new")
        assert await endpoint.status() == 401
        server.revoke("shop", "orders.write")
        assert facts(await endpoint.ask(OWN, secret="new")) == issued(listed="orders.read")
        assert facts(await endpoint.ask("orders.write", secret="new")) == issued()
        server.grant("shop", INVENTED)
        assert facts(await endpoint.ask(INVENTED, secret="new")) == issued(listed=INVENTED)


async def test_a_server_remembers_when_who_asked_for_what_and_how_it_answered():
    clock = Clock()
    server = make_server("strict", clock=clock)
    async with at(server) as endpoint:
        await endpoint.ask()
        clock.now += 1
        await endpoint.ask(f"{FOREIGN} orders.read")
        await endpoint.ask(client_id="nobody")
        await endpoint.post(json=POSTED)
    assert [(seen.at, seen.client_id, seen.scopes, seen.status) for seen in server.received] == [
        (1000, "shop", None, 200),
        (1001, "shop", (FOREIGN, "orders.read"), 400),
        (1001, "nobody", None, 401),
        (1001, None, None, 400),
    ]


async def test_no_secret_can_be_seen_in_what_a_server_remembers_or_shows():
    server = make_server("strict")
    async with at(server) as endpoint:
        _, _, body = await endpoint.ask(OWN)
    shown = f"{server.received} {server.clients}"
    assert SECRET not in shown
    assert body["access_token"] not in shown


async def test_servers_of_one_lab_keep_to_themselves():
    lab = Lab(demo_servers())
    async with lab.serve() as base_url, aiohttp.ClientSession() as session:
        corp = Endpoint(session, f"{base_url}/corp/token")
        await corp.ask(client_id="billing-nightly", secret="lab-billing-4f1c")
        legacy = Endpoint(session, f"{base_url}/legacy/token")
        await legacy.ask(client_id="billing-nightly", secret="lab-billing-4f1c")
    assert [seen.status for seen in lab.servers["corp"].received] == [200]
    assert [seen.status for seen in lab.servers["legacy"].received] == [401]


async def test_a_port_that_is_taken_is_a_lab_error():
    async with Lab([]).serve() as base_url:
        port = int(base_url.rpartition(":")[2])
        with pytest.raises(LabError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with Lab([]).serve(port):
                pass


def test_every_manner_is_available_with_a_summary_of_one_line():
    summaries = available_manners()
    assert summaries.keys() >= MANNERS
    assert all(summary and "\n" not in summary for summary in summaries.values())
    assert len(set(summaries.values())) == len(summaries)


STRICT = 'like = "strict"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("[scope\n", r"bad.toml: .*line 1", id="no TOML"),
        pytest.param('summary = "x"', "bad.toml: .*`credentials`", id="a section is missing"),
        pytest.param(
            STRICT + "[scope]\nlisting = 1", r"bad.toml: .*`listing` - at `\$.scope`", id="a typo"
        ),
        pytest.param(
            STRICT + "[scope]\nunknown = 'shrug'",
            r"bad.toml: .*'shrug' - at `\$.scope.unknown`",
            id="no such treatment",
        ),
        pytest.param(
            STRICT + "[scope.unknown]\nstatus = 200",
            r"bad.toml: .*>= 400 - at `\$.scope.unknown.status`",
            id="a refusal that is a success",
        ),
        pytest.param(
            STRICT + "[scope.unknown]\ndescription = '{culprint}'",
            r"bad.toml: {culprint} is none of .* - at `\$.scope.unknown`",
            id="no such template field",
        ),
        pytest.param(
            STRICT + "[scope.unknown]\nheaders = { X-Scope = '{asked}' }",
            r"bad.toml: {asked} is none of date, .*seconds, server - at `\$.scope.unknown`",
            id="a client's words in a header",
        ),
        pytest.param(
            STRICT + "[throttle]\nrequests = 0",
            r"bad.toml: .*>= 1 - at `\$.throttle.requests`",
            id="a throttle that admits nothing",
        ),
        pytest.param('like = "good"', "bad.toml: no manner 'good'", id="like nothing"),
        pytest.param('like = "bad"', "bad.toml: like = 'bad' goes round", id="like itself"),
    ],
)
def test_a_bad_manners_file_is_complained_about_with_its_place(tmp_path, text, complaint):
    (tmp_path / "strict.toml").write_text((FOLDER / "strict.toml").read_text())
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(LabError, match=complaint):
        read_manner("bad", folder=tmp_path)


def test_a_manner_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(LabError, match=r"no manner 'polite'; there are echoing, .*strict"):
        read_manner("polite")


FLEET = """
[servers.corp]
manner = "throttling"
scopes = ["reports.read"]
override = { throttle = { requests = 1 } }

[[servers.corp.clients]]
client_id = "shop"
client_secret = "s"
granted = ["orders.read"]
"""


def test_a_fleet_file_overrides_single_keys_of_a_manner(tmp_path):
    (tmp_path / "fleet.toml").write_text(FLEET)
    (server,) = read_fleet(tmp_path / "fleet.toml")
    throttle = server.manner.throttle
    assert (server.name, throttle.requests, throttle.seconds) == ("corp", 1, 1)
    assert server.scopes == {"reports.read", "orders.read"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("manner =", "maner =", r"fleet.toml: .*`maner` - at `\$.servers\[...\]`"),
        ('"throttling"', '"polite"', "fleet.toml: servers.corp: no manner 'polite'"),
        (
            "requests = 1",
            "request = 1",
            r"fleet.toml: servers.corp: .*`request` - at `\$.throttle`",
        ),
        ("orders.read", "orders read", r"fleet.toml: .*clients\[0\].granted\[0\]`"),
        ("[servers.corp]", "[servers.'a/b']", "fleet.toml: .*at .*servers"),
        ('granted = ["orders.read"]', "[[servers.corp.clients]]\nclient_id = 'shop'", "used twice"),
    ],
)
def test_a_bad_fleet_file_is_complained_about_with_its_place(tmp_path, old, new, complaint):
    (tmp_path / "fleet.toml").write_text(FLEET.replace(old, new))
    with pytest.raises(LabError, match=complaint):
        read_fleet(tmp_path / "fleet.toml")


def test_a_fleet_file_that_is_not_there_is_a_lab_error(tmp_path):
    with pytest.raises(LabError, match=r"fleet.toml: .*No such file"):
        read_fleet(tmp_path / "fleet.toml")


def test_the_demo_audits_its_own_servers_with_the_secrets_that_it_hands_out():
    audited = tomllib.loads(demo_clients(8080))
    secrets = {
        (server.name, client.client_id): client.client_secret
        for server in demo_servers()
        for client in server.clients.values()
    }
    environment = demo_environment()
    wrong = {
        entry["name"]
        for entry in audited["clients"]
        if secrets.get((entry["server"], entry["client_id"]))
        != environment[entry["client_secret"]["env"]]
    }
    assert wrong == {"warehouse-loader", "shop-checkout"}
    assert len(audited["clients"]) >= 12
    assert {entry["client_secret"]["env"] for entry in audited["clients"]} == environment.keys()
    assert audited["servers"]["corp"]["token_endpoint"] == "http://127.0.0.1:8080/corp/token"
    assert audited["servers"].keys() == {server.name for server in demo_servers()}


def test_the_scopes_of_the_demo_are_all_that_its_servers_know():
    text = re.sub("#.*", "", demo_scopes())
    named = {
        prefix + ending
        for prefix, endings in re.findall(r"(\S+\.)\{(.*)\}", text)
        for ending in endings.split(",")
    }
    assert named == set().union(*(server.scopes for server in demo_servers()))
