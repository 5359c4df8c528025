"""The way in which a client authenticates, and which keys of its entry belong to that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import ClientEntry, ClientKeys, DefaultsEntry
from scopeprobe.inputs.secrets import SecretSource
from scopeprobe.model.client import AuthMethod, Certificate, GrantType

SOURCES = ("client_secret", "private_key", "private_key_password", "assertion")
"""Keys that say where something secret is."""

_SIGNING = frozenset({"token_endpoint_auth_signing_alg", "assertion_audience"})
_KEY = frozenset({"private_key", "private_key_password", "kid", *_SIGNING})
_CERTIFICATE = frozenset({"tls_client_certificate", "tls_client_key", "private_key_password"})
"""Whatever the method is, a certificate can bind the tokens (RFC 8705 section 3)."""

_USED = {
    AuthMethod.CLIENT_SECRET_BASIC: frozenset({"client_secret"}),
    AuthMethod.CLIENT_SECRET_POST: frozenset({"client_secret"}),
    AuthMethod.CLIENT_SECRET_JWT: frozenset({"client_secret", *_SIGNING}),
    AuthMethod.PRIVATE_KEY_JWT: frozenset({"assertion", *_KEY}),
    AuthMethod.TLS_CLIENT_AUTH: frozenset[str](),
    AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH: frozenset[str](),
    AuthMethod.NONE: frozenset[str](),
}
_USED_BY_JWT_BEARER = frozenset({"subject", *_KEY})
_ALL = frozenset().union(*_USED.values(), _USED_BY_JWT_BEARER, _CERTIFICATE)


@dataclass(frozen=True, slots=True)
class AuthWay:
    method: AuthMethod
    grant_type: GrantType

    @property
    def uses(self) -> frozenset[str]:
        """The keys that this way has a use for."""
        if self.grant_type is GrantType.JWT_BEARER:
            return _USED_BY_JWT_BEARER | _CERTIFICATE
        return _USED[self.method] | _CERTIFICATE

    def __str__(self) -> str:
        if self.grant_type is GrantType.JWT_BEARER:
            return "grant_type is jwt-bearer"
        return f"token_endpoint_auth_method is {self.method.value}"


def way_of(entry: ClientEntry, defaults: DefaultsEntry) -> AuthWay:
    """
    Choose the method that is named, or else the one that the credentials are for.

    Where they tell nothing it is Basic, the default of RFC 7591 section 2.
    """
    grant_type = entry.grant_type or defaults.grant_type or GrantType.CLIENT_CREDENTIALS
    named = entry.token_endpoint_auth_method or defaults.token_endpoint_auth_method
    if grant_type is GrantType.JWT_BEARER:
        return AuthWay(entry.token_endpoint_auth_method or AuthMethod.NONE, grant_type)
    told = named or _method_told_by(entry) or _method_told_by(defaults)
    return AuthWay(told or AuthMethod.CLIENT_SECRET_BASIC, grant_type)


def _method_told_by(keys: ClientKeys) -> AuthMethod | None:
    if keys.private_key is not None or keys.assertion is not None:
        return AuthMethod.PRIVATE_KEY_JWT
    if keys.client_secret is not None:
        return AuthMethod.CLIENT_SECRET_BASIC
    if keys.tls_client_certificate is not None:
        return AuthMethod.TLS_CLIENT_AUTH
    return None


def sources_of(keys: ClientKeys, wanted: Collection[str]) -> dict[str, SecretSource]:
    """Name where the secrets of an entry are, as far as they are wanted."""
    sources = ((key, getattr(keys, key)) for key in SOURCES if key in wanted)
    return {key: source for key, source in sources if source is not None}


def certificate_of(entry: ClientKeys) -> Certificate | None:
    """Find the certificate; its key may be in the same file."""
    if entry.tls_client_certificate is None:
        return None
    return Certificate(
        entry.tls_client_certificate, entry.tls_client_key or entry.tls_client_certificate
    )


def check_way(
    way: AuthWay, entry: ClientEntry, whole: ClientEntry, place: Place, problems: Problems
) -> None:
    """
    Complain about credentials that are missing, and about those that have no use.

    Only the entry's own are complained about as useless: defaults may hold what others use.
    """
    for key in sorted(_ALL - way.uses):
        if getattr(entry, key) is not None:
            problems.error(place.at(key), f"is not used where {way}")
    _check_grant(way, place, problems)
    _check_needs(way, whole, place, problems)
    _check_companions(whole, place, problems)
    if whole.client_id is None and ("private_key" not in way.uses or whole.private_key is None):
        problems.error(place.at("client_id"), "is missing")


def _check_grant(way: AuthWay, place: Place, problems: Problems) -> None:
    if way.grant_type is GrantType.JWT_BEARER and way.method is not AuthMethod.NONE:
        problems.error(
            place.at("token_endpoint_auth_method"),
            "is not used where grant_type is jwt-bearer: its assertion says who the client is",
        )


def _check_needs(way: AuthWay, entry: ClientEntry, place: Place, problems: Problems) -> None:
    if "client_secret" in way.uses and entry.client_secret is None:
        problems.error(place.at("client_secret"), f"is missing: {way.method.value} needs one")
    if "private_key" in way.uses:
        _check_assertion(way, entry, place, problems)
    by_tls = {AuthMethod.TLS_CLIENT_AUTH, AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH}
    if way.method in by_tls and entry.tls_client_certificate is None:
        problems.error(
            place.at("tls_client_certificate"), f"is missing: {way.method.value} needs one"
        )
    alg = entry.token_endpoint_auth_signing_alg or "HS256"
    if way.method is AuthMethod.CLIENT_SECRET_JWT and not alg.startswith("HS"):
        problems.error(
            place.at("token_endpoint_auth_signing_alg"),
            "must be 'HS256', 'HS384' or 'HS512' where the client_secret signs",
        )


def _check_assertion(way: AuthWay, entry: ClientEntry, place: Place, problems: Problems) -> None:
    is_ready = "assertion" in way.uses and entry.assertion is not None
    if is_ready and entry.private_key is not None:
        problems.error(place.at("assertion"), "and private_key are given: one is enough")
    if not is_ready and entry.private_key is None:
        asker = "jwt-bearer" if way.grant_type is GrantType.JWT_BEARER else way.method.value
        other = ", or an assertion" if "assertion" in way.uses else ""
        problems.error(place.at("private_key"), f"is missing: {asker} needs one{other}")


def _check_companions(entry: ClientEntry, place: Place, problems: Problems) -> None:
    """Check keys that only say more of another one."""
    if entry.tls_client_key is not None and entry.tls_client_certificate is None:
        problems.error(place.at("tls_client_certificate"), "is missing: tls_client_key is there")
    is_locked = entry.private_key is not None or entry.tls_client_certificate is not None
    if entry.private_key_password is not None and not is_locked:
        problems.error(place.at("private_key_password"), "opens nothing: there is no private_key")
