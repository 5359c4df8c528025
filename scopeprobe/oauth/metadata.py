"""
Read a server's metadata: RFC 8414, and OpenID Connect Discovery 1.0.

Pure: documents in, facts or a refusal out. Everything in a document is hostile; nothing in it
sends a credential anywhere but to the issuer's own origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from scopeprobe.model.cell import Reason
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.scope_names import CANARY_PREFIX, SCOPE_TOKEN, Scope
from scopeprobe.oauth.masking import LONGEST_TEXT, printable

LARGEST_DOCUMENT = 1024 * 1024
"""Bytes."""
LONGEST_URL = 2000
MOST_SCOPES = 5000
MOST_VALUES = 100
"""Algorithms, methods or grant types kept of one list."""

_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]!$&'()*+,;=%@-]+")
"""The characters of RFC 3986: with others, two parsers may find two hosts."""


@dataclass(frozen=True, slots=True)
class MetadataProblem:
    """Why a document, or an endpoint that it names, is not used."""

    reason: Reason
    words: str
    """For people; what a server wrote in it is printable and short."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is kept of a document; a member that is absent or of a wrong type has its default."""

    issuer: str
    token_endpoint: str = ""
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    mtls_token_endpoint: str = ""
    """Of `mtls_endpoint_aliases` (RFC 8705 section 5)."""
    scopes_supported: tuple[Scope, ...] | None = None
    """None where it is absent. It may be incomplete (RFC 8414 section 2)."""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ("authorization_code", "implicit")
    dpop_signing_alg_values_supported: tuple[str, ...] = ()
    tls_client_certificate_bound_access_tokens: bool = False


def well_known_urls(issuer: str) -> tuple[str, ...]:
    """
    Where an issuer's metadata may be, in the order of asking.

    Inserted between host and path (RFC 8414 section 3.1), appended (OpenID Connect Discovery
    section 4.1), and the first name appended, as many servers have it. A slash at the end of the
    issuer goes first (both sections).
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    host = f"{parts.scheme}://{parts.netloc}"
    return tuple(
        dict.fromkeys(
            (
                f"{host}/.well-known/oauth-authorization-server{path}",
                f"{host}{path}/.well-known/openid-configuration",
                f"{host}{path}/.well-known/oauth-authorization-server",
            )
        )
    )


def read_metadata(issuer: str, response: HttpResponse) -> Metadata | MetadataProblem:
    """Read an answer to a metadata request; the issuer in it must be the one that was asked."""
    if refusal := _status_refused(response.status):
        return refusal
    if response.lost_because is not None:
        return MetadataProblem(response.lost_because, "the answer is cut off or longer than 1 MiB")
    if len(response.body) > LARGEST_DOCUMENT:
        return MetadataProblem(Reason.MALFORMED_ANSWER, "the document is longer than 1 MiB")
    document = _object(response.body)
    if document is None:
        return MetadataProblem(Reason.MALFORMED_ANSWER, "the answer is no JSON object")
    named = document.get("issuer")
    if named != issuer:
        return MetadataProblem(Reason.MALFORMED_ANSWER, _other_issuer(issuer, named))
    aliases = document.get("mtls_endpoint_aliases")
    return Metadata(
        issuer=issuer,
        token_endpoint=_url(document.get("token_endpoint")),
        introspection_endpoint=_url(document.get("introspection_endpoint")),
        revocation_endpoint=_url(document.get("revocation_endpoint")),
        mtls_token_endpoint=_url(
            aliases.get("token_endpoint") if isinstance(aliases, dict) else None
        ),
        scopes_supported=_scopes(document.get("scopes_supported")),
        token_endpoint_auth_methods_supported=_words(
            document, "token_endpoint_auth_methods_supported", ("client_secret_basic",)
        ),
        token_endpoint_auth_signing_alg_values_supported=_words(
            document, "token_endpoint_auth_signing_alg_values_supported"
        ),
        grant_types_supported=_words(
            document, "grant_types_supported", ("authorization_code", "implicit")
        ),
        dpop_signing_alg_values_supported=_words(document, "dpop_signing_alg_values_supported"),
        tls_client_certificate_bound_access_tokens=(
            document.get("tls_client_certificate_bound_access_tokens") is True
        ),
    )


def _status_refused(status: int) -> MetadataProblem | None:
    if status == HTTPStatus.OK:
        return None
    said = f"the answer is {status}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return MetadataProblem(Reason.REDIRECTED, f"{said}: redirects are never followed")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return MetadataProblem(Reason.THROTTLED, said)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MetadataProblem(Reason.SERVER_ERROR, said)
    return MetadataProblem(Reason.MALFORMED_ANSWER, said)


def _object(body: bytes) -> dict[str, object] | None:
    try:
        value = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _other_issuer(issuer: str, named: object) -> str:
    if not isinstance(named, str):
        return "the document names no issuer (RFC 8414 section 3.3)"
    shown = printable(named)[:LONGEST_TEXT]
    if named.rstrip("/") == issuer.rstrip("/"):
        return f"its issuer is {shown}: only a trailing slash differs; write `issuer` like that"
    return f"its issuer is another one (RFC 8414 section 3.3): {shown}"


def _url(value: object) -> str:
    """An absolute URL without user, fragment or doubtful characters; else nothing."""
    if not isinstance(value, str) or len(value) > LONGEST_URL or not _URL.fullmatch(value):
        return ""
    try:
        parts = urlsplit(value)
        is_sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    is_sound = is_sound and parts.scheme in {"http", "https"}
    return value if is_sound and "@" not in parts.netloc and "#" not in value else ""


def _scopes(value: object) -> tuple[Scope, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(dict.fromkeys(_sound_scopes(value)))[:MOST_SCOPES]


def _sound_scopes(values: list[object]) -> Iterator[Scope]:
    for value in values:
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            continue
        if SCOPE_TOKEN.fullmatch(value) and not value.startswith(CANARY_PREFIX):
            yield Scope(value)


def _words(
    document: dict[str, object], member: str, default: tuple[str, ...] = ()
) -> tuple[str, ...]:
    values = document.get(member)
    if not isinstance(values, list):
        return default
    texts = (printable(value)[:LONGEST_TEXT] for value in values if isinstance(value, str))
    return tuple(dict.fromkeys(filter(None, texts)))[:MOST_VALUES]
