"""Apply the change that an experiment of `explain` makes: to a client, or to its request."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from scopeprobe.model.client import Client, Target
from scopeprobe.model.http import HttpRequest
from scopeprobe.model.question import AS_CONFIGURED, RequestChange
from scopeprobe.model.secret import Secret, revealed
from scopeprobe.model.server import ClientId, Server
from scopeprobe.model.urls import origin_of


def changed(client: Client, target: Target, change: RequestChange) -> tuple[Client, Target]:
    """
    Return the client and target that send the changed request: writers of requests know no changes.

    A request that goes to another origin takes no configured header with it: a gateway's key is
    meant for the gateway.
    """
    if change == AS_CONFIGURED:
        return client, target
    said: dict[str, Any] = {"server": _server(client.server, change)}
    if change.auth_method is not None:
        said["auth_method"] = change.auth_method
    if change.trimmed:
        said["client_id"] = ClientId(client.client_id.strip())
        said["secret"] = _trimmed(client.secret)
    if change.proof:
        said["binds_tokens"] = True
    if change.assertion_audience:
        said["assertion_audience"] = change.assertion_audience
    return replace(client, **said), _target(target, change)


JSON = "application/json"


def rewritten(request: HttpRequest, change: RequestChange) -> HttpRequest:
    """Return the token request with its body as the change writes it."""
    if change == AS_CONFIGURED:
        return request
    body, headers = request.body, request.headers
    if change.scope_separator:
        body = _separated(body, change.scope_separator.encode("ascii"))
    if change.content_type == JSON:
        body = json.dumps(dict(parse_qsl(body.decode("ascii")))).encode()
    if change.content_type:
        others = tuple(header for header in headers if header[0] != "Content-Type")
        headers = (*others, ("Content-Type", change.content_type))
    return replace(request, body=body, headers=headers)


def _separated(body: bytes, separator: bytes) -> bytes:
    def written(found: re.Match[bytes]) -> bytes:
        return found[0].replace(b"+", separator)

    return re.sub(rb"(?<![^&])scope=[^&]*", written, body)


def _server(server: Server, change: RequestChange) -> Server:
    if change.basic_encoding is not None:
        traits = replace(server.traits, basic_encoding=change.basic_encoding)
        server = replace(server, traits=traits)
    if not change.endpoint:
        return server
    if origin_of(change.endpoint) != origin_of(server.endpoints.token):
        server = replace(server, connection=replace(server.connection, headers=()))
    endpoints = replace(server.endpoints, token=change.endpoint, mtls_token="")
    return replace(server, endpoints=endpoints)


def _trimmed(secret: Secret | None) -> Secret | None:
    return None if secret is None else Secret(secret.reveal().strip())


def _target(target: Target, change: RequestChange) -> Target:
    named = {"audience": target.audience, "resource": target.resource}
    parameters = dict(target.token_params) | named | dict(change.added)
    kept = {name: value for name, value in parameters.items() if name not in change.dropped}
    audience, resource = (revealed(kept.pop(name, "")) for name in named)
    return replace(
        target, audience=audience, resource=resource, token_params=tuple(sorted(kept.items()))
    )
