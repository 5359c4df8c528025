"""Reduce a request and its response to what may be shown: a curl command, and masked words."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from scopeprobe.model.client import AuthMethod, Client
from scopeprobe.model.experiment import Trace
from scopeprobe.model.http import HttpRequest, HttpResponse
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.secret import Secret
from scopeprobe.model.urls import percent_encoded
from scopeprobe.oauth.masking import MASKED, SHORTEST_TOKEN, Mask, printable
from scopeprobe.oauth.response_body import content_of, tokens_in
from scopeprobe.oauth.token_response import access_token

LONGEST_BODY = 2000
LONGEST_HEADER = 500
SHOWN_HEADERS = (
    *("WWW-Authenticate", "Proxy-Authenticate", "Location", "Content-Type", "Date", "Retry-After"),
    *("Server", "Via", "DPoP-Nonce", "Allow", "RateLimit", "RateLimit-Policy"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    *("x-ms-request-id", "x-ms-ests-server", "X-Correlation-Id", "ININ-Correlation-Id"),
    *("X-Okta-Request-Id", "X-Request-Id", "CF-Ray", "x-amzn-RequestId", "traceparent", "X-Cache"),
)
"""Headers that help to understand a refusal. No others are shown: they may hold cookies."""

_SECRETS = {
    "client_secret": "CLIENT_SECRET",
    "client_assertion": "CLIENT_ASSERTION",
    "assertion": "ASSERTION",
}
_SECRET_NAME = re.compile(
    r"secret|password|passwd|token|api.?key|\bkey\b|credential", re.IGNORECASE
)
_TOKEN = re.compile(
    r"""((?<![A-Za-z])(?:[a-z]+_)?(?:token|secret|password|assertion)["']?\s*[=:]\s*["']?)"""
    rf"""(?!invalid_|expired)[^\s"'&,;<>]{{{SHORTEST_TOKEN},}}""",
    re.IGNORECASE,
)
"""A member, form parameter or the like that has a token for its value."""
_BEARER = re.compile(
    rf"""\b((?:Bearer|DPoP|Basic)\s+)[\w.~+/-]{{{2 * SHORTEST_TOKEN},}}"""
    r"""(?:=*(?=[\s,;]|$)|(?=["'<]))""",
    re.IGNORECASE,
)
"""A token as RFC 6750 section 2.1 has it, also in quotes; a challenge has parameters instead."""
_CHALLENGE = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9-]*)(?:\s+(?=[A-Za-z_-]+\s*=))?"
    r"(?P<parameters>(?:[A-Za-z_#-]+\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s,]+)[\s,]*)*)"
)
_PARAMETER = re.compile(r"([A-Za-z_#-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,]+))")


def trace_of(
    client: Client, request: HttpRequest, response: HttpResponse | None, now: datetime
) -> Trace:
    """Reduce one request and its response to what may be shown."""
    curl = curl_line(client, request)
    if response is None:
        return Trace(curl)
    mask = Mask.of(client).and_of(tokens_in(content_of(response)))
    headers = ((name, response.headers.get(name, "")) for name in SHOWN_HEADERS)
    return Trace(
        curl=curl,
        status=response.status,
        headers=tuple(
            (n, printable(_without_tokens(mask(v)))[:LONGEST_HEADER]) for n, v in headers if v
        ),
        body=_body(response, mask),
        skew=_skew(response.headers.get("Date", ""), now),
    )


def _body(response: HttpResponse, mask: Mask) -> str:
    """The words of an error; an answer with a token in it is not shown at all."""
    if access_token(response) is not None or b"access_token" in response.body:
        return ""
    text = _without_tokens(mask(response.body[: 4 * LONGEST_BODY].decode("utf-8", "replace")))
    lines = (printable(line) for line in text.splitlines())
    return mask.and_its_end("\n".join(filter(None, lines))[:LONGEST_BODY])


def _without_tokens(text: str) -> str:
    """Mask what stands where a token may stand, whatever it looks like."""
    return _BEARER.sub(rf"\1{MASKED}", _TOKEN.sub(rf"\1{MASKED}", text))


def _skew(date: str, now: datetime) -> float | None:
    """Seconds by which a `Date` (RFC 9110 section 6.6.1) is ahead of us; it has no fractions."""
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    if told.tzinfo is None:
        told = told.replace(tzinfo=UTC)
    return (told - now).total_seconds()


def challenges(value: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Take `WWW-Authenticate` apart (RFC 9110 section 11.6.1): schemes with their parameters."""
    found = []
    for match in _CHALLENGE.finditer(value):
        parameters = tuple(
            (name, quoted.replace("\\", "") or plain)
            for name, quoted, plain in _PARAMETER.findall(match["parameters"])
        )
        found.append((match["scheme"], parameters))
    return tuple(found)


# -- the command line


def curl_line(client: Client, request: HttpRequest) -> str:
    """
    Write a request as a command for a POSIX shell.

    Whatever is secret stands there as a shell variable; so does each configured header's value and
    an endpoint's query, which may hold a gateway's key.
    """
    url, has_query, _ = request.url.partition("?")
    words = ["curl -sS -i -X POST", _with_query(url) if has_query else shlex.quote(url)]
    words += _header_words(client, request.headers)
    if client.certificate is not None:
        words += ['--cert "$CLIENT_CERTIFICATE" --key "$CLIENT_KEY"']
    secret = {
        name
        for target in client.targets
        for name, value in target.token_params
        if isinstance(value, Secret)
    }
    written = _json_words if _is_json(request) else _form_words
    words += written(request.body, secret)
    return " \\\n  ".join(words)


def _with_query(url: str) -> str:
    return f'{shlex.quote(url)}"?$QUERY"'


def _header_words(client: Client, headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    configured = dict(client.server.connection.headers)
    for name, value in headers:
        if name == "Authorization":
            yield _basic(client)
        elif name == "DPoP":
            yield '-H "DPoP: $DPOP_PROOF"'
        elif name in configured:
            variable = re.sub(r"\W", "_", name).upper()
            yield f'-H "{name}: ${variable}"'
        elif (name, value) != _FORM:  # what curl sends anyway
            yield f"-H {shlex.quote(f'{name}: {value}')}"


def _basic(client: Client) -> str:
    """Basic as curl writes it is raw; encoded credentials need a variable that is encoded."""
    is_basic = client.auth_method is AuthMethod.CLIENT_SECRET_BASIC
    is_raw = is_basic and client.server.traits.basic_encoding is BasicEncoding.RAW
    if is_raw or not _needs_encoding(client):
        return f'-u {shlex.quote(client.client_id)}:"$CLIENT_SECRET"'
    return f'-u {shlex.quote(percent_encoded(client.client_id))}:"$CLIENT_SECRET_URLENCODED"'


def _needs_encoding(client: Client) -> bool:
    secret = client.secret.reveal() if client.secret else ""
    return any(percent_encoded(text) != text for text in (client.client_id, secret))


_FORM = ("Content-Type", "application/x-www-form-urlencoded")


def _is_json(request: HttpRequest) -> bool:
    return request.body[:1] == b"{"


def _variable(name: str, secret: Collection[str]) -> str:
    """The shell variable that stands for a parameter which is secret; empty for any other."""
    if name in _SECRETS:
        return _SECRETS[name]
    is_secret = name in secret or _SECRET_NAME.search(name)
    return re.sub(r"[^A-Za-z0-9]", "_", name).upper() if is_secret else ""


def _json_words(body: bytes, secret: Collection[str]) -> Iterator[str]:
    """Single quotes around all but the variables, which the shell is to fill in."""
    members = json.loads(body)
    shown = {name: f"${variable}" for name in members if (variable := _variable(name, secret))}
    text = shlex.quote(json.dumps(members | shown))
    for variable in shown.values():
        text = text.replace(f'"{variable}"', f"""\"'"{variable}"'\"""")
    yield f"--data {text}"


def _form_words(body: bytes, secret: Collection[str]) -> Iterator[str]:
    for written in body.decode("ascii").split("&"):
        ((name, value),) = parse_qsl(written, keep_blank_values=True)
        if variable := _variable(name, secret):
            yield f'--data-urlencode "{name}=${variable}"'
        elif name == "scope" and " " in value:
            yield f"--data {shlex.quote(written)}"
        else:
            yield f"--data-urlencode {shlex.quote(f'{name}={value}')}"
