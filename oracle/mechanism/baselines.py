"""Rules to compare with: what planners do who run no auction, and the best that could be bought.

The volume-based and trust-based buyers are those of the paper's section 8. Each rule but `posted` pays what is bid, so
that its winners gain by bidding more: `value` is what it buys from honest bidders only. The paper's own greedy rule is
``paper.q_mia``. Whether a provider takes part (reserve price, cap) is the caller's choice: these rules know neither.
Ties go to the lower index. Every rule raises NotAnInteger, NegativeValue, ValueTooLarge or ZeroReward for a number
outside its range, and LengthMismatch for a column of another length than the bids.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

from oracle.mechanism.clearing import Bid, check, in_order
from oracle.mechanism.integers import MONEY_BITS, WAD, natural, naturals, ratio_key
from oracle.mechanism.purchase import Purchase
from oracle.mechanism.shares import LengthMismatch


def volume(bids: Sequence[Bid], budget: int, tokens: Sequence[int]) -> Purchase:
    """The volume-based buyer: most tokens per cost first. ``tokens`` below 2**64; without any nobody is bought."""
    check(bids, budget)
    _check_column("tokens", tokens, bids)
    bits = max(tokens, default=0).bit_length()
    keys = {i: ratio_key(bids[i].cost, count, bits) for i, count in enumerate(tokens) if count}
    return _fill(bids, budget, sorted(keys, key=keys.__getitem__))


def trust(bids: Sequence[Bid], budget: int, reputation: Sequence[int]) -> Purchase:
    """The trust-based buyer: highest reputation (any unit, below 2**64) first, whatever it costs."""
    check(bids, budget)
    _check_column("reputation", reputation, bids)
    return _fill(bids, budget, sorted(range(len(bids)), key=lambda i: -reputation[i]))


def cheapest(bids: Sequence[Bid], budget: int) -> Purchase:
    """Lowest bid first: the most providers that the budget buys."""
    check(bids, budget)
    return _fill(bids, budget, sorted(range(len(bids)), key=lambda i: bids[i].cost))


def random(bids: Sequence[Bid], budget: int, seed: int) -> Purchase:
    """In a random order: the same for the same seed, below 2**64, and number of bids."""
    check(bids, budget)
    order = list(range(len(bids)))
    Random(natural("seed", seed, 64)).shuffle(order)
    return _fill(bids, budget, order)


def posted(bids: Sequence[Bid], budget: int, price: int) -> Purchase:
    """One price for everybody: in index order, each is offered ``floor(price * weight)`` while that fits the budget.

    Who asks at most that much is bought, and is paid the offer: truthful, within the budget, but somebody has to know
    the price.

    Parameters
    ----------
    price
        Money units for one WAD of weight, below 2**128.
    """
    check(bids, budget)
    natural("price", price, MONEY_BITS)
    offers = [price * weight // WAD for _, weight in bids]
    accepted = [i for i, (cost, weight) in enumerate(bids) if weight and cost <= offers[i]]
    return _fill(bids, budget, accepted, offers)


def knapsack(bids: Sequence[Bid], budget: int) -> Purchase:
    """The heaviest set of bids whose costs fit the budget: what a planner who knew all costs would buy.

    Nemhauser and Ullmann's enumeration of the selections that no other beats in both cost and weight, less those that
    could not beat the best one found even if all further bids were divisible. Exact; exponential at worst, quick where
    costs and weights are not strongly correlated. Which of several optima it returns is not specified.
    """
    check(bids, budget)
    supply = _Supply(bids)
    best = empty = _Selection(0, 0, None)
    for i in _fill(bids, budget, supply.order).winners:
        best = best.plus(i, bids[i])
    undominated = [empty]
    for rank, i in enumerate(supply.order):
        larger = [s.plus(i, bids[i]) for s in undominated if s.cost + bids[i].cost <= budget]
        best = max([best, *larger], key=lambda s: s.weight)
        undominated = [
            s
            for s in _frontier([*undominated, *larger])
            if s.weight + supply.divisible(rank + 1, budget - s.cost) > best.weight
        ]
    chosen, link = [], best.bids
    while link is not None:
        position, link = link
        chosen.append(position)
    return _fill(bids, budget, sorted(chosen))


def knapsack_bound(bids: Sequence[Bid], budget: int) -> Fraction:
    """Weight that the budget would buy if bids were divisible, WAD: the linear program's optimum."""
    check(bids, budget)
    return _Supply(bids).divisible(0, budget)


class _Selection(NamedTuple):
    cost: int
    weight: int
    bids: tuple[int, Any] | None
    """The last bid taken, and the ones before it in the same form."""

    def plus(self, i: int, bid: Bid) -> _Selection:
        return _Selection(self.cost + bid.cost, self.weight + bid.weight, (i, self.bids))


class _Supply:
    """The bids by cost per weight, with running sums."""

    def __init__(self, bids: Sequence[Bid]) -> None:
        self.bids = bids
        self.order = in_order(bids)
        self.costs = [0, *accumulate(bids[i].cost for i in self.order)]
        self.weights = [0, *accumulate(bids[i].weight for i in self.order)]

    def divisible(self, rank: int, money: int) -> Fraction:
        """Weight that ``money`` buys of the bids from ``rank`` on, the last of them in part."""
        end = bisect_right(self.costs, self.costs[rank] + money) - 1
        whole = self.weights[end] - self.weights[rank]
        if end == len(self.order):
            return Fraction(whole)
        cost, weight = self.bids[self.order[end]]
        return whole + Fraction((money - self.costs[end] + self.costs[rank]) * weight, cost)


def _frontier(selections: list[_Selection]) -> list[_Selection]:
    """Those heavier than everything that costs no more."""
    frontier: list[_Selection] = []
    for selection in sorted(selections, key=lambda s: (s.cost, -s.weight)):
        if not frontier or selection.weight > frontier[-1].weight:
            frontier.append(selection)
    return frontier


def _fill(bids: Sequence[Bid], budget: int, order: Iterable[int], prices: Sequence[int] | None = None) -> Purchase:
    """Take bids in ``order`` at their prices, or else their costs; one that does not fit the rest is passed over."""
    rewards = [0] * len(bids)
    winners = []
    for i in order:
        price = bids[i].cost if prices is None else prices[i]
        if price <= budget:
            budget -= price
            rewards[i] = price
            winners.append(i)
    return Purchase(tuple(winners), tuple(rewards))


def _check_column(name: str, column: Sequence[int], bids: Sequence[Bid]) -> None:
    if len(column) != len(bids):
        raise LengthMismatch(f"{len(column)} entries of {name} for {len(bids)} bids")
    naturals(f"{name} of bid", column, 64)
