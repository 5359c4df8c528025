"""What a server is like, folded from the facts of its clients (docs/design.md, Terms)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeAlias

from scopeprobe.model.answer import Fact, Issued, Refusal, Refused, TooLarge, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.verdicts.client_facts import ClientFacts


def learn_behavior(clients_facts: Iterable[tuple[Assignment, Iterable[Fact]]]) -> ServerBehavior:
    """Fold the facts of a server's clients into its behavior. Their order does not matter."""
    clients = [ClientFacts(assignment, tuple(facts)) for assignment, facts in clients_facts]
    lists = any(map(_was_listed_what_it_asked, clients))
    lists_in_token = any(map(_was_given_claims_of_what_it_asked, clients))
    silence_is_consent = not (lists or lists_in_token)
    return ServerBehavior(
        lists=lists,
        lists_in_token=lists_in_token,
        lists_when_introspected=any(map(_was_introspected_with_what_it_asked, clients)),
        polices=frozenset(_policed(clients)),
        withholds=any(map(_was_withheld_a_scope, clients)),
        accepts_scopes=any(map(_got_a_token_for_scopes, clients)),
        rejects_credentials_first=any(map(_failed_for_the_canary, clients))
        or (any(map(_was_refused_without_scope, clients)) and any(map(_failed_bare, clients))),
        rejects_absent_scope=any(map(_is_good_but_failed_without_scope, clients)),
        tells_unknown_scopes=any(map(_was_told_unknown_scopes_apart, clients)),
        open_shapes=frozenset(
            (client.assignment.target.label, client.assignment.prefix_of(shape))
            for client in clients
            for shape in client.assignment.shapes
            if client.is_carried(shape, silence_is_consent=silence_is_consent)
        ),
        drops_canary=frozenset(
            client.assignment.target.label for client in clients if _was_denied_the_canary(client)
        ),
        lists_without_scope=any(map(_was_listed_candidates_without_scope, clients)),
        names_culprits=any(map(_was_told_a_culprit, clients)),
        names_off=any(map(_was_told_a_wrong_culprit, clients)),
        narrows=any(map(_was_left_out_again, clients)),
        drops_companions=any(map(_was_left_out_once_only, clients)),
        one_resource=any(map(_is_kept_to_one_resource, clients)),
        refuses_sets_whole=_refuses_sets_whole(clients),
        most_bytes=min(chain.from_iterable(map(_too_large, clients)), default=None),
    )


# -- lists


def _was_listed_what_it_asked(client: ClientFacts) -> bool:
    """An answer listed the very scopes of its request; a list that holds more shows nothing."""
    return any(set(asked) == set(issued.listed or ()) for asked, issued in _scoped(client))


def _was_given_claims_of_what_it_asked(client: ClientFacts) -> bool:
    """A token's claims hold all scopes of its request, and perhaps others."""
    return any(set(asked) <= set(issued.claimed or ()) for asked, issued in _scoped(client))


def _was_introspected_with_what_it_asked(client: ClientFacts) -> bool:
    """Introspection listed all scopes of a request, and perhaps others."""
    return any(set(asked) <= set(issued.confirmed or ()) for asked, issued in _scoped(client))


def _was_listed_candidates_without_scope(client: ClientFacts) -> bool:
    """The request without `scope` brought a list with a candidate; other scopes do not count."""
    control, candidates = client.control, client.assignment.candidates
    return isinstance(control, Issued) and not control.names.isdisjoint(candidates)


def _scoped(client: ClientFacts) -> Iterator[tuple[tuple[Scope, ...], Issued]]:
    """Tokens that were issued for scopes, with what was asked."""
    for fact in client.facts:
        if fact.question.scopes is not None and isinstance(fact.answer, Issued):
            yield fact.question.scopes, fact.answer


# -- scopes withheld and accepted


def _got_a_token_for_scopes(client: ClientFacts) -> bool:
    """A request with scopes brought a token, whatever the token carries."""
    return any(_scoped(client))


def _was_withheld_a_scope(client: ClientFacts) -> bool:
    """A scope, be it the canary, was refused alone between successes, or left out of a list."""
    return any(map(client.is_withheld, client.asked()))


def _was_denied_the_canary(client: ClientFacts) -> bool:
    """A client that got a token was refused the canary, or got a list without it; silence no."""
    if isinstance(client.canary, Issued):
        return client.canary.tells and client.drops_canary
    return bool(client.canary and client.successes)


def _policed(clients: Iterable[ClientFacts]) -> Iterator[_ScopeOfTarget]:
    """Scopes that one client was given and another one, for the same target, was not."""
    clients = list(clients)
    withheld = _names_by_scope(clients, ClientFacts.is_withheld)
    for scope, names in _names_by_scope(clients, ClientFacts.is_accepted).items():
        if withheld.get(scope, set()) - names:
            yield scope


_ScopeOfTarget: TypeAlias = tuple[str, Scope]
"""The label of a target, and a scope that was asked for there."""


def _names_by_scope(
    clients: Iterable[ClientFacts], holds: Callable[[ClientFacts, Scope], bool]
) -> dict[_ScopeOfTarget, set[str]]:
    """The names of the clients for which something holds of a scope."""
    found: dict[_ScopeOfTarget, set[str]] = {}
    for client in clients:
        for scope in client.asked():
            if holds(client, scope):
                key = client.assignment.target.label, scope
                found.setdefault(key, set()).add(client.assignment.client.name)
    return found


def _was_told_unknown_scopes_apart(client: ClientFacts) -> bool:
    """The canary met `invalid_scope`, and a request a code that says "not for you"."""
    return (
        isinstance(client.canary, Refused)
        and client.canary.error == "invalid_scope"
        and any(
            isinstance(answer, Refused) and answer.error in _EXISTS for answer in client.refusals
        )
    )


_EXISTS = {"access_denied", "consent_required", "insufficient_scope"}
"""Codes that say of a scope that it exists: Okta's custom and org servers, Auth0."""


# -- credentials


def _failed_for_the_canary(client: ClientFacts) -> bool:
    """A client that was never accepted failed to authenticate on a request for the canary."""
    return _is_never_accepted(client) and any(
        isinstance(fact.answer, Unauthenticated) for fact in client.about(client.assignment.canary)
    )


def _failed_bare(client: ClientFacts) -> bool:
    """A client that was never accepted failed to authenticate on a request without `scope`."""
    return _is_never_accepted(client) and any(
        isinstance(fact.answer, Unauthenticated)
        for fact in client.facts
        if fact.question == WITHOUT_SCOPE
    )


def _is_never_accepted(client: ClientFacts) -> bool:
    """It got no token, and no refusal that was about anything but authentication."""
    return not client.successes and not any(isinstance(a, Refused) for a in client.refusals)


def _was_refused_without_scope(client: ClientFacts) -> bool:
    """A client that got a token elsewhere was refused the request without `scope`."""
    return bool(client.successes) and isinstance(client.control, Refused)


def _is_good_but_failed_without_scope(client: ClientFacts) -> bool:
    """A client that got a token is told, without `scope`, that its credentials failed."""
    return bool(client.successes) and isinstance(client.control, Unauthenticated)


# -- sets of several scopes


def _was_told_a_culprit(client: ClientFacts) -> bool:
    """A scope that a refusal named was refused alone as well, or named wherever it was put."""
    return any(
        client.is_refused_alone(scope) or client.is_named_wherever_it_stands(scope)
        for scope in client.named
    )


def _was_told_a_wrong_culprit(client: ClientFacts) -> bool:
    """A scope that a refusal named was accepted in another request."""
    return any(map(client.is_accepted, client.named))


def _was_left_out_again(client: ClientFacts) -> bool:
    """A scope that a list left out was asked again among scopes that got nothing either."""
    return any(map(client.is_left_out_by_itself, client.left_out_of_sets()))


def _was_left_out_once_only(client: ClientFacts) -> bool:
    """A scope that one list left out stands in another list of the same client."""
    return any(map(client.lists, client.left_out_of_sets()))


def _is_kept_to_one_resource(client: ClientFacts) -> bool:
    """A set over several resources was refused, each scope of which was accepted otherwise."""
    return any(
        len(set(map(resource, fact.question.scopes or ()))) > 1
        and all(map(client.is_accepted, fact.question.scopes or ()))
        for fact in client.facts
        if isinstance(fact.answer, Refusal)
    )


def _refuses_sets_whole(clients: Iterable[ClientFacts]) -> bool:
    """
    One bad scope makes the server refuse a set, and not narrow it (docs/design.md, rule 5).

    It takes both: a set that was accepted and was refused with the canary added; and one that was
    refused with a scope added that was refused alone as well, and that another client was given.
    """
    clients = list(clients)
    added = [(client, set(_refused_once_added(client))) for client in clients]
    if not any(client.assignment.canary in scopes for client, scopes in added):
        return False
    known = _names_by_scope(clients, _was_given)
    return any(
        known.get((client.assignment.target.label, scope), set()) - {client.assignment.client.name}
        for client, scopes in added
        for scope in scopes
        if client.is_refused_alone(scope)
    )


def _refused_once_added(client: ClientFacts) -> Iterator[Scope]:
    """Scopes without which a refused set had been, or was to be, accepted."""
    accepted: dict[int, set[frozenset[Scope]]] = {}
    for asked, issued in _scoped(client):
        if not issued.tells or issued.names.issuperset(asked):
            accepted.setdefault(len(set(asked)), set()).add(frozenset(asked))
    for fact in client.facts:
        asked_for = frozenset(fact.question.scopes or ())
        if len(asked_for) > 1 and isinstance(fact.answer, Refusal) and client.is_bracketed(fact):
            for rest in accepted.get(len(asked_for) - 1, ()):
                if rest < asked_for:
                    yield from asked_for - rest


def _was_given(client: ClientFacts, scope: Scope) -> bool:
    """A token lists the scope; or was issued for it alone, and lists nothing."""
    return client.lists(scope) or any(
        isinstance(fact.answer, Issued) and not fact.answer.tells for fact in client.about(scope)
    )


def _too_large(client: ClientFacts) -> Iterator[int]:
    """Half the length of every list of scopes that was too large."""
    for fact in client.facts:
        if isinstance(fact.answer, TooLarge) and len(fact.question.scopes or ()) > 1:
            yield fact.question.size // 2
