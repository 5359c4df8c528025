"""What an endpoint answers: a token (RFC 6749 section 5.1), an error (section 5.2), a document."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

import msgspec

from scopeprobe.lab.refusals import Refusal, fill

NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer before it becomes HTTP."""

    status: int
    members: Mapping[str, object] = field(default_factory=dict, repr=False)
    """Of a success, these hold the token."""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    """The body, where it is no JSON."""

    @property
    def content_type(self) -> str:
        return "application/json" if self.text is None else "text/plain"

    @property
    def body(self) -> bytes:
        if self.text is not None:
            return self.text.encode()
        return msgspec.json.encode(self.members)


def issue(
    token: str,
    *,
    token_type: str,
    expires_in: int,
    listed: str | list[str] | None,
    members: Mapping[str, object],
) -> Answer:
    """Hand out a token; `listed` becomes the `scope` member, None leaves it out."""
    content: dict[str, object] = {
        "access_token": token,
        "token_type": token_type,
        "expires_in": expires_in,
    }
    if listed is not None:
        content["scope"] = listed
    return Answer(200, content | dict(members), NOT_STORED)


def refuse(
    refusal: Refusal, particulars: Mapping[str, object], *, authorization: str | None
) -> Answer:
    """Fill in the templates of a refusal; a member without text is left out."""
    if refusal.if_authorization and authorization is not None:
        refusal = refusal.if_authorization
    fields = complete(particulars) | {"error": refusal.error}
    description = refusal.description.format_map(fields)
    headers = fill(refusal.headers, fields | {"description": description})
    if refusal.text:
        return Answer(refusal.status, {}, NOT_STORED | headers, refusal.text.format_map(fields))
    members = {"error": refusal.error, "error_description": description}
    return Answer(
        refusal.status,
        {name: text for name, text in members.items() if text} | fill(refusal.members, fields),
        NOT_STORED | headers,
    )


def complete(particulars: Mapping[str, object]) -> defaultdict[str, object]:
    """All that a template may name. What does not apply to an answer is empty text."""
    now = time.time()
    wait = particulars.get("seconds", 0)
    end = now + wait if isinstance(wait, int | float) else now
    return defaultdict(
        str,
        {
            "now": time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now)),
            "uuid": str(uuid.uuid4()),
            "date": formatdate(end, usegmt=True),
            "reset": int(end),
        }
        | dict(particulars),
    )
