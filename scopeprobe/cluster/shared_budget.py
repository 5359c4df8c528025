"""A budget that many rate groups spend together, each from a share of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scopeprobe.cluster.messages import SentShare
from scopeprobe.engine.budgets import Budgets


@dataclass(slots=True)
class _Pool:
    """One kind of what is spent. Shares are small, and smaller the less is left."""

    left: float
    """What no group has in its share."""

    def more(self, groups: int) -> float:
        if self.left == math.inf:
            return math.inf
        share = min(max(self.left // (2 * max(groups, 1)), 1), self.left)
        self.left -= share
        return share


@dataclass(slots=True)
class _Account:
    requests: float
    tokens: float
    spent_requests: int = 0
    spent_tokens: int = 0
    in_air: int = 1


class SharedBudget:
    """
    Gives every group a share, and more once that is nearly spent; never more than there is.

    What a group does not need goes to the others. What a lost worker had counts as spent.
    """

    def __init__(self, budgets: Budgets) -> None:
        self.is_bounded = budgets.max_requests is not None or budgets.max_tokens is not None
        self._most_requests = math.inf if budgets.max_requests is None else budgets.max_requests
        self._most_tokens = math.inf if budgets.max_tokens is None else budgets.max_tokens
        self._requests = _Pool(self._most_requests)
        self._tokens = _Pool(self._most_tokens)
        self._accounts: dict[str, _Account] = {}
        self._spent_requests = 0.0
        self._spent_tokens = 0.0
        """By groups that are over, and workers that are lost."""

    def open(self, group: str, groups: int, in_air: int) -> SentShare:
        """The first share of one of so many groups, with so many requests in the air."""
        account = _Account(
            self._requests.more(groups), self._tokens.more(groups), in_air=max(in_air, 1)
        )
        self._accounts[group] = account
        return SentShare(account.requests, account.tokens)

    def shares_after(self, spent: Mapping[str, tuple[int, int]]) -> dict[str, SentShare]:
        """The shares that grow, now that groups have spent so much."""
        for group, (requests, tokens) in spent.items():
            if group in self._accounts:
                account = self._accounts[group]
                account.spent_requests, account.spent_tokens = requests, tokens
        return self._grown()

    def close(self, group: str, requests: float, tokens: float) -> dict[str, SentShare]:
        """A group is over, and spent so much: what it did not spend is for the others."""
        if (account := self._accounts.pop(group, None)) is None:
            return {}
        self._spent_requests += requests
        self._spent_tokens += tokens
        self._requests.left += _rest(account.requests, requests)
        self._tokens.left += _rest(account.tokens, tokens)
        return self._grown()

    def lose(self, group: str) -> None:
        """Its worker is lost: who knows what it spent."""
        if (account := self._accounts.pop(group, None)) is not None:
            self._spent_requests += account.requests if math.isfinite(account.requests) else 0
            self._spent_tokens += account.tokens if math.isfinite(account.tokens) else 0

    @property
    def is_spent(self) -> bool:
        accounts = self._accounts.values()
        requests = self._spent_requests + sum(one.spent_requests for one in accounts)
        tokens = self._spent_tokens + sum(one.spent_tokens for one in accounts)
        return requests >= self._most_requests or tokens >= self._most_tokens

    def _grown(self) -> dict[str, SentShare]:
        if self.is_spent:
            return {
                group: SentShare(one.requests, one.tokens, is_spent=True)
                for group, one in self._accounts.items()
            }
        grown = {}
        for group, one in self._accounts.items():
            before = one.requests, one.tokens
            if one.requests - one.spent_requests < one.in_air:
                one.requests += self._requests.more(len(self._accounts))
            if one.tokens - one.spent_tokens < one.in_air:
                one.tokens += self._tokens.more(len(self._accounts))
            if (one.requests, one.tokens) != before:
                grown[group] = SentShare(one.requests, one.tokens)
        return grown


def _rest(share: float, spent: float) -> float:
    return share - spent if math.isfinite(share) else 0.0
