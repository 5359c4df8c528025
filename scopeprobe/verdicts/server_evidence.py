"""Fold the facts of a server's clients into what the judge asks of other clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from scopeprobe.model.answer import (
    Answer,
    Fact,
    Issued,
    Likeness,
    Refusal,
    Refused,
    Subject,
    is_plain_about_scope,
)
from scopeprobe.model.client import ClientName
from scopeprobe.model.evidence import (
    Form,
    Kind,
    Listing,
    ScopeOfTarget,
    ServerEvidence,
    has_others,
)
from scopeprobe.model.scope_names import Scope, resembles
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.lone_refusals import (
    canary_is_refused,
    denying_refusal,
    refuses_a_set,
)

_Key = TypeVar("_Key", bound=Hashable)
_Shown = Callable[[ClientFacts], Iterable[_Key]]


def gather_evidence(clients: Sequence[ClientFacts]) -> ServerEvidence:
    """What the answers to all clients show together. Their order does not matter."""
    places = _places_by_form(clients)
    evidence = ServerEvidence(
        listed=_witnesses(clients, _listed),
        given=_witnesses(clients, _given),
        canary_shown=_witnesses(clients, _canary_shown),
        canary_missing=_witnesses(clients, _canary_missing),
        repeats_requests=_all_of(clients, _repeats_requests),
        has_gaps=_all_of(clients, _has_gaps),
        canary_refusals=_all_of(clients, _met_twice),
        failures_without_scope=_all_of(clients, _failures_without_scope),
        issues_without_scope=any(
            fact.question.scopes is None for client in clients for fact in client.successes
        ),
        issues_canary=any(isinstance(client.canary, Issued) for client in clients),
        gives_scopes=any(fact.question.scopes for c in clients for fact in c.successes),
        lists_what_was_asked=_witnesses(clients, _lists_what_was_asked),
        lists_nothing=_all_of(clients, _lists_nothing),
        lists_for_scopes=_all_of(clients, _lists_for_scopes),
        silent_for_granted=_all_of(clients, _silent_for_granted),
        refuses=_all_of(clients, _refuses),
        leaves_out=_all_of(clients, lambda client: _leaves_out(client, places)),
    )
    evidence = replace(
        evidence,
        refused_alone=_witnesses(clients, lambda client: _refused_alone(client, evidence)),
        canary_refused=_witnesses(clients, lambda client: _canary_refused(client, evidence)),
        no_such_scopes=_no_such_scopes(clients, evidence),
        refuses_mixed_sets=_all_of(clients, lambda client: _refuses_mixed(client, evidence)),
        known_refused=_all_of(clients, lambda client: _known_refused(client, evidence)),
    )
    return replace(
        evidence,
        known_withheld=_all_of(clients, lambda client: _known_withheld(client, evidence)),
        left_out_alone=_witnesses(clients, lambda client: _left_out_alone(client, evidence)),
    )


def is_given(client: ClientFacts, scope: Scope, evidence: ServerEvidence) -> bool:
    """
    A token was issued for the scope, and is not shown to be without it.

    Lists that repeat requests show nothing; nor does silence where other tokens have lists.
    """
    kinds = [kind for kind in client.listed if kind not in evidence.canary_shown]
    if kinds:
        return any(scope in client.listed[kind] for kind in kinds)
    return client.is_issued(scope) and not client.is_left_out(scope)


def _witnesses(
    clients: Iterable[ClientFacts], shown: _Shown[_Key]
) -> dict[_Key, frozenset[ClientName]]:
    found: dict[_Key, set[ClientName]] = {}
    for client in clients:
        for key in shown(client):
            found.setdefault(key, set()).add(client.name)
    return {key: frozenset(names) for key, names in found.items()}


def _all_of(clients: Iterable[ClientFacts], shown: _Shown[_Key]) -> frozenset[_Key]:
    return frozenset(key for client in clients for key in shown(client))


# -- lists


def _listed(client: ClientFacts) -> Iterator[Listing]:
    for kind, names in client.listed.items():
        for scope in names:
            yield kind, scope


def _left_out_alone(client: ClientFacts, evidence: ServerEvidence) -> Iterator[Kind]:
    """Kinds of lists without a lone scope that they show to another client."""
    for fact, issued in _scoped(client):
        if len(fact.question.scopes or ()) == 1 and not client.is_shared(issued):
            for kind, scope in (*_gaps(client, fact), *_silences(client, fact, issued, evidence)):
                if has_others(evidence.listed, (kind, scope), client.name):
                    yield kind


def _silences(
    client: ClientFacts, fact: Fact, issued: Issued, evidence: ServerEvidence
) -> Iterator[Listing]:
    """The same of a token that shows nothing, where silence is an empty list (rule 3)."""
    if issued.tells:
        return
    for kind in evidence.empty_lists(client.form(issued), client.name):
        for scope in fact.question.scopes or ():
            if not client.lists(scope):
                yield kind, scope


def _gaps(client: ClientFacts, fact: Fact) -> Iterator[Listing]:
    """What one list lacks although it was asked for, and no list of the client holds."""
    if not isinstance(fact.answer, Issued) or client.is_shared(fact.answer):
        return
    for kind, names in client.kinds(fact.answer).items():
        for scope in fact.question.scopes or ():
            if not (scope in names or client.lists(scope)):
                yield kind, scope


def _has_gaps(client: ClientFacts) -> Iterator[Kind]:
    for fact, issued in _scoped(client):
        for kind, names in client.kinds(issued).items():
            if not names.issuperset(fact.question.scopes or ()):
                yield kind


def _lists_what_was_asked(client: ClientFacts) -> Iterator[Kind]:
    for fact, issued in _scoped(client):
        for kind, names in client.kinds(issued).items():
            if names == set(fact.question.scopes or ()):
                yield kind


def _lists_nothing(client: ClientFacts) -> Iterator[Form]:
    for issued in client.issued:
        if not all(issued.lists):
            yield client.form(issued)


def _lists_for_scopes(client: ClientFacts) -> Iterator[Form]:
    for _, issued in _scoped(client):
        if issued.tells:
            yield client.form(issued)


def _silent_for_granted(client: ClientFacts) -> Iterator[Form]:
    for fact, issued in _scoped(client):
        if not issued.tells and all(map(client.lists, fact.question.scopes or ())):
            yield client.form(issued)


def _scoped(client: ClientFacts) -> Iterator[tuple[Fact, Issued]]:
    """Tokens that were issued for scopes."""
    for fact in client.successes:
        if fact.question.scopes and isinstance(fact.answer, Issued):
            yield fact, fact.answer


# -- the canary


def _canary_shown(client: ClientFacts) -> Iterator[Kind]:
    canary = client.assignment.canary
    return (kind for kind, names in client.listed.items() if canary in names)


def _repeats_requests(client: ClientFacts) -> Iterator[Kind]:
    """Kinds of lists that show the canary to a client that is refused it alone."""
    if isinstance(client.canary, Refusal):
        yield from _canary_shown(client)


def _canary_missing(client: ClientFacts) -> Iterator[Kind]:
    """Kinds of lists for the canary that lack it in any spelling; other places may repeat it."""
    canary = client.assignment.canary
    for fact in client.tokens_for(canary):
        if isinstance(fact.answer, Issued) and not client.is_shared(fact.answer):
            for kind in client.kinds(fact.answer):
                if not any(resembles(name, canary) for name in client.listed[kind]):
                    yield kind


def _canary_refused(client: ClientFacts, evidence: ServerEvidence) -> Iterator[str]:
    if canary_is_refused(client, evidence):
        yield client.audience


def _met_twice(client: ClientFacts) -> Iterator[Likeness]:
    """
    Refusals that the canary of one client met at least twice, a success of it behind each.

    Before one of them was a success as well; the other may have been the first that was asked. The
    canaries of two clients may have met one passing fault each.
    """
    asked = client.about(client.assignment.canary)
    met = Counter(client.likeness(fact) for fact in asked if client.is_followed(fact))
    for fact in filter(client.is_bracketed, asked):
        kind = client.likeness(fact)
        if kind is not None and met[kind] > 1:
            yield kind


# -- scopes given and withheld


def _given(client: ClientFacts) -> Iterator[ScopeOfTarget]:
    issued_alone = filter(client.is_issued_by_itself, _candidates(client))
    for scope in (*issued_alone, *client.names):
        yield client.audience, scope


def _no_such_scopes(
    clients: Sequence[ClientFacts], evidence: ServerEvidence
) -> frozenset[ScopeOfTarget]:
    """Scopes that are left out like the canary, and were refused or listed for no target."""
    left_out = _all_of(clients, lambda client: _left_out_with_the_canary(client, evidence))
    existing = _all_of(clients, _seen_to_exist)
    return frozenset((audience, scope) for audience, scope in left_out if scope not in existing)


def _left_out_with_the_canary(
    client: ClientFacts, evidence: ServerEvidence
) -> Iterator[ScopeOfTarget]:
    """Scopes that are issued alone, as the canary is, and are missing from a list beside it."""
    if not isinstance(client.canary, Issued):
        return
    for fact in client.tokens_for(client.assignment.canary):
        if isinstance(fact.answer, Issued) and not client.is_shared(fact.answer):
            for kind, names in client.kinds(fact.answer).items():
                asked = set(fact.question.scopes or ())
                missing = asked - names
                if names <= asked and kind not in evidence.canary_shown:
                    for scope in filter(client.is_issued_by_itself, missing):
                        yield client.audience, scope


def _seen_to_exist(client: ClientFacts) -> Iterator[Scope]:
    """Scopes that were refused alone, if by a passing fault, or are listed."""
    yield from client.names
    for scope in _candidates(client):
        if any(isinstance(fact.answer, Refusal) for fact in client.about(scope)):
            yield scope


def _refused_alone(client: ClientFacts, evidence: ServerEvidence) -> Iterator[ScopeOfTarget]:
    for scope in _candidates(client):
        if not client.lists(scope) and denying_refusal(client, scope, evidence) is not None:
            yield client.audience, scope


def _known_withheld(client: ClientFacts, evidence: ServerEvidence) -> Iterator[str]:
    """Whether a lone refusal denies this client a scope that another one was given."""
    for (audience, scope), names in evidence.refused_alone.items():
        is_mine = audience == client.audience and client.name in names
        if is_mine and _is_known(client, scope, evidence):
            yield audience


def _refuses_mixed(client: ClientFacts, evidence: ServerEvidence) -> Iterator[str]:
    """
    Whether all that lists show to the client was refused beside what is not given to it.

    The server narrows no set then: it would have issued what the client was truly given of them.
    One accepted scope is not enough: alone, it may have been dropped. What may be a passing fault
    shows nothing, unless it was met twice, or by the canary alone.
    """
    canarys = set(map(client.likeness, client.about(client.assignment.canary))) - {None}
    refused = {
        scope
        for fact in client.facts
        if refuses_a_set(client, fact, evidence) or client.likeness(fact) in canarys
        for scope in fact.question.scopes or ()
        if fact.question.scopes != (scope,)
    }
    listed = {scope for scope in _candidates(client) if client.lists(scope)}
    if listed and refused.issuperset(listed):
        yield client.audience


def _refuses(client: ClientFacts) -> Iterator[str]:
    """
    Whether a request without invented scopes was refused, be it by a passing fault.

    To a client that was never authenticated, with words that only scopes are refused with.
    """
    candidates = set(_candidates(client))
    for fact in client.facts:
        asked, is_meant = fact.question.scopes, client.successes or _speaks_of_scopes(fact.answer)
        if asked and candidates.issuperset(asked) and isinstance(fact.answer, Refusal) and is_meant:
            yield client.audience


def _speaks_of_scopes(answer: Answer) -> bool:
    """Code or words are about a scope, under whatever status."""
    is_said = isinstance(answer, Refused) and answer.about in {Subject.SCOPE, Subject.UNKNOWN_SCOPE}
    return is_said or is_plain_about_scope(answer)


def _known_refused(client: ClientFacts, evidence: ServerEvidence) -> Iterator[str]:
    """Whether a request for known scopes only was refused, be it by a passing fault."""
    for fact in client.facts if client.successes else ():
        asked = fact.question.scopes or ()
        is_refused = bool(asked) and isinstance(fact.answer, Refusal)
        if is_refused and all(_is_known(client, scope, evidence) for scope in asked):
            yield client.audience


def _is_known(client: ClientFacts, scope: Scope, evidence: ServerEvidence) -> bool:
    return has_others(evidence.given, (client.audience, scope), client.name)


def _places_by_form(clients: Iterable[ClientFacts]) -> Mapping[Form, frozenset[Kind]]:
    """The kinds of lists that came for requests with scopes, by the form of their tokens."""
    places: dict[Form, frozenset[Kind]] = {}
    for client in clients:
        for _, issued in _scoped(client):
            form = client.form(issued)
            places[form] = places.get(form, frozenset()).union(client.kinds(issued))
    return places


def _leaves_out(client: ClientFacts, places: Mapping[Form, frozenset[Kind]]) -> Iterator[str]:
    """Whether some list lacks what was asked for, or does not come where others come."""
    for fact, issued in _scoped(client):
        kinds = client.kinds(issued)
        asked = set(fact.question.scopes or ())
        if places[client.form(issued)] - kinds.keys() or any(map(asked.difference, kinds.values())):
            yield client.audience
            return


def _candidates(client: ClientFacts) -> Iterator[Scope]:
    """Scopes that were asked for and are not of our invention."""
    invented = {client.assignment.canary, *client.assignment.shapes}
    return (scope for scope in client.asked() if scope not in invented)


# -- authentication


def _failures_without_scope(client: ClientFacts) -> Iterator[Likeness]:
    """What good credentials met without scope."""
    for fact in client.facts if client.successes else ():
        kind = client.likeness(fact)
        if fact.question.scopes is None and kind is not None:
            yield kind
