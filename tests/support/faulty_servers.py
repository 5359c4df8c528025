"""Six servers that fail at every fifth request, two of which throttle, asked by twelve clients."""

import random
from collections import Counter

from harness import Entry, Reply, token_body, write_inputs

SERVERS, CLIENTS = 6, 12
SCOPES = [f"s{n:02}" for n in range(8)]
SHARE_OF_FAULTS = 0.2
THROTTLING = {"/0", "/1"}
NARROWING = {"/4", "/5"}
LONGEST_FAULT = 3
"""Attempts of one question that fail one after the other: fewer than a server's retries."""


class FaultyServers:
    """Which attempt of which question fails, and how, is the same in every run."""

    def __init__(self, seed, share=SHARE_OF_FAULTS):
        self._seed, self._share = seed, share
        self._attempts = Counter()

    def __call__(self, asked):
        question = asked.path, asked.client, asked.scopes
        self._attempts[question] += 1
        attempt = self._attempts[question]
        chance = random.Random(repr((self._seed, question, attempt)))
        if chance.random() < self._share and attempt % (LONGEST_FAULT + 1):
            return self._fault(asked, chance)
        return _answer(asked)

    @staticmethod
    def _fault(asked, chance):
        faults = [
            Reply(raw=b""),
            Reply(500, b"{}"),
            Reply(503, b"<html>Come back later</html>"),
            Reply(body=b"<html>Hello</html>"),
            Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
            Reply(body=b"junk", headers={"Content-Encoding": "gzip"}),
        ]
        if asked.path in THROTTLING:
            faults += [Reply(429, b"{}", {"Retry-After": "0"})] * len(faults)
        return chance.choice(faults)


def _answer(asked):
    scopes = (asked.scopes or "").split()
    granted = [s for s in scopes if s in SCOPES and (SCOPES.index(s) + len(asked.client)) % 3]
    if asked.path not in NARROWING and granted != scopes:
        return Reply(400, b'{"error":"invalid_scope"}', delay=0.002)
    return Reply(body=token_body(scope=" ".join(granted)), delay=0.002)


def inputs(folder, server):
    """
    The command line of their audit.

    Before a client's first success every fault may be a failed authentication, and they are
    remembered from one invocation to the next: so many are allowed that none is left alone.
    """
    folder.mkdir(exist_ok=True, parents=True)
    settings = {
        f"srv{n}": f'token_endpoint = "{server.url}/{n}"\nrate_group = "g{n}"\n'
        'rate = "400/s"\nclient_rate = "400/s"\nmax_auth_failures = 12'
        for n in range(SERVERS)
    }
    entries = [
        Entry(f"c{n:02}", f"srv{n % SERVERS}", "x" * n + f"client-{n:02}") for n in range(CLIENTS)
    ]
    arguments, environment = write_inputs(folder, settings, entries, SCOPES)
    return ["audit", *arguments, "-o", folder / "out", "--yes"], environment
