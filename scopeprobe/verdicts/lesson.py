"""What a server is like, learned from all its clients of the run (DESIGN, rule 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scopeprobe.model.answers import (
    WITHOUT_SCOPE,
    Fact,
    Issued,
    Refused,
    Unauthenticated,
)
from scopeprobe.model.clients import Scope
from scopeprobe.model.plans import Assignment
from scopeprobe.verdicts.testimony import Testimony


@dataclass(frozen=True, slots=True)
class Lesson:
    """Facts about one server. Flags switch one way only: more facts never take one back."""

    lists: bool = False
    """
    Some 200 listed just what was asked for, so an absent list means nothing granted.

    A list that holds more proves less: RFC 6749 section 5.1 wants one wherever scopes differ.
    """
    lists_in_token: bool = False
    """The same, seen in the claims of a token."""
    lists_when_introspected: bool = False
    """The same, told by introspection."""
    polices: frozenset[tuple[str, Scope]] = frozenset()
    """By audience: scopes accepted for one client, and refused to or left out for another."""
    withholds: bool = False
    """Some scope was refused or left out."""
    accepts_scopes: bool = False
    """Some request with a scope was answered with a token."""
    rejects_credentials_first: bool = False
    """Bad credentials were rejected on a request that good ones get refused for its scope."""
    rejects_absent_scope: bool = False
    """A client with good credentials was answered as if they were bad when it sent no scope."""
    tells_unknown_scopes: bool = False
    """A scope was refused with another code than the invented one: it exists, that one does not."""
    open_shapes: frozenset[tuple[str, str]] = frozenset()
    """By audience: prefixes of which an invented scope was issued too (DESIGN, rule 7)."""


def learn(testimonies: Iterable[tuple[Assignment, Iterable[Fact]]]) -> Lesson:
    """Fold the facts of a server's clients into its lesson. Their order does not matter."""
    clients = [Testimony(assignment, tuple(facts)) for assignment, facts in testimonies]
    scoped = [
        (fact.question.scopes, fact.answer)
        for client in clients
        for fact in client.successes
        if fact.question.scopes is not None and isinstance(fact.answer, Issued)
    ]
    withheld, accepted = (
        _by_scope(clients, Testimony.is_withheld),
        _by_scope(clients, Testimony.is_accepted),
    )
    refuses_absent_scope = any(
        client.successes and isinstance(client.control, Refused) for client in clients
    )
    lists = any(set(asked) == set(answer.listed or ()) for asked, answer in scoped)
    lists_in_token = any(set(asked) <= set(answer.claimed or ()) for asked, answer in scoped)
    return Lesson(
        lists=lists,
        lists_in_token=lists_in_token,
        lists_when_introspected=any(
            set(asked) <= set(answer.confirmed or ()) for asked, answer in scoped
        ),
        polices=frozenset(
            scope for scope in accepted if withheld.get(scope, set()) - accepted[scope]
        ),
        withholds=bool(withheld),
        accepts_scopes=bool(scoped),
        rejects_credentials_first=any(
            _rejected_before_its_scope(client, refuses_absent_scope) for client in clients
        ),
        rejects_absent_scope=any(
            client.successes and isinstance(client.control, Unauthenticated) for client in clients
        ),
        tells_unknown_scopes=any(map(_tells_scopes_apart, clients)),
        open_shapes=frozenset(
            (client.assignment.target.label, client.assignment.prefix_of(shape))
            for client in clients
            for shape in client.assignment.shapes
            if client.is_carried(shape, silence_is_consent=not (lists or lists_in_token))
        ),
    )


def _tells_scopes_apart(client: Testimony) -> bool:
    """The canary met `invalid_scope`, and some candidate a code that says "not for you"."""
    return (
        isinstance(client.canary, Refused)
        and client.canary.error == "invalid_scope"
        and any(
            isinstance(answer, Refused) and answer.error in _EXISTS for answer in client.refusals
        )
    )


_EXISTS = {"access_denied", "consent_required", "insufficient_scope"}
"""Codes that say of a scope that it exists: Okta's custom and org servers, Auth0."""


def _by_scope(
    clients: Iterable[Testimony], holds: Callable[[Testimony, Scope], bool]
) -> dict[tuple[str, Scope], set[str]]:
    """For every audience and scope, the clients of which something holds."""
    found: dict[tuple[str, Scope], set[str]] = {}
    for client in clients:
        for scope in client.asked():
            if holds(client, scope):
                key = client.assignment.target.label, scope
                found.setdefault(key, set()).add(client.assignment.client.name)
    return found


def _rejected_before_its_scope(client: Testimony, refuses_absent_scope: bool) -> bool:
    """
    Bad credentials were told so on a request that is refused to good ones.

    Such a request is the canary's on every server, and the one without `scope` where that is
    refused. Only a client that was never accepted shows it.
    """
    if client.successes or any(isinstance(answer, Refused) for answer in client.refusals):
        return False
    return any(
        isinstance(fact.answer, Unauthenticated)
        and (
            fact.question.scopes == (client.assignment.canary,)
            or (fact.question == WITHOUT_SCOPE and refuses_absent_scope)
        )
        for fact in client.facts
    )
