"""
What one exchange costs without a network: a question, its request, and the answer that is read.

    python tests/bench/exchanges.py                 all kinds of answers, in microseconds
    python tests/bench/exchanges.py FOLDER          beside another copy of the program, in turn

Every response is made anew, as it comes from a connection, and goes through the runner of the
engine with all that it does for one: counting tokens, heeding quotas. Processor time counts.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import SimpleNamespace

from multidict import CIMultiDict, CIMultiDictProxy

from scopeprobe.engine.exchange_runner import ExchangeRunner
from scopeprobe.engine.usage import Usage
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId, Endpoints, Server
from scopeprobe.oauth.exchange import exchanges

ROUNDS = 7
EXCHANGES = 20_000
SCOPES = tuple(Scope(f"s{n}") for n in range(200))
HEADERS = CIMultiDictProxy(
    CIMultiDict({
        "Date": "Mon, 23 Nov 2026 02:00:00 GMT",
        "Content-Type": "application/json",
        "Content-Length": "512",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Request-Id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "Connection": "keep-alive",
    })
)  # fmt: skip


def opaque(number: int) -> str:
    return f"{number:08}".ljust(400, "x")


def jwt(number: int) -> str:
    claims = {"iss": "https://login.example", "sub": "c", "aud": "https://api", "iat": 1764000000}
    claims |= {"exp": 1764003600, "jti": f"{number:032}", "client_id": "c", "scope": scope(number)}
    parts = ({"alg": "RS256", "typ": "at+jwt", "kid": "k" * 27}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join([*(part.rstrip(b"=").decode() for part in encoded), "x" * 342])


def scope(number: int) -> str:
    return SCOPES[number % len(SCOPES)]


def issued(token: Callable[[int], str], number: int) -> tuple[int, bytes]:
    members = {"access_token": token(number), "token_type": "Bearer", "expires_in": 3600}
    return 200, json.dumps({**members, "scope": scope(number)}).encode()


def refused(number: int) -> tuple[int, bytes]:
    text = f"The client may not have the scope {scope(number)}."
    return 400, json.dumps({"error": "invalid_scope", "error_description": text}).encode()


def refused_in_short(_number: int) -> tuple[int, bytes]:
    return 400, b'{"error":"invalid_scope"}'


KINDS: dict[str, Callable[[int], tuple[int, bytes]]] = {
    "opaque token": lambda number: issued(opaque, number),
    "refused by name": refused,
    "refused in short": refused_in_short,
    "JWT": lambda number: issued(jwt, number),
}


class Ready:
    """Has every response in hand."""

    def __init__(self, answers: list[tuple[int, bytes]]) -> None:
        self._answers = iter(answers)

    async def send(self, *_: object) -> HttpResponse:
        status, body = next(self._answers)
        return HttpResponse(status, HEADERS, body)


def client() -> Client:
    server = Server("s", Endpoints("https://login.example/token"))
    secret = Secret("a-secret-of-thirty-two-characters")
    method = AuthMethod.CLIENT_SECRET_BASIC
    client_id = ClientId("0oa1b2c3d4e5f6g7h8i9")
    return Client(ClientName("c"), client_id, server, secret, method, (Target(SCOPES),))


async def microseconds(answers: list[tuple[int, bytes]]) -> float:
    """What one exchange takes, with each of these answers."""
    ours = client()
    opened = exchanges(ours, ours.targets[0])
    queue = SimpleNamespace(client=ours, open_exchange=lambda job: opened(job.question))
    plan = SimpleNamespace(assignment=None)
    group = SimpleNamespace(is_paused=False)
    http, usage = Ready(answers), {"s": Usage()}
    runner = ExchangeRunner(http, None, usage, lambda _queue: False, lambda: None)
    jobs = [
        SimpleNamespace(queue=queue, plan=plan, question=Question((SCOPES[n % len(SCOPES)],)))
        for n in range(len(answers))
    ]
    began = time.process_time()
    for job in jobs:
        await runner.carry_out(group, job)
    return (time.process_time() - began) / len(answers) * 1e6


def measured() -> dict[str, float]:
    """By kind of answer."""
    return {
        kind: asyncio.run(microseconds([answer(number) for number in range(EXCHANGES)]))
        for kind, answer in KINDS.items()
    }


def measured_in(folder: str) -> dict[str, float]:
    """The same, of the program in a folder."""
    run = subprocess.run(
        [sys.executable, __file__, "--once"],
        env={**os.environ, "PYTHONPATH": folder},
        check=True,
        capture_output=True,
    )
    return json.loads(run.stdout)


def main() -> None:
    if sys.argv[1:] == ["--once"]:
        print(json.dumps(measured()))
        return
    folders = [str(Path(__file__).parents[2]), *sys.argv[1:]]
    rounds = [[measured_in(folder) for folder in folders] for _ in range(ROUNDS)]
    print(f"{'microseconds an exchange':26}", *("here", "there", "ratio")[: 2 * len(folders) - 1])
    for kind in KINDS:
        spent = [[found[kind] for found in of_round] for of_round in rounds]
        cells = [f"{median(column):5.1f}" for column in zip(*spent, strict=True)]
        ratios = [here / there for here, there in spent] if len(folders) > 1 else []
        cells += [f"{median(ratios):5.2f}"] if ratios else []
        print(f"{kind:26}", *cells)


if __name__ == "__main__":
    main()
