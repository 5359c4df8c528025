"""What a diagnosis may know beforehand: the inputs, the metadata, the pack, the store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher

from scopeprobe.model.answer import Answer, Refusal, alike
from scopeprobe.model.behavior import NOTHING_KNOWN, ServerBehavior
from scopeprobe.model.cell import Verdict
from scopeprobe.model.client import AuthMethod, Client, ClientName, Credential, Target
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.urls import percent_encoded

MOST_SPELLINGS = 3
"""Names that are tried in the place of one refused scope."""
_ALIKE = 0.8
_SHORTEST_WORD, _LETTERS_A_SLIP = 4, 5
"""`raed` is meant to be `read`, `import` is not meant to be `export`."""
_SEPARATORS = re.compile(r"[._:/\-\s]+")


@dataclass(frozen=True, slots=True)
class OtherEndpoint:
    """A token endpoint that may be the right one."""

    url: str
    named_by: str
    """In words: who says so."""


@dataclass(frozen=True, slots=True)
class ToldToAnother:
    """What the same server answered to another client, as configured, in its last run."""

    client: ClientName
    is_authenticated: bool
    """A token was issued to these credentials in that run."""
    scopes: tuple[Scope, ...] | None
    """What was asked for; None: no scope."""
    is_canary: bool
    """It asked for an invented scope alone."""
    answer: Answer


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier runs tell, before anything is sent."""

    behavior: ServerBehavior = NOTHING_KNOWN
    """Of this server, in its last run."""
    verdicts: Mapping[Scope, Verdict] = field(default_factory=dict)
    """The last run's, for this client and target."""
    told_to_others: tuple[ToldToAnother, ...] = ()
    """One for each answer that is worth citing: the canary, no scope, and each of the wanted."""
    last_worked: datetime | None = None
    """When a token was last issued to this client."""
    failures_spent: int = 0
    """Failed authentications in a row that were spent on this client today."""
    candidates: tuple[Scope, ...] = ()
    """Those of the last run, for this client and target."""


@dataclass(frozen=True, slots=True)
class Case:
    """One client that is to be explained."""

    client: Client
    target: Target
    wanted: tuple[Scope, ...] = ()
    """What it asks for; empty: it sends no scope."""
    endpoints: tuple[OtherEndpoint, ...] = ()
    """Others than the configured one that credentials may be sent to."""
    methods: tuple[str, ...] | None = None
    """Authentication methods that metadata or the pack names; None where nobody does."""
    unconfirmed: tuple[str, ...] = ()
    """Facts of the pack that no source confirms, by their keys there."""
    issuer: str = ""
    known: Known = field(default_factory=Known)
    most_requests: int = 60
    most_failures: int = 3

    @property
    def has_white_space(self) -> bool:
        """Id or secret begins or ends with white space."""
        secret = self.client.secret.reveal() if self.client.secret else ""
        return any(text != text.strip() for text in (self.client.client_id, secret))

    @property
    def encodes_differently(self) -> bool:
        """Basic has two ways to write these credentials (RFC 6749 section 2.3.1, and raw)."""
        if self.client.auth_method is not AuthMethod.CLIENT_SECRET_BASIC or not self.client.secret:
            return False
        pair = (self.client.client_id, self.client.secret.reveal())
        return any(percent_encoded(text) != text for text in pair)

    @property
    def other_encoding(self) -> BasicEncoding:
        is_raw = self.client.server.traits.basic_encoding is BasicEncoding.RAW
        return BasicEncoding.RFC6749 if is_raw else BasicEncoding.RAW

    @property
    def other_methods(self) -> tuple[AuthMethod, ...]:
        """Methods beside the configured one that send the client's secret."""
        mine = self.client.auth_method
        if not self.client.secret or mine.credential is Credential.PRIVATE_KEY:
            return ()
        return tuple(
            method
            for method in AuthMethod
            if method.credential is Credential.SECRET
            and not method.signs_assertion
            and method is not mine
        )

    @property
    def uses_assertion(self) -> bool:
        return self.client.auth_method.signs_assertion

    @property
    def other_audience(self) -> str:
        """The other of the two that RFC 7523 section 3 allows for an assertion."""
        endpoint = self.client.server.endpoints.token
        mine = self.client.assertion_audience or endpoint
        return next((aud for aud in (endpoint, self.issuer) if aud and aud != mine), "")

    @property
    def known_scopes(self) -> tuple[Scope, ...]:
        """Names that are known to exist, or are at least believed to."""
        advertised = self.client.server.scopes_supported or ()
        return tuple(dict.fromkeys((*self.target.candidates, *advertised)))

    @property
    def hopeful_scopes(self) -> tuple[Scope, ...]:
        """Scopes that may be granted if asked for alone, the likeliest first."""
        named = (*self.wanted, *self.known_scopes, *self.known.candidates)
        ordered = dict.fromkeys((*self._with_a_reason, *named))
        return tuple(sorted(ordered, key=self.was_denied))

    def was_denied(self, scope: Scope) -> bool:
        """The last run proved that this client has not got it."""
        return self.known.verdicts.get(scope) is Verdict.DENIED

    def is_hopeful(self, scope: Scope) -> bool:
        """Something speaks for it that this client may have the scope."""
        return scope in self._with_a_reason

    @property
    def _with_a_reason(self) -> tuple[Scope, ...]:
        """Expected, granted in the last run, advertised, granted to others, in this order."""
        advertised = self.client.server.scopes_supported or ()
        held = [s for s, verdict in self.known.verdicts.items() if verdict is Verdict.GRANTED]
        others = sorted(set().union(*(e.granted for e in self.known.behavior.earlier_clients)))
        named = (*self.wanted, *self.known_scopes, *self.known.candidates)
        expected = filter(self.target.expect.wants, named)
        sources = (expected, held, advertised, others)
        place = {scope: number for number, scope in enumerate(self.wanted)}
        first = (sorted(s, key=lambda scope: place.get(scope, len(place))) for s in sources)
        return tuple(dict.fromkeys(scope for source in first for scope in source))

    def spellings_of(self, scope: Scope) -> tuple[Scope, ...]:
        """Known scopes that this one may have been meant to be, the most alike first."""
        others = [known for known in self.known_scopes if known not in self.wanted]
        alike = sorted(_likeness(scope, others), key=lambda pair: -pair[0])
        return tuple(name for _, name in alike[:MOST_SPELLINGS])

    @property
    def has_issued_before(self) -> bool:
        """The configured endpoint issued tokens in an earlier run, to this client or another."""
        told = self.known.told_to_others
        return self.known.last_worked is not None or any(t.is_authenticated for t in told)

    def words_scopes_otherwise(self, answer: Answer) -> bool:
        """
        Others, whose credentials are good, are refused scopes in another way than this.

        An invented scope alone does not show it: some servers have other words for one that exists.
        """
        told = (t for t in self.known.told_to_others if t.is_authenticated and t.scopes)
        refused = [t for t in told if isinstance(t.answer, Refusal)]
        exist = any(not t.is_canary for t in refused)
        return exist and not any(alike(answer, t.answer) for t in refused)

    def advertises(self, scope: Scope) -> bool | None:
        """Whether the metadata names the scope; None where it names none at all."""
        advertised = self.client.server.scopes_supported
        return None if not advertised else scope in advertised


def _likeness(scope: Scope, others: Iterable[Scope]) -> Iterator[tuple[float, Scope]]:
    for other in others:
        if _plain(scope) == _plain(other):
            yield 1.0, other
            continue
        ratio = SequenceMatcher(None, scope.casefold(), other.casefold()).ratio()
        if ratio >= _ALIKE and _differs_by_letters(scope, other):
            yield ratio, other


def _plain(scope: str) -> str:
    return _SEPARATORS.sub(".", scope.casefold()).strip(".")


def _differs_by_letters(one: str, other: str) -> bool:
    """
    Each of its words has one slip, a long one two, and one of three letters none.

    `orders.read` is no misspelling of `orders.write`, nor `users.read` of `customers.read`: whole
    words differ on purpose. Of names with more or fewer words only the separators may differ.
    """
    mine, its = _plain(one).split("."), _plain(other).split(".")
    if len(mine) != len(its):
        return _slips("".join(mine), "".join(its)) <= 1
    return all(
        a == b or _slips(a, b) <= _most_slips(max(len(a), len(b)))
        for a, b in zip(mine, its, strict=True)
    )


def _most_slips(letters: int) -> int:
    return 0 if letters < _SHORTEST_WORD else max(1, letters // _LETTERS_A_SLIP)


def _slips(one: str, other: str) -> int:
    """Letters that are missing, too many, wrong, or have changed places with the next one."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        above, before, row = before, row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
