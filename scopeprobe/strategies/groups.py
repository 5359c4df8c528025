"""How many scopes to ask for at once (docs/algorithm.md, C)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import count

from scopeprobe.strategies.priors import Beliefs

SWITCH = 1 - 1 / math.sqrt(2)
"""From this chance of denial on, asking one by one is cheapest where denials are asked alone."""
_SMALL = 24
_NEGLIGIBLE = 1e-12


def slack(candidates: int) -> int:
    """B(n): how many requests more than one per scope a search may ever take."""
    return min(math.ceil(candidates / 2), 3 * halvings(max(candidates, 2)))


def halvings(size: int) -> int:
    """How often a group is halved until one is left: ceil(log2 size)."""
    return (size - 1).bit_length()


def price(chance: float) -> float:
    """Requests that a scope costs when groups are chosen best, every denial asked alone."""
    if chance >= SWITCH:
        return 1.0
    entropy = -chance * math.log2(chance) - (1 - chance) * math.log2(1 - chance)
    return min(max(1.03 * entropy + 0.4 * chance, 1e-4), 1.0)


class Groups:
    """Compares what groups of different sizes are expected to cost and to settle."""

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs

    @cached_property
    def _prices(self) -> list[list[float]]:
        """By hypothesis and position; of no use to who is told everything at once."""
        found = []
        for chances in self._beliefs.chances:
            of_chance = {chance: price(chance) for chance in set(chances)}
            found.append([of_chance[chance] for chance in chances])
        return found

    def best_size(self, start: int, contaminated: int, most: int, marks: Collection[int]) -> int:
        """
        The size that settles most for its cost, ties to the smaller.

        `contaminated` is the end of a range from `start` that is known to hold a culprit, or not
        above `start`; `most` bounds the size; `marks` are positions where a stored group ends.
        """
        weights = self._beliefs.weights()
        clean = [0.0] * len(weights)
        if contaminated > start:
            clean = self._beliefs.all_granted(start, contaminated)
        total = sum(v * (1 - c) for v, c in zip(weights, clean, strict=True))
        if total <= 0:
            clean, total = [0.0] * len(weights), sum(weights)
        sizes = sorted({*_sizes(most), *(m - start for m in marks if start < m <= start + most)})
        gains, accepts = [0.0] * len(sizes), [0.0] * len(sizes)
        for k, (v, c) in enumerate(zip(weights, clean, strict=True)):
            if v > _NEGLIGIBLE:
                for index, (gain, granted) in enumerate(self._prospects(k, start, sizes)):
                    gains[index] += v * (1 - c) * gain / total
                    accepts[index] += v * max(0.0, granted - c) / total
        worth = [
            gain / (1 + (1 - accept) * _descent(size))
            for size, gain, accept in zip(sizes, gains, accepts, strict=True)
        ]
        return sizes[max(range(len(sizes)), key=lambda i: (worth[i], -i))]

    def _prospects(self, k: int, start: int, sizes: Sequence[int]) -> Iterator[tuple[float, float]]:
        """Under one hypothesis and by size: what is settled, in requests, and if all is granted."""
        chances, prices = self._beliefs.chances[k], self._prices[k]
        gain, granted, done = 0.0, 1.0, 0
        for size in sizes:
            if granted > _NEGLIGIBLE:
                for position in range(start + done, start + size):
                    gain += granted * prices[position]
                    granted *= 1 - chances[position]
            done = size
            yield gain, granted

    def best_head(self, start: int, end: int) -> int:
        """How many of a refused range to ask first, so that it is refused again half the time."""
        weights = self._beliefs.weights()
        whole = self._refused(weights, start, end)

        def distance(size: int) -> float:
            return abs(self._refused(weights, start, start + size) / whole - 0.5)

        low, high = 1, end - start - 1  # the chance of a refusal only grows with the size
        while low < high:
            middle = (low + high) // 2
            if self._refused(weights, start, start + middle) / whole < 0.5:  # noqa: PLR2004
                low = middle + 1
            else:
                high = middle
        return min((size for size in (low - 1, low) if size >= 1), key=distance)

    def _refused(self, weights: list[float], start: int, end: int) -> float:
        chances = self._beliefs.all_granted(start, end)
        return max(sum(v * (1 - c) for v, c in zip(weights, chances, strict=True)), 1e-300)


def _sizes(most: int) -> Iterator[int]:
    yield from range(1, min(most, _SMALL) + 1)
    for power in count(1):
        size = math.floor(_SMALL * 1.15**power)
        if size > most:
            break
        yield size
    yield most


def _descent(size: int) -> float:
    """What a refusal of the group costs on top: to find its culprit and to ask it alone."""
    return math.log2(size) + 0.03 * (size > 2) + 0.45 * (size > 1)  # noqa: PLR2004
