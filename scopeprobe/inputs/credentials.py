"""The credentials of a fleet: looked up, and given to their clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from scopeprobe.inputs.certificates import Certificates
from scopeprobe.inputs.client_builder import INTROSPECTION_SECRET, ClientDraft
from scopeprobe.inputs.keys import KeyRing, ParsedKey, Unusable
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.secrets import (
    CommandSecret,
    Content,
    FileSecret,
    KeyringSecret,
    RenewedSecret,
    SecretSource,
    Unavailable,
    look_up_all,
)
from scopeprobe.model.client import Client
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId

Found: TypeAlias = Mapping[SecretSource, Content]


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
) -> Found:
    """Look up all sources, each once. What runs or asks somebody waits until all else is right."""
    wanted = [
        _Wanted(one.place.at(key), key, one.sources[key]) for one in drafts for key in one.sources
    ]
    found = dict(_look_up([one for one in wanted if not one.is_asked_last], environment, problems))
    if not problems.messages:
        found |= _look_up([one for one in wanted if one.is_asked_last], environment, problems)
    return found


@dataclass(frozen=True, slots=True)
class _Wanted:
    place: Place
    key: str
    source: SecretSource

    @property
    def is_asked_last(self) -> bool:
        return isinstance(self.source, CommandSecret | KeyringSecret)

    def fault_of(self, outcome: Content | Unavailable) -> Unavailable | None:
        """Say what is wrong with what was found: only a key may be something else than text."""
        if isinstance(outcome, Content) and self.key != "private_key":
            text = outcome.text()
            return text if isinstance(text, Unavailable) else None
        return outcome if isinstance(outcome, Unavailable) else None


def _look_up(
    wanted: Sequence[_Wanted], environment: Mapping[str, str], problems: Problems
) -> Iterator[tuple[SecretSource, Content]]:
    outcomes = look_up_all((one.source for one in wanted), environment)
    for one in wanted:
        outcome = outcomes[one.source]
        if fault := one.fault_of(outcome):
            problems.add(one.place, fault.words)
        elif isinstance(outcome, Content):
            yield one.source, outcome


def with_secrets(
    drafts: Iterable[ClientDraft], found: Found, problems: Problems
) -> list[ClientWithSecrets]:
    """Give every client its credentials, as far as they were found and can be used."""
    giver = _SecretsGiver(found, problems)
    return [giver.with_secrets(one, one.client) for one in drafts if one.client is not None]


@dataclass(frozen=True, slots=True)
class _SecretsGiver:
    found: Found
    problems: Problems
    keys: KeyRing = field(default_factory=KeyRing)
    certificates: Certificates = field(default_factory=Certificates)

    def with_secrets(self, one: ClientDraft, client: Client) -> ClientWithSecrets:
        password = self._text(one, "private_key_password")
        client = replace(
            client, secret=self._text(one, "client_secret"), assertion=self._assertion(one)
        )
        if (secret := self._text(one, INTROSPECTION_SECRET)) and client.server.introspector:
            introspector = replace(client.server.introspector, secret=secret)
            client = replace(client, server=replace(client.server, introspector=introspector))
        client = self._with_key(one, client, password)
        client = self._with_certificate(one, client, password)
        return ClientWithSecrets(one.place, client, one.names_encoding)

    def _text(self, one: ClientDraft, key: str) -> Secret | None:
        content = self._content(one, key)
        text = None if content is None else content.text()
        if isinstance(text, Unavailable):  # said when it was looked up
            return None
        if text is not None and text.reveal() != text.reveal().strip():
            self.problems.notice(one.place.at(key), "white space at the ends of the secret is kept")
        return text

    def _content(self, one: ClientDraft, key: str) -> Content | None:
        source = one.sources.get(key)
        return None if source is None else self.found.get(source)

    def _assertion(self, one: ClientDraft) -> Secret | None:
        text, source = self._text(one, "assertion"), one.sources.get("assertion")
        if text is not None and isinstance(source, FileSecret):
            return RenewedSecret(text.reveal(), source.path)
        return text

    def _with_key(self, one: ClientDraft, client: Client, password: Secret | None) -> Client:
        content = self._content(one, "private_key")
        if content is None or (password is None and "private_key_password" in one.sources):
            return client
        try:
            parsed = self.keys.parsed(
                content.data,
                password=password.reveal() if password else None,
                alg=client.signing_alg,
                kid=one.kid,
            )
        except Unusable as error:
            self.problems.add(one.place.at("private_key"), str(error))
            return client
        return replace(
            client,
            signing_key=parsed.signing,
            client_id=self._client_id(one, client, parsed),
        )

    def _client_id(self, one: ClientDraft, client: Client, key: ParsedKey) -> ClientId:
        if not client.client_id and not key.client_email:
            self.problems.add(one.place.at("client_id"), "is missing")
        return client.client_id or ClientId(key.client_email)

    def _with_certificate(
        self, one: ClientDraft, client: Client, password: Secret | None
    ) -> Client:
        if client.certificate is None:
            return client
        certificate = replace(client.certificate, password=password)
        if words := self.certificates.fault_of(certificate):
            self.problems.add(one.place.at("tls_client_certificate"), words)
        return replace(client, certificate=certificate)
