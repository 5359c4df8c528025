"""Places in the air: how many requests may be in flight at once, and a share for each group."""

from __future__ import annotations

import math
import time
from asyncio import CancelledError, Future, get_running_loop
from collections.abc import Callable, Hashable
from itertools import count

SLOW = 2.0
"""Seconds after which an answer is slow."""
_KEPT_FOR_EACH = 4
"""Shared places that slow groups leave to each of the others, up to half of all."""


class Air:
    """
    Gives every rate group a place of its own; the rest, half at least, is for all to share.

    Groups whose servers are slow to answer, or have not answered yet, leave half of the shared
    places to others. So those that answer nothing at all never hold back those that answer.
    """

    def __init__(
        self, most: int, room: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`most` at once, and one for each group beyond half of that; never more than `room`."""
        self.groups = 0
        """How many there are by now."""
        self._most = most
        self._room = room
        self._clock = clock
        self._numbers = count()
        self._in_air: dict[Hashable, dict[int, float]] = {}
        """By group, when each of its requests left; none without any."""
        self._total = 0
        self._took: dict[Hashable, float] = {}
        """By group, how long its last answer took."""
        self._waiting: dict[Hashable, Future[int]] = {}
        self._waiting_slow: dict[Hashable, Future[int]] = {}

    def place_for(self, group: Hashable) -> int | None:
        """Take a place, if there is one."""
        return self._place(group) if self._has_room_for(group) else None

    async def enter(self, group: Hashable) -> int:
        """Wait for a place; one at a time may wait for each group."""
        if (place := self.place_for(group)) is not None:
            return place
        waiting = self._waiting_slow if self._is_slow(group) else self._waiting
        turn: Future[int] = get_running_loop().create_future()
        waiting[group] = turn
        try:
            return await turn
        except CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(group, turn.result())
            raise
        finally:
            self._waiting.pop(group, None)
            self._waiting_slow.pop(group, None)

    def leave(self, group: Hashable, place: int) -> None:
        """Give a place back when the answer is there, or none will come."""
        self._took[group] = self._clock() - self._in_air[group][place]
        self.give_back(group, place)

    def give_back(self, group: Hashable, place: int) -> None:
        """Give a place back that was not used."""
        places = self._in_air[group]
        del places[place]
        self._total -= 1
        if not places:
            del self._in_air[group]
        if not self._admit(group):
            self._admit_next()

    def _place(self, group: Hashable) -> int:
        place = next(self._numbers)
        self._in_air.setdefault(group, {})[place] = self._clock()
        self._total += 1
        return place

    def _admit(self, group: Hashable) -> bool:
        """Let a group in that waits, where there is room for it."""
        waiting = self._waiting if group in self._waiting else self._waiting_slow
        if group not in waiting or not self._has_room_for(group):
            return False
        turn = waiting.pop(group)
        if turn.done():
            return False
        turn.set_result(self._place(group))
        return True

    def _admit_next(self) -> None:
        """Let in who has waited longest: groups that answer before those that are slow."""
        while self._waiting:
            group = next(iter(self._waiting))
            if self._is_slow(group):
                self._waiting_slow[group] = self._waiting.pop(group)
            elif self._admit(group) or group in self._waiting:
                return
        for group in self._waiting_slow:
            self._admit(group)
            return

    @property
    def wanted(self) -> int:
        """How many places there are where `room` is no bound."""
        return self.groups + self._shared

    # -- who may enter

    @property
    def _shared(self) -> int:
        return max(self._most - self.groups, self._most // 2)

    def _has_room_for(self, group: Hashable) -> bool:
        if self._total >= self._room:
            return False
        if group not in self._in_air:
            return True
        shared = self._shared
        taken = self._total - len(self._in_air)
        if taken >= shared:
            return False
        kept = min(shared // 2, _KEPT_FOR_EACH * max(self.groups - 1, 0))
        return taken < shared - kept or not self._is_slow(group)

    def _is_slow(self, group: Hashable) -> bool:
        """Whether its last answer was slow, or one that is to come is, or none has come yet."""
        in_air = self._in_air.get(group)
        if in_air and self._clock() - next(iter(in_air.values())) > SLOW:
            return True
        return self._took.get(group, math.inf) > SLOW
