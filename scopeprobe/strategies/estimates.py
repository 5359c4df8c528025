"""How many requests a strategy takes, before anything is sent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from scopeprobe.model.assignment import Assignment, Proof
from scopeprobe.model.cell import Cell, Verdict
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope, prefix
from scopeprobe.strategies.controls import MOST_REFUSALS_UNBRACKETED, most_failures_in_a_row
from scopeprobe.strategies.groups import price
from scopeprobe.strategies.priors import Prior, flat, prior_of
from scopeprobe.strategies.scope_sets import SetProber


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    Token requests for one client and target.

    Retries after faults and throttles come on top, and so do repetitions of answers that name
    scopes which they then grant. The most is that of the worst server: every refusal of a scope
    looks like a failed authentication, and unlike that of the canary, so that it is met twice; or
    like it, and the canary's is met twice.
    """

    requests_expected: float
    requests_at_most: int

    @property
    def tokens_at_most(self) -> int:
        """A server may answer every request with a token."""
        return self.requests_at_most


NOTHING = Estimate(0.0, 0)

BESIDE_THE_SEARCH = 8
"""
The canary, the request without scope, that for all that is granted, and a hopeful one; and the
canary and three refused scopes in a set that was accepted in silence.
"""


def with_controls(
    assignment: Assignment, *, expected: float, refused: float, most: int
) -> Estimate:
    """
    Add the controls that close and bracket refusals, what `proof` repeats, and shapes.

    The request for all that is granted, or the one without scope, closes refusals as well.
    """
    if assignment.unaskable_because is not None:
        return NOTHING
    if not (assignment.client.server.traits.send_scope and assignment.candidates):
        return Estimate(1.0, 2)
    if assignment.proof is Proof.TWICE:
        expected, refused = expected + refused, 2 * refused
    in_a_row = min(most_failures_in_a_row(assignment.client), MOST_REFUSALS_UNBRACKETED)
    is_in_doubt = any(cell.http_status == HTTPStatus.UNAUTHORIZED for cell in _denied(assignment))
    expected += refused / (in_a_row if is_in_doubt else MOST_REFUSALS_UNBRACKETED)
    expected += min(refused, 1.0)
    most += len(assignment.candidates)
    most += assignment.last_success not in {None, WITHOUT_SCOPE}
    most += math.ceil(most / in_a_row) + 1
    if assignment.is_first and (shapes := len({*map(prefix, assignment.candidates)} - {""})):
        most += shapes + 1
    if assignment.was_unauthenticated:
        expected = 1.0
    return Estimate(min(expected, most), most)


def _denied(assignment: Assignment) -> Iterator[Cell]:
    """What was denied last night."""
    return (cell for cell in assignment.known_before if cell.verdict is Verdict.DENIED)


def expected_denials(assignment: Assignment, scopes: Sequence[Scope]) -> float:
    """How many of them are expected to be denied."""
    return _believed(assignment, scopes)[0]


def expected_search(assignment: Assignment, scopes: Sequence[Scope]) -> float:
    """What the opening and the search of scopes are expected to take, under what is believed."""
    if not scopes:
        return 0.0
    return max(1 + _believed(assignment, scopes)[1], requests_for_all(assignment, scopes))


def _believed(assignment: Assignment, scopes: Sequence[Scope]) -> tuple[float, float]:
    """How many are expected to be denied, and what finding them out costs."""
    if assignment.known_before or assignment.behavior.earlier_clients:
        return _weighed(prior_of(assignment, scopes), scopes)
    return _believed_of_strangers(len(scopes))


@lru_cache(maxsize=1024)
def _believed_of_strangers(count: int) -> tuple[float, float]:
    """Of so many scopes of which nothing is known, whatever they are called."""
    return _weighed(flat(count), [Scope("")] * count)


def _weighed(prior: Prior, scopes: Sequence[Scope]) -> tuple[float, float]:
    denied = math.fsum(map(prior.mean_chance, scopes))
    shares = Counter(map(prior.share, scopes))
    cost = math.fsum(
        part.weight * math.fsum(n * price(part.chance(share)) for share, n in shares.items())
        for part in prior.parts
    )
    return denied, cost


def requests_for_all(assignment: Assignment, scopes: Sequence[Scope]) -> int:
    """How many requests it takes to ask for all of them, by the length that one may have."""
    prober, requests, start = SetProber(assignment), 0, 0
    while start < len(scopes):
        start += prober.fitting(scopes, start)
        requests += 1
    return requests


def total(estimates: Iterable[Estimate]) -> Estimate:
    estimates = list(estimates)
    return Estimate(
        math.fsum(estimate.requests_expected for estimate in estimates),
        sum(estimate.requests_at_most for estimate in estimates),
    )
