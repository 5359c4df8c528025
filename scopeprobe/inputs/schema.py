"""
The keys of a clients file, and what their values must look like.

Keys are named as in RFC 7591, RFC 8414 and OpenID Connect where these have a name. None stands for
what the file does not say. The text of a `ValueError` is shown to the user, so it holds no value.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
)

from scopeprobe.inputs.scopes import expand
from scopeprobe.inputs.secrets import LiteralSecret, SecretSource, secret_source
from scopeprobe.inputs.units import parse_duration, parse_quiet, parse_rates
from scopeprobe.model.client import AuthMethod, GrantType
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""`field-name` of RFC 9110 section 5.1."""
OUR_HEADERS = frozenset(
    {"accept", "authorization", "connection", "content-length", "content-type", "dpop", "host",
     "transfer-encoding", "user-agent"}
)  # fmt: skip
OUR_PARAMETERS = frozenset(
    {"assertion", "client_assertion", "client_assertion_type", "client_id", "client_secret",
     "grant_type", "scope"}
)  # fmt: skip


# -- single values: what they must look like, and the types of those that look so


def check_line(text: str) -> str:
    """Check text that ends up in requests, reports and headers."""
    if not text:
        raise ValueError("is empty")
    if not text.isprintable():
        raise ValueError("holds a line break or another character that cannot be printed")
    return text


Text: TypeAlias = Annotated[str, AfterValidator(check_line)]
Texts: TypeAlias = Annotated[tuple[Text, ...], Field(strict=False)]


def check_name(text: str) -> str:
    """Check a name that becomes a file name on every system, or a resource of a cluster."""
    if not NAME.fullmatch(text):
        raise ValueError(
            "must be 1 to 64 letters, digits, dots, dashes or underscores, "
            "beginning with a letter or digit"
        )
    return text


def expand_pattern(pattern: object) -> tuple[Scope, ...]:
    if not isinstance(pattern, str):
        raise ValueError("must be text")  # noqa: TRY004 - pydantic collects no other kind
    return expand(pattern)


Patterns: TypeAlias = Annotated[
    tuple[Annotated[tuple[Scope, ...], PlainValidator(expand_pattern)], ...], Field(strict=False)
]
"""A list of scopes, each item with its braces expanded."""


def check_endpoint(url: str) -> str:
    """Check an endpoint URI (RFC 6749 section 3.2: absolute, without a fragment)."""
    parts = _split(url)
    if "#" in url:
        raise ValueError("must not have a fragment (RFC 6749 section 3.2)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold credentials")
    return url


def check_issuer(url: str) -> str:
    """Check an issuer identifier (RFC 8414 section 2: neither query nor fragment)."""
    check_endpoint(url)
    if "?" in url:
        raise ValueError("must not have a query (RFC 8414 section 2)")
    return url


def check_proxy(url: str) -> str:
    """Check the URL of an HTTP proxy, which may hold credentials."""
    _split(url)
    return url


def _split(url: str) -> SplitResult:
    wrong = "must be an absolute http or https URL"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    is_bare = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not is_bare:
        raise ValueError(wrong)
    return parts


Endpoint: TypeAlias = Annotated[str, AfterValidator(check_endpoint)]
Issuer: TypeAlias = Annotated[str, AfterValidator(check_issuer)]


def find_file(text: str, info: ValidationInfo[Path]) -> Path:
    """Find a file named in a clients file; the validation's context is the folder of that file."""
    path: Path = info.context / text
    if not path.is_file():
        raise ValueError("there is no such file (relative to this one)")
    return path


ExistingFile: TypeAlias = Annotated[Path, PlainValidator(find_file)]


def check_headers(given: dict[str, SecretSource]) -> dict[str, SecretSource]:
    """Check extra request headers: none may be one that scopeprobe writes."""
    for name, source in given.items():
        if not HEADER_NAME.fullmatch(name):
            raise ValueError("holds a name that no header can have (RFC 9110 section 5.1)")
        if name.lower() in OUR_HEADERS:
            raise ValueError(f"{name} is written by scopeprobe itself")
        if isinstance(source, LiteralSecret) and not is_header_value(source.text):
            raise ValueError(f"{name} must be one line of ASCII text")
    return given


def is_header_value(text: str) -> bool:
    return text.isascii() and text.isprintable()


def check_parameters(given: dict[str, SecretSource]) -> dict[str, SecretSource]:
    """Check extra form parameters: none may stand twice (RFC 6749 section 3.2)."""
    if ours := sorted(OUR_PARAMETERS & given.keys()):
        raise ValueError(f"{ours[0]} is written by scopeprobe itself")
    return given


def full_grant_type(name: object) -> object:
    """Replace the short name of a grant by its URI."""
    return "urn:ietf:params:oauth:grant-type:jwt-bearer" if name == "jwt-bearer" else name


def read_date(value: object) -> date:
    """Read a date of TOML or YAML, or ISO 8601 text such as 2026-12-31."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a date such as 2026-12-31") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("must be a date such as 2026-12-31")  # noqa: TRY004 - see above
    return value


Date: TypeAlias = Annotated[date, PlainValidator(read_date)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Rates: TypeAlias = Annotated[tuple[Rate, ...], PlainValidator(parse_rates)]
SecretReference: TypeAlias = Annotated[SecretSource, PlainValidator(secret_source)]
"""A secret as the file has it: where it is kept, or itself."""
SigningAlg: TypeAlias = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448",
]  # fmt: skip
"""RFC 7518 section 3.1, RFC 8037, RFC 9864."""


# -- the tables


class Entry(BaseModel):
    """A table of a file: refuses unknown keys, converts no value and shows none in errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Layer(Entry):
    """Keys whose values add up over defaults, server, client and target."""

    scopes: Patterns = ()
    token_params: Annotated[dict[str, SecretReference], AfterValidator(check_parameters)] = {}
    tags: Texts = ()


class PartyEntry(Layer):
    """Keys of servers and of clients."""

    owner: Text | None = None
    authorised_by: Text | None = None
    contact: Text | None = None
    secret_expires: Date | None = None


class ServerEntry(PartyEntry):
    issuer: Issuer | None = None
    token_endpoint: Endpoint | None = None
    rate: Rates | None = None
    client_rate: Rates | None = None
    burst: Count | None = None
    in_flight: Count | None = None
    rate_group: Text | None = None
    quiet: Annotated[QuietHours, PlainValidator(parse_quiet)] | None = None
    timeout: Annotated[float, PlainValidator(parse_duration)] | None = None
    retries: Annotated[int, Field(ge=0)] | None = None
    max_auth_failures: Count | None = None
    ca_file: ExistingFile | None = None
    allow_http: bool | None = None
    allow_private: bool | None = None
    proxy: Annotated[str, AfterValidator(check_proxy)] | None = None
    network: Annotated[str, AfterValidator(check_name)] | None = None
    headers: Annotated[dict[str, SecretReference], AfterValidator(check_headers)] | None = None
    basic_encoding: Annotated[BasicEncoding, Field(strict=False)] | None = None
    absent_scope: Literal["as_requested"] | None = None
    provider: Text | None = None
    region: Text | None = None
    introspection_endpoint: Endpoint | None = None
    revocation_endpoint: Endpoint | None = None
    introspection_client_id: Text | None = None
    introspection_client_secret: SecretReference | None = None
    rights_url: Endpoint | None = None
    reserve: Annotated[float, Field(ge=0, lt=1, strict=False)] | None = None
    allow_single_token: bool | None = None
    send_scope: bool | None = None
    max_scope_bytes: Count | None = None


class ExpectEntry(Entry):
    granted: Patterns | None = None
    denied: Patterns = ()
    allow_unmatched: bool = False


class TargetEntry(Layer):
    audience: Text | None = None
    resource: Text | None = None
    expect: ExpectEntry | None = None


class ClientKeys(PartyEntry):
    server: Text | None = None
    issuer: Issuer | None = None
    token_endpoint: Endpoint | None = None
    client_id: Text | None = None
    client_secret: SecretReference | None = None
    token_endpoint_auth_method: Annotated[AuthMethod, Field(strict=False)] | None = None
    token_endpoint_auth_signing_alg: SigningAlg | None = None
    private_key: SecretReference | None = None
    private_key_password: SecretReference | None = None
    kid: Text | None = None
    assertion: SecretReference | None = None
    assertion_audience: Text | None = None
    tls_client_certificate: ExistingFile | None = None
    tls_client_key: ExistingFile | None = None
    dpop_bound_access_tokens: bool | None = None
    grant_type: (
        Annotated[GrantType, Field(strict=False), BeforeValidator(full_grant_type)] | None
    ) = None
    subject: Text | None = None
    probe: bool | None = None
    expect: ExpectEntry | None = None
    targets: Annotated[tuple[TargetEntry, ...], Field(strict=False)] | None = None


class ClientEntry(ClientKeys):
    name: Annotated[str, AfterValidator(check_name)]


class DefaultsEntry(ServerEntry, ClientKeys):
    """Any key of a server or a client but `name`, which no two clients share."""


SECRET_KEYS = ("client_secret", "private_key", "private_key_password", "assertion")
"""Keys of a client whose values are secrets, or say where one is kept."""
NESTED: dict[str, type[Entry]] = {"expect": ExpectEntry, "targets": TargetEntry}
