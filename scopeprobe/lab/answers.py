"""
What an endpoint answers: a token (RFC 6749 section 5.1), an error (section 5.2), a document.

An error is written in `profiles/*.toml` as a `Refusal`, whose texts are templates.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from string import Formatter
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

Mark: TypeAlias = Literal["V", "D", "R", "M", "?"]
"""
Where a row about a real server comes from: verified in its source, its documentation, a report,
memory, or nowhere. A row without a mark is the lab's own invention.
"""

NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}

HEADER_FIELDS = frozenset(
    {
        "date",
        "error",
        "issuer",
        "limit",
        "nonce",
        "origin",
        "remaining",
        "reset",
        "seconds",
        "server",
    }
)
"""
What the template of a header may name: nothing that a client wrote, or it could write headers.

`seconds` is the wait, `date` its end as an HTTP date, `reset` its end in seconds of Unix time.
"""

BODY_FIELDS = HEADER_FIELDS | {
    "asked",
    "client_id",
    "culprit",
    "culprit_list",
    "culprits",
    "grant_type",
    "grant_types",
    "method",
    "now",
    "registered_method",
    "target",
    "uuid",
}
"""
What a body may name: the whole request (`asked`), the first refused scope, all of them with spaces
or with commas, …
"""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a profile; a key that it does not know is an error."""


class Refusal(Table, frozen=True):
    """
    One error answer: that of RFC 6749 section 5.2, or whatever a server says instead.

    Texts are templates. A header may repeat `{description}` if that repeats no word of a client.
    """

    status: Annotated[int, Meta(ge=400, le=599)]
    error: str = ""
    description: str = ""
    members: dict[str, Any] = msgspec.field(default_factory=dict)
    """Further members, or those of another shape than the RFC's."""
    text: str = ""
    """A plain text body; then there is no JSON at all."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    if_authorization: Refusal | None = None
    """The answer to a request that came with an Authorization header, where it is another."""
    source: Mark | None = None

    def __post_init__(self) -> None:
        for template in (self.description, self.text, *texts_of(self.members)):
            check_template(template, BODY_FIELDS)
        harmless = fields_of(self.description) <= HEADER_FIELDS
        known = HEADER_FIELDS | {"description"} if harmless else HEADER_FIELDS
        for template in self.headers.values():
            check_template(template, known)


def texts_of(members: object) -> Iterator[str]:
    """Every text in a JSON value."""
    match members:
        case str():
            yield members
        case Mapping():
            for value in members.values():
                yield from texts_of(value)
        case list() | tuple():
            for value in members:
                yield from texts_of(value)
        case _:
            return


def fill(value: Any, fields: Mapping[str, object]) -> Any:  # noqa: ANN401 - any JSON value
    """Fill in the templates of a JSON value."""
    match value:
        case str():
            return value.format_map(fields)
        case Mapping():
            return {name: fill(inner, fields) for name, inner in value.items()}
        case list() | tuple():
            return [fill(inner, fields) for inner in value]
        case _:
            return value


def fields_of(template: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(template) if field is not None}


def check_template(template: str, known: frozenset[str] | set[str]) -> None:
    """Refuse a misspelt field when the file is read, and not in the middle of an audit."""
    if strange := sorted(fields_of(template) - known):
        raise ValueError(f"{{{strange[0]}}} is none of {', '.join(sorted(known))}")


def malformed(description: str) -> Refusal:
    """The `invalid_request` of RFC 6749 section 5.2."""
    return Refusal(status=400, error="invalid_request", description=description)


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
    """Answer with a token; `listed` becomes the `scope` member, None leaves it out."""
    content: dict[str, object] = {
        "access_token": token,
        "token_type": token_type,
        "expires_in": expires_in,
    }
    if listed is not None:
        content["scope"] = listed
    return Answer(200, content | dict(members), NOT_STORED)


def refuse(refusal: Refusal, given: Mapping[str, object], *, authorization: str | None) -> Answer:
    """Fill in the templates of a refusal; a member without text is left out."""
    if refusal.if_authorization and authorization is not None:
        refusal = refusal.if_authorization
    fields = complete(given) | {"error": refusal.error}
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


def complete(given: Mapping[str, object]) -> defaultdict[str, object]:
    """All fields that a template may name; those that do not apply to an answer are empty."""
    now = time.time()
    wait = given.get("seconds", 0)
    end = now + wait if isinstance(wait, int | float) else now
    return defaultdict(
        str,
        {
            "now": time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now)),
            "uuid": str(uuid.uuid4()),
            "date": formatdate(end, usegmt=True),
            "reset": int(end),
        }
        | dict(given),
    )
