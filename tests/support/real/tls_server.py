"""
A token endpoint behind mutual TLS (RFC 8705): python tls_server.py FOLDER

One port serves everybody, one lets nobody in without a certificate; the metadata of the first
names the second. Prints one line when it listens: {"port": 12345, "mtls_port": 12346}
"""

import base64
import functools
import hashlib
import json
import secrets
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote_plus

AUTH_METHODS = ["client_secret_basic", "tls_client_auth", "self_signed_tls_client_auth"]


class Clients:
    def __init__(self, fleet):
        self.scopes = set(fleet["scopes"])
        self._by_id = {client["client_id"]: client for client in fleet["clients"]}

    def authenticate(self, form, authorization, connection):
        """The client that the request proves to come from, or None."""
        if authorization is not None:
            client_id, secret = _basic(authorization)
            client = self._by_id.get(client_id)
            proved = bool(secret) and client is not None and client.get("client_secret") == secret
        else:
            client = self._by_id.get(form.get("client_id", ""))
            proved = client is not None and _shows_certificate_of(client, connection)
        return client if proved else None


def _basic(authorization):
    pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _shows_certificate_of(client, connection):
    """RFC 8705 sections 2.1.1 (one name of the subject, or the subject) and 2.2.1 (the key)."""
    certificate = connection.getpeercert()
    if not certificate:
        return False
    match client:
        case {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": name}:
            return ("DNS", name) in certificate.get("subjectAltName", ())
        case {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": dn}:
            return _subject(certificate) == frozenset(dn.split(","))
        case {"token_endpoint_auth_method": "self_signed_tls_client_auth", "x5t#S256": thumbprint}:
            digest = hashlib.sha256(connection.getpeercert(binary_form=True)).digest()
            return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == thumbprint
    return False


def _subject(certificate):
    short = {"commonName": "CN", "organizationalUnitName": "OU", "organizationName": "O"}
    return frozenset(
        f"{short.get(name, name)}={value}"
        for part in certificate["subject"]
        for name, value in part
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments, clients, metadata):
        self._clients = clients
        self._metadata = metadata
        super().__init__(*arguments)

    def do_GET(self):
        if self.path == "/.well-known/oauth-authorization-server":
            self._answer(200, self._metadata)
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[-1] for name, values in parse_qs(body).items()}
        if self.path != "/token":
            self._answer(404, {"error": "not_found"})
            return
        client = self._clients.authenticate(form, self.headers["Authorization"], self.connection)
        if client is None:
            self._answer(401, {"error": "invalid_client"})
        elif form.get("grant_type") != "client_credentials":
            self._answer(400, {"error": "unsupported_grant_type"})
        elif not set(asked := form.get("scope", "").split()) <= set(client["scope"].split()):
            self._answer(400, {"error": "invalid_scope"})
        else:
            token = {"access_token": secrets.token_urlsafe(), "token_type": "Bearer"}
            self._answer(200, token | {"expires_in": 600, "scope": " ".join(asked)})

    def _answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, _request, address):
        print(f"{address}: {sys.exception()!r}", file=sys.stderr)


def listen(context, port=0):
    server = Server(("127.0.0.1", port), None)
    # The handshake belongs to the thread of its connection, not to the one that accepts.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    return server


def main(folder, mtls_port):
    clients = Clients(json.loads((folder / "fleet.json").read_text()))
    everybody = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    everybody.load_cert_chain(folder / "server.crt", folder / "server.key")
    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(folder / "server.crt", folder / "server.key")
    certified.load_verify_locations(folder / "trusted-clients.crt")
    certified.verify_mode = ssl.CERT_REQUIRED

    servers = listen(everybody), listen(certified, mtls_port)
    port, mtls_port = (server.server_port for server in servers)
    issuer, mtls = f"https://127.0.0.1:{port}", f"https://127.0.0.1:{mtls_port}"
    metadata = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "mtls_endpoint_aliases": {"token_endpoint": f"{mtls}/token"},
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": sorted(clients.scopes),
    }
    for server in servers:
        server.RequestHandlerClass = functools.partial(Handler, clients=clients, metadata=metadata)
    print(json.dumps({"port": port, "mtls_port": mtls_port}), flush=True)
    threading.Thread(target=servers[0].serve_forever, daemon=True).start()
    servers[1].serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
