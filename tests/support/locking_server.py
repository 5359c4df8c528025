"""A token endpoint that counts failed authentications in a row, and locks whoever has too many."""

import base64
import gzip
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import unquote_plus

from harness import Entry, Reply, raw_server, scopeprobe, token_body, write_inputs

FAST = 'rate = "900/s"\nclient_rate = "900/s"'
SECRET = "s3cret-of-nobody"
INVALID_CLIENT = Reply(401, b'{"error":"invalid_client"}')
INVALID_SCOPE = Reply(400, b'{"error":"invalid_scope"}')
DRESSES = {
    "401 invalid_client": INVALID_CLIENT,
    "401 in plain text": Reply(401, b"Unauthorized"),
    "401 page": Reply(401, b"<html>Unauthorized</html>"),
    "401 with half a body": Reply(raw=b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 900\r\n\r\n{"),
    "403 access_denied": Reply(403, b'{"error":"access_denied"}'),
    "400 in Japanese": Reply(
        400,
        '{"error":"invalid_request","error_description":"認証に失敗しました"}'.encode(),
    ),
    "400 unauthorized_client": Reply(400, b'{"error":"unauthorized_client"}'),
    "404": Reply(404, b'{"error":"not_found"}'),
    "404 page": Reply(404, b"<html>not here</html>"),
    "500": Reply(500, b'{"error":"server_error"}'),
    "200 with an error": Reply(200, b'{"error":"E1042"}'),
    "200 page": Reply(200, b"<html>log in</html>"),
    "redirect": Reply(302, b"", {"Location": "https://login.invalid/"}),
    "no answer": Reply(delay=2.0),
    "hangs up": Reply(raw=b""),
}
"""How servers word a wrong secret."""


def _spoiled(headers, body=INVALID_CLIENT.body):
    return Reply(raw=b"HTTP/1.1 401 Unauthorized\r\n" + headers + b"\r\n" + body)


SPOILED = {
    "a length too small": _spoiled(b"Content-Length: 5\r\n"),
    "two lengths": _spoiled(b"Content-Length: 5\r\nContent-Length: 26\r\n"),
    "a length that is none": _spoiled(b"Content-Length: many\r\n"),
    "a length beside chunks": _spoiled(b"Content-Length: 26\r\nTransfer-Encoding: chunked\r\n"),
    "chunks that are none": _spoiled(b"Transfer-Encoding: chunked\r\n"),
    "half a chunk": _spoiled(b"Transfer-Encoding: chunked\r\n", b'1a\r\n{"error":'),
    "gzip that is none": _spoiled(b"Content-Encoding: gzip\r\nContent-Length: 26\r\n"),
    "an unknown encoding": _spoiled(b"Content-Encoding: zstd\r\nContent-Length: 26\r\n"),
    "a bomb": _spoiled(b"Content-Encoding: gzip\r\n", gzip.compress(b" " * 20_000_000)),
    "a huge header": _spoiled(b"X: %s\r\nContent-Length: 26\r\n" % (b"x" * 20_000)),
    "a header that is none": _spoiled(b"no colon\r\nContent-Length: 26\r\n"),
    "a control character": _spoiled(b"X: \x01\x00\r\nContent-Length: 26\r\n"),
    "half a head": Reply(raw=b"HTTP/1.1 401 Unauthorized\r\nContent-Le"),
    "an interim answer before half a head": Reply(
        raw=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\n"
    ),
}
"""A 401 that cannot be read to its end; each by what is wrong with it."""


class LockingServer:
    """
    Refuses what is not granted with `refusal`; rejects a wrong secret, before all else, in `dress`.

    Only wrong secrets count, unless both look alike: then nobody can tell them apart.
    """

    def __init__(self, granted, *, dress=INVALID_CLIENT, refusal=INVALID_SCOPE, without_scope=None):
        self.granted = granted
        """Scopes by `client_id`."""
        self.secrets = dict.fromkeys(granted, SECRET)
        self.dress, self.refusal = dress, refusal
        self.without_scope = without_scope
        """What a request without scope is answered with; None: a token."""
        self.in_a_row, self.most = Counter(), Counter()
        self.rotates_at = None
        """The number of the request before which all secrets are replaced."""
        self.delay = 0.0
        """Seconds from counting a failure to telling of it."""
        self.loses_every, self.lost = 0, Reply(raw=b"")
        """Every so many requests it answers this, whatever it counted."""
        self.lost_refusals = 0
        """How many of its first refusals it answers so."""
        self.asked = []

    def __call__(self, request):
        if len(self.asked) == self.rotates_at:
            self.secrets = dict.fromkeys(self.secrets, "rotated")
        client, _, secret = base64.b64decode(request.client.split()[-1]).decode().partition(":")
        self.asked.append((client, request.scopes))
        reply, is_issued = self._answer(client, unquote_plus(secret), request.scopes)
        self.in_a_row[client] += reply is self.dress
        if is_issued:
            self.in_a_row[client] = 0
        self.most[client] = max(self.most[client], self.in_a_row[client])
        if self.loses_every and not len(self.asked) % self.loses_every:
            return self.lost
        if reply is self.refusal and self.lost_refusals:
            self.lost_refusals -= 1
            return self.lost
        return replace(reply, delay=reply.delay + self.delay)

    def _answer(self, client, secret, scopes):
        wanted = (scopes or "").split()
        if self.secrets.get(client) != secret:
            return self.dress, False
        if not wanted and self.without_scope is not None:
            return self.without_scope, False
        if not self.granted[client].issuperset(wanted):
            return self.refusal, False
        return Reply(body=token_body(scope=" ".join(wanted))), True


@contextmanager
def nights(folder, server, scopes, *, settings="", timeout="500ms", extra=None):
    """
    Gives what audits the clients of a locking server, with the secrets it began with.

    Where no strategy is named, the night is only planned.
    """
    with raw_server(server) as wire:

        def night(strategy, *options, run=scopeprobe):
            text = f'token_endpoint = "{wire.url}/t"\n{FAST}\ntimeout = "{timeout}"\n{settings}'
            entries = [
                Entry(name, "s", extra=(extra or {}).get(name, "")) for name in server.granted
            ]
            words, environment = write_inputs(folder, {"s": text}, entries, scopes)
            command = ("plan", *words) if strategy is None else ("audit", *words, "-s", strategy)
            words = (*command, "-o", folder / "out", *options)
            return run(*words, env=environment)

        yield night
