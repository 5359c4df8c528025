"""What all clients of a server show together: who was shown, given and refused what."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
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


Listing: TypeAlias = tuple[Kind, Scope]
ScopeOfTarget: TypeAlias = tuple[str, Scope]
"""The label of a target, and a scope that was asked for there."""

_Key = TypeVar("_Key", bound=Hashable)
Witnesses: TypeAlias = Mapping[_Key, frozenset[ClientName]]
"""The clients that met something."""


@dataclass(frozen=True, slots=True)
class ServerEvidence:
    """
    What the judge asks of other clients of the server (docs/design.md, Rules).

    Where something is `refused`, it was so by rule 6; `listed` takes lists for any request.
    """

    listed: Witnesses[Listing] = field(default_factory=dict)
    left_out_alone: Witnesses[Kind] = field(default_factory=dict)
    """A lone scope was missing from a list, and from all others of the client; not from others'."""
    given: Witnesses[ScopeOfTarget] = field(default_factory=dict)
    """Issued alone, or listed: whoever was given it, the scope is known."""
    no_such_scopes: frozenset[ScopeOfTarget] = frozenset()
    """Left out of a list like the canary, never listed, and never refused to anybody."""
    refused_alone: Witnesses[ScopeOfTarget] = field(default_factory=dict)
    canary_shown: Witnesses[Kind] = field(default_factory=dict)
    canary_missing: Witnesses[Kind] = field(default_factory=dict)
    """The request asked for the canary, and the list lacks it."""
    repeats_requests: frozenset[Kind] = frozenset()
    """Lists show the canary beside others, though it is refused alone: they repeat the request."""
    has_gaps: frozenset[Kind] = frozenset()
    """Some list lacks what was asked for: it does not merely repeat the request."""
    refuses_mixed_sets: frozenset[str] = frozenset()
    """Audiences for which the canary, or a scope refused alone, had a granted one refused too."""
    canary_refused: Witnesses[str] = field(default_factory=dict)
    """By audience."""
    canary_refusals: frozenset[Likeness] = frozenset()
    """What canaries met twice on this server."""
    failures_without_scope: frozenset[Likeness] = frozenset()
    """What clients with good credentials met on a request without scope."""
    issues_without_scope: bool = False
    """Some client was given a token for a request without scope."""
    gives_scopes: bool = False
    """Some client was given a token for a request with scopes."""
    refuses: frozenset[str] = frozenset()
    """Audiences for which an authenticated client was refused candidates, if only once."""
    leaves_out: frozenset[str] = frozenset()
    """Audiences for which some list lacks a candidate that was asked for."""
    known_refused: frozenset[str] = frozenset()
    """The same of scopes that another client was given."""
    known_withheld: frozenset[str] = frozenset()
    """Audiences for which a lone refusal denies a scope that another client was given."""
    lists_what_was_asked: frozenset[Kind] = frozenset()
    """Some list was exactly what was asked for."""
    lists_nothing: frozenset[Form] = frozenset()
    """Some list was empty."""
    lists_for_scopes: frozenset[Form] = frozenset()
    """Some request with scopes was answered with a list."""
    silent_for_granted: frozenset[Form] = frozenset()
    """Silent for scopes all of which other lists show to the same client."""

    def withholds(self, audience: str) -> bool:
        """Some scope was refused or left out, in whatever way."""
        return audience in self.refuses or audience in self.leaves_out

    def silence_is_an_empty_list(self, kind: Kind) -> bool:
        """
        Lists of this kind hold exactly what tokens carry; there is none where they carry nothing.

        They held exactly what was asked, never were empty or showed the canary, never were absent
        for scopes that other lists show, on a server that never refused a known scope (rule 3).
        """
        return (
            kind in self.lists_what_was_asked
            and kind not in self.canary_shown
            and kind.form not in self.lists_nothing
            and kind.form not in self.silent_for_granted
            and not self.known_refused
        )


def has_others(witnesses: Witnesses[_Key], key: _Key, client: ClientName) -> bool:
    """Whether another client met it."""
    met = witnesses.get(key, frozenset())
    return len(met) > (client in met)
