"""The python-oauth2 that the tests audit, run by gunicorn. It knows no scopes of single clients."""

import json
from pathlib import Path

import oauth2
from oauth2.client_authenticator import http_basic_auth
from oauth2.grant import ClientCredentialsGrant
from oauth2.store.memory import ClientStore, TokenStore
from oauth2.tokengenerator import Uuid4
from oauth2.web.wsgi import Application

DEFAULT = "basic"


def create_app(file, mode):
    """
    What the server makes of scopes, by `mode`.

    ignores: none were configured, so the parameter is not read.
    narrows: it drops what it does not know, and never says so.
    defaults: where nothing is left it gives a default scope, and only then says which.
    """
    fleet = json.loads(Path(file).read_text())
    clients, tokens = ClientStore(), TokenStore()
    for client in fleet["clients"]:
        clients.add_client(
            client["client_id"],
            client["client_secret"],
            redirect_uris=[],
            authorized_grants=client["grant_types"],
        )
    server = oauth2.Provider(tokens, tokens, clients, Uuid4(), http_basic_auth)
    settings = {
        "ignores": {},
        "narrows": {"scopes": fleet["scopes"]},
        "defaults": {"scopes": [*fleet["scopes"], DEFAULT], "default_scope": DEFAULT},
    }
    server.add_grant(ClientCredentialsGrant(**settings[mode]))
    return Application(server)
