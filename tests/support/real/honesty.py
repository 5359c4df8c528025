"""Where another verdict than the truth is honest: no answer of the server tells more."""

from collections.abc import Callable, Mapping

from fleet import CellKey, Client, Fleet

Honest = Callable[[Fleet], Mapping[CellKey, frozenset[str]]]


def nothing_else(_: Fleet) -> Mapping[CellKey, frozenset[str]]:
    """Every cell can be told from the answers."""
    return {}


def maybe_unknown(fleet: Fleet) -> Mapping[CellKey, frozenset[str]]:
    """What is granted looks like what is not."""
    return _maybe(fleet, lambda client: client.is_good)


def orders_maybe_unknown(fleet: Fleet) -> Mapping[CellKey, frozenset[str]]:
    """No list shows what a client may do with orders."""
    return {key: also for key, also in maybe_unknown(fleet).items() if key[1].startswith("orders")}


def unknown_without_grants(fleet: Fleet) -> Mapping[CellKey, frozenset[str]]:
    """A client without grants is never told about a scope."""
    return _maybe(fleet, lambda client: client.is_good and not client.scopes)


def unknown_without_token(fleet: Fleet) -> Mapping[CellKey, frozenset[str]]:
    """Who never gets a token is not proved to be who it says, nor that it is not."""
    return _maybe(fleet, lambda client: not client.is_good or not client.scopes)


def _maybe(fleet: Fleet, belongs: Callable[[Client], bool]) -> Mapping[CellKey, frozenset[str]]:
    return {
        (client.name, scope): frozenset({"unknown"})
        for client in fleet.clients
        if belongs(client)
        for scope in fleet.candidates
    }
