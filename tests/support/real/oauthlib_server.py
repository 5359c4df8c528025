"""OAuthlib on Flask, that the tests audit, run by gunicorn."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace

from flask import Flask, Response, request
from oauthlib.oauth2 import BackendApplicationServer, RequestValidator


class Validator(RequestValidator):
    def __init__(self, fleet):
        self._clients = {client["client_id"]: client for client in fleet["clients"]}

    def authenticate_client(self, request, *_, **__):
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        client_id, _, secret = base64.b64decode(pair).decode().partition(":")
        client = self._clients.get(client_id)
        if scheme != "Basic" or client is None or client["client_secret"] != secret:
            return False
        request.client = SimpleNamespace(client_id=client_id, scopes=client["scope"].split())
        return True

    def validate_grant_type(self, _client_id, grant_type, *_, **__):
        return grant_type == "client_credentials"

    def get_default_scopes(self, *_, **__):
        return []

    def validate_scopes(self, _client_id, scopes, client, *_, **__):
        return set(scopes) <= set(client.scopes)

    def save_bearer_token(self, *_, **__):
        pass


class NarrowingValidator(Validator):
    """Leaves out what the client does not have, as its hook may."""

    def validate_scopes(self, _client_id, scopes, client, request, *_, **__):
        request.scopes = [scope for scope in scopes if scope in client.scopes]
        return True


VALIDATORS = {"strict": Validator, "narrowing": NarrowingValidator}


def create_app(file, mode):
    server = BackendApplicationServer(VALIDATORS[mode](json.loads(Path(file).read_text())))
    app = Flask(__name__)

    @app.post("/token")
    def token():
        headers, body, status = server.create_token_response(
            request.url, request.method, request.form.to_dict(), dict(request.headers)
        )
        return Response(body, status, headers)

    return app
