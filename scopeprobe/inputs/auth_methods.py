"""How a client authenticates, and which keys of its entry that takes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import assert_never

from scopeprobe.inputs.precedence import nearest
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import SECRET_KEYS, ClientEntry, ClientKeys, DefaultsEntry
from scopeprobe.inputs.secrets import SecretSource
from scopeprobe.model.client import AuthMethod, Certificate, Credential, GrantType

_SIGNING = frozenset({"token_endpoint_auth_signing_alg", "assertion_audience"})
_PRIVATE_KEY = frozenset({"private_key", "private_key_password", "kid", *_SIGNING})
_CERTIFICATE = frozenset({"tls_client_certificate", "tls_client_key", "private_key_password"})
"""Useful with any method: a certificate can bind the tokens too (RFC 8705 section 3)."""


def keys_of(method: AuthMethod) -> frozenset[str]:
    """The keys of an entry that a method uses."""
    match method.credential:
        case Credential.SECRET:
            signing = _SIGNING if method.signs_assertion else frozenset[str]()
            return frozenset({"client_secret"}) | signing | _CERTIFICATE
        case Credential.PRIVATE_KEY:
            return frozenset({"assertion"}) | _PRIVATE_KEY | _CERTIFICATE
        case Credential.CERTIFICATE | None:
            return _CERTIFICATE
        case _:
            assert_never(method.credential)


_KEYS_OF_JWT_BEARER = frozenset({"subject"}) | _PRIVATE_KEY | _CERTIFICATE
_ALL_KEYS = _KEYS_OF_JWT_BEARER.union(*map(keys_of, AuthMethod))


@dataclass(frozen=True, slots=True)
class Authentication:
    """How a client authenticates: by a method, or by the assertion of the JWT bearer grant."""

    method: AuthMethod
    grant_type: GrantType

    @property
    def keys(self) -> frozenset[str]:
        """The keys of an entry that it uses."""
        is_bearer = self.grant_type is GrantType.JWT_BEARER
        return _KEYS_OF_JWT_BEARER if is_bearer else keys_of(self.method)

    def __str__(self) -> str:
        if self.grant_type is GrantType.JWT_BEARER:
            return "grant_type is jwt-bearer"
        return f"token_endpoint_auth_method is {self.method.value}"


def authentication_of(entry: ClientEntry, defaults: DefaultsEntry) -> Authentication:
    """
    Choose the method that is named, or else the one that the credentials are for.

    Where they tell nothing it is Basic, the default of RFC 7591 section 2.
    """
    grant_type = nearest(GrantType.CLIENT_CREDENTIALS, defaults.grant_type, entry.grant_type)
    if grant_type is GrantType.JWT_BEARER:
        return Authentication(entry.token_endpoint_auth_method or AuthMethod.NONE, grant_type)
    method = nearest(
        AuthMethod.CLIENT_SECRET_BASIC,
        _method_for_credentials(defaults),
        _method_for_credentials(entry),
        defaults.token_endpoint_auth_method,
        entry.token_endpoint_auth_method,
    )
    return Authentication(method, grant_type)


def _method_for_credentials(keys: ClientKeys) -> AuthMethod | None:
    """The first method for what is given; a certificate beside a secret binds the tokens only."""
    if keys.private_key is not None or keys.assertion is not None:
        credential = Credential.PRIVATE_KEY
    elif keys.client_secret is not None:
        credential = Credential.SECRET
    elif keys.tls_client_certificate is not None:
        credential = Credential.CERTIFICATE
    else:
        return None
    return next(method for method in AuthMethod if method.credential is credential)


def secret_sources(keys: ClientKeys, wanted: Collection[str]) -> dict[str, SecretSource]:
    """The sources of an entry's secrets, by key, as far as they are wanted."""
    sources = ((key, getattr(keys, key)) for key in SECRET_KEYS if key in wanted)
    return {key: source for key, source in sources if source is not None}


def certificate_of(entry: ClientKeys) -> Certificate | None:
    """The certificate of an entry; its key may be in the same file."""
    if entry.tls_client_certificate is None:
        return None
    return Certificate(
        entry.tls_client_certificate, entry.tls_client_key or entry.tls_client_certificate
    )


def check_credentials(
    authentication: Authentication,
    entry: ClientEntry,
    whole: ClientEntry,
    place: Place,
    problems: Problems,
) -> None:
    """
    Add an error for each credential that is missing, and for each that is of no use.

    Only the entry's own may be useless: defaults may hold what other clients use.

    :param whole: the entry with what it takes from the defaults.
    """
    for key in sorted(_ALL_KEYS - authentication.keys):
        if getattr(entry, key) is not None:
            problems.error(place.at(key), f"is not used where {authentication}")
    if authentication.grant_type is GrantType.JWT_BEARER:
        _check_bearer(authentication, whole, place, problems)
    else:
        _check_method(authentication.method, whole, place, problems)
    _check_companions(whole, place, problems)
    is_told_by_key = "private_key" in authentication.keys and whole.private_key is not None
    if whole.client_id is None and not is_told_by_key:
        problems.error(place.at("client_id"), "is missing: add it")


def _check_bearer(
    authentication: Authentication, entry: ClientEntry, place: Place, problems: Problems
) -> None:
    if authentication.method is not AuthMethod.NONE:
        problems.error(
            place.at("token_endpoint_auth_method"),
            "is not used where grant_type is jwt-bearer: its assertion says who the client is",
        )
    if entry.private_key is None:
        problems.error(place.at("private_key"), "is missing: jwt-bearer needs one")


def _check_method(method: AuthMethod, entry: ClientEntry, place: Place, problems: Problems) -> None:
    match method.credential:
        case Credential.SECRET:
            if entry.client_secret is None:
                problems.error(
                    place.at("client_secret"),
                    f'is missing: {method.value} needs one, such as {{ env = "NAME" }}',
                )
            if method.signs_assertion:
                _check_hmac(entry, place, problems)
        case Credential.PRIVATE_KEY:
            _check_key_or_assertion(method, entry, place, problems)
        case Credential.CERTIFICATE:
            if entry.tls_client_certificate is None:
                problems.error(
                    place.at("tls_client_certificate"), f"is missing: {method.value} needs one"
                )
        case None:
            pass
        case _:
            assert_never(method.credential)


def _check_hmac(entry: ClientEntry, place: Place, problems: Problems) -> None:
    if not (entry.token_endpoint_auth_signing_alg or "HS256").startswith("HS"):
        problems.error(
            place.at("token_endpoint_auth_signing_alg"),
            "must be 'HS256', 'HS384' or 'HS512' where the client_secret signs",
        )


def _check_key_or_assertion(
    method: AuthMethod, entry: ClientEntry, place: Place, problems: Problems
) -> None:
    if entry.assertion is not None and entry.private_key is not None:
        problems.error(place.at("assertion"), "and private_key are given: one is enough")
    if entry.assertion is None and entry.private_key is None:
        problems.error(
            place.at("private_key"), f"is missing: {method.value} needs one, or an assertion"
        )


def _check_companions(entry: ClientEntry, place: Place, problems: Problems) -> None:
    """Check keys that only add to another one."""
    if entry.tls_client_key is not None and entry.tls_client_certificate is None:
        problems.error(place.at("tls_client_certificate"), "is missing: tls_client_key is there")
    is_locked = entry.private_key is not None or entry.tls_client_certificate is not None
    if entry.private_key_password is not None and not is_locked:
        problems.error(place.at("private_key_password"), "opens nothing: there is no private_key")
