"""The authgent-server that the tests audit: python authgent_process.py FLEET.json PORT."""

import asyncio
import json
import sys
from pathlib import Path

import bcrypt
import uvicorn
from authgent_server.app import create_app
from authgent_server.config import get_settings
from authgent_server.db import get_engine, get_session_factory
from authgent_server.models.base import Base
from authgent_server.models.oauth_client import OAuthClient


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(json.dumps({"port": self.config.port}), flush=True)


async def serve(fleet, port):
    settings = get_settings()
    async with get_engine(settings).begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with get_session_factory(settings)() as session:
        for client in fleet["clients"]:
            # Its own number of rounds takes a quarter of a second for every request.
            stored = bcrypt.hashpw(client["client_secret"].encode(), bcrypt.gensalt(rounds=4))
            session.add(
                OAuthClient(
                    client_id=client["client_id"],
                    client_secret_hash=stored.decode(),
                    grant_types=client["grant_types"],
                    scope=client["scope"],
                    token_endpoint_auth_method=client["token_endpoint_auth_method"],
                )
            )
        await session.commit()
    await Server(uvicorn.Config(create_app(settings), port=port, log_level="error")).serve()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])))
