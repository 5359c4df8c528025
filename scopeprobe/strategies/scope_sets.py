"""Ask for several scopes at once, and read what the answer says of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from scopeprobe.model.answer import Answer, Issued, TooLarge, Unanswered, culprits
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.strategies.controls import AskedSoFar, PlanPart


@dataclass(frozen=True, slots=True)
class SetAnswer:
    """What the answer to a set says of its members."""

    asked: tuple[Scope, ...]
    answer: Answer
    left_out: tuple[Scope, ...] = ()
    """Members that the token does not carry."""

    @property
    def is_lost(self) -> bool:
        return isinstance(self.answer, TooLarge | Unanswered)

    @property
    def is_issued(self) -> bool:
        return isinstance(self.answer, Issued)

    @property
    def is_accepted(self) -> bool:
        """A token was issued, and nothing that was asked is missing from it."""
        return self.is_issued and not self.left_out

    @property
    def is_refused(self) -> bool:
        return not (self.is_issued or self.is_lost)

    @property
    def named(self) -> tuple[Scope, ...]:
        """The members that a refusal seems to blame."""
        return culprits(self.answer, self.asked)


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
        self.narrows = False
        """Some list left out what was asked for."""
        self.keeps_to_one_resource = self.behavior.one_resource
        server = assignment.client.server
        self.most_bytes = min(
            server.traits.max_scope_bytes, self.behavior.most_bytes or server.traits.max_scope_bytes
        )
        """How long the `scope` parameter may be."""

    def ask(self, scopes: Iterable[Scope]) -> PlanPart[SetAnswer]:
        """Ask for a set, its order kept. Raises ControlFailed."""
        asked = tuple(scopes)
        question = Question(asked)
        is_new = question not in self.so_far.answers
        answer = yield from self.so_far.learn(question)
        if isinstance(answer, TooLarge):
            self.most_bytes = min(self.most_bytes, question.size // 2)
        reply = SetAnswer(asked, answer, self._left_out(asked, answer))
        self.spent += is_new and not reply.is_lost
        if reply.is_issued:
            self.granted.update(set(asked).difference(reply.left_out))
        self.narrows |= bool(reply.left_out)
        if reply.is_accepted:
            self.accepted.append(asked)
        return reply

    def _left_out(self, asked: tuple[Scope, ...], answer: Answer) -> tuple[Scope, ...]:
        """
        Asked scopes that a token does not carry.

        One without a list carries none of them where the server, or a token of this client, lists.
        """
        if not isinstance(answer, Issued) or not (answer.tells or self._lists):
            return ()
        return tuple(scope for scope in asked if scope not in answer.names)

    @property
    def _lists(self) -> bool:
        return self.behavior.lists or self.behavior.lists_in_token or self._has_listed

    @property
    def is_in_doubt_about_silence(self) -> bool:
        """Some token lists scopes, and another that was issued for some lists nothing at all."""
        is_silent = any(
            isinstance(answer, Issued) and not answer.tells and question.scopes
            for question, answer in self.so_far.answers.items()
        )
        return (
            self._has_listed
            and is_silent
            and not (self.behavior.lists or self.behavior.lists_in_token)
        )

    @property
    def _has_listed(self) -> bool:
        return any(isinstance(a, Issued) and a.tells for a in self.so_far.answers.values())

    def fitting(self, order: Sequence[Scope], start: int = 0) -> int:
        """How many scopes from `start` on one request may ask for; one at the least."""
        size, room = 0, self.most_bytes + 1
        for scope in order[start:]:
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
