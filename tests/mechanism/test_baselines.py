"""Baselines buy what their sentence says, and never more than the budget; the optimum is the best of all subsets."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.mechanism import baselines
from oracle.mechanism.clearing import Bid, clear
from oracle.mechanism.integers import WAD, NegativeValue, NotAnInteger, ValueTooLarge, ZeroReward
from oracle.mechanism.paper import q_mia
from oracle.mechanism.purchase import Purchase
from oracle.mechanism.shares import LengthMismatch

BIDS = st.lists(st.builds(Bid, st.integers(0, 9), st.integers(0, 5)), max_size=7)
BUDGETS = st.integers(1, 25)


def weight(bids: list[Bid], purchase: Purchase) -> int:
    return sum(bids[i].weight for i in purchase.winners)


def by_hand(order: list[int], prices: list[int], budget: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Walk down a list, buy whatever the rest of the budget still pays."""
    bought = {}
    for i in order:
        if sum(bought.values()) + prices[i] <= budget:
            bought[i] = prices[i]
    return tuple(bought), tuple(bought.get(i, 0) for i in range(len(prices)))


@given(BIDS, BUDGETS, st.randoms(use_true_random=False))
def test_each_rule_is_an_order(bids: list[Bid], budget: int, rng: Random) -> None:
    costs = [bid.cost for bid in bids]
    column = [rng.randrange(4) for _ in bids]
    everybody = range(len(bids))
    with_tokens = sorted((i for i in everybody if column[i]), key=lambda i: (Fraction(costs[i], column[i]), i))
    orders = {
        baselines.volume(bids, budget, column): with_tokens,
        baselines.trust(bids, budget, column): sorted(everybody, key=lambda i: (-column[i], i)),
        baselines.cheapest(bids, budget): sorted(everybody, key=lambda i: (costs[i], i)),
    }
    for purchase, order in orders.items():
        assert (purchase.winners, purchase.rewards) == by_hand(order, costs, budget)
        assert purchase.total_reward <= budget and not purchase.over_budget


@given(BIDS, BUDGETS, st.integers(0, 2**64 - 1))
def test_random_is_a_permutation_that_the_seed_fixes(bids: list[Bid], budget: int, seed: int) -> None:
    purchase = baselines.random(bids, budget, seed)
    assert purchase == baselines.random(bids, budget, seed)
    left = budget - purchase.total_reward
    assert all(bids[i].cost > left for i in range(len(bids)) if i not in purchase.winners)
    assert all(purchase.rewards[i] == bids[i].cost for i in purchase.winners)


def test_random_reaches_every_order() -> None:
    bids = [Bid(0, WAD)] * 3
    assert len({baselines.random(bids, 1, seed).winners for seed in range(100)}) == 6


@given(BIDS, BUDGETS, st.integers(0, 8))
def test_posted_offers_one_price_per_weight(bids: list[Bid], budget: int, halves: int) -> None:
    price = halves * WAD // 2
    purchase = baselines.posted(bids, budget, price)
    offers = [halves * bid.weight // 2 for bid in bids]
    willing = [i for i, bid in enumerate(bids) if bid.weight and bid.cost <= offers[i]]
    assert (purchase.winners, purchase.rewards) == by_hand(willing, offers, budget)


@given(BIDS, BUDGETS, st.integers(0, 8))
def test_posted_is_truthful(bids: list[Bid], budget: int, halves: int) -> None:
    price = halves * WAD // 2
    truthful = baselines.posted(bids, budget, price)
    for i, (cost, own) in enumerate(bids):
        truth = truthful.rewards[i] - cost if i in truthful.winners else 0
        for lie in range(budget + 2):
            lying = baselines.posted([*bids[:i], Bid(lie, own), *bids[i + 1 :]], budget, price)
            assert truth >= (lying.rewards[i] - cost if i in lying.winners else 0)


@settings(max_examples=300, deadline=None)
@given(BIDS, BUDGETS)
def test_knapsack_is_the_best_of_all_subsets(bids: list[Bid], budget: int) -> None:
    subsets = chain.from_iterable(combinations(bids, size) for size in range(len(bids) + 1))
    optimum = max(sum(b.weight for b in s) for s in subsets if sum(b.cost for b in s) <= budget)
    purchase = baselines.knapsack(bids, budget)
    assert weight(bids, purchase) == optimum
    assert purchase.total_reward == sum(bids[i].cost for i in purchase.winners) <= budget
    heaviest = max((bid.weight for bid in bids), default=0)
    assert optimum <= baselines.knapsack_bound(bids, budget) <= optimum + heaviest


@pytest.mark.parametrize("seed", range(6))
def test_knapsack_agrees_with_dynamic_programming(seed: int) -> None:
    """60 bids with costs that follow their weights, where pruning has most to do; the table is over all budgets."""
    rng = Random(seed)
    weights = [rng.randrange(1, 200) for _ in range(60)]
    bids = [Bid(max(1, own + rng.randrange(-20, 20)), own) for own in weights]
    budget = sum(bid.cost for bid in bids) // rng.randrange(2, 6)
    best = [0] * (budget + 1)
    for cost, own in bids:
        for money in range(budget, cost - 1, -1):
            best[money] = max(best[money], best[money - cost] + own)
    assert weight(bids, baselines.knapsack(bids, budget)) == best[budget]


@given(BIDS, BUDGETS)
def test_no_rule_within_the_budget_buys_more_than_the_optimum(bids: list[Bid], budget: int) -> None:
    optimum = weight(bids, baselines.knapsack(bids, budget))
    cleared = clear(bids, budget)
    assert sum(bids[i].weight for i in cleared.winners) <= optimum
    assert weight(bids, q_mia(bids, budget)) <= optimum  # what it takes fits by its bids; what it pays need not
    assert weight(bids, baselines.cheapest(bids, budget)) <= optimum


def test_divisible_bound_by_hand() -> None:
    """Budget 10: all of (4, 8), then 6 of the 9 that (9, 9) costs."""
    assert baselines.knapsack_bound([Bid(9, 9), Bid(4, 8)], 10) == 14
    assert baselines.knapsack([Bid(9, 9), Bid(4, 8)], 10) == Purchase((0,), (9, 0))


def test_bad_input_is_named() -> None:
    bids = [Bid(1, WAD)]
    for rule in (
        lambda b, r: baselines.volume(b, r, [1]),
        lambda b, r: baselines.trust(b, r, [1]),
        baselines.cheapest,
        lambda b, r: baselines.random(b, r, 1),
        lambda b, r: baselines.posted(b, r, WAD),
        baselines.knapsack,
        baselines.knapsack_bound,
    ):
        with pytest.raises(ZeroReward):
            rule(bids, 0)
        with pytest.raises(NegativeValue, match="cost of bid 0"):
            rule([Bid(-1, 1)], 10)
        with pytest.raises(NotAnInteger, match="weight of bid 0"):
            rule([Bid(1, True)], 10)
    with pytest.raises(LengthMismatch):
        baselines.volume(bids, 10, [])
    with pytest.raises(NegativeValue, match="reputation of bid 0"):
        baselines.trust(bids, 10, [-1])
    with pytest.raises(ValueTooLarge, match="tokens of bid 0"):
        baselines.volume(bids, 10, [2**64])
    with pytest.raises(NotAnInteger, match="seed"):
        baselines.random(bids, 10, "1")  # type: ignore[arg-type]
    with pytest.raises(ValueTooLarge, match="price"):
        baselines.posted(bids, 10, 2**128)
