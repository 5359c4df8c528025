"""
What our client assertions cost, beside a bare joserfc loop over the same claims.

    python tests/bench/signing.py [ASSERTIONS]

Prints assertions per second of both and their ratio; the machine is shared, so the ratio counts.
Ends with exit code 1 where ours is slower than nine tenths of the bare loop.
"""

import secrets
import sys
import time
from statistics import median

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from scopeprobe.model.client import AuthMethod, Client, ClientName, SigningKey, Target
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId, Endpoints, Server
from scopeprobe.oauth.client_auth import Authenticator

URL = "https://login.example/token"
ROUNDS = 7
LEAST = 0.9
SECRET = "a-secret-of-thirty-two-characters"
KEYS = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "HS256": lambda: OctKey.import_key(SECRET),
}


def bare(key, alg, count):
    """What one would write with joserfc alone."""
    for _ in range(count):
        now = int(time.time())
        claims = {"iss": "c", "sub": "c", "aud": URL, "jti": secrets.token_hex(16)}
        jwt.encode({"alg": alg, "kid": "k"}, claims | {"iat": now, "exp": now + 60}, key, [alg])


def ours(key, alg, count):
    has_secret = alg.startswith("HS")
    client = Client(
        ClientName("c"),
        ClientId("c"),
        Server("s", Endpoints(URL)),
        Secret(SECRET) if has_secret else None,
        AuthMethod.CLIENT_SECRET_JWT if has_secret else AuthMethod.PRIVATE_KEY_JWT,
        (Target((Scope("s"),)),),
        signing_key=None if has_secret else SigningKey(key, alg, "k"),
    )
    authenticator = Authenticator(client)
    for _ in range(count):
        authenticator.authenticate()


def seconds(loop, *arguments):
    began = time.process_time()
    loop(*arguments)
    return time.process_time() - began


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    ratios = []
    print("alg       bare/s    ours/s  ratio")
    for alg, generate in KEYS.items():
        key = generate()
        bare(key, alg, 10)
        ours(key, alg, 10)
        pairs = [
            (seconds(bare, key, alg, count), seconds(ours, key, alg, count)) for _ in range(ROUNDS)
        ]
        ratios.append(median(alone / with_us for alone, with_us in pairs))
        rates = (count / median(column) for column in zip(*pairs, strict=True))
        print(f"{alg} {next(rates):10.0f} {next(rates):9.0f} {ratios[-1]:6.2f}")
    sys.exit(min(ratios) < LEAST)


if __name__ == "__main__":
    main()
