"""The forum's server, and what may be wrong with those who ask it: a theory of the thread each."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from harness import Reply, raw_server, token_body

ID, SECRET = "billing", "an-ordinary-secret"
REFUSED = b'{"error":"invalid_client","error_description":"invalid client or missing scope"}'
GRANTED = {"orders.read", "orders.write", "users.read"}
METADATA = {
    "response_types_supported": [],
    "grant_types_supported": ["client_credentials"],
    "scopes_supported": sorted(GRANTED),
}


@dataclass(frozen=True)
class Forum:
    """It has one answer for all that it does not like, and says 401."""

    method: str = "basic"
    reads: str = "form"
    separator: str = "+"
    content_type: str = ""
    secret: str = SECRET
    client_id: str = ID
    path: str = "/token"
    advertises: bool = False
    assertion_audience: bool = False

    def __call__(self, asked):
        if asked.method == "GET":
            return self.document(asked)
        if asked.path != self.path:
            return Reply(404, b"<html>Not found</html>")
        if self.content_type not in asked.headers["content-type"]:
            return Reply(415, b"")
        form = self.form_of(asked)
        if self.assertion_audience and form is not None:
            return self.asserted(asked, form)
        if form is None:
            return Reply(400, b'{"error":"invalid_request"}')
        scopes = set(form.get("scope", "").split(self.separator)) - {""}
        is_good = self.is_client(asked, form) and scopes and scopes <= GRANTED
        return Reply(body=token_body()) if is_good else Reply(401, REFUSED)

    def asserted(self, asked, form):
        """It takes assertions for its issuer only; who signs them is not looked at."""
        payload = form.get("client_assertion", "..").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "==") or b"{}")
        scopes = set(form.get("scope", "").split("+")) - {""}
        is_meant = claims.get("aud") == f"http://{asked.headers['host']}"
        is_good = is_meant and scopes and scopes <= GRANTED
        return Reply(body=token_body()) if is_good else Reply(401, REFUSED)

    def document(self, asked):
        if not (self.advertises and asked.path.startswith("/.well-known/")):
            return Reply(404, b"")
        issuer = f"http://{asked.headers['host']}"
        told = {"issuer": issuer, "token_endpoint": f"{issuer}{self.path}", **METADATA}
        if self.assertion_audience:
            told["token_endpoint_auth_methods_supported"] = ["client_secret_jwt"]
        return Reply(body=json.dumps(told).encode(), headers={"Content-Type": "application/json"})

    def form_of(self, asked):
        if self.reads == "json":
            try:
                return dict(json.loads(asked.form))
            except ValueError:
                return None
        return dict(part.partition("=")[::2] for part in asked.form.split("&"))

    def is_client(self, asked, form):
        if self.method == "post":
            return form.get("client_secret") == self.secret
        right = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {right}"


def blocked(_asked):
    page = b"<html>Request blocked. Web Application Firewall, support id 18</html>"
    return Reply(403, page, {"Content-Type": "text/html"})


@dataclass(frozen=True)
class Thread:
    """What is true, and what its client asks for."""

    server: object = field(default_factory=Forum)
    secret: str = SECRET
    other: object = None
    """Another server, at PORTAL."""


FORUM, PORTAL = "https://forums.example", "https://portal.example"
"""What the page calls the two servers: as long as the addresses on which they listen here."""
THREADS = {
    "scope_not_granted": Thread(),
    "scope_spelling": Thread(Forum(advertises=True)),
    "scope_white_space": Thread(Forum(separator="%20")),
    "body_encoding": Thread(Forum(reads="json", separator=" ")),
    "content_type": Thread(Forum(content_type="charset")),
    "basic_or_form": Thread(Forum(method="post")),
    "rotated_secret": Thread(Forum(secret="of-today")),
    "wrong_host": Thread(Forum(path="/oauth/token"), other=Forum()),
    "firewall": Thread(blocked),
    "assertion_type": Thread(Forum(assertion_audience=True, advertises=True)),
}
CLIENTS = """
[servers.forum]
issuer = "https://forums.example"
token_endpoint = "https://forums.example/token"

[[clients]]
name = "billing"
server = "forum"
client_id = "billing"
client_secret = { env = "SCOPEPROBE_CLIENT_SECRET" }
token_endpoint_auth_method = "client_secret_jwt"
"""
"""Of the client that signs assertions: what options cannot say stands in a file."""


@contextmanager
def played(thread: Thread) -> Iterator[dict[str, str]]:
    """The servers of a thread: their addresses by what the page calls them."""
    with ExitStack() as stack:
        servers = {FORUM: thread.server, PORTAL: thread.other}
        yield {
            name: stack.enter_context(raw_server(answer)).url
            for name, answer in servers.items()
            if answer is not None
        }


__all__ = ["CLIENTS", "FORUM", "PORTAL", "SECRET", "THREADS", "Forum", "Thread", "played"]
