"""The token request of the client credentials grant (RFC 6749 section 4.4.2)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import scopeprobe
from scopeprobe.model.answers import HttpRequest, Question
from scopeprobe.model.clients import Client, Target
from scopeprobe.oauth.authentication import credentials


def request_writer(client: Client, target: Target) -> Callable[[Question], HttpRequest]:
    """
    Return what turns this client's questions into requests.

    All that its questions have in common, credentials above all, is encoded here, once.
    """
    given = credentials(client)
    contact = f" ({client.server.contact})" if client.server.contact else ""
    headers = (
        *client.server.headers,
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", f"scopeprobe/{scopeprobe.__version__}{contact}"),
        *given.headers,
    )
    parameters = [("grant_type", "client_credentials"), *given.parameters, *target.token_params]
    if target.audience:
        parameters.append(("audience", target.audience))
    if target.resource:
        parameters.append(("resource", target.resource))
    common = urlencode(parameters)

    def write(question: Question) -> HttpRequest:
        if question.scopes is None:
            body = common
        else:
            body = f"{common}&{urlencode({'scope': ' '.join(question.scopes)})}"
        return HttpRequest(client.server.token_endpoint, body.encode("ascii"), headers)

    return write
