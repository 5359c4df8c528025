"""What the engine needs of the store: facts that are known, and a journal of new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Never, Protocol

from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.question import Question


@dataclass(frozen=True, slots=True)
class Allowance:
    """What was used up before of a rate group's or a client's quota, in wall time (epoch)."""

    paused_until: float = 0.0
    spent_at: tuple[float, ...] = ()


NOTHING_USED = Allowance()


class KnownFacts(Protocol):
    """What is known before the first request of an invocation."""

    def facts_of(self, assignment: Assignment) -> Mapping[Question, Fact]: ...

    def allowance(self, quota: str) -> Allowance: ...

    def failures_of(self, registration: str) -> int:
        """How many requests in a row may have failed to authenticate, in this run."""
        ...


class Journal(Protocol):
    """Commits facts before they count. No call but `flush` waits for a commit."""

    def put(self, assignment: Assignment, fact: Fact, then: Callable[[], None]) -> None:
        """Commit a fact, then call back on the event loop, in the order of the puts."""
        ...

    def note_sent(self, quota: str, at: float) -> None:
        """Store that a permit of a quota was used at `at` (epoch)."""
        ...

    def note_pause(self, quota: str, until: float) -> None:
        """Store that a rate group is to be left alone until `until` (epoch)."""
        ...

    def note_failures(self, registration: str, count: int) -> None:
        """Store that so many requests in a row may fail to authenticate, those in the air too."""
        ...

    async def flush(self) -> None:
        """Return when everything put so far is committed and called back."""
        ...


class RunJournal(Journal, Protocol):
    """The journal of a whole run: who waits for an answer must learn that none is committed."""

    async def failure(self) -> Never:
        """Wait until nothing more can be written, or counted, and raise why."""
        ...
