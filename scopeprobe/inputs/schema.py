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
    WithJsonSchema,
)

from scopeprobe.inputs.problems import CORRECT_THE_PATH, NAME
from scopeprobe.inputs.scopes import expand
from scopeprobe.inputs.secrets import SECRET_SCHEMA, LiteralSecret, SecretSource, secret_source
from scopeprobe.inputs.units import parse_duration, parse_quiet, parse_rates
from scopeprobe.model.client import AuthMethod, GrantType
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope

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


Text: TypeAlias = Annotated[
    str, AfterValidator(check_line), Field(json_schema_extra={"minLength": 1})
]
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
    tuple[
        Annotated[tuple[Scope, ...], PlainValidator(expand_pattern, json_schema_input_type=str)],
        ...,
    ],
    Field(strict=False),
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
    wrong = "must be an absolute http or https URL, such as https://login.example/token"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    is_bare = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not is_bare:
        raise ValueError(wrong)
    return parts


_URL = Field(json_schema_extra={"pattern": "^https?://[^\\s]+$"})
Endpoint: TypeAlias = Annotated[str, AfterValidator(check_endpoint), _URL]
Issuer: TypeAlias = Annotated[str, AfterValidator(check_issuer), _URL]
Network: TypeAlias = Annotated[
    str, AfterValidator(check_name), Field(json_schema_extra={"pattern": f"^{NAME.pattern}$"})
]
Proxy: TypeAlias = Annotated[str, AfterValidator(check_proxy), _URL]


def find_file(text: str, info: ValidationInfo[Path]) -> Path:
    """Find a file named in a clients file; the validation's context is the folder of that file."""
    path: Path = info.context / text
    if not path.is_file():
        raise ValueError(f"there is no such file: {CORRECT_THE_PATH}")
    return path


ExistingFile: TypeAlias = Annotated[Path, PlainValidator(find_file, json_schema_input_type=str)]


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


Date: TypeAlias = Annotated[date, PlainValidator(read_date, json_schema_input_type=date)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Rates: TypeAlias = Annotated[
    tuple[Rate, ...],
    PlainValidator(
        parse_rates, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)]
    ),
]
Duration: TypeAlias = Annotated[
    float, PlainValidator(parse_duration, json_schema_input_type=str | float)
]
Hours: TypeAlias = Annotated[QuietHours, PlainValidator(parse_quiet, json_schema_input_type=str)]
Grant: TypeAlias = Annotated[
    GrantType,
    Field(strict=False),
    BeforeValidator(full_grant_type, json_schema_input_type=GrantType | Literal["jwt-bearer"]),
]
SecretReference: TypeAlias = Annotated[
    SecretSource, PlainValidator(secret_source), WithJsonSchema(SECRET_SCHEMA)
]
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
    """Candidates: scopes that are to be judged. `{users,queues}:{view,edit}` stands for four."""
    token_params: Annotated[dict[str, SecretReference], AfterValidator(check_parameters)] = {}
    """Further form parameters of token requests; a value may be a secret that is kept elsewhere."""
    tags: Texts = ()
    """Labels, by which --tag and the rules of a policy choose clients."""


class PartyEntry(Layer):
    """Keys of servers and of clients."""

    owner: Text | None = None
    """Who to ask; shown beside findings."""
    authorised_by: Text | None = None
    """Who agreed to the audit; kept in summary.json."""
    contact: Text | None = None
    """Goes into the User-Agent and summary.json, so that a security team can reach you."""
    secret_expires: Date | None = None
    """The last day of its secret, such as 2026-12-31: a finding from 30 days ahead."""


class ServerEntry(PartyEntry):
    issuer: Issuer | None = None
    """Its metadata names the endpoints (RFC 8414, OpenID Connect Discovery)."""
    token_endpoint: Endpoint | None = None
    """Where tokens come from; no metadata is needed then."""
    rate: Rates | None = None
    """Requests to all servers of its rate group: 5/s, 300/min, 5000/day, 10/8h, or a list."""
    client_rate: Rates | None = None
    """The same for each client; 2/s unless given."""
    burst: Count | None = None
    """How many late requests may be caught up at once; 1 unless given."""
    in_flight: Count | None = None
    """Requests in the air; 4 unless given."""
    rate_group: Text | None = None
    """Servers of one group share their rate; those of one origin do unless a group is named."""
    quiet: Hours | None = None
    """Hours in which nothing is asked: 22:00-02:00 Europe/Berlin; UTC where no zone is named."""
    timeout: Duration | None = None
    """From sending a request to the end of its answer: 500ms, 15s, 2m."""
    retries: Annotated[int, Field(ge=0)] | None = None
    """After faults of one request; 4 unless given. A refusal is never tried again."""
    max_auth_failures: Count | None = None
    """Failed authentications in a row after which a client is not asked again; 3 unless given."""
    ca_file: ExistingFile | None = None
    """A private CA (PEM); relative to this file."""
    allow_http: bool | None = None
    """Plain http is allowed; loopback needs no leave."""
    allow_private: bool | None = None
    """Metadata of a public issuer may name addresses of private networks."""
    proxy: Proxy | None = None
    """URL of an HTTP proxy, instead of the environment's."""
    network: Network | None = None
    """From where it is reached: with --cluster, only workers in that network ask it."""
    headers: Annotated[dict[str, SecretReference], AfterValidator(check_headers)] | None = None
    """Further request headers; a value may be a secret that is kept elsewhere."""
    basic_encoding: Annotated[BasicEncoding, Field(strict=False)] | None = None
    """How id and secret are written into HTTP Basic: as RFC 6749 section 2.3.1 says, or raw."""
    absent_scope: Literal["as_requested"] | None = None
    """A 200 without `scope` grants what was asked for; say so only if you know it."""
    provider: Text | None = None
    """The provider pack that describes it; `none` forbids the one that its host chooses."""
    region: Text | None = None
    """Of a provider that has regions: names the endpoints."""
    introspection_endpoint: Endpoint | None = None
    """For --verify introspect; from the metadata or the pack unless given."""
    revocation_endpoint: Endpoint | None = None
    """For --revoke; from the metadata or the pack unless given."""
    introspection_client_id: Text | None = None
    """A resource server that may introspect, where the client itself may not."""
    introspection_client_secret: SecretReference | None = None
    """Its secret."""
    rights_url: Endpoint | None = None
    """Where the API of the provider tells rights, if not where the pack says."""
    reserve: Annotated[float, Field(ge=0, lt=1, strict=False)] | None = None
    """The share of a client's own quotas that is left to production, such as 0.5."""
    allow_single_token: bool | None = None
    """Probe a server that keeps one token per client: each probe ends production's token."""
    send_scope: bool | None = None
    """False: rights do not depend on the parameter, so that one token without it tells all."""
    max_scope_bytes: Count | None = None
    """The longest `scope` that the server takes; 8192 unless given."""


class ExpectEntry(Entry):
    granted: Patterns | None = None
    """Scopes that it should have, as globs: every other grant is a finding then."""
    denied: Patterns = ()
    """Scopes that it should not have, as globs."""
    allow_unmatched: bool = False
    """Patterns may match no candidate."""


class TargetEntry(Layer):
    audience: Text | None = None
    """The form parameter `audience`."""
    resource: Text | None = None
    """The form parameter `resource` (RFC 8707)."""
    expect: ExpectEntry | None = None
    """What should be at this target."""


class ClientKeys(PartyEntry):
    server: Text | None = None
    """The name of a server: [servers.NAME]."""
    issuer: Issuer | None = None
    """Instead of a server: its metadata names the endpoints."""
    token_endpoint: Endpoint | None = None
    """Instead of a server: where tokens come from."""
    client_id: Text | None = None
    """As the server knows it."""
    client_secret: SecretReference | None = None
    """Where the secret is kept."""
    token_endpoint_auth_method: Annotated[AuthMethod, Field(strict=False)] | None = None
    """How it authenticates; where this is not named, its credentials tell."""
    token_endpoint_auth_signing_alg: SigningAlg | None = None
    """What signs its assertions; what the key is for unless given."""
    private_key: SecretReference | None = None
    """Where its key is: PEM, JWK, PKCS#12, or the JSON file of a Google service account."""
    private_key_password: SecretReference | None = None
    """What opens `private_key` or `tls_client_key`."""
    kid: Text | None = None
    """The name under which the server knows the key; that of the key's file unless given."""
    assertion: SecretReference | None = None
    """Where a ready assertion is (workload identity); a file is read again when it has changed."""
    assertion_audience: Text | None = None
    """The `aud` of assertions; the token endpoint unless given."""
    tls_client_certificate: ExistingFile | None = None
    """PEM, relative to this file: mutual TLS (RFC 8705)."""
    tls_client_key: ExistingFile | None = None
    """The certificate's key, PEM; in the same file unless given."""
    dpop_bound_access_tokens: bool | None = None
    """Each request proves a key of this run (RFC 9449)."""
    grant_type: Grant | None = None
    """`jwt-bearer`: scopes are asked for inside an assertion, as Google has it."""
    subject: Text | None = None
    """The `sub` of that assertion; at Google, the user whose rights are mapped."""
    probe: bool | None = None
    """False: nothing is asked for it, and it is listed as not tested."""
    expect: ExpectEntry | None = None
    """What should be, at every target that does not say otherwise."""
    targets: Annotated[tuple[TargetEntry, ...], Field(strict=False)] | None = None
    """The audiences or resources that it asks tokens for, each with candidates of its own."""


class ClientEntry(ClientKeys):
    name: Annotated[
        str, AfterValidator(check_name), Field(json_schema_extra={"pattern": f"^{NAME.pattern}$"})
    ]
    """Unique, also in lower case; names the file of its map."""


class DefaultsEntry(ServerEntry, ClientKeys):
    """Any key of a server or a client but `name`, which no two clients share."""


class FileEntry(Entry):
    """The clients to be audited, and their servers."""

    defaults: DefaultsEntry = DefaultsEntry()
    """Keys of servers and clients, for all of this file."""
    servers: dict[str, ServerEntry] = {}
    """Authorization servers, by the names that clients call them."""
    clients: Annotated[tuple[ClientEntry, ...], Field(strict=False)] = ()
    """OAuth 2.0 client applications."""


SECRET_KEYS = ("client_secret", "private_key", "private_key_password", "assertion")
"""Keys of a client whose values are secrets, or say where one is kept."""
NESTED: dict[str, type[Entry]] = {"expect": ExpectEntry, "targets": TargetEntry}
