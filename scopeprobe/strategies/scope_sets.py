"""Ask for several scopes at once, and read what the answer says of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from scopeprobe.model.answer import Answer, Issued, TooLarge, Unanswered, culprits, names_on
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.strategies.controls import AskedSoFar, PlanPart, withholds


@dataclass(frozen=True, slots=True)
class SetAnswer:
    """What the answer to a set says of its members."""

    asked: tuple[Scope, ...]
    answer: Answer
    left_out: tuple[Scope, ...] = ()
    """Members that the token does not carry."""
    anchor: tuple[Scope, ...] = ()
    """A scope that is known to be granted and went before them, or none."""
    is_in_doubt: bool = False
    """The token lists nothing, and some of the members may be missing from it in silence."""

    @property
    def is_lost(self) -> bool:
        return isinstance(self.answer, TooLarge | Unanswered)

    @property
    def is_issued(self) -> bool:
        return isinstance(self.answer, Issued)

    @property
    def is_accepted(self) -> bool:
        """A token was issued, and nothing that was asked is missing from it."""
        return self.is_issued and not (self.left_out or self.is_in_doubt)

    @property
    def is_refused(self) -> bool:
        return not (self.is_issued or self.is_lost)

    @property
    def request(self) -> tuple[Scope, ...]:
        """The scopes as they were sent."""
        return (*self.anchor, *self.asked)

    @property
    def named(self) -> tuple[Scope, ...]:
        """The scopes that a refusal seems to blame."""
        return culprits(self.answer, self.request)


class SetProber:
    """Asks for sets of scopes, keeps what their answers show, and knows how large sets may be."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.behavior = assignment.behavior
        self.so_far = AskedSoFar(assignment)
        self.spent = 0
        """Answered requests that asked for candidates; repetitions and controls are not counted."""
        self.granted: set[Scope] = set()
        self.accepted: list[tuple[Scope, ...]] = []
        """Sets of which nothing was left out."""
        self.left_out: dict[Scope, None] = {}
        """What some list left out, in the order in which it was."""
        self.in_doubt: list[tuple[Scope, ...]] = []
        """Sets that were accepted in silence, which proves nothing of their members yet."""
        self._refused_together: set[Scope] = set()
        self.keeps_to_one_resource = self.behavior.one_resource
        server = assignment.client.server
        self.most_bytes = min(
            server.traits.max_scope_bytes, self.behavior.most_bytes or server.traits.max_scope_bytes
        )
        """How long the `scope` parameter may be."""

    def ask(self, scopes: Iterable[Scope]) -> PlanPart[SetAnswer]:
        """Ask for a set, its order kept. Raises ControlFailed."""
        reply = yield from self._ask((), tuple(scopes))
        return reply

    def ask_anchored(self, scopes: Iterable[Scope]) -> PlanPart[SetAnswer]:
        """
        Ask for a set of which nothing may be granted, together with a scope that is.

        A server that narrows answers with that scope alone, and not with a refusal; one that names
        culprits does not name it; of one that refuses sets whole, nothing else is learned. Raises
        ControlFailed.
        """
        asked = tuple(scopes)
        reply = yield from self._ask(self.anchor_of(asked) if len(asked) > 1 else (), asked)
        return reply

    def anchor_of(self, scopes: Sequence[Scope]) -> tuple[Scope, ...]:
        """A granted scope of their resource; none where that is of no use."""
        if self.refuses_whole or not self.granted.isdisjoint(scopes):
            return ()
        own = (
            (scope,)
            for scope in self.assignment.candidates
            if scope in self.granted and resource(scope) == resource(scopes[0])
        )
        return next(own, ())

    @property
    def refuses_whole(self) -> bool:
        """A scope that is granted was refused together with others: the server narrows no set."""
        return not self.granted.isdisjoint(self._refused_together)

    @property
    def refuses_all_that_is_granted(self) -> bool:
        """The same of everything that is granted: none of it was merely dropped when alone."""
        return bool(self.granted) and self.granted.issubset(self._refused_together)

    @property
    def is_told_of_each(self) -> bool:
        """Lists say of every scope of a set whether it is granted: the more, the better."""
        return (self.narrows or self.behavior.narrows) and not self.refuses_whole

    def _ask(self, anchor: tuple[Scope, ...], asked: tuple[Scope, ...]) -> PlanPart[SetAnswer]:
        question = Question((*anchor, *asked) if anchor else asked)
        is_new = question not in self.so_far.answers
        answer = yield from self.so_far.learn(question)
        if isinstance(answer, TooLarge):
            self.note_too_large(question)
        left_out = self._left_out(asked, answer)
        is_in_doubt = yield from self._may_be_narrowed_in_silence(question, answer)
        reply = SetAnswer(asked, answer, left_out, anchor, is_in_doubt)
        self.spent += is_new and not reply.is_lost
        if is_in_doubt:
            self.in_doubt.append(reply.request)
        elif reply.is_issued:
            self.granted.update(set(asked).difference(left_out))
        self.left_out.update(dict.fromkeys(left_out))
        if reply.is_accepted:
            self.accepted.append(reply.request)
        if reply.is_refused and len(reply.request) > 1:
            self._refused_together.update(reply.request)
        return reply

    def note_too_large(self, question: Question) -> None:
        """Ask for no more than half of it from now on."""
        self.most_bytes = min(self.most_bytes, question.size // 2)

    def _may_be_narrowed_in_silence(self, question: Question, answer: Answer) -> PlanPart[bool]:
        """
        Whether a set that was accepted without a list proves nothing (docs/design.md, rule 5).

        It does where the server refuses sets for one bad scope. It may also stand where nothing
        was ever withheld, the canary included: then nothing tells scopes apart, asked alone or not.
        """
        is_silent_set = (
            len(question.asked) > 1
            and isinstance(answer, Issued)
            and not (answer.tells or self._lists)
        )
        if not is_silent_set or self.behavior.refuses_sets_whole:
            return False
        yield from self.so_far.learn(self.so_far.canary)
        return self.behavior.withholds or any(
            withholds(answer)
            for question, answer in self.so_far.answers.items()
            if question != WITHOUT_SCOPE
        )

    def _left_out(self, asked: tuple[Scope, ...], answer: Answer) -> tuple[Scope, ...]:
        """
        Asked scopes that a token does not carry.

        One without a list carries none of them where the server, or a token of this client, lists.
        """
        if not isinstance(answer, Issued) or not (answer.tells or self._lists):
            return ()
        return tuple(scope for scope in asked if scope not in answer.names)

    @property
    def narrows(self) -> bool:
        """Some list left out what was asked for."""
        return bool(self.left_out)

    @property
    def carried(self) -> frozenset[Scope]:
        """Every scope that some token of the client lists."""
        return frozenset().union(*map(names_on, self.so_far.answers.values()))

    @property
    def _lists(self) -> bool:
        return self.behavior.lists or self.behavior.lists_in_token or self.has_listed

    @property
    def is_in_doubt_about_silence(self) -> bool:
        """Some token lists scopes, and another that was issued for some lists nothing at all."""
        is_silent = any(
            isinstance(answer, Issued) and not answer.tells and question.scopes
            for question, answer in self.so_far.answers.items()
        )
        return (
            self.has_listed
            and is_silent
            and not (self.behavior.lists or self.behavior.lists_in_token)
        )

    @property
    def has_listed(self) -> bool:
        """A token that was issued for scopes has a list, perhaps an empty one."""
        return any(
            isinstance(answer, Issued) and answer.tells and question.scopes
            for question, answer in self.so_far.answers.items()
        )

    def fitting(
        self, order: Sequence[Scope], start: int = 0, beside: Collection[Scope] = ()
    ) -> int:
        """How many scopes from `start` on one request may ask for; one at the least."""
        size, room = 0, self.most_bytes + 1 - sum(len(scope.encode()) + 1 for scope in beside)
        left = order[start:]
        if not self.keeps_to_one_resource and len(" ".join(left).encode()) < room:
            return max(len(left), 1)
        for scope in left:
            room -= len(scope.encode()) + 1
            if room < 0 or (
                self.keeps_to_one_resource and resource(scope) != resource(order[start])
            ):
                break
            size += 1
        return max(size, 1)

    def narrowed(self, left_out: Collection[Scope]) -> PlanPart[None]:
        """
        Ask again for what a list left out, as long as that brings some of it.

        A scope may have been dropped because a companion was missing, or there were too many;
        except where other clients showed that the server drops only what is not granted.
        """
        if self.behavior.narrows and not self.behavior.drops_companions:
            return
        by_resource: dict[str, list[Scope]] = {}
        for scope in left_out:
            by_resource.setdefault(resource(scope), []).append(scope)
        for group in by_resource.values():
            rest: tuple[Scope, ...] = tuple(group)
            while rest:
                size = self.fitting(rest)
                reply = yield from self.ask(rest[:size])
                gained = len(reply.asked) > len(reply.left_out) and reply.is_issued
                rest = (*reply.left_out, *rest[size:]) if gained else rest[size:]
