"""What refusals look like on the wire: statuses, codes and words of real servers."""

from __future__ import annotations

from dataclasses import dataclass

Members = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Dress:
    """One look of an error: a JSON object, or a text."""

    status: int
    members: Members = ()
    text: str = ""


def _json(status: int, error: str, description: str = "") -> Dress:
    told = (("error_description", description),) if description else ()
    return Dress(status, (("error", error), *told))


DRESSES = {
    # of scopes
    "invalid_scope": _json(400, "invalid_scope"),  # RFC 6749 section 5.2
    "insufficient_scope": _json(403, "insufficient_scope"),
    "in_words": _json(400, "invalid_request", "The requested scope is invalid"),
    "vague": _json(400, "invalid_request"),
    "ok_invalid_scope": _json(200, "invalid_scope"),
    # of either
    "invalid_client": _json(401, "invalid_client"),  # "the forum's", where it is said of scopes
    "access_denied": _json(403, "access_denied"),
    "plain_401": Dress(401, text="Unauthorized"),
    # of credentials
    "japanese": _json(400, "invalid_request", "クライアント認証に失敗しました。"),
    "not_found": Dress(404, (("error", "not_found"), ("message", "no such resource"))),
    "server_error": _json(500, "server_error"),
    "ok_error": _json(200, "incorrect_client_credentials", "The client_id and/or secret are bad"),
    "page_401": Dress(401, text="<html><body>401 Authorization Required</body></html>"),
    "unauthorized_client": _json(  # Keycloak
        401, "unauthorized_client", "Invalid client or Invalid client credentials"
    ),
    "told_unknown": _json(401, "invalid_client", "Client not found"),
}

SPEAKING_OF_SCOPES = {"invalid_scope", "insufficient_scope", "in_words", "ok_invalid_scope"}
"""
Dresses that say in so many words that it is the scope: a server that means the credentials by them
cannot be told from one that means the scope, so nobody counts them (docs/design.md, Lock-outs).
"""

STRAYS = (
    Dress(403, text="<html><body>403 Forbidden</body></html>"),
    Dress(403, (("message", "Forbidden"),)),
    Dress(401),
    _json(400, "invalid_request", "Zu viele Anfragen, bitte warten Sie einen Moment"),
    _json(400, "invalid_request", "リクエストが多すぎます"),
    _json(403, "access_denied"),
)
"""Refusals of something in between, which nothing marks as passing."""
THROTTLES = (
    _json(429, "too_many_requests"),
    _json(429, "rate_limited", "Rate limit exceeded, slow down"),
    _json(400, "invalid_request", "Rate limit exceeded"),
    Dress(503, text="busy"),
)
FAULTS = tuple(Dress(status, text="<html>oops</html>") for status in (500, 502, 503))


def in_words_of(
    naming: str, bad: tuple[str, ...], asked: tuple[str, ...], allowed: tuple[str, ...]
) -> Members:
    """
    What a refusal says of scopes: culprits, the whole request, or what is allowed.

    `allowed` is the manner of Cloud Foundry's UAA and of Spring Security OAuth.
    """
    words = {
        "first": f"Invalid scope: {bad[0]}",
        "last": f"Invalid scope: {bad[-1]}",
        "all": f"Invalid scopes: {' '.join(bad)}",
        "first_asked": f"Invalid scope: {asked[0]}",
        "echo": f"Invalid scopes: {' '.join(asked)}",
        "allowed": f"Invalid scope: {bad[0]}",
        "allowed_words": f"The scope is invalid. Allowed scopes: {' '.join(allowed)}",
    }
    told = (("error_description", words[naming]),) if naming in words else ()
    return (*told, ("scope", " ".join(allowed))) if naming == "allowed" else told
