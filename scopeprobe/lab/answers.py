"""What a token endpoint answers: a token (RFC 6749 section 5.1) or an error (section 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scopeprobe.lab.manners import BODY_FIELDS, Refusal

NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """One answer before it becomes HTTP."""

    status: int
    members: Mapping[str, object] = field(repr=False)
    """Of a success, these hold the token."""
    headers: Mapping[str, str]


def issue(token: str, *, lifetime: int, listed: tuple[str, ...] | None) -> TokenAnswer:
    """Hand out a bearer token; `listed` becomes the `scope` member, None leaves it out."""
    members: dict[str, object] = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime,
    }
    if listed is not None:
        members["scope"] = " ".join(listed)
    return TokenAnswer(200, members, NOT_STORED)


def refuse(refusal: Refusal, **particulars: object) -> TokenAnswer:
    """Fill in the templates of a refusal; a member without text is left out."""
    fields = dict.fromkeys(BODY_FIELDS, "") | particulars
    members = {
        "error": refusal.error,
        "error_description": refusal.description.format_map(fields),
    }
    headers = {name: value.format_map(fields) for name, value in refusal.headers.items()}
    return TokenAnswer(
        refusal.status,
        {name: text for name, text in members.items() if text},
        NOT_STORED | headers,
    )
