"""The Authlib authorization server that the tests audit, run by gunicorn."""

import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from flask import Flask


@dataclass(frozen=True)
class Client(ClientMixin):
    client_id: str
    client_secret: str
    scope: str
    token_endpoint_auth_method: str

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        """Drops what is not granted, as Authlib's own SQLAlchemy clients do."""
        allowed = set(self.scope.split())
        return " ".join(name for name in (scope or "").split() if name in allowed)

    def check_client_secret(self, client_secret):
        return hmac.compare_digest(self.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method, endpoint):
        return endpoint != "token" or method == self.token_endpoint_auth_method

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post"]


def create_app(file):
    fleet = json.loads(Path(file).read_text())
    clients = {client["client_id"]: Client(**client) for client in fleet["clients"]}

    app = Flask(__name__)
    # Without this list Authlib refuses no scope at all.
    app.config["OAUTH2_SCOPES_SUPPORTED"] = fleet["scopes"]
    server = AuthorizationServer(app, clients.get, lambda _token, _request: None)
    server.register_grant(ClientCredentialsGrant)
    app.post("/token")(server.create_token_response)
    return app
