"""
Which verdicts on a cell are honest, and which cells nobody can know: from the model alone.

*Honest* is a verdict that is true of the server as it is. A client whose credentials are rejected
has one honest verdict, `unauthenticated`; `unknown` is honest everywhere.

*Alike* are two servers that give every client the same answers, token strings aside, to every
question of `questions`, each asked first of a server that was just started and meets no faults.

A *twin* of a server is another one that the generator may make (`goes_together`) and that is alike.
A cell is *unknowable* for a verdict that is not honest where some twin makes it honest. That
excuses what docs/design.md assumes (A, B, RFC 6749 section 5.1), and nothing that rests on
credentials: a client that was never authenticated is neither granted nor denied anything, whatever
its twins are. An `unknown` is *needless* where one verdict is honest on the server and on all its
twins that were found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, product

from generated.honest import (
    CANARY,
    Cell,
    Verdicts,
    honest,
    honest_of,
    lists_on,
    withholds_visibly,
)
from generated.manners import Manner, goes_together, without_what_decides_nothing
from generated.servers import STATES, Asked, Generated, Grants, Registered

VARIED = {
    "ungranted": ("refuse", "drop", "carry"),
    "unknown": ("refuse", "drop", "carry"),
    "mixed": ("refuse", "narrow"),
    "absent": ("nothing", "defaults", "grants", "refuse"),
    "lists": ("never", "always", "nonempty", "differing", "all"),
    "hides": ("none", "some"),
    "listed_for": ("all", "first_client", "first_audience"),
    "echoes": (False, True),
}
"""The dimensions in which a twin may differ; looks, names, order and spelling are seen."""


def name_fault(server: Generated, cell: Cell, verdict: str, *, was_withheld: bool = True) -> str:
    """
    Name what is wrong with a verdict; empty where it is honest.

    `was_withheld` says that the audit saw a scope withheld: `unenforced` speaks of one audit.
    """
    verdicts = honest(server)[cell]
    if verdict in verdicts:
        return ""
    if verdict == "unknown":
        return "needless unknown" if among_twins(server).certain[cell] else "rightly unknown"
    if verdict == "unenforced" and not was_withheld and server.clients[cell[0]].state == "good":
        return "unseen unenforced"
    rests_on_scopes = verdicts != {"unauthenticated"}
    if rests_on_scopes and verdict in among_twins(server).possible[cell]:
        return f"unknowable {verdict}"
    return f"false {verdict}"


# -- twins


def questions(server: Generated) -> Iterator[Asked]:
    """
    What twins are told apart by: no scope, each alone, the canary, each with it, and sets.

    The sets are all candidates, and all without one; each in one order.
    """
    names = server.candidates
    yield from ((name,) for name in names)
    yield None
    yield (CANARY,)
    yield names
    yield from ((name, CANARY) for name in names)
    yield from (tuple(n for n in names if n != left) for left in names)
    yield from pairwise(names)


@dataclass(frozen=True)
class AmongTwins:
    """The verdicts that are honest on a server or on one of its twins, and those on all of them."""

    possible: dict[Cell, Verdicts]
    certain: dict[Cell, Verdicts]


@cache
def among_twins(server: Generated) -> AmongTwins:
    mine = honest(server)
    possible, certain = dict(mine), dict(mine)
    if server.manner.naming.startswith("allowed"):
        server = replace(server, manner=replace(server.manner, naming="none"))  # rule 13
    for client, one, variant, shows in _twins(server):
        for cell, verdicts in honest_of(variant, client, one, shows=shows).items():
            possible[cell] |= verdicts
            certain[cell] &= verdicts
    for cell in certain:
        if _is_beyond_the_rules(server, server.clients[cell[0]]):
            certain[cell] = frozenset()
    return AmongTwins(possible, certain)


def _is_beyond_the_rules(server: Generated, one: Registered) -> bool:
    """Rules 10 and 11 leave other spellings and shared tokens open; a changed secret may be met."""
    is_misspelled = server.manner.spelling not in {"as_asked", "commas"}
    is_open = server.manner.caches or is_misspelled or one.rotates_after is not None
    return one.state == "good" and is_open


def _twins(server: Generated) -> Iterator[tuple[int, Registered, Generated, bool]]:
    """
    Servers that are alike, found by varying manner, grants and credentials.

    Of each, all its clients in turn with what they may be there, and whether it withholds visibly.
    """
    asked = tuple(questions(server))
    seen = {
        (client, audience): [server.answer(client, audience, one).visible for one in asked]
        for client, registered in enumerate(server.clients)
        for audience in range(len(registered.grants))
    }
    look = _Look(server, asked, seen)
    for variant in _variants(server):
        options = look.clients_of(variant)
        plainest = [fitting[0] for fitting in options]
        shown = [withholds_visibly(variant, client, one) for client, one in enumerate(plainest)]
        for client, fitting in enumerate(options):
            others = any(shown[:client]) or any(shown[client + 1 :])
            for one in fitting:
                yield client, one, variant, others or withholds_visibly(variant, client, one)


def _variants(server: Generated) -> Iterator[Generated]:
    """Servers of all manners that differ in what is varied, with the same clients."""
    never_listed = _never_listed(server)
    for manner in (m for dressed in _dressed(server) for m in _manners(dressed)):
        hidden = {server.hidden, never_listed} if manner.hides == "some" else {frozenset[str]()}
        for names in hidden:
            if bool(names) == (manner.hides == "some"):
                yield replace(server, manner=manner, hidden=names)


def _dressed(server: Generated) -> Iterator[Manner]:
    """
    What rejected credentials may look like there.

    Where a good client never gets a token, its refusals may be those of a wrong secret.
    """
    m = server.manner
    yield m
    if any(_never_gets_a_token(server, client) for client in range(len(server.clients))):
        unknown = m.wrong_secret if m.unknown_client == "as_wrong_secret" else m.unknown_client
        yield replace(m, wrong_secret="as_refusal", unknown_client=unknown)
        yield replace(m, unknown_client="as_refusal")


def _never_gets_a_token(server: Generated, client: int) -> bool:
    one = server.clients[client]
    return one.state == "good" and all(
        server.answer(client, audience, asked).token is None
        for audience in range(len(one.grants))
        for asked in (None, *((scope,) for scope in (*server.candidates, CANARY)))
    )


@cache
def _manners(manner: Manner) -> tuple[Manner, ...]:
    drawn = (replace(manner, **values) for values in _values(manner.audiences))
    return tuple(m for m in drawn if without_what_decides_nothing(m) == m and goes_together(m))


@cache
def _values(audiences: int) -> tuple[dict[str, object], ...]:
    """Values of what is varied that may go together in a manner without anything special."""
    drawn = (dict(zip(VARIED, values, strict=True)) for values in product(*VARIED.values()))
    plain = Manner(audiences=audiences)
    return tuple(
        values
        for values in drawn
        if without_what_decides_nothing(m := replace(plain, **{**values, "echoes": False})) == m
        and goes_together(m)
    )


def _never_listed(server: Generated) -> frozenset[str]:
    """Scopes that exist and stand in no list that any client can get."""
    answers = (
        server.answer(client, audience, (scope,))
        for client, registered in enumerate(server.clients)
        for audience in range(len(registered.grants))
        for scope in server.existing
    )
    shown = {name for told in answers for names in lists_on(told) for name in names}
    return frozenset(server.existing) - shown


@dataclass
class _Look:
    """Holds servers of other manners against one, question by question."""

    server: Generated
    asked: tuple[Asked, ...]
    seen: dict[tuple[int, int], list[tuple[object, ...]]]

    def clients_of(self, variant: Generated) -> list[list[Registered]]:
        """What each client may be so that it is answered as it was; nothing if some may not."""
        options = []
        for client in range(len(variant.clients)):
            if not (fitting := list(self._fitting(variant, client))):
                return []
            options.append(fitting)
        return options

    def _fitting(self, variant: Generated, client: int) -> Iterator[Registered]:
        """Likely grants, and such with one otherwise; or bad credentials."""
        for state in STATES:
            base = replace(variant.clients[client], state=state)
            if (likely := self._likely(variant, client, base)) is None:
                continue
            if self._is_alike(variant, client, likely):
                yield likely
                if state == "good":
                    others = _with_one_otherwise(likely, variant)
                    yield from (one for one in others if self._is_alike(variant, client, one))

    def _likely(self, variant: Generated, client: int, base: Registered) -> Registered | None:
        """The grants that lone answers speak for; None where none explain them."""
        grants = []
        for audience, mine in enumerate(base.grants):
            kept = set()
            for place, scope in enumerate(variant.existing):
                seen = self.seen[client, audience][place]
                rest = mine - {scope} if variant.manner.lists == "all" else frozenset[str]()
                for has in (mine & {scope}, frozenset({scope}) - mine):
                    one = replace(base, grants=_at(base.grants, audience, rest | has))
                    if variant.answer_to(one, client, audience, (scope,)).visible == seen:
                        kept.update(has)
                        break
                else:
                    return None
            grants.append(frozenset(kept))
        return replace(base, grants=tuple(grants))

    def _is_alike(self, variant: Generated, client: int, one: Registered) -> bool:
        return all(
            variant.answer_to(one, client, audience, asked).visible == was
            for audience in range(len(one.grants))
            for asked, was in zip(self.asked, self.seen[client, audience], strict=True)
        )


def _at(grants: tuple[Grants, ...], audience: int, mine: Grants) -> tuple[Grants, ...]:
    return (*grants[:audience], mine, *grants[audience + 1 :])


def _with_one_otherwise(one: Registered, variant: Generated) -> Iterator[Registered]:
    for audience, mine in enumerate(one.grants):
        for scope in variant.existing:
            yield replace(one, grants=_at(one.grants, audience, mine ^ {scope}))
