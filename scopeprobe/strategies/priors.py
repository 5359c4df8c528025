"""How likely each scope is to be denied, before anything is asked and after every answer.

docs/algorithm.md, B: a mixture of hypotheses, under each of which scopes are independent.
Beliefs choose what is asked next. They never make a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import accumulate

from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import EarlierClient
from scopeprobe.model.cell import Verdict
from scopeprobe.model.scope_names import Scope

_NEVER = 1e-9
"""The least chance: nothing is impossible."""
_ALIKE = 32.0
"""The prior strength from which on the scopes of a server are taken to be alike."""
_STRENGTHS = (0.5, *(2.0**power for power in range(9)))
_REVOKED, _GRANTED_SINCE = 1e-4, 1e-4
"""Chances that a cell changes between two nights."""


@dataclass(frozen=True, slots=True)
class PriorPart:
    """One hypothesis of how a server grants scopes: its weight, and what it makes of a share."""

    weight: float
    chance: Callable[[float], float]
    """That a scope is denied, by the share of clients that are."""


@dataclass(frozen=True)
class Prior:
    """
    How likely each scope is to be denied, under each of several hypotheses.

    Scopes with one share are alike: there are few shares, and what is worked out of one holds for
    all its scopes.
    """

    parts: tuple[PriorPart, ...]
    shares: Mapping[Scope, float] = field(default_factory=dict)
    otherwise: float = 0.5
    """The share of any other scope."""

    def share(self, scope: Scope) -> float:
        return self.shares.get(scope, self.otherwise)

    def mean_chance(self, scope: Scope) -> float:
        """That the scope is denied, over all hypotheses."""
        return self._mean_chance(self.share(scope))

    @cached_property
    def _mean_chance(self) -> Callable[[float], float]:
        parts = self.parts  # not the prior itself: in a cycle it would outlive its search
        return cache(lambda share: sum(part.weight * part.chance(share) for part in parts))


def flat(candidates: int) -> Prior:
    """The prior of an unknown server: all scopes have one chance, itself unknown (B.1)."""
    return _alike(_flat_chances(candidates), _FLAT_WEIGHTS)


_GRID = 48
_FLAT_WEIGHTS = (0.15, *[0.75 / _GRID] * _GRID, 0.10)


def _flat_chances(candidates: int) -> list[float]:
    lowest, highest = math.log(0.3 / max(candidates, 2)), math.log(9)
    step = (highest - lowest) / (_GRID - 1)
    return [_NEVER, *(_logistic(lowest + step * i) for i in range(_GRID)), 1 - _NEVER]


def _alike(chances: Iterable[float], weights: Iterable[float]) -> Prior:
    def of_all(chance: float) -> Callable[[float], float]:
        return lambda _share: chance

    return Prior(tuple(PriorPart(w, of_all(p)) for p, w in zip(chances, weights, strict=True)))


@lru_cache(maxsize=16)
def learned_from(
    candidates: tuple[Scope, ...], earlier_clients: tuple[EarlierClient, ...]
) -> Prior:
    """
    The prior from what the finished clients of the server were proved to have (B.2).

    How much one scope's share may differ from another's is chosen by likelihood (beta-binomial):
    to take alike scopes for different ones costs up to a fifth more requests.
    """
    denied = {s: sum(s in past.denied for past in earlier_clients) for s in candidates}
    proved = {s: denied[s] + sum(s in past.granted for past in earlier_clients) for s in candidates}
    mean = (sum(denied.values()) + 0.5) / (sum(proved.values()) + 1)
    counts = [(denied[s], proved[s]) for s in candidates]
    strength = max(_STRENGTHS, key=lambda k: (_likelihood(k, mean, counts), -k))
    if strength >= _ALIKE:
        return _flat_after(len(candidates), earlier_clients)
    shares = {s: (denied[s] + strength * mean) / (proved[s] + strength) for s in candidates}
    return shifted(shares, mean, spread=1.5, all_granted=0.10)


def _likelihood(strength: float, mean: float, counts: Iterable[tuple[int, int]]) -> float:
    a, b = strength * mean, strength * (1 - mean)
    before = _log_beta(a, b)
    return sum(_log_beta(a + x, b + proved - x) - before for x, proved in counts)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _flat_after(candidates: int, earlier_clients: Sequence[EarlierClient]) -> Prior:
    """The flat prior, moved by how many scopes each earlier client was denied."""
    chances = _flat_chances(candidates)
    weights = list(_FLAT_WEIGHTS)
    for past in earlier_clients:
        logs = [
            math.log(weight) + len(past.denied) * math.log(p) + len(past.granted) * math.log1p(-p)
            for p, weight in zip(chances, _FLAT_WEIGHTS, strict=True)
        ]
        top = max(logs)
        shares = [math.exp(log - top) for log in logs]
        total = sum(shares)
        weights = [w + share / total for w, share in zip(weights, shares, strict=True)]
    return _alike(chances, [weight / (1 + len(earlier_clients)) for weight in weights])


def shifted(
    shares: Mapping[Scope, float], otherwise: float, *, spread: float, all_granted: float
) -> Prior:
    """
    A chance for every scope, and doubt whether all of them are too high or too low (B.3).

    `spread` is the standard deviation of that doubt on the logit scale, `all_granted` the weight
    of the hypothesis that nothing is denied.
    """

    def moved(by: float) -> Callable[[float], float]:
        return lambda share: _logistic(_logit(share) + by)

    shifts = [step / 2 for step in range(-8, 9)]
    weights = [math.exp(-((shift / spread) ** 2) / 2) for shift in shifts]
    total = sum(weights) / (1 - all_granted)
    parts = (
        *(PriorPart(w / total, moved(shift)) for w, shift in zip(weights, shifts, strict=True)),
        PriorPart(all_granted, lambda _share: _NEVER),
    )
    return Prior(parts, shares, otherwise)


def remembered(granted: Iterable[Scope], denied: Iterable[Scope]) -> Prior:
    """The prior that last night's map still holds, but for rare changes (B.3, recheck)."""
    shares = dict.fromkeys(granted, _REVOKED) | dict.fromkeys(denied, 1 - _GRANTED_SINCE)
    mean = (sum(shares.values()) + 0.5) / (len(shares) + 1)
    return shifted(shares, mean, spread=1.0, all_granted=1e-6)


def _logit(chance: float) -> float:
    chance = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(chance / (1 - chance))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


class Beliefs:
    """
    The weights of the hypotheses, as verdicts on the scopes of one search come in.

    Nothing is worked out before somebody asks: who is told everything at once never does.
    """

    def __init__(self, prior: Callable[[], Prior], order: Sequence[Scope]) -> None:
        self._prior_of = prior
        self._order = order
        self._not_weighed: list[tuple[int, bool]] = []
        """Positions that were granted (True) or denied since somebody asked."""

    @cached_property
    def _prior(self) -> Prior:
        return self._prior_of()

    @cached_property
    def _logs(self) -> list[float]:
        return [math.log(max(part.weight, 1e-300)) for part in self._prior.parts]

    @cached_property
    def chances(self) -> list[list[float]]:
        """By hypothesis and position."""
        shares = [self._prior.share(scope) for scope in self._order]
        found = []
        for part in self._prior.parts:
            of_share = {s: min(max(part.chance(s), _NEVER), 1 - _NEVER) for s in set(shares)}
            found.append([of_share[share] for share in shares])
        return found

    @cached_property
    def _granted(self) -> list[list[float]]:
        return [
            list(accumulate((math.log1p(-p) for p in chances), initial=0.0))
            for chances in self.chances
        ]

    def note_granted(self, position: int) -> None:
        self._not_weighed.append((position, True))

    def note_denied(self, position: int) -> None:
        self._not_weighed.append((position, False))

    def weights(self) -> list[float]:
        """Relative ones; the greatest is 1."""
        for position, is_granted in self._not_weighed:
            self._weigh(position, is_granted=is_granted)
        self._not_weighed.clear()
        top = max(self._logs)
        return [math.exp(log - top) for log in self._logs]

    def _weigh(self, position: int, *, is_granted: bool) -> None:
        if is_granted:
            self._logs = [
                log + granted[position + 1] - granted[position]
                for log, granted in zip(self._logs, self._granted, strict=True)
            ]
        else:
            self._logs = [
                log + math.log(chances[position])
                for log, chances in zip(self._logs, self.chances, strict=True)
            ]

    def all_granted(self, start: int, end: int) -> list[float]:
        """Under each hypothesis, the chance that all from `start` to before `end` are granted."""
        return [math.exp(granted[end] - granted[start]) for granted in self._granted]


_ENOUGH_CLIENTS = 2


_CHANGED = 0.02
"""The chance that a scope has changed since the last run, where a map of it is at hand."""


def prior_of(assignment: Assignment, scopes: Sequence[Scope]) -> Prior:
    """What to expect: as last night, or as other clients of the server, or nothing at all."""
    before = _before(assignment)
    if 2 * len(before.keys() & set(scopes)) >= max(len(scopes), 1):
        mean = (sum(before.values()) + 0.5) / (len(before) + 1)
        return shifted(before, mean, spread=1.5, all_granted=0.10)
    earlier_clients = [
        past
        for past in assignment.behavior.earlier_clients
        if (past.audience, past.candidates) == (assignment.target.label, assignment.candidates)
    ]
    if len(earlier_clients) >= _ENOUGH_CLIENTS:
        return learned_from(tuple(scopes), tuple(earlier_clients))
    return flat(len(scopes))


def _before(assignment: Assignment) -> dict[Scope, float]:
    """By scope, the chance that it is denied today, where the last run proved what it was."""
    chances = {Verdict.GRANTED: _CHANGED, Verdict.DENIED: 1 - _CHANGED}
    return {
        cell.scope: chances[cell.verdict]
        for cell in assignment.known_before
        if cell.verdict in chances
    }
