"""What a server is like, folded from the facts of its clients (docs/design.md, Terms)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from scopeprobe.model.answer import Fact, Issued, Refusal, Refused, TooLarge, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.evidence import ServerEvidence, has_others
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.lone_refusals import refuses_a_set
from scopeprobe.verdicts.server_evidence import gather_evidence, is_given


def learn_behavior(clients_facts: Iterable[tuple[Assignment, Iterable[Fact]]]) -> ServerBehavior:
    """Fold the facts of a server's clients into its behavior. Their order does not matter."""
    clients = [ClientFacts(assignment, tuple(facts)) for assignment, facts in clients_facts]
    evidence = gather_evidence(clients)
    return ServerBehavior(
        lists=any(map(_was_listed_what_it_asked, clients)),
        lists_in_token=any(map(_was_given_claims_of_what_it_asked, clients)),
        withholds=any(map(_was_withheld_a_scope, clients)),
        accepts_scopes=any(map(_got_a_token_for_scopes, clients)),
        rejects_credentials_first=_rejects_credentials_first(clients),
        tells_unknown_scopes=any(map(_was_told_unknown_scopes_apart, clients)),
        open_shapes=frozenset(
            (client.name, client.audience, client.assignment.prefix_of(shape))
            for client in clients
            for shape in client.assignment.shapes
            if is_given(client, shape, evidence)
        ),
        lists_without_scope=any(map(_was_listed_candidates_without_scope, clients)),
        names_culprits=any(map(_was_told_a_culprit, clients)),
        names_off=any(map(_was_told_a_wrong_culprit, clients)),
        narrows=any(map(_was_left_out_again, clients)),
        drops_companions=any(map(_was_left_out_once_only, clients)),
        one_resource=any(map(_is_kept_to_one_resource, clients)),
        judges_sets=evidence.refuses_mixed_sets.union(
            kind.form.audience for kind in evidence.has_gaps
        ),
        refuses_sets_whole=_refuses_sets_whole(clients, evidence),
        most_bytes=min(chain.from_iterable(map(_too_large, clients)), default=None),
        evidence=evidence,
    )


# -- lists


def _was_listed_what_it_asked(client: ClientFacts) -> bool:
    """An answer listed the very scopes of its request; a list that holds more shows nothing."""
    return any(set(asked) == set(issued.listed or ()) for asked, issued in _scoped(client))


def _was_given_claims_of_what_it_asked(client: ClientFacts) -> bool:
    """A token's claims hold all scopes of its request, and perhaps others."""
    return any(set(asked) <= set(issued.claimed or ()) for asked, issued in _scoped(client))


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


def _rejects_credentials_first(clients: Iterable[ClientFacts]) -> bool:
    """
    A client failed to authenticate on a request that good clients are refused (rule 7).

    It was never accepted, never refused for a scope, and not told that nobody knows it: else the
    scope may be looked at before the secret, or the client before both.
    """
    clients = list(clients)
    refused = [_beside_candidates(client, Refused) for client in clients if client.successes]
    failed = [_beside_candidates(c, Unauthenticated) for c in clients if _is_never_accepted(c)]
    return any(one & other for one in refused for other in failed)


def _beside_candidates(client: ClientFacts, kind: type[Refused | Unauthenticated]) -> set[bool]:
    """Which requests for no candidate met it: for the canary (True), without scope (False)."""
    bare = (fact for fact in client.facts if fact.question == WITHOUT_SCOPE)
    return {
        fact.question.scopes is not None
        for fact in (*client.about(client.assignment.canary), *bare)
        if isinstance(fact.answer, kind)
    }


def _is_never_accepted(client: ClientFacts) -> bool:
    """It got no token, was refused no scope, and was not told that it does not exist."""
    return not client.successes and all(
        isinstance(answer, Unauthenticated) and not answer.unknown_client
        for answer in client.refusals
    )


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


def _refuses_sets_whole(clients: Iterable[ClientFacts], evidence: ServerEvidence) -> bool:
    """
    One bad scope makes the server refuse a set, and not narrow it (docs/design.md, rule 5).

    It takes both: a set that was accepted and was refused with the canary added; and one that was
    refused with a scope added that was refused alone as well, and that another client was given.
    """
    added = [
        (client, scope) for client in clients for scope in _refused_once_added(client, evidence)
    ]
    return any(scope == client.assignment.canary for client, scope in added) and any(
        client.name in evidence.refused_alone.get((client.audience, scope), ())
        and has_others(evidence.given, (client.audience, scope), client.name)
        for client, scope in added
    )


def _refused_once_added(client: ClientFacts, evidence: ServerEvidence) -> Iterator[Scope]:
    """Scopes without which a refused set had been, or was to be, accepted."""
    accepted: dict[int, set[frozenset[Scope]]] = {}
    for asked, issued in _scoped(client):
        if not issued.tells or issued.names.issuperset(asked):
            accepted.setdefault(len(set(asked)), set()).add(frozenset(asked))
    for fact in client.facts:
        asked_for = frozenset(fact.question.scopes or ())
        if refuses_a_set(client, fact, evidence) and client.is_bracketed(fact):
            for rest in accepted.get(len(asked_for) - 1, ()):
                if rest < asked_for:
                    yield from asked_for - rest


def _too_large(client: ClientFacts) -> Iterator[int]:
    """Half the length of every list of scopes that was too large."""
    for fact in client.facts:
        if isinstance(fact.answer, TooLarge) and len(fact.question.scopes or ()) > 1:
            yield fact.question.size // 2
