"""What clients send to say who they are: each claim, and the signature by the public key."""

import hmac
import os
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import keys
import pytest
from harness import raw_server, scopeprobe
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey
from multidict import CIMultiDict

from scopeprobe.inputs.auth_methods import keys_of
from scopeprobe.inputs.schema import ClientEntry
from scopeprobe.inputs.secrets import RenewedSecret
from scopeprobe.model.client import AuthMethod, Certificate, GrantType, SigningKey
from scopeprobe.model.http import HttpResponse, Purpose
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.oauth.assertions import LIFETIME, thumbprint
from scopeprobe.oauth.client_auth import ASSERTION_TYPE, Authenticator
from scopeprobe.oauth.dpop import DpopProver, ephemeral_key
from scopeprobe.oauth.token_request import request_writer

NOW = datetime(2026, 11, 23, 2, 0, 0, 700_000, tzinfo=UTC)
IAT = 1795399200
ENDPOINT = "https://login.example/token"
ASKED = Question((Scope("orders.read"), Scope("orders.write")))
KEY_KINDS = {
    "RS256": "rsa",
    "RS384": "rsa",
    "RS512": "rsa",
    "PS256": "rsa",
    "PS384": "rsa",
    "PS512": "rsa",
    "ES256": "p256",
    "ES384": "p384",
    "ES512": "p521",
    "Ed25519": "ed25519",
    "Ed448": "ed448",
}


def counted():
    """Dice that show 1, 2, 3, …, with as many digits as they were asked for."""
    throws = iter(range(1, 100))
    return lambda size: f"{next(throws):0{2 * size}x}"


def written(client, *, question=ASKED, write=None):
    write = write or request_writer(client, client.targets[0], now=lambda: NOW, token_hex=counted())
    request = write(question)
    form = parse_qs(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in form.values())
    return request, {name: value for name, [value] in form.items()}


def with_key(client, kind="rsa", alg="RS256", **more):
    key = SigningKey(keys.jose(keys.private_key(kind)), alg, **more)
    return replace(client, auth_method=AuthMethod.PRIVATE_KEY_JWT, secret=None, signing_key=key)


def decoded(token, kind="rsa", alg="RS256"):
    public = type(keys.jose(keys.private_key(kind))).import_key(
        keys.public_pem(keys.private_key(kind))
    )
    return jwt.decode(token, public, algorithms=[alg])


# -- every method


@pytest.mark.parametrize("method", AuthMethod)
def test_every_method_is_written_and_needs_what_its_entry_can_name(make_client, method):
    certificate = Certificate(Path("c.pem"), Path("c.key"))
    client = replace(with_key(make_client("s")), secret=Secret("x1"), certificate=certificate)
    Authenticator(replace(client, auth_method=method)).authenticate()
    assert method.credential is None or client.has(method.credential)
    assert keys_of(method) <= ClientEntry.model_fields.keys()
    assert ("assertion_audience" in keys_of(method)) is method.signs_assertion


# -- private_key_jwt


@pytest.mark.parametrize("alg", KEY_KINDS)
def test_an_assertion_is_signed_with_the_clients_key_and_says_who_it_is(make_client, alg):
    _, form = written(with_key(make_client("s"), KEY_KINDS[alg], alg, kid="2026-11"))
    token = decoded(form["client_assertion"], KEY_KINDS[alg], alg)
    assert token.header == {"alg": alg, "typ": "JWT", "kid": "2026-11"}
    assert token.claims == {
        "iss": "billing-id",
        "sub": "billing-id",
        "aud": ENDPOINT,
        "jti": "00000000000000000000000000000001",
        "iat": IAT,
        "exp": IAT + 60,
    }


def test_eddsa_signs_under_the_name_that_servers_know(make_client):
    _, form = written(with_key(make_client("s"), "ed25519", "EdDSA"))
    message, _, signature = form["client_assertion"].rpartition(".")
    assert jws.extract_compact(form["client_assertion"].encode()).headers()["alg"] == "EdDSA"
    public = keys.private_key("ed25519").public_key()
    public.verify(urlsafe_b64decode(f"{signature}=="), message.encode())


def test_the_form_names_the_client_its_assertion_and_no_other_credentials(make_client):
    request, form = written(with_key(make_client("s")))
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "billing-id",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": form["client_assertion"],
        "scope": "orders.read orders.write",
    }
    assert "Authorization" not in dict(request.headers)


def test_no_assertion_is_sent_twice(make_client):
    client = with_key(make_client("s"))
    write = request_writer(client, client.targets[0])
    sent = [written(client, write=write)[1]["client_assertion"] for _ in range(50)]
    claims = [decoded(token).claims for token in sent]
    assert len({claim["jti"] for claim in claims}) == 50
    assert all(len(claim["jti"]) == 32 for claim in claims)


def test_an_audience_that_is_given_takes_the_place_of_the_endpoint(make_client):
    client = replace(with_key(make_client("s")), assertion_audience="https://login.example")
    assert decoded(written(client)[1]["client_assertion"]).claims["aud"] == "https://login.example"


def test_the_thumbprints_of_a_certificate_stand_in_the_header(make_client):
    thumbprints = (("x5t", "c2hhMQ"), ("x5t#S256", "c2hhMjU2"))
    _, form = written(with_key(make_client("s"), thumbprints=thumbprints))
    assert decoded(form["client_assertion"]).header == {
        "alg": "RS256",
        "typ": "JWT",
        **dict(thumbprints),
    }


def test_a_key_is_shown_by_no_repr(make_client):
    client = with_key(make_client("s"))
    number = str(keys.private_key("rsa").private_numbers().d)
    assert number not in repr(client)
    assert "Key" not in repr(client.signing_key).replace("SigningKey", "")


# -- client_secret_jwt


@pytest.mark.parametrize(
    ("named", "alg"), [("", "HS256"), ("HS256", "HS256"), ("HS384", "HS384"), ("HS512", "HS512")]
)
def test_a_secret_signs_and_is_never_sent(make_client, named, alg):
    secret = "a secret of more than sixty-four bytes, as HS512 wants it, and umlauts: äöü"
    client = replace(
        make_client("s", secret=secret, method=AuthMethod.CLIENT_SECRET_JWT), signing_alg=named
    )
    request, form = written(client)
    token = jwt.decode(form["client_assertion"], OctKey.import_key(secret), algorithms=[alg])
    assert token.header == {"alg": alg, "typ": "JWT"}
    assert token.claims["sub"] == token.claims["iss"] == "billing-id"
    assert secret.encode() not in request.body
    assert "client_secret" not in form


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("", id="empty"),
        pytest.param("s", id="short"),
        pytest.param("ssh-ed25519 AAAA", id="like the beginning of a public key"),
        pytest.param(
            keys.public_pem(keys.private_key("p256")).decode(), id="like a whole public key"
        ),
    ],
)
def test_a_secret_signs_whatever_the_server_chose_for_one(make_client, secret):
    client = make_client("s", secret=secret, method=AuthMethod.CLIENT_SECRET_JWT)
    message, _, signature = written(client)[1]["client_assertion"].rpartition(".")
    mac = hmac.digest(secret.encode(), message.encode(), "sha256")
    assert urlsafe_b64decode(f"{signature}=") == mac


# -- ready assertions


def test_a_ready_assertion_is_sent_as_it_is(make_client):
    client = replace(
        make_client("s", secret=None, method=AuthMethod.PRIVATE_KEY_JWT),
        assertion=Secret("ey.workload.token"),
    )
    _, form = written(client)
    assert form["client_assertion"] == "ey.workload.token"
    assert form["client_assertion_type"] == ASSERTION_TYPE
    assert form["client_id"] == "billing-id"


def test_an_assertion_that_is_renewed_in_its_file_is_read_again(make_client, tmp_path):
    path = Path(tmp_path / "token")
    path.write_text("first\n")
    client = replace(
        make_client("s", secret=None, method=AuthMethod.PRIVATE_KEY_JWT),
        assertion=RenewedSecret("first", path),
    )
    write = request_writer(client, client.targets[0])
    seen = [written(client, write=write)[1]["client_assertion"]]
    (tmp_path / "new").write_text("second\n")
    os.replace(tmp_path / "new", path)  # noqa: PTH105  # as kubelet does it
    seen.append(written(client, write=write)[1]["client_assertion"])
    path.unlink()
    seen.append(written(client, write=write)[1]["client_assertion"])
    path.write_text("third, of another length\n")
    seen.append(written(client, write=write)[1]["client_assertion"])
    assert seen == ["first", "second", "second", "third, of another length"]


# -- certificates


@pytest.mark.parametrize(
    "method", [AuthMethod.TLS_CLIENT_AUTH, AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH]
)
def test_a_client_with_a_certificate_only_names_itself(make_client, method):
    client = make_client("s", secret=None, method=method)
    client = replace(client, certificate=Certificate(Path("c.pem"), Path("k.pem")))
    request, form = written(client)
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "billing-id",
        "scope": "orders.read orders.write",
    }
    assert request.url == ENDPOINT


@pytest.mark.parametrize("method", [AuthMethod.TLS_CLIENT_AUTH, AuthMethod.CLIENT_SECRET_BASIC])
def test_who_shows_a_certificate_asks_at_the_endpoint_for_that(make_client, method):
    mtls = "https://mtls.login.example/token"
    client = make_client("s", method=method, mtls_token_endpoint=mtls)
    assert written(client)[0].url == ENDPOINT
    client = replace(client, certificate=Certificate(Path("c.pem"), Path("k.pem")))
    assert written(client)[0].url == mtls


def test_the_assertion_is_for_the_token_endpoint_wherever_tls_leads(make_client):
    client = with_key(make_client("s", mtls_token_endpoint="https://mtls.login.example/token"))
    client = replace(client, certificate=Certificate(Path("c.pem"), Path("k.pem")))
    assert decoded(written(client)[1]["client_assertion"]).claims["aud"] == ENDPOINT


# -- the JWT bearer grant


def bearer(client, **more):
    changed = {"auth_method": AuthMethod.NONE, "grant_type": GrantType.JWT_BEARER, **more}
    return replace(with_key(client, kid="google-kid"), **changed)


def test_the_jwt_bearer_grant_asks_for_scopes_inside_its_assertion(make_client):
    request, form = written(bearer(make_client("s"), subject="someone@corp.example"))
    assert form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": form["assertion"],
    }
    assert "Authorization" not in dict(request.headers)
    token = decoded(form["assertion"])
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": "google-kid"}
    assert token.claims == {
        "iss": "billing-id",
        "aud": ENDPOINT,
        "sub": "someone@corp.example",
        "scope": "orders.read orders.write",
        "jti": "00000000000000000000000000000001",
        "iat": IAT,
        "exp": IAT + LIFETIME,
    }


def test_without_scope_and_subject_the_claims_have_none(make_client):
    _, form = written(bearer(make_client("s")), question=Question(None))
    assert decoded(form["assertion"]).claims.keys() == {"iss", "aud", "jti", "iat", "exp"}


# -- DPoP


def test_a_proof_is_bound_to_its_request_and_verified_by_the_key_in_its_header(make_client):
    client = replace(make_client("s", token_endpoint=f"{ENDPOINT}?tenant=1"), binds_tokens=True)
    request, _ = written(client)
    proof = dict(request.headers)["DPoP"]
    header = jws.extract_compact(proof.encode()).headers()
    assert header["typ"] == "dpop+jwt"
    assert header["alg"] == "ES256"
    assert header["jwk"].keys() == {"kty", "crv", "x", "y"}
    claims = jwt.decode(proof, ECKey.import_key(header["jwk"]), algorithms=["ES256"]).claims
    assert claims == {
        "jti": "00000000000000000000000000000001",
        "htm": "POST",
        "htu": ENDPOINT,
        "iat": IAT,
    }


def test_all_proofs_of_a_writer_are_of_one_key_and_none_is_like_another(make_client):
    client = replace(make_client("s"), binds_tokens=True)
    write = request_writer(client, client.targets[0])
    proofs = [dict(write(ASKED).headers)["DPoP"] for _ in range(20)]
    headers = [jws.extract_compact(proof.encode()).headers()["jwk"] for proof in proofs]
    assert all(header == headers[0] for header in headers)
    assert len(set(proofs)) == 20


def test_no_proof_is_sent_unless_asked_for(make_client):
    client = make_client("s")
    write = request_writer(client, client.targets[0])
    assert write.prover is None
    assert "DPoP" not in dict(write(ASKED).headers)


def claims_of(proof):
    header = jws.extract_compact(proof.encode()).headers()
    return jwt.decode(proof, ECKey.import_key(header["jwk"]), algorithms=["ES256"]).claims


def told(nonce, status=400):
    return HttpResponse(status, CIMultiDict({"dpop-nonce": nonce}), b"")


def test_the_nonce_of_an_origin_is_repeated_to_it_until_it_gives_another():
    prover = DpopProver()
    api = "https://api.example/rights"
    assert prover.remember(ENDPOINT, told("one"))
    assert not prover.remember(ENDPOINT, told("one"))
    assert claims_of(prover.proof("POST", ENDPOINT))["nonce"] == "one"
    assert "nonce" not in claims_of(prover.proof("GET", api))
    assert prover.remember(ENDPOINT, told("two", status=200))
    assert prover.remember(api, told("other", status=401))
    assert claims_of(prover.proof("POST", "https://LOGIN.example/revoke"))["nonce"] == "two"
    assert claims_of(prover.proof("GET", api))["nonce"] == "other"
    assert claims_of(prover.proof("GET", api, nonce="given"))["nonce"] == "given"


def test_a_writers_next_request_has_the_nonce_that_its_prover_was_told(make_client):
    client = replace(make_client("s"), binds_tokens=True)
    write = request_writer(client, client.targets[0])
    write.prover.remember(ENDPOINT, told("one"))
    assert claims_of(dict(write(ASKED).headers)["DPoP"])["nonce"] == "one"


@pytest.mark.parametrize("nonce", ["", 'a"b', "a b", "a\\b", "ä", "a\r\nX: y", "n" * 2049])
def test_what_is_no_nonce_is_not_repeated(nonce):
    prover = DpopProver()
    assert not prover.remember(ENDPOINT, told(nonce))
    assert "nonce" not in claims_of(prover.proof("POST", ENDPOINT))


def test_a_response_without_a_nonce_changes_nothing():
    prover = DpopProver()
    prover.remember(ENDPOINT, told("one"))
    assert not prover.remember(ENDPOINT, HttpResponse(200, CIMultiDict(), b""))
    assert claims_of(prover.proof("POST", ENDPOINT))["nonce"] == "one"


def test_a_proof_for_a_resource_names_the_token_by_its_hash():
    """The value is that of RFC 9449 section 7.1."""
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    expected = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    assert thumbprint(token) == expected
    for end in ("?q=1#f", "#f", ""):
        url = f"https://api.example/r{end}"
        claims = claims_of(DpopProver().proof("GET", url, token=token))
        assert (claims["ath"], claims["htm"]) == (expected, "GET")
        assert claims["htu"] == "https://api.example/r"


@pytest.mark.parametrize("token", ["tökén", "\ud800"])
def test_a_token_that_no_server_should_send_can_be_hashed(token):
    assert len(thumbprint(token)) == 43


def test_a_prover_can_be_given_its_key():
    key = ephemeral_key()
    header = jws.extract_compact(DpopProver(key).proof("POST", ENDPOINT).encode()).headers()
    assert header["jwk"] == key.key.as_dict(private=False)


# -- other endpoints


def test_a_token_that_is_bound_to_a_key_is_shown_with_a_proof_of_it(make_client):
    client = replace(make_client("s"), binds_tokens=True)
    write = request_writer(client, client.targets[0])
    request = write.as_bearer("t-1", "GET", "https://api.example/rights", Purpose.RIGHTS)
    headers = dict(request.headers)
    assert headers["Authorization"] == "DPoP t-1"
    claims = claims_of(headers["DPoP"])
    assert (claims["htm"], claims["ath"]) == ("GET", thumbprint("t-1"))


@pytest.mark.parametrize(
    ("method", "form", "headers"),
    [
        (AuthMethod.CLIENT_SECRET_BASIC, [], ["Authorization"]),
        (AuthMethod.CLIENT_SECRET_POST, ["client_id", "client_secret"], []),
        (AuthMethod.CLIENT_SECRET_JWT, ["client_assertion", "client_assertion_type"], []),
        (AuthMethod.NONE, ["client_id"], []),
    ],
)
def test_credentials_for_other_requests_stand_in_one_place(make_client, method, form, headers):
    given = Authenticator(make_client("s", method=method)).authenticate()
    names = [name for name, _ in given.parameters]
    assert set(form) <= set(names)
    assert [name for name, _ in given.headers] == headers
    assert not (names and headers)
    assert "hunter2" not in repr(given)


# -- the program


def test_an_audit_signs_each_request_anew_and_writes_no_key_anywhere(tmp_path):
    key = keys.private_key("p256")
    (tmp_path / "key.pem").write_bytes(keys.pem(key))
    fast = 'rate = "1000/s"\nclient_rate = "1000/s"\nscopes = ["a", "b", "c"]'
    with raw_server() as server:
        (tmp_path / "clients.toml").write_text(
            f'[servers.s]\ntoken_endpoint = "{server.url}/t"\n{fast}\n'
            '[[clients]]\nname = "batch"\nserver = "s"\nclient_id = "batch"\n'
            'private_key = { file = "key.pem" }\ndpop_bound_access_tokens = true\n'
        )
        log = tmp_path / "log.json"
        result = scopeprobe(
            "audit", tmp_path / "clients.toml", "-o", tmp_path / "out", "--log-file", log, "-vv"
        )
    forms = [parse_qs(asked.form) for asked in server.asked]
    tokens = [form["client_assertion"][0] for form in forms]
    assert len(tokens) >= 5
    claims = [decoded(token, "p256", "ES256").claims for token in tokens]
    assert len({claim["jti"] for claim in claims}) == len(tokens)
    assert {claim["aud"] for claim in claims} == {f"{server.url}/t"}
    assert len({claims_of(asked.headers["dpop"])["jti"] for asked in server.asked}) == len(tokens)
    private = keys.jose(key).as_dict(private=True)["d"]
    written = result.stdout + result.stderr + log.read_text()
    written += "".join(path.read_text(errors="replace") for path in (tmp_path / "out").rglob("*.*"))
    assert not any(secret in written for secret in [private, *tokens])
