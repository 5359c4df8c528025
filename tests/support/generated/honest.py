"""The honest verdicts of every cell: what is so of a generated server, from the model alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from generated.servers import Generated, Registered, Told

CANARY = "an-invented-scope"
Cell = tuple[int, int, str]
"""Client, audience, scope."""
Verdicts = frozenset[str]


@cache
def honest(server: Generated) -> dict[Cell, Verdicts]:
    """The honest verdicts of every cell."""
    shows = any(withholds_visibly(server, client, one) for client, one in enumerate(server.clients))
    return {
        cell: verdicts
        for client, one in enumerate(server.clients)
        for cell, verdicts in honest_of(server, client, one, shows=shows).items()
    }


def honest_of(
    server: Generated, client: int, one: Registered, *, shows: bool
) -> dict[Cell, Verdicts]:
    """
    Those of one client; `shows` says that the server withholds something visibly.

    It need not be so for a client whose own canary is listed (rule 9).
    """
    if _is_listed_the_canary(server, client, one):
        shows = withholds_visibly(server, client, one)
    return {
        (client, audience, scope): _honest(server, one, audience, scope, shows=shows)
        for audience in range(len(one.grants))
        for scope in server.candidates
    }


def _honest(
    server: Generated, one: Registered, audience: int, scope: str, *, shows: bool
) -> Verdicts:
    if one.state != "good":
        return frozenset({"unauthenticated"})
    mine = one.grants[audience]
    is_carried = server.fate(mine, scope) == "carry"
    is_decided = scope in mine or server.manner.unknown != "carry"
    is_silent = not shows or (is_carried and not is_decided)
    verdicts = {
        "granted": is_carried and is_decided,
        "denied": not is_carried,
        "unenforced": is_silent,
        "unauthenticated": one.rotates_after is not None,
    }
    return frozenset(verdict for verdict, is_so in verdicts.items() if is_so)


def withholds_visibly(server: Generated, client: int, one: Registered) -> bool:
    """A good client is refused a lone scope or gets a list without it; also the canary."""
    return one.state == "good" and any(
        is_withheld(server.answer_to(one, client, audience, (scope,)), scope)
        for audience in range(len(one.grants))
        for scope in (*server.candidates, CANARY)
    )


def _is_listed_the_canary(server: Generated, client: int, one: Registered) -> bool:
    answers = (server.answer_to(one, client, n, (CANARY,)) for n in range(len(one.grants)))
    return all(
        told.token and any(lists_on(told)) and not is_withheld(told, CANARY) for told in answers
    )


def is_withheld(told: Told, scope: str) -> bool:
    """Seen from outside: refused, or left out of what some place lists."""
    return told.token is None or any(scope not in names for names in lists_on(told))


def lists_on(told: Told) -> Iterator[Collection[str]]:
    """What each place of an answer lists, an echo too."""
    listed = dict(told.members).get("scope")
    if told.token is not None and listed is not None:
        yield str(listed).replace(",", " ").split()
    places = (told.token.claims, told.token.introspected) if told.token else ()
    yield from (names for names in places if names is not None)
