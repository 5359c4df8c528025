"""The credentials of a fleet: looked up, parsed, and given to their clients."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from scopeprobe.inputs.client_builder import ClientDraft, token_params_key
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.request_values import one_secret
from scopeprobe.inputs.schema import is_header_value
from scopeprobe.inputs.secrets import (
    CommandSecret,
    FileSecret,
    KeyringSecret,
    RawSecret,
    RenewedSecret,
    SecretSource,
    UnusableSecret,
    look_up_all,
)
from scopeprobe.inputs.server_builder import HEADERS, INTROSPECTION_SECRET
from scopeprobe.model.client import Certificate, Client
from scopeprobe.model.secret import RequestValue, Secret
from scopeprobe.model.server import ClientId

if TYPE_CHECKING:
    from scopeprobe.inputs.keys import ParsedKey, UnusableKey

FoundSecrets: TypeAlias = Mapping[SecretSource, RawSecret]
_KeyContent: TypeAlias = tuple[bytes, str | None, str]


@dataclass(frozen=True, slots=True)
class ClientWithSecrets:
    """A client with its credentials, and where it was defined."""

    place: Place
    client: Client
    names_encoding: bool

    @property
    def secret(self) -> str:
        return self.client.secret.reveal() if self.client.secret else ""


def look_up_secrets(
    drafts: Sequence[ClientDraft], environment: Mapping[str, str], problems: Problems
) -> FoundSecrets:
    """
    Look up all secrets, each source once.

    Commands and the keyring, which take time or ask somebody, wait until all else is right.
    """
    wanted = [
        _WantedSecret(draft.place.at(key), key, source)
        for draft in drafts
        for key, source in draft.sources.items()
    ]
    found = dict(_look_up([one for one in wanted if not one.comes_last], environment, problems))
    if not problems.errors:
        found |= _look_up([one for one in wanted if one.comes_last], environment, problems)
    return found


@dataclass(frozen=True, slots=True)
class _WantedSecret:
    place: Place
    key: str
    source: SecretSource

    @property
    def comes_last(self) -> bool:
        return isinstance(self.source, CommandSecret | KeyringSecret)

    def fault_of(self, outcome: RawSecret | UnusableSecret) -> UnusableSecret | None:
        """What is wrong with what was found: only a private key may be something else than text."""
        if isinstance(outcome, RawSecret) and self.key != "private_key":
            text = outcome.text()
            return text if isinstance(text, UnusableSecret) else None
        return outcome if isinstance(outcome, UnusableSecret) else None


def _look_up(
    wanted: Sequence[_WantedSecret], environment: Mapping[str, str], problems: Problems
) -> Iterator[tuple[SecretSource, RawSecret]]:
    outcomes = look_up_all((one.source for one in wanted), environment)
    for one in wanted:
        outcome = outcomes[one.source]
        if fault := one.fault_of(outcome):
            problems.error(one.place, fault.why)
        elif isinstance(outcome, RawSecret):
            yield one.source, outcome


def with_secrets(
    drafts: Iterable[ClientDraft], found: FoundSecrets, problems: Problems
) -> list[ClientWithSecrets]:
    """Give every client its credentials, as far as they were found and can be used."""
    giver = _SecretsGiver(found, problems)
    return [giver.with_secrets(draft, draft.client) for draft in drafts if draft.client is not None]


class _KeyRing:
    """Parses private keys, each content once: many clients may share a key."""

    def __init__(self) -> None:
        self._parsed: dict[_KeyContent, ParsedKey | UnusableKey] = {}

    def parsed(self, data: bytes, password: str | None, alg: str) -> ParsedKey | UnusableKey:
        from scopeprobe.inputs.keys import UnusableKey, parse_key  # noqa: PLC0415 - see there

        content = (hashlib.sha256(data).digest(), password, alg)
        if content not in self._parsed:
            try:
                self._parsed[content] = parse_key(data, password=password, alg=alg)
            except UnusableKey as error:
                self._parsed[content] = error
        return self._parsed[content]


class _CertificateCheck:
    """Tries certificates with their keys, each pair once, before anything is sent (RFC 8705)."""

    def __init__(self) -> None:
        self._faults: dict[tuple[Path, Path, str], str] = {}

    def fault_of(self, certificate: Certificate) -> str:
        """Why TLS could not use a certificate; empty where it can."""
        password = certificate.password.reveal() if certificate.password else ""
        pair = (certificate.certificate, certificate.key, password)
        if pair not in self._faults:
            self._faults[pair] = _fault_of_pair(*pair)
        return self._faults[pair]


def _fault_of_pair(certificate: Path, key: Path, password: str) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # Always with a password: without one OpenSSL would ask for it on the terminal.
        context.load_cert_chain(certificate, key, lambda: password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "and tls_client_key do not belong together"
        return (
            "cannot be used: it and tls_client_key must be PEM, "
            "and private_key_password must open the key if it is encrypted"
        )
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        return f"cannot be read: {said or 'private_key_password is too long'}"
    return ""


def _sorted(
    values: Iterable[tuple[str, RequestValue]],
) -> tuple[tuple[str, RequestValue], ...]:
    return tuple(sorted(values, key=itemgetter(0)))


@dataclass(frozen=True, slots=True)
class _SecretsGiver:
    found: FoundSecrets
    problems: Problems
    keys: _KeyRing = field(default_factory=_KeyRing)
    certificates: _CertificateCheck = field(default_factory=_CertificateCheck)

    def with_secrets(self, draft: ClientDraft, client: Client) -> ClientWithSecrets:
        password = self._text(draft, "private_key_password")
        client = replace(
            client, secret=self._text(draft, "client_secret"), assertion=self._assertion(draft)
        )
        client = self._with_introspector(draft, client)
        client = self._with_request_values(draft, client)
        client = self._with_key(draft, client, password)
        client = self._with_certificate(draft, client, password)
        return ClientWithSecrets(draft.place, client, draft.names_encoding)

    def _raw(self, draft: ClientDraft, key: str) -> RawSecret | None:
        source = draft.sources.get(key)
        return None if source is None else self.found.get(source)

    def _text(self, draft: ClientDraft, key: str) -> Secret | None:
        raw = self._raw(draft, key)
        text = None if raw is None else raw.text()
        if isinstance(text, UnusableSecret):  # said when it was looked up
            return None
        if text is not None and text.reveal() != text.reveal().strip():
            self.problems.notice(
                draft.place.at(key), "white space at the ends of the secret is kept"
            )
        return text

    def _assertion(self, draft: ClientDraft) -> Secret | None:
        text, source = self._text(draft, "assertion"), draft.sources.get("assertion")
        if text is not None and isinstance(source, FileSecret):
            return RenewedSecret(text.reveal(), source.path)
        return text

    def _with_introspector(self, draft: ClientDraft, client: Client) -> Client:
        secret = self._text(draft, INTROSPECTION_SECRET)
        if secret is None or client.server.introspector is None:
            return client
        introspector = replace(client.server.introspector, secret=secret)
        return replace(client, server=replace(client.server, introspector=introspector))

    def _with_request_values(self, draft: ClientDraft, client: Client) -> Client:
        """Add the headers and form parameters whose values are kept elsewhere."""
        connection = client.server.connection
        if headers := self._values(draft, HEADERS):
            for name, value in headers:
                if not is_header_value(value.reveal()):
                    place = draft.place.at(f"{HEADERS}.{name}")
                    self.problems.error(place, "must be one line of ASCII text")
            connection = replace(connection, headers=_sorted((*connection.headers, *headers)))
            client = replace(client, server=replace(client.server, connection=connection))
        targets = tuple(
            replace(target, token_params=_sorted((*target.token_params, *parameters)))
            if (parameters := self._values(draft, token_params_key(index)))
            else target
            for index, target in enumerate(client.targets)
        )
        return replace(client, targets=targets)

    def _values(self, draft: ClientDraft, key: str) -> list[tuple[str, Secret]]:
        keys = [one for one in draft.sources if one.startswith(f"{key}.")]
        found = ((one.removeprefix(f"{key}."), self._text(draft, one)) for one in keys)
        return [(name, one_secret(text.reveal())) for name, text in found if text is not None]

    def _with_key(self, draft: ClientDraft, client: Client, password: Secret | None) -> Client:
        raw = self._raw(draft, "private_key")
        if raw is None or (password is None and "private_key_password" in draft.sources):
            return client
        opened_by = password.reveal() if password else None
        parsed = self.keys.parsed(raw.data, opened_by, client.signing_alg)
        if isinstance(parsed, Exception):
            self.problems.error(draft.place.at("private_key"), str(parsed))
            return client
        client_id = client.client_id or ClientId(parsed.client_email)
        if not client_id:
            self.problems.error(draft.place.at("client_id"), "is missing: add it")
        key = replace(parsed.signing, kid=draft.kid) if draft.kid else parsed.signing
        return replace(client, signing_key=key, client_id=client_id)

    def _with_certificate(
        self, draft: ClientDraft, client: Client, password: Secret | None
    ) -> Client:
        if client.certificate is None:
            return client
        certificate = replace(client.certificate, password=password)
        if fault := self.certificates.fault_of(certificate):
            self.problems.error(draft.place.at("tls_client_certificate"), fault)
        return replace(client, certificate=certificate)
