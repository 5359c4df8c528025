"""One client's facts, indexed: its tokens, what each scope met, which refusals are bracketed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeVar

from scopeprobe.model.answer import (
    Answer,
    Fact,
    Issued,
    Likeness,
    Place,
    Refusal,
    Refused,
    TooLarge,
    Unanswered,
    culprits,
    is_plain_about_scope,
    likeness,
    names_on,
)
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.client import ClientName
from scopeprobe.model.evidence import Form, Kind
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, are_believable
from scopeprobe.verdicts.shared_tokens import shared_tokens
from scopeprobe.verdicts.showing import Extent, Showing, held, showing_of


@dataclass(frozen=True)
class ClientFacts:
    """All facts of one assignment."""

    assignment: Assignment
    facts: Sequence[Fact]

    @property
    def name(self) -> ClientName:
        return self.assignment.client.name

    @cached_property
    def audience(self) -> str:
        return self.assignment.target.label

    # -- what was asked and answered

    @cached_property
    def successes(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if isinstance(fact.answer, Issued))

    @cached_property
    def issued(self) -> tuple[Issued, ...]:
        return tuple(issued for _, issued in self.tokens)

    @cached_property
    def tokens(self) -> tuple[tuple[tuple[Scope, ...], Issued], ...]:
        """The tokens, each with the scopes that were asked for."""
        return tuple(
            (fact.question.asked, fact.answer)
            for fact in self.facts
            if isinstance(fact.answer, Issued)
        )

    @cached_property
    def tokens_for_scopes(self) -> tuple[tuple[tuple[Scope, ...], Issued], ...]:
        """Those that were issued for scopes."""
        return tuple((asked, issued) for asked, issued in self.tokens if asked)

    @cached_property
    def refused(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if isinstance(fact.answer, Refusal))

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(fact.answer for fact in self.refused if isinstance(fact.answer, Refusal))

    @cached_property
    def refused_sets(self) -> tuple[Fact, ...]:
        """Refusals of several scopes."""
        return tuple(fact for fact in self.refused if len(fact.question.asked) > 1)

    @cached_property
    def without_scope(self) -> tuple[Fact, ...]:
        """Facts about requests without `scope`."""
        return tuple(fact for fact in self.facts if fact.question.scopes is None)

    @cached_property
    def _alone(self) -> dict[Scope, list[Fact]]:
        alone: dict[Scope, list[Fact]] = {}
        for fact in self.facts:
            asked = fact.question.asked
            if len(asked) == 1:
                alone.setdefault(asked[0], []).append(fact)
        return alone

    @cached_property
    def asked(self) -> AbstractSet[Scope]:
        """Every scope that was asked for, alone or in a set; also the canary."""
        return frozenset().union(*(fact.question.asked for fact in self.facts))

    @property
    def asked_alone(self) -> AbstractSet[Scope]:
        return self._alone.keys()

    @cached_property
    def candidates_asked(self) -> AbstractSet[Scope]:
        """Those that are not of our invention."""
        return self.asked - {self.assignment.canary, *self.assignment.shapes}

    def about(self, scope: Scope) -> Sequence[Fact]:
        """Facts about the scope asked alone, the oldest first."""
        return self._alone.get(scope, ())

    @cached_property
    def _with_others(self) -> dict[Scope, tuple[Fact, ...]]:
        sets = (fact for fact in self.facts if len(fact.question.asked) > 1)
        return _by_scope((fact, fact.question.asked) for fact in sets)

    def with_others(self, scope: Scope) -> tuple[Fact, ...]:
        """Facts about sets of several scopes with this one; one tuple for all that go together."""
        return self._with_others.get(scope, ())

    def asking(self, scope: Scope) -> Sequence[Fact]:
        """Facts about requests with the scope, alone or in a set, the oldest first."""
        alone, sets = self.about(scope), self.with_others(scope)
        return sorted((*alone, *sets), key=self.position) if alone and sets else alone or sets

    def position(self, fact: Fact) -> int:
        """Which one of all facts it is."""
        return self._positions[id(fact)]

    @cached_property
    def _positions(self) -> dict[int, int]:
        """By the identity of a fact."""
        return {id(fact): position for position, fact in enumerate(self.facts)}

    def answered_alone(self, scope: Scope) -> list[Fact]:
        """The same, without those that say nothing."""
        return [f for f in self.about(scope) if not isinstance(f.answer, TooLarge | Unanswered)]

    def tokens_for(self, scope: Scope) -> list[Fact]:
        """Facts about tokens that were issued for the scope, alone or in a set."""
        if scope not in self.issued_for:
            return []
        return [fact for fact in self.asking(scope) if isinstance(fact.answer, Issued)]

    @cached_property
    def control(self) -> Answer | None:
        """The first answer to the request without `scope`."""
        answers = (fact.answer for fact in self.without_scope if fact.question == WITHOUT_SCOPE)
        return next(answers, None)

    @cached_property
    def canary(self) -> Issued | Refusal | None:
        """The first answer to the canary that says anything; None where none came."""
        answers = (fact.answer for fact in self.answered_alone(self.assignment.canary))
        return next((a for a in answers if not isinstance(a, TooLarge | Unanswered)), None)

    # -- lists

    def form(self, issued: Issued) -> Form:
        return Form(self.audience, issued.readable)

    def kinds(self, issued: Issued) -> dict[Kind, frozenset[Scope]]:
        """What the token's lists hold, by their kind."""
        if (kinds := self._kinds.get(id(issued))) is None:
            form = self.form(issued)
            kinds = {Kind(form, place): names for place, names in issued.places.items()}
            self._kinds[id(issued)] = kinds
        return kinds

    @cached_property
    def _kinds(self) -> dict[int, dict[Kind, frozenset[Scope]]]:
        """By the identity of the token's answer, of those that were looked at."""
        return {}

    @cached_property
    def _showing_of_each(self) -> tuple[Showing, ...]:
        """In the order of the tokens."""
        return tuple(showing_of(self.audience, asked, issued) for asked, issued in self.tokens)

    @cached_property
    def showings(self) -> dict[Showing, list[tuple[tuple[Scope, ...], Issued]]]:
        """The tokens, by how their lists stand to what was asked for."""
        found: dict[Showing, list[tuple[tuple[Scope, ...], Issued]]] = {}
        for showing, token in zip(self._showing_of_each, self.tokens, strict=True):
            found.setdefault(showing, []).append(token)
        return found

    @cached_property
    def showings_for_scopes(self) -> list[Showing]:
        return [showing for showing in self.showings if showing.is_for_scopes]

    @cached_property
    def listed(self) -> dict[Kind, set[Scope]]:
        """Every name that some list of this client holds, by the kind of the list."""
        return self.listed_by(self.showings)

    def listed_by(self, showings: Iterable[Showing]) -> dict[Kind, set[Scope]]:
        """The same of some of the tokens."""
        found: dict[Kind, set[Scope]] = {}
        for showing in showings:
            for kind, extent in showing.lists.items():
                lists = (held(extent, *token, kind.place) for token in self.showings[showing])
                found.setdefault(kind, set()).update(*lists)
        return found

    @cached_property
    def _shown_beside(self) -> dict[Scope, tuple[tuple[Fact, Place], ...]]:
        """By what lists of tokens for one scope hold, of those that hold not just that."""
        return _by_scope(
            self._lists(lambda asked, extent: len(asked) == 1 and extent is not Extent.EXACT)
        )

    @cached_property
    def _shown_with_others(self) -> dict[Scope, tuple[tuple[Fact, Place], ...]]:
        return _by_scope(self._lists(lambda asked, _extent: len(asked) != 1))

    def _lists(
        self, are_meant: Callable[[tuple[Scope, ...], Extent], bool]
    ) -> Iterator[tuple[tuple[Fact, Place], Collection[Scope]]]:
        """Lists of tokens, by their request and extent: which ones they are, and what they hold."""
        lists_of = {showing: showing.lists for showing in self.showings}
        tokens = zip(self.successes, self.tokens, self._showing_of_each, strict=True)
        for fact, (asked, issued), showing in tokens:
            for kind, extent in lists_of[showing].items():
                if are_meant(asked, extent):
                    yield (fact, kind.place), held(extent, asked, issued, kind.place)

    def shown_with_others(self, name: Scope) -> tuple[tuple[Fact, Place], ...]:
        """
        Tokens for several scopes, or for none, of which a list holds the name, and where.

        One tuple for all names that go together.
        """
        return self._shown_with_others.get(name, ())

    def showing(self, name: Scope) -> list[Fact]:
        """Facts about tokens of which some list holds the name, whatever was asked for."""
        places = (*self._shown_beside.get(name, ()), *self.shown_with_others(name))
        alone = (fact for fact in self.about(name) if name in names_on(fact.answer))
        facts = {id(fact): fact for fact in (*alone, *(fact for fact, _ in places))}
        return sorted(facts.values(), key=self.position)

    @cached_property
    def unasked(self) -> frozenset[Scope]:
        """Names in a list of a token that were not asked for with it."""
        return frozenset().union(
            *(
                issued.names.difference(asked)
                for showing, tokens in self.showings.items()
                if any(extent in {Extent.GAPS, Extent.MORE} for extent in showing.lists.values())
                for asked, issued in tokens
            )
        )

    @cached_property
    def names(self) -> frozenset[Scope]:
        """Every scope that some list of this client holds."""
        return frozenset().union(*self.listed.values())

    def lists(self, scope: Scope) -> bool:
        """Some list of this client holds the scope."""
        return scope in self.names

    @cached_property
    def shared_tokens(self) -> frozenset[int]:
        return shared_tokens(self.facts)

    def is_shared(self, issued: Issued) -> bool:
        """The token answered another question as well, so that its gaps show nothing (rule 11)."""
        return issued.token in self.shared_tokens

    # -- refusals

    @cached_property
    def _last_success(self) -> int | float:
        return max((success.sent for success in self.successes), default=-math.inf)

    @cached_property
    def _first_success(self) -> int | float:
        return min((success.received for success in self.successes), default=math.inf)

    def is_bracketed(self, fact: Fact) -> bool:
        """
        Whether a refusal stands between successes of the same credentials (docs/design.md, rule 6).

        The later success must have been sent after the refusal was read; one that was in flight
        at the same time proves nothing. Unless the code says that it is the scope, there must be
        an earlier success too: a lock may have been lifted, an outage may have ended.
        """
        return self.is_followed(fact) and (
            is_plain_about_scope(fact.answer) or self._first_success < fact.sent
        )

    def is_followed(self, fact: Fact) -> bool:
        """A success of the same credentials was asked for after the answer was read."""
        return self._last_success > fact.received

    def likeness(self, fact: Fact) -> Likeness | None:
        """What the refusal has in common with those that are alike; None where it is none."""
        if not isinstance(fact.answer, Refusal):
            return None
        client = self.assignment.client
        own_words = (*fact.question.asked, client.client_id, client.name, self.audience)
        return likeness(fact.answer, tuple(filter(None, own_words)))

    def is_withheld(self, scope: Scope) -> bool:
        """The scope was refused alone between successes, or left out of a list."""
        return scope in self.left_out or scope in self.refused_alone

    @cached_property
    def met_a_refusal_alone(self) -> frozenset[Scope]:
        """Scopes that were refused on their own at least once, if by a passing fault."""
        asked = (fact.question.asked for fact in self.refused)
        return frozenset(scopes[0] for scopes in asked if len(scopes) == 1)

    @cached_property
    def refused_alone(self) -> frozenset[Scope]:
        """Scopes that were refused on their own, between successes."""
        return frozenset(
            fact.question.asked[0]
            for fact in self.refused
            if len(fact.question.asked) == 1 and self.is_bracketed(fact)
        )

    # -- sets

    @cached_property
    def left_out(self) -> frozenset[Scope]:
        """Scopes with which a token was issued that has a list, perhaps an empty one, without."""
        return frozenset().union(
            *(
                set(asked) - issued.names
                for showing, tokens in self.showings.items()
                if showing.may_leave_out
                for asked, issued in tokens
            )
        )

    @cached_property
    def accepted(self) -> frozenset[Scope]:
        """Scopes for which a token was issued that lists them, or lists nothing at all."""
        found = set[Scope]()
        for showing, tokens in self.showings.items():
            if showing.may_leave_out:
                found.update(*(issued.names.intersection(asked) for asked, issued in tokens))
            else:
                found.update(*(asked for asked, _ in tokens))
        return frozenset(found)

    @cached_property
    def issued_for(self) -> frozenset[Scope]:
        """Scopes for which a token was issued, alone or in a set, whatever it carries."""
        return frozenset().union(*(asked for asked, _ in self.tokens))

    @cached_property
    def issued_alone(self) -> frozenset[Scope]:
        """Scopes for each of which a token was issued on its own."""
        return frozenset(asked[0] for asked, _ in self.tokens if len(asked) == 1)

    @cached_property
    def left_out_of_sets(self) -> frozenset[Scope]:
        """Scopes that some list left out, and that were asked for in a set."""
        if not self.left_out:
            return frozenset()
        requests = (fact.question.asked for fact in self.facts)
        return self.left_out.intersection(chain(*(asked for asked in requests if len(asked) > 1)))

    @cached_property
    def left_out_by_itself(self) -> frozenset[Scope]:
        """
        Scopes that were asked again, in a request of which no scope was given.

        A server may drop a scope because a companion is missing, or because a list is full; where
        all others are dropped too, neither explains it. Some servers refuse such a request with
        `invalid_scope`.
        """
        return frozenset().union(
            *(fact.question.asked for fact in self.facts if self._brought_nothing(fact))
        )

    def _brought_nothing(self, fact: Fact) -> bool:
        asked = fact.question.asked
        match fact.answer:
            case Issued() as issued:
                return issued.names.isdisjoint(asked)
            case Refused() as refused:
                return (
                    is_plain_about_scope(refused)
                    and self.is_bracketed(fact)
                    and self.left_out.issuperset(asked)
                )
            case _:
                return False

    # -- names of culprits

    @cached_property
    def _named(self) -> dict[tuple[Scope, ...], list[Fact]]:
        """Refusals of several scopes that name some of them, by what they name."""
        found: dict[tuple[Scope, ...], list[Fact]] = {}
        for fact in self.refused_sets:
            if named := culprits(fact.answer, fact.question.asked):
                found.setdefault(tuple(sorted(named)), []).append(fact)
        return found

    @cached_property
    def named(self) -> frozenset[Scope]:
        """Every scope that some refusal of several named."""
        return frozenset(scope for names in self._named for scope in names)

    def naming(self, scope: Scope) -> Fact | None:
        """
        A refusal that names the scope, and is no echo of the request (docs/design.md, rule 13).

        A success must follow it; none must come before, because no lock and no outage names scopes.
        """
        for named, facts in self._named.items():
            if scope not in named:
                continue
            bracketed = list(filter(self.is_followed, facts))
            if are_believable(named, (fact.question.asked for fact in bracketed)):
                return bracketed[-1]
        return None

    def is_named_wherever_it_stands(self, scope: Scope) -> bool:
        """Two refusals name the same scopes, with this one, and they stood in different places."""
        return any(
            scope in named and len({_places(named, fact) for fact in facts}) > 1
            for named, facts in self._named.items()
        )


_Asked = TypeVar("_Asked")


def _by_scope(sets: Iterable[tuple[_Asked, Collection[Scope]]]) -> dict[Scope, tuple[_Asked, ...]]:
    """By scope, that of which the sets hold it; scopes that always go together share a tuple."""
    found: dict[Scope, tuple[_Asked, ...]] = {}
    nowhere: tuple[_Asked, ...] = ()
    for one, scopes in sets:
        if len(scopes) == 1:
            (scope,) = scopes
            found[scope] = (*found.get(scope, nowhere), one)
            continue
        longer: dict[int, tuple[tuple[_Asked, ...], tuple[_Asked, ...]]] = {}
        for scope in scopes:
            before = found.get(scope, nowhere)
            if (known := longer.get(id(before))) is None:
                known = longer[id(before)] = before, (*before, one)
            found[scope] = known[1]
    return found


def _places(named: Iterable[Scope], fact: Fact) -> frozenset[int]:
    asked = fact.question.asked
    return frozenset(asked.index(scope) for scope in named)
