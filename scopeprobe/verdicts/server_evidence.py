"""Fold the facts of a server's clients into what the judge asks of other clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from scopeprobe.model.answer import (
    Answer,
    Issued,
    Likeness,
    Refusal,
    Refused,
    Subject,
    is_plain_about_scope,
)
from scopeprobe.model.client import ClientName
from scopeprobe.model.evidence import (
    NOBODY,
    Form,
    Kind,
    ScopeOfTarget,
    ScopeWitnesses,
    ServerEvidence,
)
from scopeprobe.model.scope_names import Scope, resembles
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.lone_refusals import (
    canary_is_refused,
    denying_refusal,
    refuses_a_set,
)
from scopeprobe.verdicts.showing import Extent

_Found = Callable[[ClientFacts, ServerEvidence], Iterable[Hashable]]
"""What the answers to one client show, with what is known of all before."""
_Scopes: TypeAlias = Mapping[Any, AbstractSet[Scope]]
"""Scopes by the kind of list or the audience."""
_FoundScopes = Callable[[ClientFacts, ServerEvidence], _Scopes]


def gather_evidence(
    clients: Iterable[ClientFacts],
    note: Callable[[ClientFacts, ServerEvidence], None] = lambda _client, _evidence: None,
) -> ServerEvidence:
    """
    What the answers to all clients show together. Their order does not matter.

    :param clients: is gone through once a round, so that no more than one need be there at a time.
    :param note: is told of each client, with what is found in the first round: whatever shows of
        clients alone, and what was listed, given and met by canaries.
    """
    first = _FIRST_ROUND.added_to(ServerEvidence(), clients)

    def noted() -> Iterator[ClientFacts]:
        for client in clients:
            note(client, first)
            yield client

    evidence = _SECOND_ROUND.added_to(first, noted())
    if evidence.leaves_out:
        evidence = _THIRD_ROUND.added_to(evidence, clients)
    known_withheld = (
        audience
        for audience, refused in evidence.refused_alone.items()
        if refused.meet_apart(evidence.given.get(audience, NOBODY))
    )
    return replace(evidence, known_withheld=frozenset(known_withheld))


def given_to(client: ClientFacts, evidence: ServerEvidence) -> AbstractSet[Scope]:
    """
    Scopes for which a token was issued, and is not shown to be without them; or that are listed.

    Lists that repeat requests show nothing; nor does silence where other tokens have lists.
    """
    lists = [names for kind, names in client.listed.items() if kind not in evidence.canary_shown]
    return set().union(*lists) if lists else client.issued_for - client.left_out


@dataclass(frozen=True, slots=True)
class _Round:
    """What is gathered from all clients at once: by its field of the evidence, where it is from."""

    found: Mapping[str, _Found] = field(default_factory=dict)
    """Whatever some client shows."""
    witnesses: Mapping[str, _Found] = field(default_factory=dict)
    """The same, with the clients that show it."""
    scopes: Mapping[str, _FoundScopes] = field(default_factory=dict)
    """Scopes, with the clients that show them."""
    flags: Mapping[str, Callable[[ClientFacts], bool]] = field(default_factory=dict)
    """Whether some client shows it."""

    def added_to(self, evidence: ServerEvidence, clients: Iterable[ClientFacts]) -> ServerEvidence:
        found: dict[str, set[Hashable]] = {name: set() for name in self.found}
        witnesses: dict[str, dict[Hashable, set[ClientName]]] = {n: {} for n in self.witnesses}
        scopes: dict[str, Any] = {name: {} for name in self.scopes}
        flags: dict[str, Any] = dict.fromkeys(self.flags, False)
        for client in clients:
            for name, shown in self.found.items():
                found[name].update(shown(client, evidence))
            for name, shown in self.witnesses.items():
                for key in shown(client, evidence):
                    witnesses[name].setdefault(key, set()).add(client.name)
            for name, of_client in self.scopes.items():
                for place, met in of_client(client, evidence).items():
                    scopes[name].setdefault(place, ScopeWitnesses()).note(client.name, met)
            for name, is_shown in self.flags.items():
                flags[name] = flags[name] or is_shown(client)
        added: dict[str, Any] = {name: frozenset(keys) for name, keys in found.items()}
        for name, by_key in witnesses.items():
            added[name] = {key: frozenset(names) for key, names in by_key.items()}
        return replace(evidence, **added, **scopes, **flags)


# -- lists


def _left_out_alone(client: ClientFacts, evidence: ServerEvidence) -> Iterator[Kind]:
    """Kinds of lists without a lone scope that they show to another client; rule 3 for silence."""
    if client.audience not in evidence.leaves_out:
        return
    for showing, tokens in client.showings.items():
        kinds = (*showing.lists,) or (*evidence.empty_lists(showing.form, client.name),)
        for asked, issued in tokens if kinds else ():
            if len(asked) == 1 and not client.lists(asked[0]) and not client.is_shared(issued):
                for kind in kinds:
                    if evidence.is_listed_for_others(kind, asked[0], client.name):
                        yield kind


def _has_gaps(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Kind]:
    for showing in client.showings_for_scopes:
        for kind, extent in showing.lists.items():
            if extent.has_gaps:
                yield kind


def _lists_what_was_asked(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Kind]:
    for showing in client.showings_for_scopes:
        for kind, extent in showing.lists.items():
            if extent is Extent.EXACT:
                yield kind


def _lists_nothing(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Form]:
    for showing in client.showings:
        if Extent.EMPTY in showing.lists.values():
            yield showing.form


def _lists_for_scopes(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Form]:
    for showing in client.showings_for_scopes:
        if showing.lists:
            yield showing.form


def _silent_for_granted(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Form]:
    for showing in client.showings_for_scopes:
        tokens = () if showing.lists else client.showings[showing]
        if any(client.names.issuperset(asked) for asked, _ in tokens):
            yield showing.form


# -- the canary


def _canary_shown(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Kind]:
    canary = client.assignment.canary
    return (kind for kind, names in client.listed.items() if canary in names)


def _repeats_requests(client: ClientFacts, evidence: ServerEvidence) -> Iterator[Kind]:
    """Kinds of lists that show the canary to a client that is refused it alone."""
    if isinstance(client.canary, Refusal):
        yield from _canary_shown(client, evidence)


def _canary_missing(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Kind]:
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


def _met_twice(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Likeness]:
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


def _given(client: ClientFacts, _evidence: ServerEvidence) -> _Scopes:
    return {client.audience: (client.issued_alone & client.candidates_asked) | client.names}


def _no_such_scopes(client: ClientFacts, evidence: ServerEvidence) -> Iterator[ScopeOfTarget]:
    """
    Scopes that are issued alone, as the canary is, and are missing from a list beside it.

    They were refused or listed for no target.
    """
    if not isinstance(client.canary, Issued):
        return
    for fact in client.tokens_for(client.assignment.canary):
        if isinstance(fact.answer, Issued) and not client.is_shared(fact.answer):
            for kind, names in client.kinds(fact.answer).items():
                asked = set(fact.question.asked)
                missing = (asked & client.issued_alone) - names - evidence.seen_to_exist
                if asked.issuperset(names) and kind not in evidence.canary_shown:
                    for scope in missing:
                        yield client.audience, scope


def _seen_to_exist(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Scope]:
    """Scopes that were refused alone, if by a passing fault, or are listed."""
    yield from client.names
    yield from client.met_a_refusal_alone & client.candidates_asked


def _refused_alone(client: ClientFacts, evidence: ServerEvidence) -> _Scopes:
    return {
        client.audience: {
            scope
            for scope in (client.met_a_refusal_alone & client.candidates_asked) - client.names
            if denying_refusal(client, scope, evidence) is not None
        }
    }


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
        for fact in client.refused_sets
        if refuses_a_set(client, fact, evidence) or client.likeness(fact) in canarys
        for scope in fact.question.asked
    }
    listed = client.candidates_asked & client.names
    if listed and refused.issuperset(listed):
        yield client.audience


def _refuses(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[str]:
    """
    Whether a request without invented scopes was refused, be it by a passing fault.

    To a client that was never authenticated, with words that only scopes are refused with.
    """
    candidates = client.candidates_asked
    for fact in client.refused:
        asked, is_meant = fact.question.scopes, client.successes or _speaks_of_scopes(fact.answer)
        if asked and candidates >= set(asked) and is_meant:
            yield client.audience
            return


def _speaks_of_scopes(answer: Answer) -> bool:
    """Code or words are about a scope, under whatever status."""
    is_said = isinstance(answer, Refused) and answer.about in {Subject.SCOPE, Subject.UNKNOWN_SCOPE}
    return is_said or is_plain_about_scope(answer)


def _known_refused(client: ClientFacts, evidence: ServerEvidence) -> Iterator[str]:
    """Whether a request for known scopes only was refused, be it by a passing fault."""
    for fact in client.refused if client.successes else ():
        asked = fact.question.asked
        if asked and all(
            evidence.is_given_to_others(client.audience, scope, client.name) for scope in asked
        ):
            yield client.audience
            return


def _comes_for_scopes(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Kind]:
    """Kinds of lists that came for requests with scopes."""
    for showing in client.showings_for_scopes:
        yield from showing.lists


def _leaves_out(client: ClientFacts, evidence: ServerEvidence) -> Iterator[str]:
    """Whether some list lacks what was asked for, or does not come where others come."""
    for showing in client.showings_for_scopes:
        lists = showing.lists
        others_come = any(
            kind.form == showing.form for kind in evidence.comes_for_scopes if kind not in lists
        )
        if others_come or any(extent.has_gaps for extent in lists.values()):
            yield client.audience
            return


# -- authentication


def _failures_without_scope(client: ClientFacts, _evidence: ServerEvidence) -> Iterator[Likeness]:
    """What good credentials met without scope."""
    for fact in client.without_scope if client.successes else ():
        if (kind := client.likeness(fact)) is not None:
            yield kind


def _was_issued_one_without_scope(client: ClientFacts) -> bool:
    return any(isinstance(fact.answer, Issued) for fact in client.without_scope)


# -- what is gathered when: each round rests on what those before it found

_FIRST_ROUND = _Round(
    found={
        "repeats_requests": _repeats_requests,
        "has_gaps": _has_gaps,
        "canary_refusals": _met_twice,
        "failures_without_scope": _failures_without_scope,
        "lists_nothing": _lists_nothing,
        "lists_for_scopes": _lists_for_scopes,
        "silent_for_granted": _silent_for_granted,
        "refuses": _refuses,
        "comes_for_scopes": _comes_for_scopes,
        "seen_to_exist": _seen_to_exist,
    },
    witnesses={
        "canary_shown": _canary_shown,
        "canary_missing": _canary_missing,
        "lists_what_was_asked": _lists_what_was_asked,
    },
    scopes={"listed": lambda client, _: client.listed, "given": _given},
    flags={
        "issues_without_scope": _was_issued_one_without_scope,
        "issues_canary": lambda client: isinstance(client.canary, Issued),
        "gives_scopes": lambda client: bool(client.showings_for_scopes),
    },
)
_SECOND_ROUND = _Round(
    found={
        "leaves_out": _leaves_out,
        "no_such_scopes": _no_such_scopes,
        "refuses_mixed_sets": _refuses_mixed,
        "known_refused": _known_refused,
    },
    witnesses={"canary_refused": _canary_refused},
    scopes={"refused_alone": _refused_alone},
)
_THIRD_ROUND = _Round(witnesses={"left_out_alone": _left_out_alone})
"""Finds nothing where no list lacks what was asked for, or is absent."""
