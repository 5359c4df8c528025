"""
The keys of a clients file.

Names are those of RFC 7591, RFC 8414 and OpenID Connect where they have one. `None` is what the
file does not say. A `ValueError` of a check is the user's complaint, so it never holds a value.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from scopeprobe.inputs import values
from scopeprobe.inputs.scopes import expand
from scopeprobe.inputs.secrets import SecretSource, secret_source
from scopeprobe.inputs.units import parse_duration, parse_quiet, parse_rates
from scopeprobe.model.client import AuthMethod, GrantType
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope


def expanded(pattern: object) -> tuple[Scope, ...]:
    if not isinstance(pattern, str):
        raise ValueError("must be text")  # noqa: TRY004  # pydantic gathers only this kind
    return expand(pattern)


Text: TypeAlias = Annotated[str, AfterValidator(values.one_line)]
Texts: TypeAlias = Annotated[tuple[Text, ...], Field(strict=False)]
Patterns: TypeAlias = Annotated[
    tuple[Annotated[tuple[Scope, ...], PlainValidator(expanded)], ...], Field(strict=False)
]
"""A list of scopes as it is written: each item with its braces written out."""
Count: TypeAlias = Annotated[int, Field(ge=1)]
Rates: TypeAlias = Annotated[tuple[Rate, ...], PlainValidator(parse_rates)]
Parameters: TypeAlias = Annotated[dict[str, str], AfterValidator(values.token_params)]
Endpoint: TypeAlias = Annotated[str, AfterValidator(values.endpoint)]
Issuer: TypeAlias = Annotated[str, AfterValidator(values.issuer)]
Hidden: TypeAlias = Annotated[SecretSource, PlainValidator(secret_source)]
"""Where something is that must not be shown."""
Date: TypeAlias = Annotated[date, PlainValidator(values.calendar_date)]
ExistingFile: TypeAlias = Annotated[Path, PlainValidator(values.existing_file)]
SigningAlg: TypeAlias = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448",
]  # fmt: skip
"""RFC 7518 section 3.1, RFC 8037, RFC 9864."""


class Entry(BaseModel):
    """A table of the file: no key is unknown, no value is bent into a type, none is shown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Layer(Entry):
    """What defaults, server, client and target add up to."""

    scopes: Patterns = ()
    token_params: Parameters = {}
    tags: Texts = ()


class PartyEntry(Layer):
    """What servers and clients both say."""

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
    ca_file: Annotated[Path, PlainValidator(values.existing_file)] | None = None
    allow_http: bool | None = None
    allow_private: bool | None = None
    proxy: Annotated[str, AfterValidator(values.proxy)] | None = None
    headers: Annotated[dict[str, str], AfterValidator(values.headers)] | None = None
    basic_encoding: Annotated[BasicEncoding, Field(strict=False)] | None = None
    absent_scope: Literal["as_requested"] | None = None
    provider: Text | None = None
    region: Text | None = None
    introspection_endpoint: Endpoint | None = None
    revocation_endpoint: Endpoint | None = None
    introspection_client_id: Text | None = None
    introspection_client_secret: Hidden | None = None
    rights_url: Endpoint | None = None
    reserve: Annotated[float, Field(ge=0, lt=1, strict=False)] | None = None
    allow_single_token: bool | None = None
    send_scope: bool | None = None
    max_scope_bytes: Count | None = None


class ExpectEntry(Entry):
    granted: Patterns | None = None
    denied: Patterns = ()


class TargetEntry(Layer):
    audience: Text | None = None
    resource: Text | None = None
    expect: ExpectEntry | None = None


class ClientKeys(PartyEntry):
    server: Text | None = None
    issuer: Issuer | None = None
    token_endpoint: Endpoint | None = None
    client_id: Text | None = None
    client_secret: Hidden | None = None
    token_endpoint_auth_method: Annotated[AuthMethod, Field(strict=False)] | None = None
    token_endpoint_auth_signing_alg: SigningAlg | None = None
    private_key: Hidden | None = None
    private_key_password: Hidden | None = None
    kid: Text | None = None
    assertion: Hidden | None = None
    assertion_audience: Text | None = None
    tls_client_certificate: ExistingFile | None = None
    tls_client_key: ExistingFile | None = None
    dpop_bound_access_tokens: bool | None = None
    grant_type: (
        Annotated[GrantType, Field(strict=False), BeforeValidator(values.grant_type)] | None
    ) = None
    subject: Text | None = None
    probe: bool | None = None
    expect: ExpectEntry | None = None
    targets: Annotated[tuple[TargetEntry, ...], Field(strict=False)] | None = None


class ClientEntry(ClientKeys):
    name: Annotated[str, AfterValidator(values.client_name)]


class DefaultsEntry(ServerEntry, ClientKeys):
    """Any key of a server or a client, but for the name, which is no two clients' own."""


NESTED: dict[str, type[Entry]] = {"expect": ExpectEntry, "targets": TargetEntry}
