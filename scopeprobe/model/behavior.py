"""What a server is like, as all its clients of a run show it (docs/design.md, "Terms")."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from scopeprobe.model.client import ClientName
from scopeprobe.model.evidence import ServerEvidence
from scopeprobe.model.scope_names import Scope


@dataclass(frozen=True, slots=True)
class EarlierClient:
    """What another client of the server was proved to have and not to have."""

    audience: str
    candidates: tuple[Scope, ...]
    granted: frozenset[Scope]
    denied: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class ServerBehavior:
    """What the answers of one server show. More facts set further flags and clear none."""

    lists: bool = False
    """
    Some answer listed exactly what was asked for: then an absent list means nothing was granted.

    One that lists more does not show that: RFC 6749 section 5.1 demands a list that differs.
    """
    lists_in_token: bool = False
    """The same, seen in the claims of a token."""
    withholds: bool = False
    """Some scope was refused or left out."""
    accepts_scopes: bool = False
    """Some request with a scope was answered with a token."""
    rejects_credentials_first: bool = False
    """Bad credentials were rejected on a request that good ones get refused for its scope."""
    tells_unknown_scopes: bool = False
    """A scope was refused with another code than the canary: it exists, the canary does not."""
    open_shapes: frozenset[tuple[ClientName, str, str]] = frozenset()
    """
    By client and audience: prefixes of which an invented scope was issued too (docs/design.md,
    rule 12).
    """
    settled_shapes: frozenset[tuple[str, str]] = field(default=frozenset(), compare=False)
    """
    By audience: prefixes that are no open shape, since with them something was withheld, or an
    invented scope issued that shows nothing. They leave nothing to ask.
    """
    lists_without_scope: bool = False
    """A request without `scope` brought a list with candidates in it."""
    names_culprits: bool = False
    """A scope that a refusal had named was refused alone, or named wherever it was put."""
    names_off: bool = False
    """A scope that a refusal of several had named was granted to the same client."""
    narrows: bool = False
    """Scopes left out of a list were asked again by themselves, and got nothing again."""
    drops_companions: bool = False
    """A scope was left out of one list and stood in another of the same client."""
    one_resource: bool = False
    """Scopes of several resources were refused together, each of which is granted by itself."""
    judges_sets: frozenset[str] = frozenset()
    """
    Audiences for which a list left out what was asked for, or all that is listed was refused beside
    a bad scope.
    """
    refuses_sets_whole: bool = False
    """
    Accepted sets were refused whole once the canary, and once a known scope, was added to them.

    The known scope was refused alone: a server that narrows sets in silence would have issued both.
    """
    most_bytes: int | None = None
    """How many bytes of scopes a request may have, since more were too large; None: not met."""
    earlier_clients: tuple[EarlierClient, ...] = ()
    """What clients of this server were proved to have: how likely it is for the next ones."""
    evidence: ServerEvidence = field(default=ServerEvidence(), compare=False, repr=False)
    """What the verdicts rest on; plans do not look at it."""

    def without_earlier_clients(self) -> ServerBehavior:
        """The flags alone: what decides whether a client is asked once more."""
        return replace(self, earlier_clients=())


NOTHING_KNOWN = ServerBehavior()
