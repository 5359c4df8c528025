"""What a server is like, folded from the facts of its clients (docs/design.md, Terms)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from scopeprobe.model.answer import Fact, Issued, Refused, TooLarge, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.client import ClientName
from scopeprobe.model.evidence import ServerEvidence
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, prefix, resource
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.lone_refusals import denying_refusal, refuses_a_set
from scopeprobe.verdicts.server_evidence import gather_evidence, given_to
from scopeprobe.verdicts.showing import Extent

ToldClient: TypeAlias = tuple[Assignment, Iterable[Fact]]
"""A client and target, and what it was told: facts that can be gone through again and again."""

_MOST_KEPT = 20_000
"""Scopes in requests whose answers stay indexed."""


def learn_behavior(told: Iterable[ToldClient]) -> ServerBehavior:
    """Fold the facts of a server's clients into its behavior. Their order does not matter."""
    shown = _Shown()
    evidence = gather_evidence(_IndexedClients(told), shown.note)
    return shown.behavior(evidence)


class _Shown:
    """What clients show of their server beside the evidence."""

    def __init__(self) -> None:
        self._flags: dict[str, Any] = dict.fromkeys(_FLAGS, False)
        self._open_shapes = set[tuple[ClientName, str, str]]()
        self._settled_shapes = set[tuple[str, str]]()
        self._refused_without_candidates = set[bool]()
        self._failed_without_candidates = set[bool]()
        self._refused_for_the_canary = self._refused_for_a_known_scope = False
        self._most_bytes: list[int] = []

    def note(self, client: ClientFacts, evidence: ServerEvidence) -> None:
        for name, is_shown in _FLAGS.items():
            self._flags[name] = self._flags[name] or is_shown(client)
        self._open_shapes.update(_open_shapes(client, evidence))
        self._settled_shapes.update(_settled_shapes(client, evidence))
        if client.successes:
            self._refused_without_candidates |= _beside_candidates(client, Refused)
        elif _is_never_accepted(client):
            self._failed_without_candidates |= _beside_candidates(client, Unauthenticated)
        added = set(_refused_once_added(client, evidence))
        self._refused_for_the_canary |= client.assignment.canary in added
        self._refused_for_a_known_scope |= any(
            _is_known_and_withheld(client, scope, evidence) for scope in added
        )
        self._most_bytes += _too_large(client)

    def behavior(self, evidence: ServerEvidence) -> ServerBehavior:
        opened = {one[1:] for one in self._open_shapes}
        credentials_first = self._refused_without_candidates & self._failed_without_candidates
        return ServerBehavior(
            **self._flags,
            rejects_credentials_first=bool(credentials_first),
            open_shapes=frozenset(self._open_shapes),
            settled_shapes=frozenset(self._settled_shapes - opened),
            judges_sets=evidence.refuses_mixed_sets.union(
                kind.form.audience for kind in evidence.has_gaps
            ),
            refuses_sets_whole=self._refused_for_the_canary and self._refused_for_a_known_scope,
            most_bytes=min(self._most_bytes, default=None),
            evidence=evidence,
        )


class _IndexedClients:
    """
    Facts of many clients, indexed, to be gone through several times.

    The first stay indexed, as many as fit into little memory; the others are indexed each time.
    """

    def __init__(self, told: Iterable[ToldClient]) -> None:
        self._kept: list[ClientFacts] = []
        self._others: list[ToldClient] = []
        room = _MOST_KEPT
        for assignment, facts in told:
            if room > 0:
                client = ClientFacts(assignment, tuple(facts))
                room -= sum(len(fact.question.scopes or "?") for fact in client.facts)
                self._kept.append(client)
            else:
                self._others.append((assignment, facts))

    def __iter__(self) -> Iterator[ClientFacts]:
        yield from self._kept
        for assignment, facts in self._others:
            yield ClientFacts(assignment, tuple(facts))


def _open_shapes(
    client: ClientFacts, evidence: ServerEvidence
) -> Iterator[tuple[ClientName, str, str]]:
    """Prefixes of which the client was given an invented scope too (rule 12)."""
    for shape in client.assignment.shapes:
        if shape in given_to(client, evidence):
            yield client.name, client.audience, client.assignment.prefix_of(shape)


def _settled_shapes(client: ClientFacts, evidence: ServerEvidence) -> Iterator[tuple[str, str]]:
    """Prefixes with which something was withheld, or an invented scope issued."""
    withheld = client.left_out | client.refused_alone
    not_given = client.issued_for - given_to(client, evidence)
    invented = client.issued_for.intersection(client.assignment.shapes)
    for shape in set(map(prefix, withheld | not_given | invented)):
        yield client.audience, shape


# -- lists


def _was_listed_what_it_asked(client: ClientFacts) -> bool:
    """An answer listed the very scopes of its request; a list that holds more shows nothing."""
    return any(showing.answer is Extent.EXACT for showing in client.showings_for_scopes)


def _was_given_claims_of_what_it_asked(client: ClientFacts) -> bool:
    """A token's claims hold all scopes of its request, and perhaps others."""
    claims = (showing.token for showing in client.showings_for_scopes)
    return any(extent is not None and not extent.has_gaps for extent in claims)


def _was_listed_candidates_without_scope(client: ClientFacts) -> bool:
    """The request without `scope` brought a list with a candidate; other scopes do not count."""
    control, candidates = client.control, client.assignment.candidates
    return isinstance(control, Issued) and not control.names.isdisjoint(candidates)


# -- scopes withheld and accepted


def _got_a_token_for_scopes(client: ClientFacts) -> bool:
    """A request with scopes brought a token, whatever the token carries."""
    return bool(client.showings_for_scopes)


def _was_withheld_a_scope(client: ClientFacts) -> bool:
    """A scope, be it the canary, was refused alone between successes, or left out of a list."""
    return bool(client.left_out or client.refused_alone)


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


def _beside_candidates(client: ClientFacts, kind: type[Refused | Unauthenticated]) -> set[bool]:
    """Which requests for no candidate met it: for the canary (True), without scope (False)."""
    bare = (fact for fact in client.without_scope if fact.question == WITHOUT_SCOPE)
    return {
        bool(fact.question.asked)
        for fact in (*client.about(client.assignment.canary), *bare)
        if isinstance(fact.answer, kind)
    }


def _is_never_accepted(client: ClientFacts) -> bool:
    """
    It got no token, was refused no scope, and was not told that it does not exist.

    Else the scope may be looked at before the secret, or the client before both (rule 7).
    """
    return not client.successes and all(
        isinstance(answer, Unauthenticated) and not answer.unknown_client
        for answer in client.refusals
    )


# -- sets of several scopes


def _was_told_a_culprit(client: ClientFacts) -> bool:
    """A scope that a refusal named was refused alone as well, or named wherever it was put."""
    return any(
        scope in client.refused_alone or client.is_named_wherever_it_stands(scope)
        for scope in client.named
    )


def _was_told_a_wrong_culprit(client: ClientFacts) -> bool:
    """A scope that a refusal named was accepted in another request."""
    return any(scope in client.accepted for scope in client.named)


def _was_left_out_again(client: ClientFacts) -> bool:
    """A scope that a list left out was asked again among scopes that got nothing either."""
    out_of_sets = client.left_out_of_sets
    return bool(out_of_sets) and not out_of_sets.isdisjoint(client.left_out_by_itself)


def _was_left_out_once_only(client: ClientFacts) -> bool:
    """A scope that one list left out stands in another list of the same client."""
    return not client.left_out_of_sets.isdisjoint(client.names)


def _is_kept_to_one_resource(client: ClientFacts) -> bool:
    """A set over several resources was refused, each scope of which was accepted otherwise."""
    return any(
        client.accepted.issuperset(fact.question.asked)
        and len(set(map(resource, fact.question.asked))) > 1
        for fact in client.refused_sets
    )


def _is_known_and_withheld(client: ClientFacts, scope: Scope, evidence: ServerEvidence) -> bool:
    """It was refused alone as well, and another client was given it."""
    return (
        scope in client.candidates_asked
        and not client.lists(scope)
        and denying_refusal(client, scope, evidence) is not None
        and evidence.is_given_to_others(client.audience, scope, client.name)
    )


def _refused_once_added(client: ClientFacts, evidence: ServerEvidence) -> Iterator[Scope]:
    """
    Scopes without which a refused set had been, or was to be, accepted.

    A server that refuses one for the canary, and one for a scope that it knows and withholds, does
    not narrow sets (docs/design.md, rule 5).
    """
    refused = [fact for fact in client.refused_sets if refuses_a_set(client, fact, evidence)]
    accepted: dict[int, set[frozenset[Scope]]] = {
        len(set(fact.question.asked)) - 1: set() for fact in refused
    }
    for asked, issued in client.tokens_for_scopes if refused else ():
        of_its_size = accepted.get(len(set(asked)))
        if of_its_size is not None and (not issued.tells or issued.names.issuperset(asked)):
            of_its_size.add(frozenset(asked))
    for fact in refused:
        asked_for = frozenset(fact.question.asked)
        if client.is_bracketed(fact):
            for rest in accepted[len(asked_for) - 1]:
                if asked_for.issuperset(rest):
                    yield from asked_for - rest


def _too_large(client: ClientFacts) -> Iterator[int]:
    """Half the length of every list of scopes that was too large."""
    for fact in client.facts:
        if isinstance(fact.answer, TooLarge) and len(fact.question.asked) > 1:
            yield fact.question.size // 2


_FLAGS: Mapping[str, Callable[[ClientFacts], bool]] = {
    "lists": _was_listed_what_it_asked,
    "lists_in_token": _was_given_claims_of_what_it_asked,
    "withholds": _was_withheld_a_scope,
    "accepts_scopes": _got_a_token_for_scopes,
    "tells_unknown_scopes": _was_told_unknown_scopes_apart,
    "lists_without_scope": _was_listed_candidates_without_scope,
    "names_culprits": _was_told_a_culprit,
    "names_off": _was_told_a_wrong_culprit,
    "narrows": _was_left_out_again,
    "drops_companions": _was_left_out_once_only,
    "one_resource": _is_kept_to_one_resource,
}
"""Of a behavior's flags that one client can show by itself, what shows it."""
