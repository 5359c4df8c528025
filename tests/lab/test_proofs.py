"""Assertions (RFC 7523) and proofs of possession (RFC 9449): the lab really verifies them."""

from __future__ import annotations

import base64
import json
import time
import uuid
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from scopeprobe.lab import AuthorizationServer, Client, Message, read_profile

ISSUER = "https://lab.example/corp"
ENDPOINT = f"{ISSUER}/token"
FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SECRET = "a-secret-of-thirty-two-characters"
METHODS = ["client_secret_jwt", "private_key_jwt", "client_secret_basic"]
EC = ECKey.generate_key("P-256", {"kid": "ec"}, private=True)
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"}, private=True)
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
STRANGER = ECKey.generate_key("P-256", private=True)


def make_server(profile="strict", override=None):
    override = {"credentials": {"methods": METHODS}} | (override or {})
    keys = {"keys": [key.as_dict(private=False) for key in (EC, ED, RSA)]}
    clients = [
        Client("keyed", None, ["a"], ("client_credentials", JWT_BEARER), jwk=keys),
        Client("secret", SECRET, ["a"]),
        Client("bound", SECRET, ["a"], dpop_bound_access_tokens=True),
    ]
    return AuthorizationServer("corp", read_profile(profile, override), clients, scopes=["b"])


def assertion(client="keyed", key=EC, algorithm="ES256", **changes):
    now = int(time.time())
    claims = {
        "iss": client,
        "sub": client,
        "aud": ENDPOINT,
        "iat": now,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
    } | changes
    header = {"alg": algorithm, "typ": "JWT"} | ({"kid": key.kid} if key.kid else {})
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def post(server, token=None, *, dpop=None, authorization=None, **form):
    form = {"grant_type": "client_credentials"} | form
    if token is not None:
        form |= {"client_assertion": token, "client_assertion_type": ASSERTION_TYPE}
    message = Message(FORM, authorization, urlencode(form).encode(), dpop=dpop)
    return server.answer(message, issuer=ISSUER)


@pytest.mark.parametrize(
    ("client", "key", "algorithm"),
    [
        pytest.param("keyed", EC, "ES256", id="ES256"),
        pytest.param("keyed", RSA, "RS256", id="RS256"),
        pytest.param("keyed", RSA, "PS256", id="PS256"),
        pytest.param("keyed", ED, "Ed25519", id="Ed25519"),
        pytest.param("secret", OctKey.import_key(SECRET), "HS256", id="client_secret_jwt"),
    ],
)
def test_a_true_assertion_authenticates(client, key, algorithm):
    answer = post(make_server(), assertion(client, key, algorithm))
    assert (answer.status, answer.members["scope"]) == (200, "a")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(assertion(key=STRANGER), id="another key"),
        pytest.param(assertion("secret", EC), id="another client's key"),
        pytest.param(assertion(iss="somebody"), id="another issuer"),
        pytest.param(assertion(aud="https://elsewhere"), id="another audience"),
        pytest.param(assertion(exp=int(time.time()) - 60), id="expired"),
        pytest.param(assertion(iat=int(time.time()) + 120), id="from the future"),
        pytest.param(assertion(exp=None), id="no end"),
        pytest.param(assertion()[:-4] + "AAAA", id="a broken signature"),
        pytest.param("a.b.c", id="no JWT"),
        pytest.param("", id="nothing"),
        pytest.param(
            assertion("keyed", OctKey.import_key(SECRET), "HS256"), id="a MAC instead of a key"
        ),
    ],
)
def test_a_false_assertion_authenticates_nobody(token):
    answer = post(make_server(), token)
    assert (answer.status, answer.members["error"]) == (401, "invalid_client")


def test_a_replayed_assertion_is_refused():
    server, token = make_server(), assertion()
    assert [post(server, token).status for _ in range(2)] == [200, 401]
    hydra = make_server("hydra", {"credentials": {"methods": ["private_key_jwt"]}})
    assert post(hydra, token).status == 200
    answer = post(hydra, token)
    assert (answer.status, answer.members["error"]) == (400, "jti_known")


def test_the_audience_may_have_to_be_the_issuer():
    override = {"credentials": {"methods": METHODS, "assertion": {"audiences": ["issuer"]}}}
    server = make_server(override=override)
    assert post(server, assertion(aud=ISSUER)).status == 200
    assert post(server, assertion(aud=ENDPOINT)).status == 401


def test_an_algorithm_that_the_server_does_not_take_is_refused():
    override = {"credentials": {"methods": METHODS, "assertion": {"algorithms": ["PS256"]}}}
    server = make_server(override=override)
    assert post(server, assertion(key=RSA, algorithm="PS256")).status == 200
    assert post(server, assertion(key=RSA, algorithm="RS256")).status == 401
    secret = OctKey.import_key(SECRET)
    assert post(server, assertion("secret", key=secret, algorithm="HS256")).status == 401


def bearer(server, **changes):
    token = assertion(key=RSA, algorithm="RS256", **changes)
    return post(server, grant_type=JWT_BEARER, assertion=token)


def test_the_jwt_bearer_grant_takes_its_scopes_from_the_assertion():
    server = make_server("google", {"credentials": {"methods": ["private_key_jwt"]}})
    assert bearer(server, scope="a").status == 200
    assert bearer(server, scope="b").members["error"] == "unauthorized_client"
    assert bearer(server, scope="c").members["error"] == "invalid_scope"
    assert bearer(server).members["error"] == "invalid_scope"
    assert server.received[0].scopes == ("a",)


def test_the_jwt_bearer_grant_is_the_only_one_of_google():
    server = make_server("google", {"credentials": {"methods": ["private_key_jwt"]}})
    token = assertion(key=RSA, algorithm="RS256")
    assert post(server, token).members["error"] == "unsupported_grant_type"


BASIC = "Basic " + base64.b64encode(f"bound:{SECRET}".encode()).decode()
DPOP_KEY = ECKey.generate_key("P-256", private=True)


def prove(nonce=None, key=DPOP_KEY, jwk=None, **changes):
    claims = {
        "jti": uuid.uuid4().hex,
        "htm": "POST",
        "htu": ENDPOINT,
        "iat": int(time.time()),
    } | ({"nonce": nonce} if nonce else {})
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk or key.as_dict(private=False)}
    return jwt.encode(header, claims | changes, key)


def demanding():
    return make_server("okta-custom", {"credentials": {"methods": METHODS}})


def ask(server, proof):
    return post(server, dpop=proof, authorization=BASIC, scope="a")


def test_a_proof_is_asked_for_then_a_nonce_and_then_the_token_is_bound_to_the_key():
    server = demanding()
    missing = ask(server, None)
    assert (missing.status, missing.members["error"]) == (400, "invalid_dpop_proof")
    assert missing.members["error_description"] == "The DPoP proof JWT header is missing."
    wanted = ask(server, prove())
    assert (wanted.status, wanted.members["error"]) == (400, "use_dpop_nonce")
    answer = ask(server, prove(wanted.headers["DPoP-Nonce"]))
    assert (answer.status, answer.members["token_type"]) == (200, "DPoP")
    assert answer.headers["DPoP-Nonce"] == wanted.headers["DPoP-Nonce"]
    payload = answer.members["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["cnf"] == {"jkt": DPOP_KEY.thumbprint()}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"htm": "GET"}, id="another method"),
        pytest.param({"htu": "https://elsewhere/token"}, id="another URL"),
        pytest.param({"iat": 1}, id="old"),
        pytest.param({"jwk": STRANGER.as_dict(private=False)}, id="not signed with its key"),
        pytest.param({"jwk": DPOP_KEY.as_dict(private=True)}, id="a private key"),
    ],
)
def test_a_proof_that_does_not_hold_is_refused(changes):
    server = demanding()
    nonce = ask(server, prove()).headers["DPoP-Nonce"]
    answer = ask(server, prove(nonce, **changes))
    assert (answer.status, answer.members["error"]) == (400, "invalid_dpop_proof")


def test_a_proof_is_good_for_one_request():
    server = demanding()
    proof = prove(ask(server, prove()).headers["DPoP-Nonce"])
    assert [ask(server, proof).status for _ in range(2)] == [200, 400]


def test_a_new_nonce_makes_old_ones_worthless():
    server = demanding()
    nonce = ask(server, prove()).headers["DPoP-Nonce"]
    server.renew_nonce()
    assert ask(server, prove(nonce)).members["error"] == "use_dpop_nonce"
