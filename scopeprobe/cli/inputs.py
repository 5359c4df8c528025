"""From options to a fleet and its limits; what is wrong with an option is said like the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from scopeprobe.audits.fleet import read_clients
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet, Overrides
from scopeprobe.inputs.quantities import parse_duration, parse_rate
from scopeprobe.model.clients import Verify
from scopeprobe.policy import KINDS

T = TypeVar("T")


def parsed(name: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    """Read the text of an option. Raises InputError that names the option."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise InputError([f"{name} {text}: {error}"]) from error


@dataclass(frozen=True, slots=True)
class Sources:
    """Where clients and candidates come from."""

    clients: list[Path]
    scopes: list[Path] | None = None
    scope: list[str] | None = None
    providers: list[Path] | None = None
    allow_literal_secrets: bool = False


def read_fleet(sources: Sources, overrides: Overrides) -> Fleet:
    """Read all inputs. What is worth a notice stands in the fleet."""
    return read_clients(
        sources.clients,
        scopes_files=sources.scopes or (),
        extra_scopes=sources.scope or (),
        providers=sources.providers or (),
        overrides=overrides,
        allow_literal_secrets=sources.allow_literal_secrets,
        stdin=sys.stdin,
    )


def overrides_from(
    *,
    rate: str | None,
    client_rate: str | None,
    timeout: str | None,
    in_flight: int | None,
    retries: int | None,
    max_auth_failures: int | None,
    verify: Verify | None = None,
    revokes: bool = False,
) -> Overrides:
    return Overrides(
        rate=parsed("--rate", rate, parse_rate),
        client_rate=parsed("--client-rate", client_rate, parse_rate),
        timeout=parsed("--timeout", timeout, parse_duration),
        in_flight=in_flight,
        retries=retries,
        max_auth_failures=max_auth_failures,
        verify=verify,
        revokes=revokes,
    )


def bar_from(text: str) -> tuple[str, ...]:
    """Kinds of findings over the bar. Raises InputError for a kind that does not exist."""
    kinds = tuple(kind.strip() for kind in text.split(",") if kind.strip())
    if kinds == ("never",):
        return ()
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        known = ", ".join(KINDS)
        raise InputError(
            [f"--fail-on: no such kind: {', '.join(unknown)} (there are {known}, never)"]
        )
    return kinds
