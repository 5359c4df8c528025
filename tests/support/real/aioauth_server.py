"""aioauth on Flask, that the tests audit, run by gunicorn."""

import asyncio
import json
import time
from pathlib import Path

from aioauth.collections import HTTPHeaderDict
from aioauth.config import Settings
from aioauth.models import Client, Token
from aioauth.requests import Post, Request
from aioauth.server import AuthorizationServer
from aioauth.storage import BaseStorage
from flask import Flask, request

SETTINGS = Settings(INSECURE_TRANSPORT=True)


class Storage(BaseStorage):
    def __init__(self, fleet):
        self._clients = {
            client["client_id"]: Client(
                client["client_id"],
                client["client_secret"],
                client["grant_types"],
                response_types=[],
                redirect_uris=[],
                scope=client["scope"],
            )
            for client in fleet["clients"]
        }

    async def get_client(self, *, client_id, client_secret=None, **_):
        client = self._clients.get(client_id)
        return client if client and client.client_secret == client_secret else None

    async def create_token(self, *, request, **told):
        lives = request.settings.TOKEN_EXPIRES_IN
        return Token(
            issued_at=int(time.time()), expires_in=lives, refresh_token_expires_in=lives, **told
        )


def create_app(file, _mode):
    server = AuthorizationServer(Storage(json.loads(Path(file).read_text())))
    app = Flask(__name__)

    @app.post("/token")
    def token():
        told = Request(
            "POST",
            post=Post(**request.form),
            headers=HTTPHeaderDict(request.headers),
            url=request.url,
            settings=SETTINGS,
        )
        answer = asyncio.run(server.create_token_response(told))
        return answer.content, answer.status_code, dict(answer.headers)

    return app
