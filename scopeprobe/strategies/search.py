"""The search on a server that only says yes or no: every denied scope is refused alone.

docs/algorithm.md, A to F: groups are sized by the beliefs; a refused one is searched in at most as
many steps as halving takes; and all of it stays within n + B(n) requests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from scopeprobe.model.answer import TooLarge
from scopeprobe.model.scope_names import Scope, resource
from scopeprobe.strategies.controls import PlanPart
from scopeprobe.strategies.groups import Groups, halvings, slack
from scopeprobe.strategies.priors import Beliefs, Prior
from scopeprobe.strategies.scope_sets import SetAnswer, SetProber

_CONFLICTS_TO_DOUBT = 3
"""Conflicts after which groups are believed less, and the slack shrinks."""


class Search:
    """Settles scopes in one order, from the first to the last."""

    def __init__(
        self,
        prober: SetProber,
        order: Sequence[Scope],
        prior: Callable[[], Prior],
        *,
        candidates: int,
        marks: Collection[int] = (),
    ) -> None:
        """
        `candidates` is n, `marks` are positions where a group ends that was accepted before.

        The requests that `prober` has spent so far count against n + B(n).
        """
        self.conflicts = 0
        """Scopes blamed for the refusal of a set, and accepted alone."""
        self._prober = prober
        self.order = tuple(order)
        self._beliefs = Beliefs(prior, self.order)
        self._groups = Groups(self._beliefs)
        self._candidates = candidates
        self._marks = marks
        self._start = 0
        self._contaminated = 0
        """The end of a range from the start that is known to hold a culprit."""
        self._denied = 0
        self._most_next = len(self.order)
        """After an answer was lost, the next group is smaller."""
        self._is_one_by_one = False
        """A set was accepted in silence, which proves nothing."""

    def open(self) -> PlanPart[SetAnswer]:
        """Ask for all scopes that fit into one request, and note what the answer settles."""
        size = self._fitting()
        reply = yield from self._ask(0, size)
        while isinstance(reply.answer, TooLarge) and size > 1:
            size = self._fitting()
            reply = yield from self._ask(0, size)
        if reply.is_in_doubt:
            return reply
        if reply.is_issued:
            yield from self._take(reply)
        elif reply.is_refused and size > 1:
            self._contaminated = size
        elif reply.is_refused:
            self._settle_denied()
        return reply

    def contaminate(self) -> None:
        """It is known that something is denied."""
        self._contaminated = len(self.order)

    @property
    def is_over(self) -> bool:
        return self._start >= len(self.order)

    def settle(self) -> PlanPart[None]:
        """Ask until every scope of the order has its answer. Raises ControlFailed."""
        while not self.is_over:
            if self._is_explained_by_resources():
                self._contaminated = 0
            if self._contaminated - self._start == 1:
                yield from self._settle_culprit(is_refused_alone=False)
                continue
            size = self._size()
            reply = yield from self._ask(self._start, self._start + size)
            if reply.is_lost:
                self._lose(size)
            elif reply.is_in_doubt:
                continue
            elif reply.is_issued:
                yield from self._take(reply)
            else:
                yield from self._descend(self._start + size)

    # -- the size of the next group

    def _fitting(self) -> int:
        """How many scopes from the start on fit into one request, an anchor beside them."""
        anchor = self._prober.anchor_of(self.order[self._start :])
        return self._prober.fitting(self.order, self._start, anchor)

    def _size(self) -> int:
        if self._is_one_by_one:
            return 1
        start, is_contaminated = self._start, self._contaminated > self._start
        left = len(self.order) - start
        most = min(left, self._fitting(), max(self._most_next, 1))
        if is_contaminated:
            most = min(most, self._contaminated - start - 1)
        if self._keeps_resources_apart:
            most = min(most, self._end_of_resource() - start)
        size = most
        if not self._prober.is_told_of_each:
            size = self._groups.best_size(start, self._contaminated, most, self._marks)
        worst = self._prober.spent + 3 + halvings(size) + left - 1
        return 1 if worst > self._candidates + self._slack else size

    @property
    def _slack(self) -> int:
        most = slack(self._candidates)
        if self.conflicts < _CONFLICTS_TO_DOUBT:
            return most
        return min(most, halvings(self._candidates) + 1)

    @property
    def _keeps_resources_apart(self) -> bool:
        """Names tell resources, and conflicts look as if one request may ask for one only."""
        if self._prober.keeps_to_one_resource:
            return True
        return 1 <= self.conflicts <= 3 + 2 * self._denied and any(map(resource, self.order))

    def _end_of_resource(self) -> int:
        first = resource(self.order[self._start])
        others = (i for i in range(self._start, len(self.order)) if self._at(i) != first)
        return next(others, len(self.order))

    def _at(self, position: int) -> str:
        return resource(self.order[position])

    def _is_explained_by_resources(self) -> bool:
        """The refusal that is being looked into asked for several resources."""
        return (
            self._contaminated > self._start
            and self._keeps_resources_apart
            and self._at(self._contaminated - 1) != self._at(self._start)
        )

    # -- answers

    def _ask(self, start: int, end: int) -> PlanPart[SetAnswer]:
        reply = yield from self._prober.ask_anchored(self.order[start:end])
        if not reply.is_lost:
            self._most_next = len(self.order)
        self._is_one_by_one |= reply.is_in_doubt
        return reply

    def _take(self, reply: SetAnswer) -> PlanPart[None]:
        """Note what a token settles; what its list leaves out is asked again first."""
        if reply.left_out:
            yield from self._prober.narrowed(reply.left_out)
        for scope in reply.asked:
            if scope in self._prober.granted:
                self._beliefs.note_granted(self._start)
            else:
                self._beliefs.note_denied(self._start)
                self._denied += 1
            self._start += 1

    def _lose(self, size: int) -> None:
        """An answer was lost: a lone scope stays unknown, a group is asked in parts."""
        if size == 1:
            self._start += 1
            self._contaminated = 0
        else:
            self._most_next = size // 2

    def _descend(self, end: int) -> PlanPart[None]:
        """Find the first culprit of a refused range, in no more steps than halving takes."""
        budget = halvings(end - self._start) + 1
        is_refused_alone = end - self._start == 1
        self._contaminated = end
        while end - self._start > 1:
            size = end - self._start
            room: int = 2 ** (budget - 1)
            head = self._groups.best_head(self._start, end)
            head = max(1, size - room, min(head, room, size - 1))
            budget -= 1
            reply = yield from self._ask(self._start, self._start + head)
            if reply.is_lost:
                self._contaminated = 0
                if head > 1:
                    self._most_next = head // 2
                else:
                    self._start += 1
                return
            if reply.is_in_doubt:
                self._contaminated = 0
                return
            if reply.is_refused:
                end = self._start + head
                is_refused_alone = head == 1
            else:
                yield from self._take(reply)
                is_refused_alone = False
                if reply.left_out:
                    self._contaminated = 0
                    return
        yield from self._settle_culprit(is_refused_alone=is_refused_alone)

    def _settle_culprit(self, *, is_refused_alone: bool) -> PlanPart[None]:
        """The scope at the start is denied, or accepted alone: then it conflicts with others."""
        if not is_refused_alone:
            reply = yield from self._ask(self._start, self._start + 1)
            if reply.is_lost:
                self._start += 1
                self._contaminated = 0
                return
            if reply.is_accepted:
                self.conflicts += 1
                self._denied -= 1
        self._settle_denied()

    def _settle_denied(self) -> None:
        """Note that the scope at the start is denied, or was to blame for a refused set."""
        self._beliefs.note_denied(self._start)
        self._denied += 1
        self._start += 1
        self._contaminated = 0
