"""
How a server answers, as data: the shape of `manners/*.toml`, and their reader.

A property is independent of every other, so that a new server is a new file and no new code.
A manner may be `like` another one and then states only what differs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from scopeprobe.errors import LabError

MANNERS = files("scopeprobe.lab") / "manners"

BODY_FIELDS = frozenset({"asked", "culprit", "culprits", "client_id", "seconds", "server"})
"""What a description may name: the whole request, the first refused scope, all of them, …"""

HEADER_FIELDS = frozenset({"seconds", "server"})
"""What a header may name: nothing that a client wrote, or it could write headers too."""

AuthMethod: TypeAlias = Literal["client_secret_basic", "client_secret_post", "none"]
"""`token_endpoint_auth_method` (RFC 7591 section 2)."""

BasicEncoding: TypeAlias = Literal["rfc6749", "raw"]
"""Whether id and secret in Basic are form-decoded (RFC 6749 section 2.3.1) or taken as they are."""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a manners file. A key that it does not know is an error."""


class Refusal(Table, frozen=True):
    """One error answer (RFC 6749 section 5.2). Its texts are templates."""

    status: Annotated[int, Meta(ge=400, le=599)]
    error: str = ""
    description: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        check_template(self.description, BODY_FIELDS)
        for value in self.headers.values():
            check_template(value, HEADER_FIELDS)


Treatment: TypeAlias = Refusal | Literal["drop", "issue"]
"""
What one scope that the client was not granted does to its request.

A refusal refuses the whole request, `drop` leaves the scope out of the token, `issue` lets it in.
"""


class CredentialRules(Table, frozen=True):
    """How clients authenticate (RFC 6749 section 2.3), and what a failure is answered with."""

    methods: tuple[AuthMethod, ...]
    basic_encoding: BasicEncoding
    unknown_client: Refusal
    wrong_secret: Refusal


class ScopeRules(Table, frozen=True):
    """What becomes of the `scope` parameter (RFC 6749 section 3.3)."""

    unknown: Treatment
    """Of a scope that does not exist on this server."""
    ungranted: Treatment
    """Of a scope that exists but was not granted to the client."""
    absent: Refusal | Literal["nothing", "granted"]
    """A request without scope: refused, a token without any scope, or one with all granted ones."""
    listed: Literal["issued", "nonempty", "asked", "never"]
    """
    The `scope` member of a 200: what was issued (also when that is nothing), the same unless it is
    nothing, what was asked for whatever was issued, or no such member.
    """


class TokenRules(Table, frozen=True):
    """The access token: random text, or a JWT whose claim shows its scopes (RFC 9068)."""

    format: Literal["opaque", "jwt"]
    claim: str = "scope"
    shape: Literal["string", "array"] = "string"
    """The claim's value. A token without any scope has no claim."""
    lifetime: Annotated[int, Meta(gt=0)] = 300
    """`expires_in`, in seconds."""


class ThrottleRule(Table, frozen=True):
    """At most `requests` in any `seconds`; what is over that is refused and not counted."""

    requests: Annotated[int, Meta(gt=0)]
    seconds: Annotated[float, Meta(gt=0)]
    per: Literal["server", "client"]
    refusal: Refusal


class LockRule(Table, frozen=True):
    """A client that fails to authenticate `failures` times in a row is refused ever after."""

    failures: Annotated[int, Meta(gt=0)]
    refusal: Refusal


class Manner(Table, frozen=True):
    """The whole conduct of one token endpoint."""

    summary: str
    credentials: CredentialRules
    grant_not_allowed: Refusal
    scope: ScopeRules
    token: TokenRules
    throttle: ThrottleRule | None = None
    lock: LockRule | None = None


def available_manners(folder: Traversable = MANNERS) -> dict[str, str]:
    """Every manner's name with its one-line summary, sorted by name."""
    return {name: read_manner(name, folder=folder).summary for name in manner_names(folder)}


def read_manner(
    name: str, override: Mapping[str, Any] | None = None, *, folder: Traversable = MANNERS
) -> Manner:
    """Read one manner, with some of its keys replaced by those of `override`."""
    return decode_manner(overlay(gather(name, folder), override or {}), place=f"{name}.toml")


def decode_manner(tables: Mapping[str, Any], *, place: str) -> Manner:
    """Turn parsed TOML into a manner; a complaint says the place and the key."""
    try:
        return msgspec.convert(tables, Manner)
    except msgspec.ValidationError as exc:
        raise LabError(f"{place}: {exc}") from exc


def manner_names(folder: Traversable) -> list[str]:
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def gather(name: str, folder: Traversable, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tables of a manner, laid over those of the manner that it is `like`."""
    if name in seen:
        raise LabError(f"{seen[-1]}.toml: like = {name!r} goes round in a circle")
    if name not in manner_names(folder):
        place = f"{seen[-1]}.toml: " if seen else ""
        raise LabError(f"{place}no manner {name!r}; there are {', '.join(manner_names(folder))}")
    tables = parse_toml(folder / f"{name}.toml", place=f"{name}.toml")
    like = tables.pop("like", None)
    return tables if like is None else overlay(gather(like, folder, (*seen, name)), tables)


def parse_toml(path: Traversable, *, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise LabError(f"{place}: {exc}") from exc


def overlay(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `change` put over it, table by table; where both speak, it wins."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = overlay(below, value)
        else:
            merged[key] = value
    return merged


def check_template(template: str, known: frozenset[str]) -> None:
    """Find a misspelt field when the file is read, and not in the middle of an audit."""
    fields = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
    if strange := sorted(fields - known):
        raise ValueError(f"{{{strange[0]}}} is none of {', '.join(sorted(known))}")
