"""The Authlib authorization server that the tests audit, run by gunicorn."""

import hmac
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask, request
from joserfc.jwk import KeySet

AUTH_METHODS = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
]


@dataclass(frozen=True)
class Client(ClientMixin):
    client_id: str
    scope: str
    token_endpoint_auth_method: str
    grant_types: list
    client_secret: str = ""
    token_endpoint_auth_signing_alg: str = ""
    jwks: dict = field(default_factory=dict)

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
        return grant_type in self.grant_types


@dataclass
class Token(TokenMixin):
    client: Client
    scope: str
    expires_at: float
    revoked: bool = False

    def check_client(self, client):
        return self.client == client

    def is_expired(self):
        return time.time() > self.expires_at

    def is_revoked(self):
        return self.revoked


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = AUTH_METHODS


class KeyAssertion(JWTBearerClientAssertion):
    # Authlib's own word, client_assertion_jwt, would make every failed Basic login a KeyError.
    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, audiences):
        super().__init__()
        self._audiences = audiences
        self._used = set()

    def get_audiences(self):
        return self._audiences()

    def validate_jti(self, claims, jti):
        """An assertion counts once."""
        known = len(self._used)
        self._used.add((claims["sub"], jti))
        return len(self._used) > known

    def resolve_client_public_key(self, client):
        return KeySet.import_key_set(client.jwks)


def token_endpoints(tokens):
    """Introspection and revocation of what was issued; one's own tokens only."""

    class Known:
        CLIENT_AUTH_METHODS: ClassVar = AUTH_METHODS

        def query_token(self, token_string, _token_type_hint):
            return tokens.get(token_string)

    class Introspection(Known, IntrospectionEndpoint):
        def check_permission(self, token, client, _request):
            return token.check_client(client)

        def introspect_token(self, token):
            return {"client_id": token.client.client_id, "scope": token.scope}

    class Revocation(Known, RevocationEndpoint):
        def revoke_token(self, token, _request):
            token.revoked = True

    return Introspection, Revocation


def create_app(file):
    fleet = json.loads(Path(file).read_text())
    known = set(Client.__dataclass_fields__)
    clients = {
        client["client_id"]: Client(**{name: client[name] for name in known & client.keys()})
        for client in fleet["clients"]
    }
    tokens = {}

    def save_token(token, issued_to):
        tokens[token["access_token"]] = Token(
            issued_to.client, token.get("scope", ""), time.time() + token["expires_in"]
        )

    def query_client(client_id):
        return clients.get(client_id)

    def issuer():
        return request.host_url.rstrip("/")

    def audiences():
        return [issuer(), f"{issuer()}/token"]

    app = Flask(__name__)
    # Without this list Authlib refuses no scope at all.
    app.config["OAUTH2_SCOPES_SUPPORTED"] = fleet["scopes"]
    server = AuthorizationServer(app, query_client, save_token)
    server.register_grant(ClientCredentialsGrant)
    server.register_client_auth_method(KeyAssertion.CLIENT_AUTH_METHOD, KeyAssertion(audiences))
    for endpoint in token_endpoints(tokens):
        server.register_endpoint(endpoint)

    app.post("/token")(server.create_token_response)

    @app.post("/introspect")
    def introspect():
        return server.create_endpoint_response("introspection")

    @app.post("/revoke")
    def revoke():
        return server.create_endpoint_response("revocation")

    @app.get("/.well-known/oauth-authorization-server")
    def metadata():
        return {
            "issuer": issuer(),
            "token_endpoint": f"{issuer()}/token",
            "introspection_endpoint": f"{issuer()}/introspect",
            "revocation_endpoint": f"{issuer()}/revoke",
            "token_endpoint_auth_methods_supported": AUTH_METHODS,
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": fleet["scopes"],
        }

    @app.get("/live-tokens")
    def live_tokens():
        """What no specification has: how many tokens nobody has revoked."""
        return [token.client.client_id for token in tokens.values() if not token.revoked]

    return app
