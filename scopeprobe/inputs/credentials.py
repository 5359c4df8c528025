"""The secrets of a fleet: looked up, and given to their clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scopeprobe.inputs.complaints import Place, Remarks
from scopeprobe.inputs.enrolment import Enrolled
from scopeprobe.inputs.secrets import CommandSecret, SecretSource, Unavailable, look_up_all
from scopeprobe.model.clients import Client, Secret


@dataclass(frozen=True, slots=True)
class Equipped:
    """A client with its secret, and where it was defined."""

    place: Place
    client: Client
    names_encoding: bool

    @property
    def secret(self) -> str:
        return self.client.secret.reveal() if self.client.secret else ""


def look_up_secrets(
    enrolled: Sequence[Enrolled], environment: Mapping[str, str], remarks: Remarks
) -> dict[SecretSource, Secret]:
    """Look up all secrets, each once. Commands are run only where nothing else is wrong."""
    commands = [one for one in enrolled if isinstance(one.source, CommandSecret)]
    others = [one for one in enrolled if not isinstance(one.source, CommandSecret)]
    found = _look_up(others, environment, remarks)
    if not remarks.complaints:
        found |= _look_up(commands, environment, remarks)
    return found


def _look_up(
    enrolled: Iterable[Enrolled], environment: Mapping[str, str], remarks: Remarks
) -> dict[SecretSource, Secret]:
    wanted = [(one.place.at("client_secret"), one.source) for one in enrolled if one.source]
    outcomes = look_up_all((source for _, source in wanted), environment)
    found: dict[SecretSource, Secret] = {}
    for place, source in wanted:
        match outcomes[source]:
            case Unavailable(words):
                remarks.complain(place, words)
            case Secret() as secret:
                found[source] = secret
                if secret.reveal() != secret.reveal().strip():
                    remarks.notice(place, "white space at the ends of the secret is kept")
    return found


def equip(enrolled: Iterable[Enrolled], secrets: Mapping[SecretSource, Secret]) -> list[Equipped]:
    """Give every client its secret, as far as it was found."""
    return [
        Equipped(
            one.place,
            replace(one.client, secret=secrets.get(one.source) if one.source else None),
            one.names_encoding,
        )
        for one in enrolled
        if one.client is not None
    ]
