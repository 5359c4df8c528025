"""
RSA keys, checked without proving that their primes are prime.

That proof is what makes reading a key slow: 36 ms for 2048 bits, 250 ms for 4096. It guards those
who are given a key by an adversary. Here the key is the user's own, and what could go wrong with
it is that it is broken: then its numbers do not fit, or what it signs is not verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def is_sound(key: RSAPrivateKey) -> bool:
    """Tell whether the numbers of a key belong together and its signature is verified."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # slow, and rarely needed
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    numbers = key.private_numbers()
    public = numbers.public_numbers
    p, q, d = numbers.p, numbers.q, numbers.d
    is_odd = p % 2 == q % 2 == public.e % 2 == 1
    if not (is_odd and p > 1 and q > 1 and public.e > 1 and p * q == public.n):
        return False
    fits = (
        d * public.e % (p - 1) == 1
        and d * public.e % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp * q % p == 1
    )
    if not fits:
        return False
    try:
        signature = key.sign(b"sound", PKCS1v15(), SHA256())
        key.public_key().verify(signature, b"sound", PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def rsa_key_of(jwk: Mapping[str, object]) -> RSAPrivateKey:
    """
    Read a JWK (RFC 7518 section 6.3.2); without its primes they are computed.

    :raises ValueError, KeyError, TypeError, JoseError: it is no private RSA key.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415  # see above
    from joserfc.jwk import RSAKey  # noqa: PLC0415
    from joserfc.util import base64_to_int  # noqa: PLC0415

    RSAKey.validate_dict_key(dict(jwk))  # type: ignore[arg-type]  # this is what checks it
    if "oth" in jwk:
        raise ValueError("more than two primes")
    n, e, d = (base64_to_int(str(jwk[name])) for name in "ned")
    primes = (
        (base64_to_int(str(jwk["p"])), base64_to_int(str(jwk["q"])))
        if "p" in jwk
        else rsa.rsa_recover_prime_factors(n, e=e, d=d)
    )
    p, q = primes
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, n),
    ).private_key(unsafe_skip_rsa_key_validation=True)
