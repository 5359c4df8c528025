"""
A generated server as a pure function: what was given to whom, and what a request is answered.

Nothing here knows how the program thinks; no module of `scopeprobe` is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from generated.dress import DRESSES, SPEAKING_OF_SCOPES, Dress, Members, in_words_of
from generated.manners import Manner, compose

NAMES = {
    "dotted": (
        "orders.read", "orders.write", "users.read", "users.write", "jobs.run", "audit.view",
        "files.list",
    ),
    "plain": ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"),
    "urls": tuple(f"https://api.example/{n}" for n in ("a", "b", "c", "d", "e", "f", "g")),
}  # fmt: skip
"""Scopes that exist."""
GHOSTS = {"dotted": "ghosts.read", "plain": "omega", "urls": "https://api.example/z"}
"""A candidate that does not exist."""
DEFAULTS = ("profile",)
HIDDEN_PLACES = (2, 4)
"""Which of the scopes that exist no list of a hiding server shows."""

Asked = tuple[str, ...] | None
"""The scopes of a request; None where it has no `scope`."""
Grants = frozenset[str]


STATES = ("good", "wrong", "unknown")


@dataclass(frozen=True)
class Registered:
    """A client as the server knows it."""

    grants: tuple[Grants, ...]
    """By audience."""
    state: str = "good"
    """good; wrong: the auditor has another secret; unknown: there is no such client."""
    rotates_after: int | None = None
    """Its secret is changed once so many of its requests of a night were answered."""


@dataclass(frozen=True)
class Token:
    """What a token shows, beside the answer that brought it."""

    is_jwt: bool
    claims: tuple[str, ...] | None = None
    introspected: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Told:
    """An answer as far as anybody can tell it from another one."""

    status: int = 200
    members: Members = ()
    text: str = ""
    token: Token | None = None
    is_failed_authentication: bool = False
    """Known to the server alone."""

    @classmethod
    def wearing(cls, dress: Dress, words: Members = ()) -> Told:
        """An error of this look that says these words."""
        members = tuple({**dict(dress.members), **dict(words)}.items()) if words else dress.members
        return cls(dress.status, members, dress.text)

    @property
    def visible(self) -> tuple[object, ...]:
        return self.status, self.members, self.text, self.token


@dataclass(frozen=True)
class Generated:
    """A server of one manner and its clients, as they are one night."""

    manner: Manner
    clients: tuple[Registered, ...]
    hidden: Grants = frozenset()

    @property
    def existing(self) -> tuple[str, ...]:
        return NAMES[self.manner.names]

    @property
    def candidates(self) -> tuple[str, ...]:
        return (*self.existing, GHOSTS[self.manner.names])

    # -- an answer

    def answer(self, client: int, audience: int, asked: Asked) -> Told:
        """What a server says that was just started: no faults, nothing cached."""
        return self.answer_to(self.clients[client], client, audience, asked)

    def answer_to(self, one: Registered, client: int, audience: int, asked: Asked) -> Told:
        """What it would say if the client were registered so."""
        mine = one.grants[audience]
        if one.state == "unknown":
            mine = frozenset(self.existing)  # nobody looked it up yet, so nothing is withheld
        told = self._first_failure(one.state, mine, asked)
        return told or self._issued(mine, client, audience, asked)

    def _first_failure(self, state: str, mine: Grants, asked: Asked) -> Told | None:
        m = self.manner
        for check in m.order.split():
            if check == "client" and state == "unknown":
                return self._rejected(m.unknown_client)
            if check == "secret" and state != "good":
                return self._rejected(m.wrong_secret)
            if check == "scopes" and (refusal := self._scope_refusal(mine, asked)):
                return refusal
        return None

    def _rejected(self, dress: str) -> Told:
        m = self.manner
        dress = m.wrong_secret if dress == "as_wrong_secret" else dress
        dress = m.refusal if dress == "as_refusal" else dress
        is_counted = dress not in SPEAKING_OF_SCOPES
        return replace(Told.wearing(DRESSES[dress]), is_failed_authentication=is_counted)

    def _scope_refusal(self, mine: Grants, asked: Asked) -> Told | None:
        m = self.manner
        if asked is None:
            return Told.wearing(DRESSES[m.refusal]) if m.absent == "refuse" else None
        fates = {scope: self.fate(mine, scope) for scope in asked}
        bad = tuple(scope for scope, fate in fates.items() if fate == "refuse")
        if not bad or (m.mixed == "narrow" and "carry" in fates.values()):
            return None
        dress = DRESSES[m.refusal]
        if m.tells_unknown and bad[0] not in self.existing:
            dress = DRESSES["invalid_scope"]
        return Told.wearing(dress, in_words_of(m.naming, bad, asked, tuple(sorted(mine))))

    def fate(self, mine: Grants, scope: str) -> str:
        """What becomes of a scope that is asked alone by a client that was given these."""
        if scope in mine:
            return "carry"
        return self.manner.ungranted if scope in self.existing else self.manner.unknown

    # -- a token

    def _issued(self, mine: Grants, client: int, audience: int, asked: Asked) -> Told:
        m = self.manner
        if asked is None:
            carried = {"grants": mine, "defaults": frozenset(DEFAULTS)}.get(m.absent, frozenset())
        else:
            carried = frozenset(scope for scope in asked if self.fate(mine, scope) == "carry")
        shown = set(mine if m.lists == "all" else carried) - self.hidden
        shown |= set(DEFAULTS) if m.adds_defaults and asked is not None else set()
        is_told = self._is_told(shown, asked) and self._is_listed_for(client, audience)
        names = tuple(_spelled(m.spelling, name) for name in sorted(shown)) if is_told else None
        return self._showing(client, names, asked)

    def _is_told(self, shown: set[str], asked: Asked) -> bool:
        match self.manner.lists:
            case "never":
                return False
            case "always":
                return True
            case "differing":
                return shown != set(asked or ())
            case _:
                return bool(shown)

    def _is_listed_for(self, client: int, audience: int) -> bool:
        match self.manner.listed_for:
            case "first_client":
                return client == 0
            case "first_audience":
                return audience == 0
            case _:
                return True

    def _showing(self, client: int, names: tuple[str, ...] | None, asked: Asked) -> Told:
        m = self.manner
        is_jwt = m.form == "jwt" or (m.form == "jwt_for_some" and client % 2 == 0)
        in_answer = names if m.place in {"answer", "both"} else None
        if m.echoes:
            in_answer = asked
        members: Members = ()
        if in_answer is not None:
            members = (("scope", ("," if m.spelling == "commas" else " ").join(in_answer)),)
        token = Token(
            is_jwt,
            names if is_jwt and m.place in {"claim", "both"} else None,
            names if m.place == "introspection" else None,
        )
        return Told(200, members, token=token)


def _spelled(spelling: str, name: str) -> str:
    match spelling:
        case "upper":
            return name.upper()
        case "capitalized":
            return name.capitalize()
        case "brackets":
            return f"[{name}]"
        case "prefixed":
            return f"api://app/{name}"
        case _:
            return name


# -- a server and its nights


@dataclass(frozen=True)
class Case:
    """A generated server over some nights, and the faults that it meets."""

    name: str
    nights: tuple[Generated, ...]
    fault_share: float = 0.0
    stray_share: float = 0.0

    @property
    def manner(self) -> Manner:
        return self.nights[0].manner

    def client_name(self, client: int) -> str:
        return f"{self.name}-c{client}"

    @property
    def cells(self) -> int:
        """Of one night."""
        first = self.nights[0]
        return len(first.clients) * first.manner.audiences * len(first.candidates)


def generated_from(seed: int, nights: int = 3) -> Case:
    """The server of a seed: the same on every machine."""
    return populated(seed, compose(Random(f"manner {seed}")), nights)


def populated(seed: int, manner: Manner, nights: int = 3) -> Case:
    """A server of a manner with one to six clients, good and bad, changed between the nights."""
    rng = Random(f"clients {seed}")
    existing = NAMES[manner.names]
    count = rng.choice((1, 2, 2, 3, 3, 4, 4, 6))
    clients = tuple(_registered(rng, existing, manner.audiences) for _ in range(count))
    hides = HIDDEN_PLACES if manner.hides == "some" else ()
    hidden = frozenset(existing[place] for place in hides)
    worlds = [Generated(manner, clients, hidden)]
    while len(worlds) < nights:
        changed = tuple(_changed(rng, one, existing) for one in worlds[-1].clients)
        worlds.append(Generated(manner, changed, hidden))
    share = rng.choice((0.0, 0.0, 0.05, 0.1, 0.3))
    strays = rng.choice((0.0, 0.0, 0.0, 0.05, 0.1))
    return Case(f"g{seed:04}", tuple(worlds), share, strays)


def _registered(rng: Random, existing: tuple[str, ...], audiences: int) -> Registered:
    grants = []
    for _ in range(audiences):
        share = rng.choice((0.0, 0.15, 0.5, 0.5, 0.5, 0.85, 1.0))
        grants.append(frozenset(scope for scope in existing if rng.random() < share))
    state = rng.choice(("good",) * 8 + ("wrong", "unknown"))
    rotates = rng.randint(2, 8) if state == "good" and rng.random() < 0.03 else None
    return Registered(tuple(grants), state, rotates)


def _changed(rng: Random, one: Registered, existing: tuple[str, ...]) -> Registered:
    """Mostly nothing; or a scope is granted or revoked, a secret changes, a client is gone."""
    grants = list(one.grants)
    chance = rng.random()
    if chance < 0.35:
        grants[0] = grants[0] ^ {rng.choice(existing)}
    state = "wrong" if one.rotates_after is not None else one.state
    if chance > 0.92:
        state = rng.choice([other for other in STATES if other != state])
    rotates = rng.randint(2, 8) if state == "good" and rng.random() < 0.03 else None
    return Registered(tuple(grants), state, rotates)
