"""One budget, spent by many: never more than there is, and all of it where it is wanted."""

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
