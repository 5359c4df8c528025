"""What all clients of a server show together: who was shown, given and refused what."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, TypeVar

from scopeprobe.model.answer import Likeness, Place
from scopeprobe.model.client import ClientName
from scopeprobe.model.scope_names import Scope


class Form(NamedTuple):
    """Tokens that a server treats in one manner: those of one audience and make."""

    audience: str
    is_jwt: bool


class Kind(NamedTuple):
    """Lists that a server writes in one manner (docs/design.md, Terms)."""

    form: Form
    place: Place


ScopeOfTarget: TypeAlias = tuple[str, Scope]
"""The label of a target, and a scope that was asked for there."""

_Key = TypeVar("_Key", bound=Hashable)
Witnesses: TypeAlias = Mapping[_Key, frozenset[ClientName]]
"""The clients that met something."""


class ScopeWitnesses:
    """
    Who met which scopes: enough of it to tell whether others than a given client did.

    That is the first client to meet a scope, and whether another one did as well.
    """

    __slots__ = ("_by_several", "_first")

    def __init__(self) -> None:
        self._first: dict[Scope, ClientName] = {}
        self._by_several: set[Scope] = set()

    def note(self, client: ClientName, met: AbstractSet[Scope]) -> None:
        """A client met these scopes."""
        first = self._first
        self._by_several.update(scope for scope in first.keys() & met if first[scope] != client)
        first.update(dict.fromkeys(met - first.keys(), client))

    def has_others(self, scope: Scope, client: ClientName) -> bool:
        """Whether another client met the scope."""
        return scope in self._by_several or self._first.get(scope, client) != client

    def by_others(self, scopes: Iterable[Scope], client: ClientName) -> frozenset[Scope]:
        """Those that another client met."""
        first, by_several = self._first, self._by_several
        return frozenset([s for s in scopes if first.get(s, client) != client or s in by_several])

    def meet_apart(self, other: ScopeWitnesses) -> bool:
        """Whether some client met a scope that another client met by the other account."""
        return any(
            scope in self._by_several or scope in other._by_several or client != other._first[scope]
            for scope, client in self._first.items()
            if scope in other._first
        )


NOBODY = ScopeWitnesses()


@dataclass(frozen=True, slots=True)
class ServerEvidence:
    """
    What the judge asks of other clients of the server (docs/design.md, Rules).

    Where something is `refused`, it was so by rule 6; `listed` takes lists for any request.
    """

    listed: Mapping[Kind, ScopeWitnesses] = field(default_factory=dict)
    left_out_alone: Witnesses[Kind] = field(default_factory=dict)
    """A lone scope was missing from a list, and from all others of the client; not from others'."""
    given: Mapping[str, ScopeWitnesses] = field(default_factory=dict)
    """By audience. Issued alone, or listed: whoever was given it, the scope is known."""
    seen_to_exist: frozenset[Scope] = frozenset()
    """Refused alone, if by a passing fault, or listed."""
    no_such_scopes: frozenset[ScopeOfTarget] = frozenset()
    """Left out of a list like the canary, never listed, and never refused to anybody."""
    refused_alone: Mapping[str, ScopeWitnesses] = field(default_factory=dict)
    """By audience."""
    canary_shown: Witnesses[Kind] = field(default_factory=dict)
    canary_missing: Witnesses[Kind] = field(default_factory=dict)
    """The request asked for the canary, and the list lacks it."""
    repeats_requests: frozenset[Kind] = frozenset()
    """Lists show the canary beside others, though it is refused alone: they repeat the request."""
    has_gaps: frozenset[Kind] = frozenset()
    """Some list lacks what was asked for: it does not merely repeat the request."""
    refuses_mixed_sets: frozenset[str] = frozenset()
    """Audiences for which all that lists show to some client was refused beside another scope."""
    canary_refused: Witnesses[str] = field(default_factory=dict)
    """By audience."""
    canary_refusals: frozenset[Likeness] = frozenset()
    """What the canary of some client met twice."""
    failures_without_scope: frozenset[Likeness] = frozenset()
    """What clients with good credentials met on a request without scope."""
    issues_without_scope: bool = False
    """Some client was given a token for a request without scope."""
    issues_canary: bool = False
    """Some client was given a token for an invented scope."""
    gives_scopes: bool = False
    """Some client was given a token for a request with scopes."""
    refuses: frozenset[str] = frozenset()
    """Audiences for which candidates were refused, if only once."""
    leaves_out: frozenset[str] = frozenset()
    """Audiences for which some list lacks what was asked for, or is absent where others come."""
    known_refused: frozenset[str] = frozenset()
    """The same of scopes that another client was given."""
    known_withheld: frozenset[str] = frozenset()
    """Audiences for which a lone refusal denies a scope that another client was given."""
    lists_what_was_asked: Witnesses[Kind] = field(default_factory=dict)
    """Some list was exactly what was asked for."""
    lists_nothing: frozenset[Form] = frozenset()
    """Some list was empty."""
    comes_for_scopes: frozenset[Kind] = frozenset()
    """Lists that came for requests with scopes."""
    lists_for_scopes: frozenset[Form] = frozenset()
    """Some request with scopes was answered with a list."""
    silent_for_granted: frozenset[Form] = frozenset()
    """Silent for scopes all of which other lists show to the same client."""

    def withholds(self, audience: str) -> bool:
        """Some scope of this audience was refused or left out, in whatever way."""
        return audience in self.refuses or audience in self.leaves_out

    @property
    def withholds_anything(self) -> bool:
        """Some scope of any audience was, be it the canary."""
        return bool(self.refuses or self.leaves_out or self.canary_refused)

    def is_listed_for_others(self, kind: Kind, scope: Scope, client: ClientName) -> bool:
        """A list of this kind showed the scope to another client."""
        return self.listed.get(kind, NOBODY).has_others(scope, client)

    def is_given_to_others(self, audience: str, scope: Scope, client: ClientName) -> bool:
        return self.given.get(audience, NOBODY).has_others(scope, client)

    def is_refused_to_others(self, audience: str, scope: Scope, client: ClientName) -> bool:
        return self.refused_alone.get(audience, NOBODY).has_others(scope, client)

    def empty_lists(self, form: Form, client: ClientName) -> Iterator[Kind]:
        """
        Kinds of lists that are empty for this client where a token of this form shows nothing.

        They held exactly what was asked, for this client or for two others, never were empty or
        showed the canary, never were absent for scopes that other lists show, on a server that
        never refused a known scope (rule 3).
        """
        if form in self.lists_nothing or form in self.silent_for_granted or self.known_refused:
            return
        for kind, met in self.lists_what_was_asked.items():
            is_given_lists = client in met or len(met) > 1
            if kind.form == form and is_given_lists and kind not in self.canary_shown:
                yield kind


def has_others(witnesses: Witnesses[_Key], key: _Key, client: ClientName) -> bool:
    """Whether another client met it."""
    met = witnesses.get(key, frozenset())
    return len(met) > (client in met)
