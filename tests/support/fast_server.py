"""A token endpoint in a process of its own that answers at once, and a fleet that asks it."""

import multiprocessing
import re
from contextlib import contextmanager

from harness import Reply, raw_server, token_body

from scopeprobe.inputs import Fleet
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId, Endpoints, Server, ServerLimits

_EVEN = re.compile(r"scope-\d*[02468]")


@contextmanager
def fast_server(answer):
    """Its URL, while it runs; it forgets what it was asked."""
    port, over = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(answer, over))
    process.start()
    try:
        yield f"http://127.0.0.1:{port.recv()}"
    finally:
        port.send(None)
        process.join()


def _serve(answer, parent):
    def answer_and_forget(asked):
        server.asked.clear()
        return answer(asked)

    with raw_server(answer_and_forget) as server:
        parent.send(server.port)
        parent.recv()


def grants_all(_asked):
    return Reply(body=b'{"access_token":"opaque","token_type":"Bearer","scope":"x"}')


def grants_every_other(asked):
    """Of the scopes that `fleet` asks for."""
    if asked.scopes and not all(map(_EVEN.fullmatch, asked.scopes.split())):
        return Reply(400, b'{"error":"invalid_scope"}')
    return Reply(body=token_body(scope=asked.scopes or "scope-0"))


def fleet(url, *, clients, scopes, rate=1_000_000, in_flight=50, servers=1):
    """Clients with as many candidates each, on servers that keep a pace together (a second)."""
    pace = (Rate(rate // servers, 1),)
    asked = [
        Server(
            f"s{n}",
            Endpoints(f"{url}/{n}/token"),
            limits=ServerLimits(
                pace, pace, in_flight=in_flight, max_auth_failures=in_flight, rate_group=f"g{n}"
            ),
        )
        for n in range(servers)
    ]
    candidates = (Target(tuple(Scope(f"scope-{n}") for n in range(scopes))),)
    return Fleet(
        tuple(
            Client(
                ClientName(f"c{n}"),
                ClientId(f"c{n}"),
                asked[n % servers],
                Secret("secret"),
                AuthMethod.CLIENT_SECRET_BASIC,
                candidates,
            )
            for n in range(clients)
        )
    )
