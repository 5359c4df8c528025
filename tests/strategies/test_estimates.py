"""What a plan is expected to ask, where last night told what there is to find out."""

from dataclasses import replace

import pytest
from simulated import alone, assigned, scopes, strict

from scopeprobe.model.assignment import Proof
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.client import ClientName
from scopeprobe.strategies import STRATEGIES, each

COUNT = 40


def expected(denied, proof=Proof.SAFE, **more):
    """By `each`, for a client who was denied so many of the candidates last night."""
    names = scopes(COUNT)
    cells = alone(strict, names[denied:], names, strategy=each).cells[0]
    known = PermissionMap(ClientName("c000"), cells)
    assignment = replace(assigned(names, "c000", **more), previous=known, proof=proof)
    return STRATEGIES["each"].estimate(assignment).requests_expected


@pytest.mark.parametrize("denied", [2, 10, 30])
def test_a_request_a_scope_two_controls_and_one_for_every_25_refusals_are_expected(denied):
    """Beside these two the closing one: nothing is denied without a success behind it."""
    assert expected(denied) == pytest.approx(COUNT + 2 + 1 + denied / 25, abs=0.2)


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
@pytest.mark.parametrize(("count", "sends"), [(COUNT, False), (0, True), (0, False)])
def test_who_is_asked_without_scope_only_takes_one_request_and_one_to_be_sure(
    strategy, count, sends
):
    estimate = STRATEGIES[strategy].estimate(assigned(scopes(count), send_scope=sends))
    assert (estimate.requests_expected, estimate.requests_at_most) == (1, 2)


@pytest.mark.parametrize("denied", [2, 10, 30])
def test_proof_twice_is_expected_to_repeat_what_was_denied(denied):
    refusals = 25 * (expected(denied) - COUNT - 3)
    assert expected(denied, Proof.TWICE) == pytest.approx(COUNT + 3 + refusals + 2 * refusals / 25)
