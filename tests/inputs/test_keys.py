"""Keys and certificates of clients files: every form is read, every fault is told without it."""

import json
import re
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import keyring
import keys
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.util import int_to_base64
from keyring.backend import KeyringBackend

from scopeprobe.errors import InputError
from scopeprobe.inputs import read_clients
from scopeprobe.model.client import AuthMethod, GrantType
from scopeprobe.reports.inventory import inventory_json

SECRET = "a-client-secret-of-32-bytes-or-more"
PASSWORD = "opens-the-key"
ENVIRONMENT = {"SECRET": SECRET, "PASSWORD": PASSWORD}
SERVER = """
[servers.corp]
token_endpoint = "https://login.corp.example/token"
scopes = ["invoices.read"]
"""
WITH_KEY = 'private_key = { file = "key" }'
LOCKED = f'{WITH_KEY}\nprivate_key_password = {{ env = "PASSWORD" }}'

pytestmark = pytest.mark.usefixtures("_folder")


def client_text(more, *, name="billing", client_id='client_id = "billing"'):
    return f'[[clients]]\nname = "{name}"\nserver = "corp"\n{client_id}\n{more}\n'


def read(text, *, environment=ENVIRONMENT, defaults=""):
    path = Path("clients.toml")
    path.write_text(defaults + SERVER + text)
    path.chmod(0o600)
    return read_clients([path], environment=environment)


def client_of(more, **options):
    [client] = read(client_text(more, **options)).clients
    return client


def complaints_of(more, **options):
    with pytest.raises(InputError) as caught:
        read(client_text(more, **options))
    said = (re.fullmatch(r"clients\.toml:\d+ \S+: (.*)", text) for text in caught.value.messages)
    return [found[1] for found in said]


def write_key(data, name="key"):
    Path(name).write_bytes(data)


def same(client, key):
    """The key that was read signs what the other verifies."""
    return client.signing_key.key.as_dict(private=False) == keys.jose(key).as_dict(private=False)


# -- forms of a key

FORMS = [
    pytest.param(keys.pem, "", id="pkcs8"),
    pytest.param(keys.pkcs1, "", id="pkcs1"),
    pytest.param(lambda key: keys.pem(key, PASSWORD), PASSWORD, id="pkcs8-encrypted"),
    pytest.param(lambda key: keys.pkcs1(key, PASSWORD), PASSWORD, id="pkcs1-encrypted"),
    pytest.param(lambda key: b"Bag Attributes\n" + keys.pem(key), "", id="pem-with-a-preface"),
    pytest.param(keys.jwk, "", id="jwk"),
    pytest.param(lambda key: keys.p12(key, keys.certificate(key), PASSWORD), PASSWORD, id="p12"),
    pytest.param(lambda key: keys.p12(key, None, ""), "", id="p12-bare"),
    pytest.param(
        lambda key: b64encode(keys.p12(key, keys.certificate(key), PASSWORD)), PASSWORD, id="base64"
    ),
]


@pytest.mark.parametrize(("write", "password"), FORMS)
@pytest.mark.parametrize(("kind", "alg"), [("rsa", "RS256"), ("p256", "ES256")])
def test_a_key_is_read_from_whatever_holds_it(kind, alg, write, password):
    write_key(write(keys.private_key(kind)))
    client = client_of(LOCKED if password else WITH_KEY)
    assert same(client, keys.private_key(kind))
    assert client.signing_key.alg == alg
    assert client.auth_method is AuthMethod.PRIVATE_KEY_JWT


@pytest.mark.parametrize("write", [keys.pem, keys.jwk])
@pytest.mark.parametrize(
    ("kind", "alg"),
    [("p384", "ES384"), ("p521", "ES512"), ("ed25519", "EdDSA"), ("ed448", "EdDSA")],
)
def test_the_algorithm_is_that_of_the_key(kind, alg, write):
    write_key(write(keys.private_key(kind)))
    client = client_of(WITH_KEY)
    assert same(client, keys.private_key(kind))
    assert client.signing_key.alg == alg


def test_the_algorithm_that_is_named_goes_before_that_of_the_jwk():
    write_key(keys.jwk(keys.private_key(), alg="PS384", kid="2026", use="sig"))
    assert client_of(WITH_KEY).signing_key.alg == "PS384"
    named = client_of(f'{WITH_KEY}\ntoken_endpoint_auth_signing_alg = "PS256"')
    assert named.signing_key.alg == "PS256"


def test_the_kid_that_is_named_goes_before_that_of_the_key():
    write_key(keys.jwk(keys.private_key(), kid="own"))
    text = client_text(WITH_KEY, name="a") + client_text(f'{WITH_KEY}\nkid = "named"', name="b")
    assert [client.signing_key.kid for client in read(text).clients] == ["own", "named"]


def test_a_jwk_without_its_primes_is_read():
    whole = json.loads(keys.jwk(keys.private_key()))
    write_key(json.dumps({name: whole[name] for name in ("kty", "n", "e", "d")}).encode())
    assert same(client_of(WITH_KEY), keys.private_key())


@pytest.mark.parametrize("form", ["p12", "pem"])
def test_a_certificate_beside_the_key_gives_its_thumbprints(form):
    key, other = keys.private_key(), keys.private_key("p256")
    own = keys.certificate(key)
    if form == "p12":
        write_key(keys.p12(key, own, PASSWORD))
    else:
        issuer = keys.certificate_pem(keys.certificate(other))
        write_key(issuer + keys.certificate_pem(own) + keys.pem(key, PASSWORD))
    expected = urlsafe_b64encode(own.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    thumbprints = dict(client_of(LOCKED).signing_key.thumbprints)
    assert thumbprints["x5t#S256"] == expected
    assert len(thumbprints["x5t"]) == 27


def test_a_service_account_brings_its_own_names():
    write_key(keys.service_account(keys.private_key()))
    client = client_of(f'{WITH_KEY}\ngrant_type = "jwt-bearer"\nsubject = "a@b"', client_id="")
    assert client.client_id == "robot@project.iam.gserviceaccount.com"
    assert client.signing_key.kid == "google-kid"
    assert (client.grant_type, client.subject) == (GrantType.JWT_BEARER, "a@b")
    assert client.auth_method is AuthMethod.NONE


@pytest.mark.parametrize(
    "source",
    [
        '{ env = "KEY" }',
        f"{{ command = [{json.dumps(sys.executable)}, '-c', \"print(open('key').read())\"] }}",
    ],
)
def test_a_key_comes_from_the_environment_or_a_command_too(source):
    key = keys.private_key("p256")
    write_key(keys.pem(key))
    environment = {"KEY": keys.pem(key).decode()}
    [client] = read(client_text(f"private_key = {source}"), environment=environment).clients
    assert same(client, key)


# -- keys that cannot be used


def small():
    return rsa.generate_private_key(65537, 1024)  # this is what is refused


def small_jwk():
    numbers = small().private_numbers()
    members = {"n": numbers.public_numbers.n, "e": numbers.public_numbers.e, "d": numbers.d}
    encoded = {name: int_to_base64(number) for name, number in members.items()}
    return json.dumps({"kty": "RSA", **encoded}).encode()


def torn():
    """A JWK whose numbers come from two keys."""
    one, other = (json.loads(keys.jwk(rsa.generate_private_key(65537, 2048))) for _ in "ab")
    return json.dumps({**one, "d": other["d"]}).encode()


def openssh():
    return keys.private_key("ed25519").private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )


def koblitz():
    return keys.pem(ec.generate_private_key(ec.SECP256K1()))


RSA = keys.private_key
BAD_KEYS = [
    ("garbage", lambda: b"\x00\x01", WITH_KEY, "cannot be read, or private_key_password does not"),
    ("empty", lambda: b"", WITH_KEY, "cannot be read"),
    (
        "broken pem",
        lambda: keys.pem(RSA())[:300],
        WITH_KEY,
        "is not a private key that can be read",
    ),
    ("public", lambda: keys.public_pem(RSA()), WITH_KEY, "holds no private key"),
    (
        "certificate",
        lambda: keys.certificate_pem(keys.certificate(RSA())),
        WITH_KEY,
        "holds no private key",
    ),
    ("locked", lambda: keys.pem(RSA(), "x"), WITH_KEY, "is encrypted: give private_key_password"),
    (
        "locked pkcs1",
        lambda: keys.pkcs1(RSA(), "x"),
        WITH_KEY,
        "is encrypted: give private_key_pas",
    ),
    (
        "other password",
        lambda: keys.pem(RSA(), "x"),
        LOCKED,
        "is not a private key that can be read",
    ),
    (
        "other password of p12",
        lambda: keys.p12(RSA(), None, "x"),
        LOCKED,
        "cannot be read, or private_key_password does not open it",
    ),
    ("openssh", openssh, WITH_KEY, "is an OpenSSH key: `ssh-keygen -p -m PKCS8"),
    ("small", lambda: keys.pem(small()), WITH_KEY, "is an RSA key of less than 2048 bits"),
    ("small jwk", small_jwk, WITH_KEY, "is an RSA key of less than 2048 bits"),
    ("torn", torn, WITH_KEY, "is an RSA key whose numbers do not belong together"),
    ("other curve", koblitz, WITH_KEY, "is of a type that signs no JWT"),
    ("json", lambda: b'{"a": 1}', WITH_KEY, "is not a private key: give PEM, JWK"),
    ("no json", lambda: b"{-----BEGIN", WITH_KEY, "is not valid JSON"),
    ("jwk set", lambda: b'{"keys": []}', WITH_KEY, "is a set of keys: give one JWK of it"),
    (
        "public jwk",
        lambda: json.dumps(keys.jose(RSA()).as_dict(private=False)).encode(),
        WITH_KEY,
        "is a public key (it has no `d`)",
    ),
    ("symmetric", lambda: b'{"kty": "oct", "k": "eA"}', WITH_KEY, "is a symmetric key"),
    ("halved jwk", lambda: b'{"kty": "RSA", "d": "eA"}', WITH_KEY, "is not a JWK that can sign"),
    ("odd jwk", lambda: b'{"kty": "XYZ", "d": "eA"}', WITH_KEY, "has a `kty` that is not RSA"),
    ("for encryption", lambda: keys.jwk(RSA(), use="enc"), WITH_KEY, "is a JWK for encryption"),
    (
        "for verifying",
        lambda: keys.jwk(RSA("p256"), key_ops=["verify"]),
        WITH_KEY,
        "is not a JWK that can sign",
    ),
    (
        "unfit",
        lambda: keys.pem(RSA("p256")),
        f'{WITH_KEY}\ntoken_endpoint_auth_signing_alg = "RS256"',
        "RS256 is not for a key of this type: ES256",
    ),
    (
        "hmac",
        lambda: keys.pem(RSA()),
        f'{WITH_KEY}\ntoken_endpoint_auth_signing_alg = "HS256"',
        "HS256 is not for a key of this type: RS256",
    ),
]


@pytest.mark.parametrize(
    ("make", "more", "message"), [pytest.param(*row, id=name) for name, *row in BAD_KEYS]
)
def test_a_key_that_cannot_be_used_is_told_with_its_cure_and_never_shown(make, more, message):
    data = make()
    write_key(data)
    [said] = complaints_of(more)
    assert said.startswith(f"private_key: {message}")
    pieces = {data[at : at + 12] for at in range(40, len(data) - 12, 8)}
    assert not any(piece in said.encode() for piece in pieces)


def test_the_cause_of_a_refused_key_is_not_carried_along():
    write_key(keys.pem(keys.private_key())[:300])
    with pytest.raises(InputError) as caught:
        read(client_text(WITH_KEY))
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_oversized_or_torn_key_does_not_hide_what_else_is_wrong():
    kid, key = complaints_of('private_key = { file = "nowhere" }\nkid = ""')
    assert kid == "kid: is empty"
    assert key.startswith("private_key: the file cannot be read: No such file or directory")


# -- which credentials a method needs

NO_USE = "is not used where token_endpoint_auth_method is"
NEEDS = [
    ("private_key_jwt", "", "private_key: is missing: private_key_jwt needs one, or an assertion"),
    ("client_secret_jwt", "", "client_secret: is missing: client_secret_jwt needs one"),
    ("tls_client_auth", "", "tls_client_certificate: is missing: tls_client_auth needs one"),
    (
        "self_signed_tls_client_auth",
        "",
        "tls_client_certificate: is missing: self_signed_tls_client_auth needs one",
    ),
    (
        "private_key_jwt",
        f'{WITH_KEY}\nclient_secret = {{ env = "SECRET" }}',
        f"client_secret: {NO_USE} private_key_jwt",
    ),
    (
        "client_secret_basic",
        f'{WITH_KEY}\nclient_secret = {{ env = "SECRET" }}',
        f"private_key: {NO_USE} client_secret_basic",
    ),
    (
        "client_secret_post",
        'kid = "x"\nclient_secret = { env = "SECRET" }',
        f"kid: {NO_USE} client_secret_post",
    ),
    ("none", 'assertion = { env = "SECRET" }', f"assertion: {NO_USE} none"),
    ("none", 'subject = "x"', f"subject: {NO_USE} none"),
    (
        "private_key_jwt",
        f'{WITH_KEY}\nassertion = {{ env = "SECRET" }}',
        "assertion: and private_key are given: one is enough",
    ),
    (
        "client_secret_jwt",
        'client_secret = { env = "SECRET" }\ntoken_endpoint_auth_signing_alg = "RS256"',
        "token_endpoint_auth_signing_alg: must be 'HS256', 'HS384' or 'HS512'",
    ),
    (
        "client_secret_jwt",
        'client_secret = { env = "SECRET" }\ntoken_endpoint_auth_signing_alg = "none"',
        "token_endpoint_auth_signing_alg: must be 'HS256', 'HS384'",
    ),
    ("none", 'private_key_password = { env = "PASSWORD" }', "private_key_password: opens nothing"),
    ("none", 'tls_client_key = "key"', "tls_client_certificate: is missing: tls_client_key is"),
    ("none", 'grant_type = "password"', "grant_type: must be 'client_credentials' or"),
    (
        "private_key_jwt",
        f'{WITH_KEY}\ngrant_type = "jwt-bearer"',
        "token_endpoint_auth_method: is not used where grant_type is jwt-bearer",
    ),
    ("none", 'grant_type = "jwt-bearer"', "private_key: is missing: jwt-bearer needs one"),
    (
        "none",
        f'{WITH_KEY}\ngrant_type = "jwt-bearer"\nclient_secret = {{ env = "SECRET" }}',
        "client_secret: is not used where grant_type is jwt-bearer",
    ),
]


@pytest.mark.parametrize(("method", "more", "message"), NEEDS)
def test_a_method_without_its_credentials_or_with_those_of_another_is_told(method, more, message):
    write_key(keys.pem(keys.private_key()))
    [said] = complaints_of(f'token_endpoint_auth_method = "{method}"\n{more}')
    assert said.startswith(message)


def test_a_client_id_is_missing_unless_the_key_brings_it():
    write_key(keys.pem(keys.private_key()))
    assert complaints_of(WITH_KEY, client_id="") == ["client_id: is missing: add it"]
    assert complaints_of('client_secret = { env = "SECRET" }', client_id="") == [
        "client_id: is missing: add it"
    ]


@pytest.mark.parametrize(
    ("more", "method"),
    [
        (WITH_KEY, AuthMethod.PRIVATE_KEY_JWT),
        ('assertion = { file = "key" }', AuthMethod.PRIVATE_KEY_JWT),
        ('tls_client_certificate = "cert"\ntls_client_key = "key"', AuthMethod.TLS_CLIENT_AUTH),
        ('tls_client_certificate = "both"', AuthMethod.TLS_CLIENT_AUTH),
        (
            'tls_client_certificate = "both"\nclient_secret = { env = "SECRET" }',
            AuthMethod.CLIENT_SECRET_BASIC,
        ),
        ('client_secret = { env = "SECRET" }', AuthMethod.CLIENT_SECRET_BASIC),
    ],
)
def test_where_no_method_is_named_the_credentials_tell_it(more, method):
    write_identity()
    assert client_of(more).auth_method is method


@pytest.mark.parametrize(
    "source", ['{ env = "SECRET" }', '{ file = "ready.jwt" }', '{ command = ["cat", "ready.jwt"] }']
)
def test_an_assertion_that_another_signed_is_taken_as_it_is(source):
    """Only a file may be written anew while a run goes on."""
    Path("ready.jwt").write_text(ENVIRONMENT["SECRET"])
    assertion = client_of(f"assertion = {source}").assertion
    assert assertion.reveal() == ENVIRONMENT["SECRET"]
    Path("ready.jwt").write_text("renewed")
    assert assertion.reveal() == ("renewed" if "file" in source else ENVIRONMENT["SECRET"])


def test_what_the_defaults_hold_for_others_is_not_looked_up_for_one_that_needs_it_not():
    write_key(keys.pem(keys.private_key()))
    defaults = '[defaults]\nclient_secret = { env = "NOWHERE" }\n'
    [client] = read(client_text(WITH_KEY), defaults=defaults).clients
    assert (client.auth_method, client.secret) == (AuthMethod.PRIVATE_KEY_JWT, None)


@pytest.mark.parametrize(
    ("alg", "length", "is_told"),
    [("HS256", 31, True), ("HS256", 32, False), ("HS512", 63, True), ("HS512", 64, False)],
)
def test_a_secret_that_is_short_for_signing_is_told(alg, length, is_told):
    more = 'token_endpoint_auth_method = "client_secret_jwt"\nclient_secret = { env = "SECRET" }\n'
    more += f'token_endpoint_auth_signing_alg = "{alg}"'
    notices = read(client_text(more), environment={"SECRET": "x" * length}).notices
    assert [f"bytes that {alg} needs" in said for said in notices] == [True] * is_told


def test_dpop_is_a_matter_of_the_client():
    more = 'client_secret = { env = "SECRET" }\ndpop_bound_access_tokens = true'
    assert client_of(more).binds_tokens
    assert not client_of('client_secret = { env = "SECRET" }').binds_tokens


# -- certificates


def write_identity(password=None):
    key = keys.private_key("p256")
    own = keys.certificate_pem(keys.certificate(key))
    write_key(keys.pem(key, password))
    write_key(own, "cert")
    write_key(own + keys.pem(key, password), "both")


PAIR = 'tls_client_certificate = "cert"\ntls_client_key = "key"'


def test_a_certificate_is_loaded_with_its_key():
    write_identity()
    certificate = client_of(PAIR).certificate
    assert (certificate.certificate, certificate.key) == (Path("cert"), Path("key"))
    assert certificate.password is None


def test_a_locked_key_of_a_certificate_is_opened():
    write_identity(PASSWORD)
    certificate = client_of(f'{PAIR}\nprivate_key_password = {{ env = "PASSWORD" }}').certificate
    assert certificate.password.reveal() == PASSWORD
    assert PASSWORD not in repr(certificate)


@pytest.mark.parametrize("password", ["another", None])
def test_a_locked_key_without_its_password_is_told_and_nobody_is_asked(password):
    write_identity("another-password")
    more = PAIR + ('\nprivate_key_password = { env = "PASSWORD" }' if password else "")
    [said] = complaints_of(more)
    assert said.startswith(
        'tls_client_certificate "cert": cannot be used: it and tls_client_key must'
    )


def test_a_key_of_another_certificate_is_told():
    write_identity()
    write_key(keys.pem(keys.private_key("rsa")))
    [said] = complaints_of(PAIR)
    assert said.startswith('tls_client_certificate "cert": ')
    write_key(keys.pem(ec.generate_private_key(ec.SECP256R1())))
    assert complaints_of(PAIR) == [
        'tls_client_certificate "cert": and tls_client_key do not belong together'
    ]


def test_a_certificate_that_is_none_is_told():
    write_identity()
    write_key(b"no certificate", "cert")
    [said] = complaints_of(PAIR)
    assert "must be PEM" in said
    assert complaints_of('tls_client_certificate = "nowhere"\ntls_client_key = "key"')[
        0
    ].startswith('tls_client_certificate "nowhere": there is no such file')


# -- the keyring


def keyring_of(**entries):
    """A keyring of a test: the real package, with a backend that holds these entries."""

    class Backend(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return entries.get(f"{service}/{username}".replace("/", "_"))

        def set_password(self, service, username, password):
            raise NotImplementedError

    previous = keyring.get_keyring()
    keyring.set_keyring(Backend())
    return lambda: keyring.set_keyring(previous)


@pytest.fixture
def _keyring():
    restore = keyring_of(corp_billing=SECRET, corp_eu_billing="in the south of the union")
    yield
    restore()


@pytest.mark.usefixtures("_keyring")
@pytest.mark.parametrize(
    ("entry", "secret"),
    [("corp/billing", SECRET), ("corp/eu/billing", "in the south of the union")],
)
def test_a_secret_comes_from_the_keyring(entry, secret):
    assert client_of(f'client_secret = {{ keyring = "{entry}" }}').secret.reveal() == secret


@pytest.mark.usefixtures("_keyring")
def test_an_entry_that_the_keyring_has_not_is_told():
    assert complaints_of('client_secret = { keyring = "corp/nobody" }') == [
        "client_secret: the keyring has no such entry"
    ]


@pytest.mark.parametrize("entry", ["billing", "/billing", "corp/", ""])
def test_an_entry_without_service_or_user_is_told(entry):
    [said] = complaints_of(f'client_secret = {{ keyring = "{entry}" }}')
    assert '{ keyring = "SERVICE/USER" }' in said


def test_a_keyring_that_is_not_installed_is_told_with_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert complaints_of('client_secret = { keyring = "corp/billing" }') == [
        "client_secret: keyring is not installed: pip install 'scopeprobe[keyring]'"
    ]


# -- what is shown, and what it costs


def test_the_inventory_names_the_algorithm_and_never_the_key():
    write_key(keys.jwk(keys.private_key(), alg="PS256"))
    text = client_text(WITH_KEY, name="key") + client_text(
        'token_endpoint_auth_method = "client_secret_jwt"\nclient_secret = { env = "SECRET" }',
        name="secret",
    )
    shown = inventory_json(read(text).clients)
    assert [
        client["token_endpoint_auth_signing_alg"] for client in json.loads(shown)["clients"]
    ] == ["PS256", "HS256"]
    private = json.loads(keys.jwk(keys.private_key()))
    assert not any(private[name] in shown for name in ("d", "p", "q"))


def test_a_key_that_a_thousand_clients_share_is_parsed_once():
    write_key(keys.pem(keys.private_key(), PASSWORD))  # opening it takes 10 ms or more
    text = "".join(client_text(LOCKED, name=f"c{n}") for n in range(1000))
    fleet = read(text)
    assert len({id(client.signing_key.key) for client in fleet.clients}) == 1


def test_many_different_keys_are_parsed_within_a_moment():
    """Checked as OpenSSL does by default, each would take 36 ms."""
    for n in range(20):
        write_key(keys.pem(rsa.generate_private_key(65537, 2048)), f"key{n}")
    text = "".join(
        client_text(f'private_key = {{ file = "key{n}" }}', name=f"c{n}") for n in range(20)
    )
    read(text)
    started = time.process_time()
    assert len({id(client.signing_key.key) for client in read(text).clients}) == 20
    took = (time.process_time() - started) / 20
    print(f"{1000 * took:.1f} ms a key")
    assert took < 0.02, "a tenth of this on a quiet machine"
