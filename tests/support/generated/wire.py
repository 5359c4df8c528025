"""
Many generated servers behind one port: HTTP of a few lines, in the loop of the audit.

The path of a request names its server: `/g0007/token`, `/g0007/introspect`. Here are the faults,
the cached tokens and the secrets that change in mid-run, and here failed authentications are
counted, as the servers themselves would count them.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from urllib.parse import parse_qs, unquote_plus

from generated.dress import DRESSES, FAULTS, STRAYS, THROTTLES
from generated.honest import is_withheld
from generated.servers import Asked, Case, Generated, Token, Told

SECRET = "s3cret-of-nobody"


@dataclass(frozen=True)
class Heard:
    """One request, and what became of it."""

    client: int
    audience: int
    asked: Asked
    told: Told | None
    """None where a fault came instead."""
    fault: str = ""

    def __str__(self) -> str:
        asked = "without scope" if self.asked is None else " ".join(self.asked)
        return f"c{self.client}/{self.audience} {asked} -> {self._told} {self.fault}".rstrip()

    @property
    def _told(self) -> str:
        if self.told is None:
            return ""
        said = [f"{name}={value!r}" for name, value in self.told.members]
        if (token := self.told.token) is not None:
            said.append("JWT" if token.is_jwt else "opaque")
            shown = {"claims": token.claims, "introspected": token.introspected}
            said += [f"{place}={names}" for place, names in shown.items() if names is not None]
        failed = ["(failed authentication)"] if self.told.is_failed_authentication else []
        return " ".join((str(self.told.status), *said, self.told.text, *failed))


@dataclass(frozen=True)
class Failures:
    """Failed authentications in a row of one client in one audit, resumes included."""

    in_a_row: int = 0
    client: int = 0
    audit: str = ""
    night: int = 0


@dataclass
class Host:
    """A case during one audit of it: what was asked, and what that changed."""

    case: Case
    night: int = 0
    heard: list[Heard] = field(default_factory=list)
    worst: Failures = Failures()
    _audit: str = ""
    _times: Counter[tuple[int, int, Asked]] = field(default_factory=Counter)
    _answered: Counter[int] = field(default_factory=Counter)
    _failures: Counter[int] = field(default_factory=Counter)
    _strayed: set[tuple[int, int, Asked]] = field(default_factory=set)
    _cached: dict[tuple[int, int], tuple[Told, str]] = field(default_factory=dict)
    _tokens: dict[str, tuple[int, Token]] = field(default_factory=dict)

    def begin(self, night: int, audit: str) -> None:
        """Another audit of this night begins; who was counted out before is let in again."""
        self.night = night
        self._audit = audit
        kept = (self.heard, self._answered, self._failures, self._times, self._strayed)
        for what in (*kept, self._cached, self._tokens):
            what.clear()

    @property
    def server(self) -> Generated:
        return self.case.nights[self.night]

    @property
    def has_withheld(self) -> bool:
        """A good client was refused a lone scope, or got a list without what it asked."""
        return any(
            is_withheld(one.told, scope)
            for one in self.heard
            if one.told is not None and not one.fault and one.asked
            if self.server.clients[one.client].state == "good"
            if one.told.token is not None or len(one.asked) == 1
            for scope in one.asked
        )

    # -- a token request

    def token(self, client: int, audience: int, asked: Asked) -> bytes | None:
        """The bytes of an answer; None where the connection is cut instead."""
        fault, instead = self._fault(client, audience, asked)
        told, token = (instead, "") if instead else self._answer(client, audience, asked)
        if fault == "reset":
            told = None
        elif not instead:
            self._count(client, told)
        self.heard.append(Heard(client, audience, asked, told, fault))
        if told is None:
            return None
        response = _written(told, token)
        return response[: -min(9, len(response) // 4)] if fault == "cut" else response

    def _answer(self, client: int, audience: int, asked: Asked) -> tuple[Told, str]:
        server = self._as_it_is_now(client)
        told = server.answer(client, audience, asked)
        if told.token is None:
            return told, ""
        place = client, audience
        if server.manner.caches and place in self._cached:
            return self._cached[place]
        text = _as_text(told.token, server.manner.claim, len(self._tokens))
        self._tokens[text] = client, told.token
        self._cached[place] = told, text
        return told, text

    def _as_it_is_now(self, client: int) -> Generated:
        self._answered[client] += 1
        rotates = self.server.clients[client].rotates_after
        if rotates is None or self._answered[client] <= rotates:
            return self.server
        clients = list(self.server.clients)
        clients[client] = replace(clients[client], state="wrong")
        return replace(self.server, clients=tuple(clients))

    def _count(self, client: int, told: Told) -> None:
        if told.is_failed_authentication:
            self._failures[client] += 1
            if self._failures[client] > self.worst.in_a_row:
                self.worst = Failures(self._failures[client], client, self._audit, self.night)
        elif told.token is not None:
            self._failures[client] = 0

    # -- faults

    def _fault(self, client: int, audience: int, asked: Asked) -> tuple[str, Told | None]:
        """
        What comes instead of an answer, or of its end.

        Whatever comes first, the same question meets the same faults. At most one unmarked stray
        refusal a question, which is not worded as the server words its own refusals of scopes;
        and no server counts a secret that it did not look at.
        """
        question = client, audience, asked
        self._times[question] += 1
        seed = self.case.name, self._audit, self.night, question, self._times[question]
        rng = Random(str(seed))
        draw = rng.random()
        if draw < self.case.fault_share:
            kind = rng.choice(("reset", "cut", "fault", "throttle"))
            looks = {"fault": FAULTS, "throttle": THROTTLES}.get(kind)
            return kind, Told.wearing(rng.choice(looks)) if looks else None
        if draw > 1 - self.case.stray_share and question not in self._strayed:
            self._strayed.add(question)
            own = DRESSES[self.server.manner.refusal]
            return "stray", Told.wearing(rng.choice([dress for dress in STRAYS if dress != own]))
        return "", None

    # -- introspection (RFC 7662)

    def introspect(self, token: str) -> bytes:
        if token not in self._tokens:
            return _http(200, {"active": False})
        client, shown = self._tokens[token]
        members = {"active": True, "client_id": self.case.client_name(client)}
        if shown.introspected is not None:
            members["scope"] = " ".join(shown.introspected)
        return _http(200, members)


def _as_text(token: Token, claim: str, number: int) -> str:
    """A token: a JWT whose signature nobody checks, or a text that says nothing."""
    if not token.is_jwt:
        return f"opaque-token-{number:06}"
    claims: dict[str, object] = {"iss": "https://generated.example", "jti": str(number)}
    if token.claims is not None:
        claims[claim] = " ".join(token.claims) if claim == "scope" else list(token.claims)
    parts = [{"alg": "RS256", "typ": "at+jwt"}, claims]
    segments = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join((*segments, b"c2lnbmF0dXJl")).decode()


def _written(told: Told, token: str) -> bytes:
    """An answer as it goes over the wire."""
    members = dict(told.members)
    if told.token is not None:
        members |= {"access_token": token, "token_type": "Bearer", "expires_in": 300}
    return _http(told.status, members, told.text)


def _http(status: int, members: Mapping[str, object], text: str = "") -> bytes:
    body = json.dumps(members, ensure_ascii=False) if members else text
    kind = "application/json" if members else "text/plain"
    headers = {
        "Content-Type": "text/html" if body.startswith("<") else kind,
        "Content-Length": len(body.encode()),
        **({"Retry-After": 0} if status in {429, 503} else {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n{body}".encode()


# -- the wire


class _Connection(asyncio.Protocol):
    def __init__(
        self, hosts: dict[str, Host], clients: dict[str, int], open_ones: set[asyncio.Transport]
    ) -> None:
        self._hosts, self._clients, self._open_ones = hosts, clients, open_ones
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones.add(transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._open_ones.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
        if len(rest) < (length := int(headers.get("content-length", 0))):
            return
        self._buffer = rest[length:]
        self._answer(lines[0].split(" ")[1], headers, parse_qs(rest[:length].decode()))

    def _answer(self, path: str, headers: dict[str, str], form: dict[str, list[str]]) -> None:
        _, server, endpoint = path.split("/")
        host = self._hosts[server]
        if endpoint == "introspect":
            self._transport.write(host.introspect(form["token"][0]))
            return
        audience = int(form["audience"][0][-1]) if "audience" in form else 0
        scope = form["scope"][0] if "scope" in form else None
        asked = None if scope is None else tuple(scope.split())
        response = host.token(self._clients[_client_id(headers, form)], audience, asked)
        if response is None:
            self._transport.abort()
            return
        self._transport.write(response)
        length = int(response.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        if len(response.partition(b"\r\n\r\n")[2]) < length:
            self._transport.close()


def _client_id(headers: dict[str, str], form: dict[str, list[str]]) -> str:
    if "client_id" in form:
        return form["client_id"][0]
    pair = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
    return unquote_plus(pair.partition(":")[0])


@asynccontextmanager
async def serving(cases: Iterable[Case]) -> AsyncIterator[tuple[str, dict[str, Host]]]:
    """Serve in the running loop: the base URL, and each server by its name."""
    hosts = {case.name: Host(case) for case in cases}
    clients = {
        host.case.client_name(n): n
        for host in hosts.values()
        for n in range(len(host.server.clients))
    }
    open_ones: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(hosts, clients, open_ones), "127.0.0.1", 0, backlog=1024
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", hosts
    finally:
        server.close()
        for transport in open_ones:
            transport.abort()
        await asyncio.sleep(0)
