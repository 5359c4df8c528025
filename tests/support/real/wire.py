"""Asks a server with nothing of scopeprobe: http.client, ssl, joserfc."""

import base64
import http.client
import json
import secrets
import ssl
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from credentials import signing_key
from fleet import Client
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey
from servers import RealServer

CANARY = "scopeprobe-canary-traits"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: dict

    @property
    def issued(self):
        return self.status == 200 and "access_token" in self.body

    @property
    def scopes(self):
        return self.body["scope"].split() if "scope" in self.body else None

    @property
    def error(self):
        return self.status, self.body["error"]


def percent(text):
    return quote(text, safe="")


def ask(server: RealServer, client: Client, *scopes: str, encode=percent, headers=None) -> Answer:
    """Asks the server for a token, as the client is registered."""
    form = {"grant_type": "client_credentials"}
    if scopes:
        form["scope"] = " ".join(scopes)
    parameters, authorization = credentials(server, client, encode)
    identity = server.identities.get(client.client_id)
    url = server.mtls_token_endpoint if identity else server.token_endpoint
    tls = shown(server, identity)
    return post(url, form | parameters, authorization | (headers or {}), tls)


def tell(server: RealServer, url: str, client: Client, token: str) -> Answer:
    """Introspects or revokes a token, by the url."""
    parameters, authorization = credentials(server, client)
    return post(url, {"token": token} | parameters, authorization)


def credentials(server, client, encode=percent) -> tuple[dict[str, str], dict[str, str]]:
    """Form parameters and headers."""
    match client.token_endpoint_auth_method:
        case "client_secret_basic":
            pair = f"{encode(client.client_id)}:{encode(client.client_secret)}"
            basic = base64.b64encode(pair.encode()).decode()
            return {}, {"Authorization": f"Basic {basic}"}
        case "client_secret_post":
            return {"client_id": client.client_id, "client_secret": client.client_secret}, {}
        case "client_secret_jwt" | "private_key_jwt":
            return with_assertion(assertion(server, client)), {}
        case "tls_client_auth" | "self_signed_tls_client_auth":
            return {"client_id": client.client_id}, {}
    raise ValueError(client.token_endpoint_auth_method)


def with_assertion(text: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}


def assertion(server: RealServer, client: Client, key: Key | None = None, **claims: object) -> str:
    """RFC 7523 section 3."""
    alg = client.token_endpoint_auth_signing_alg
    if key is None and client.has_key:
        key = signing_key(client.client_id, alg)
    now = int(time.time())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.assertion_audience.format(issuer=server.issuer) or server.token_endpoint,
        "jti": secrets.token_hex(16),
        "iat": now,
        "exp": now + 60,
    } | claims
    key = key or OctKey.import_key(client.client_secret)
    header = {"alg": alg, "typ": "JWT"} | ({"kid": key.kid} if key.kid else {})
    with warnings.catch_warnings(action="ignore", category=SecurityWarning):
        # `EdDSA` is deprecated by RFC 9864, and still what most servers take.
        return jwt.encode(header, claims, key, algorithms=[alg])


def proof(key: ECKey, url: str, **claims: object) -> str:
    """RFC 9449 section 4.2."""
    claims = {
        "jti": secrets.token_hex(16),
        "htm": "POST",
        "htu": url,
        "iat": int(time.time()),
    } | claims
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key)


def shown(server, identity) -> ssl.SSLContext | None:
    """Trusts the server's authority alone, and shows the certificate, if there is one."""
    if server.ca_file is None:
        return None
    context = ssl.create_default_context(cafile=server.ca_file)
    if identity:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


def post(url: str, form: Mapping[str, str], headers=None, tls=None) -> Answer:
    form_headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return _exchange("POST", url, urlencode(form), form_headers | (headers or {}), tls)


def get(url: str, tls=None) -> Answer:
    return _exchange("GET", url, None, {"Accept": "application/json"}, tls)


def _exchange(method, url, body, headers, tls) -> Answer:
    place = urlsplit(url)
    if place.scheme == "https":
        connection = http.client.HTTPSConnection(place.netloc, timeout=10, context=tls)
    else:
        connection = http.client.HTTPConnection(place.netloc, timeout=10)
    try:
        connection.request(method, place.path, body, headers)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    return Answer(response.status, response.headers, json.loads(text or "{}"))


def claims_of(answer: Answer) -> dict:
    _, payload, _ = answer.body["access_token"].split(".")
    return json.loads(base64.urlsafe_b64decode(payload + "=="))
