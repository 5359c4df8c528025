"""What the tests of the reader share: one client, one response, the answer that is read."""

import base64
import json
from datetime import UTC, datetime

from multidict import CIMultiDict
from settings import server_with

from scopeprobe.model.answer import Refused, Subject, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId
from scopeprobe.oauth.token_response import Reader

NOW = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)


def jwt(**claims):
    def segment(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{segment({'alg': 'RS256'})}.{segment(claims)}.c2ln"


def client_of(*, client_id="billing-id", secret="hunter2-secret", assertion=None):
    return Client(
        ClientName("billing"),
        ClientId(client_id),
        server_with("corp", "https://login.example/token"),
        Secret(secret) if secret else None,
        AuthMethod.CLIENT_SECRET_BASIC,
        (Target((), audience="https://api"),),
        assertion=Secret(assertion) if assertion else None,
    )


def response_of(status, body, headers=None):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return HttpResponse(status, CIMultiDict(headers or {}), body)


def said(code, text=None, /, **members):
    description = {} if text is None else {"error_description": text}
    return {"error": code, **description, **members}


def refused(status, code, text="", about=Subject.SCOPE, named=()):
    return Refused(status, code, text, about, named)


def throttled(status, code, text="", wait=None):
    return Unanswered(Reason.THROTTLED, status, code, text, wait)


def read(status, body, headers=None, *, asked=("read", "write"), client=None, also_claims=()):
    client = client or client_of()
    reader = Reader.of(client, client.targets[0], also_claims)
    question = Question(tuple(map(Scope, asked)) if asked is not None else None)
    return reader.read(question, response_of(status, body, headers), NOW)
