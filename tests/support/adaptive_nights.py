"""A fleet that is asked adaptively night after night."""

import base64
from contextlib import contextmanager

from harness import Entry, Reply, raw_server, token_body, write_inputs

SCOPES = [f"s{n:02}" for n in range(40)]


CLIENTS = [f"c{n}" for n in range(8)]


def name_of(asked):
    return base64.b64decode(asked.client.removeprefix("Basic ")).decode().partition(":")[0]


class Strict:
    """Lists what was asked for where all of it is granted, and else refuses without a word."""

    def __init__(self):
        rare = {name: SCOPES[3 * n : 3 * n + 3] for n, name in enumerate(CLIENTS)}
        self.granted = {name: set(SCOPES) - {*rare[name], "s30", "s31"} for name in CLIENTS}

    def __call__(self, asked):
        client = name_of(asked)
        wanted = (asked.scopes or "").split()
        if not self.granted[client].issuperset(wanted):
            return Reply(400, b'{"error":"invalid_scope"}')
        return Reply(body=token_body(scope=" ".join(wanted)))

    def truth(self):
        return {
            (name, scope): "granted" if scope in self.granted[name] else "denied"
            for name in CLIENTS
            for scope in SCOPES
        }


@contextmanager
def nights(folder, run):
    """Gives what runs one audit of the fleet, and leaves its files in the folder `out`."""
    server = Strict()
    with raw_server(server) as wire:

        def night(strategy, *options, out=folder / "out", codes=(0,), **environment):
            settings = f'token_endpoint = "{wire.url}/t"\nrate = "900/s"\nclient_rate = "900/s"'
            entries = [Entry(name, "s") for name in CLIENTS]
            arguments, secrets = write_inputs(folder, {"s": settings}, entries, SCOPES)
            before = len(wire.asked)
            words = ("audit", *arguments, "-s", strategy, "-o", out, *options)
            result = run(*words, env=secrets | environment)
            assert result.returncode in codes, result.stderr
            return [(name_of(asked), asked.scopes) for asked in wire.asked[before:]]

        night.server, night.out = server, folder / "out"
        yield night
