"""Cash and shares out of one reward: nothing lost to rounding, claims always covered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.mechanism.clearing import Bid, clear
from oracle.mechanism.integers import WAD, NegativeValue, ValueTooLarge, ZeroReward
from oracle.mechanism.liquidity import LiquidityOutOfRange, RewardAboveTotal, cash_of, split


def test_the_ends_are_all_cash_and_all_shares() -> None:
    assert split(100, 50, WAD) == (100, 0)
    assert split(100, 50, 0) == (0, 50)
    assert split(3, 3, WAD // 2) == (1, 1)
    assert cash_of(7, 10, 10) == 7
    assert cash_of(7, 0, 10) == 0
    assert cash_of(1, 1, 3) == 1


@given(
    st.lists(st.builds(Bid, st.integers(0, 50), st.integers(1, 2**64)), max_size=12),
    st.integers(0, 2**64),
    st.integers(0, 2**64),
    st.integers(1, WAD),
)
def test_claims_stay_within_the_escrow(bids: list[Bid], budget: int, pool: int, rho: int) -> None:
    cash, deferred = split(budget + 2 * WAD, pool, rho)
    total = cash + deferred
    outcome = clear(bids, total)
    paid = [cash_of(t, cash, total) for t in outcome.rewards]
    assert sum(paid) <= cash + len(bids)
    assert all(0 <= c * total - t * cash < total for c, t in zip(paid, outcome.rewards, strict=True))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=8), st.integers(1, 10**6), st.integers(0, WAD))
def test_binding_budget_pays_what_the_paper_hands_out(weights: list[int], budget: int, rho: int) -> None:
    """With zero costs the budget binds and shares are by weight: rho * p + (1 - rho) * s * U, to the unit."""
    cash, deferred = split(budget, budget, rho)
    if cash + deferred == 0:
        return
    rewards = clear([Bid(0, weight) for weight in weights], cash + deferred).rewards
    for weight, t in zip(weights, rewards, strict=True):
        assert t == (cash + deferred) * weight // sum(weights)
        assert 0 <= budget * weight - t * sum(weights) < 3 * sum(weights)


def test_errors_are_named() -> None:
    with pytest.raises(LiquidityOutOfRange):
        split(10, 10, WAD + 1)
    with pytest.raises(NegativeValue):
        split(10, 10, -1)
    with pytest.raises(NegativeValue):
        split(-10, 10, 1)
    with pytest.raises(ValueTooLarge):
        split(2**128, 10, 1)
    for empty in ((0, 0, 1), (0, 10, WAD), (10, 0, 0), (1, 0, WAD - 1)):
        with pytest.raises(ZeroReward):
            split(*empty)
    with pytest.raises(RewardAboveTotal):
        cash_of(11, 5, 10)
    with pytest.raises(RewardAboveTotal):
        cash_of(5, 11, 10)
    with pytest.raises(ZeroReward):
        cash_of(0, 0, 0)
