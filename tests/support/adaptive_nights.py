"""A fleet that is asked adaptively night after night."""

import base64

from harness import Reply

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
        return Reply(body=b'{"access_token":"opaque","scope":"%s"}' % " ".join(wanted).encode())

    def truth(self):
        return {
            (name, scope): "granted" if scope in self.granted[name] else "denied"
            for name in CLIENTS
            for scope in SCOPES
        }
