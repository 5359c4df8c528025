"""Fold the facts of a server's clients into its lesson (DESIGN, rule 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from scopeprobe.model.answer import Fact, Issued, Refusal, Refused, TooLarge, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.verdicts.client_facts import ClientFacts


def learn_behavior(clients_facts: Iterable[tuple[Assignment, Iterable[Fact]]]) -> ServerBehavior:
    """Fold the facts of a server's clients into its lesson. Their order does not matter."""
    clients = [ClientFacts(assignment, tuple(facts)) for assignment, facts in clients_facts]
    scoped = [
        (fact.question.scopes, fact.answer)
        for client in clients
        for fact in client.successes
        if fact.question.scopes is not None and isinstance(fact.answer, Issued)
    ]
    withheld, accepted = (
        _by_scope(clients, ClientFacts.is_withheld),
        _by_scope(clients, ClientFacts.is_accepted),
    )
    refuses_absent_scope = any(
        client.successes and isinstance(client.control, Refused) for client in clients
    )
    lists = any(set(asked) == set(answer.listed or ()) for asked, answer in scoped)
    lists_in_token = any(set(asked) <= set(answer.claimed or ()) for asked, answer in scoped)
    return ServerBehavior(
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
        drops_canary=frozenset(
            client.assignment.target.label for client in clients if _drops_canary(client)
        ),
        lists_without_scope=any(map(_lists_without_scope, clients)),
        names_culprits=any(
            client.is_refused_alone(scope) or client.is_named_wherever_it_stands(scope)
            for client in clients
            for scope in client.named
        ),
        names_off=any(client.is_accepted(scope) for client in clients for scope in client.named),
        narrows=any(
            client.is_left_out_by_itself(scope)
            for client in clients
            for scope in client.left_out_of_sets()
        ),
        drops_companions=any(
            client.lists(scope) for client in clients for scope in client.left_out_of_sets()
        ),
        one_resource=any(map(_is_kept_to_one_resource, clients)),
        most_bytes=min(chain.from_iterable(map(_too_large, clients)), default=None),
    )


def _drops_canary(client: ClientFacts) -> bool:
    """An authenticated client was refused the invented scope, or not given it in a list."""
    if isinstance(client.canary, Issued):
        return client.canary.tells and client.drops_canary
    return bool(client.canary and client.successes)


def _lists_without_scope(client: ClientFacts) -> bool:
    return bool(
        isinstance(client.control, Issued)
        and client.control.names & set(client.assignment.candidates)
    )


def _is_kept_to_one_resource(client: ClientFacts) -> bool:
    """A set over several resources was refused, each scope of which was accepted otherwise."""
    return any(
        len(set(map(resource, fact.question.scopes or ()))) > 1
        and all(map(client.is_accepted, fact.question.scopes or ()))
        for fact in client.facts
        if isinstance(fact.answer, Refusal)
    )


def _too_large(client: ClientFacts) -> Iterator[int]:
    """Half the length of every list of scopes that was too large."""
    for fact in client.facts:
        if isinstance(fact.answer, TooLarge) and len(fact.question.scopes or ()) > 1:
            yield fact.question.size // 2


def _tells_scopes_apart(client: ClientFacts) -> bool:
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
    clients: Iterable[ClientFacts], holds: Callable[[ClientFacts, Scope], bool]
) -> dict[tuple[str, Scope], set[str]]:
    """For every audience and scope, the clients of which something holds."""
    found: dict[tuple[str, Scope], set[str]] = {}
    for client in clients:
        for scope in client.asked():
            if holds(client, scope):
                key = client.assignment.target.label, scope
                found.setdefault(key, set()).add(client.assignment.client.name)
    return found


def _rejected_before_its_scope(client: ClientFacts, refuses_absent_scope: bool) -> bool:
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
