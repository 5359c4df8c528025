"""One budget, spent by many: never more than there is, and all of it where it is wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopeprobe.cluster.shared_budget import SharedBudget
from scopeprobe.engine.budgets import Budgets


@given(
    most=st.integers(1, 200),
    wants=st.lists(st.integers(0, 100), min_size=1, max_size=12),
    chance=st.randoms(use_true_random=False),
)
def test_groups_spend_what_there_is_or_what_they_want(most, wants, chance):
    budget = SharedBudget(Budgets(max_requests=most))
    shares = {str(n): budget.open(str(n), len(wants), 4).requests for n in range(len(wants))}
    spent = dict.fromkeys(shares, 0)
    unfinished = set(shares)
    while unfinished and not budget.is_spent:
        group = chance.choice(sorted(unfinished))
        if spent[group] == wants[int(group)]:
            unfinished.discard(group)
            grown = budget.close(group, spent[group], 0)
        elif spent[group] < shares[group]:
            spent[group] += 1
            grown = budget.shares_after({group: (spent[group], 0)})
        else:
            continue
        shares |= {name: share.requests for name, share in grown.items()}
        assert sum(spent.values()) <= most
    assert sum(spent.values()) == min(most, sum(wants))


def test_what_a_lost_worker_may_have_spent_is_spent():
    budget = SharedBudget(Budgets(max_requests=10))
    share = budget.open("a", 1, 4)
    assert share.requests == 5
    budget.shares_after({"a": (2, 0)})
    budget.lose("a")
    second = budget.open("a", 1, 4)
    grown = budget.shares_after({"a": (int(second.requests), 0)})
    assert second.requests + sum(one.requests - second.requests for one in grown.values()) <= 5


def test_without_a_budget_every_share_is_all():
    budget = SharedBudget(Budgets())
    share = budget.open("a", 3, 4)
    assert (share.requests, share.tokens) == (float("inf"), float("inf"))
    assert budget.shares_after({"a": (10_000, 10_000)}) == {}
    assert not budget.is_spent


INFINITE = float("inf")


@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_a_share_grows_while_it_is_nearly_spent_and_its_rest_is_for_the_others(kind):
    budget = SharedBudget(Budgets(**{f"max_{kind}": 20}))
    assert budget.is_bounded

    def of(share):
        """The share of what is bounded; the other is all there is."""
        shares = {"requests": share.requests, "tokens": share.tokens}
        bounded = shares.pop(kind)
        assert [*shares.values()] == [INFINITE]
        return bounded

    def spent(**numbers):
        return {n: (many, 0) if kind == "requests" else (0, many) for n, many in numbers.items()}

    assert of(budget.open("a", 2, 2)) == 5  # a fourth of 20
    assert of(budget.open("b", 2, 2)) == 3  # of 15
    assert budget.shares_after(spent(a=3)) == {}  # two are left: as many as are in the air
    assert {name: of(one) for name, one in budget.shares_after(spent(a=4)).items()} == {"a": 8}
    assert budget.shares_after(spent(c=9)) == {}
    assert budget.close("c", 9, 9) == {}
    rest = {"requests": 0, "tokens": 0} | {kind: 6}
    assert budget.close("a", **rest) == {}  # two of eight come back: 11 are left
    assert {name: of(one) for name, one in budget.shares_after(spent(b=2)).items()} == {"b": 8}
    assert not budget.is_spent


@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_a_budget_is_spent_by_who_asks_who_is_over_and_who_is_lost(kind):
    def opened():
        budget = SharedBudget(Budgets(**{f"max_{kind}": 2}))
        budget.open("a", 1, 1)
        budget.open("b", 1, 1)
        return budget

    one = (1, 0) if kind == "requests" else (0, 1)
    for end in (
        lambda budget: budget.shares_after({"a": one, "b": one}),
        lambda budget: (budget.close("a", *one), budget.close("b", *one)),
        lambda budget: (budget.lose("a"), budget.lose("b"), budget.lose("c")),
        lambda budget: (budget.lose("a"), budget.close("b", *one)),
    ):
        budget = opened()
        assert not budget.is_spent
        end(budget)
        assert budget.is_spent
    told = opened().shares_after({"a": one, "b": one})
    assert {name: share.is_spent for name, share in told.items()} == {"a": True, "b": True}


def test_nothing_is_lost_of_a_budget_without_bounds():
    budget = SharedBudget(Budgets())
    assert not budget.is_bounded
    budget.open("a", 1, 4)
    budget.open("b", 1, 4)
    budget.lose("a")
    assert budget.close("b", 5, 5) == {}
    assert not budget.is_spent
