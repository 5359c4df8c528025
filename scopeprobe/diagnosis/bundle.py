"""Evidence that travels: diagnoses without anybody's names, to be concluded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from scopeprobe.diagnosis.case import Case, Known, OtherEndpoint, ToldToAnother
from scopeprobe.model.behavior import NOTHING_KNOWN, ServerBehavior
from scopeprobe.model.cell import Verdict
from scopeprobe.model.client import (
    AuthMethod,
    Client,
    ClientName,
    Expectation,
    GrantType,
    Target,
)
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.provider import BasicEncoding, ProviderTraits
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId, Endpoints, Server

Diagnosed: TypeAlias = tuple[Case, tuple[Experiment, ...]]
"""A case with its log: all that a conclusion rests on."""


class BundledServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a conclusion needs to know of a server."""

    name: str
    token_endpoint: str
    issuer: str
    provider: str
    region: str
    regions: tuple[str, ...]
    basic_encoding: BasicEncoding
    sends_scope: bool
    scopes_supported: tuple[Scope, ...] | None


class BundledTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for, with stand-ins for the values of parameters."""

    candidates: tuple[Scope, ...]
    audience: str
    resource: str
    token_params: tuple[tuple[str, str], ...]
    expect: Expectation


class BundledClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same of a client."""

    name: str
    client_id: str
    secret: str
    """A stand-in: only what the secret is like at its ends, and whether Basic has to encode it."""
    auth_method: AuthMethod
    names_method: bool
    grant_type: GrantType
    subject: str
    assertion_audience: str
    binds_tokens: bool
    targets: tuple[BundledTarget, ...]


class BundledKnown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What earlier runs told."""

    behavior: dict[str, bool]
    """The flags of the server that are set."""
    verdicts: dict[str, Verdict]
    told_to_others: tuple[ToldToAnother, ...]
    last_worked: datetime | None
    failures_spent: int
    candidates: tuple[Scope, ...]


class BundledDiagnosis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One diagnosis."""

    client: BundledClient
    server: BundledServer
    target: BundledTarget
    wanted: tuple[Scope, ...]
    endpoints: tuple[OtherEndpoint, ...]
    methods: tuple[str, ...] | None
    unconfirmed: tuple[str, ...]
    known: BundledKnown
    most_requests: int
    most_failures: int
    log: tuple[Experiment, ...]


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file that `--bundle` writes."""

    version: Literal[1]
    scopeprobe: str
    """The version that asked."""
    diagnoses: tuple[BundledDiagnosis, ...]


def read_bundle(text: str) -> list[Diagnosed]:
    """The diagnoses of a bundle. Raises ValueError where the text is none."""
    try:
        bundle = msgspec.json.decode(text, type=Bundle)
    except msgspec.MsgspecError as error:
        raise ValueError(f"is no bundle of this version: {error}") from error
    return [(_case(one), one.log) for one in bundle.diagnoses]


def _case(one: BundledDiagnosis) -> Case:
    return Case(
        client=client_of(one.client, server_of(one.server)),
        target=_target_of(one.target),
        wanted=one.wanted,
        endpoints=one.endpoints,
        methods=one.methods,
        unconfirmed=one.unconfirmed,
        issuer=one.server.issuer,
        known=Known(
            behavior=_behavior(one.known.behavior),
            verdicts={Scope(scope): verdict for scope, verdict in one.known.verdicts.items()},
            told_to_others=one.known.told_to_others,
            last_worked=one.known.last_worked,
            failures_spent=one.known.failures_spent,
            candidates=one.known.candidates,
        ),
        most_requests=one.most_requests,
        most_failures=one.most_failures,
    )


def _behavior(flags: Mapping[str, bool]) -> ServerBehavior:
    """Flags of another version of the program are left out."""
    known: dict[str, Any] = {f.name: True for f in fields(NOTHING_KNOWN) if flags.get(f.name)}
    return replace(NOTHING_KNOWN, **known)


def server_of(server: BundledServer) -> Server:
    """The server that stands for another."""
    return Server(
        server.name,
        endpoints=Endpoints(token=server.token_endpoint, issuer=server.issuer),
        traits=ProviderTraits(basic_encoding=server.basic_encoding, send_scope=server.sends_scope),
        provider=server.provider,
        region=server.region,
        regions=server.regions,
        scopes_supported=server.scopes_supported,
    )


def _target_of(target: BundledTarget) -> Target:
    return Target(
        target.candidates, target.audience, target.resource, target.token_params, target.expect
    )


def client_of(client: BundledClient, server: Server) -> Client:
    """The client that stands for another."""
    return Client(
        ClientName(client.name),
        ClientId(client.client_id),
        server,
        Secret(client.secret) if client.secret else None,
        client.auth_method,
        tuple(map(_target_of, client.targets)),
        names_method=client.names_method,
        grant_type=client.grant_type,
        subject=client.subject,
        assertion_audience=client.assertion_audience,
        binds_tokens=client.binds_tokens,
    )
