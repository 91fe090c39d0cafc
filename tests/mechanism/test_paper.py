"""The paper's algorithms: exact against brute force, and every claim that fails, with the numbers of the documentation.

The counterexamples are those of docs/counterexamples.md, in its order; budget 10 and equal weights unless said. Each
shows the promise that the paper's rule breaks beside what the clearing rule does on the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.mechanism.clearing import Bid, clear
from oracle.mechanism.integers import WAD, NegativeValue, NotAnInteger, ValueTooLarge, ZeroReward
from oracle.mechanism.liquidity import LiquidityOutOfRange, split
from oracle.mechanism.paper import mixed_mia, q_mia

# Few small numbers, so that ties, zeros and exact fits are frequent.
BIDS = st.lists(st.builds(Bid, st.integers(0, 9), st.integers(0, 4)), max_size=6)
BUDGETS = st.integers(1, 20)
HALF = WAD // 2


def equal_weights(*costs: int) -> list[Bid]:
    return [Bid(cost, WAD) for cost in costs]


def with_bid(bids: Sequence[Bid], i: int, cost: int) -> list[Bid]:
    return [*bids[:i], Bid(cost, bids[i].weight), *bids[i + 1 :]]


def winning_bids(bids: Sequence[Bid], i: int, budget: int) -> list[int]:
    """All bids with which i wins, by trying each."""
    return [bid for bid in range(budget + 3) if i in q_mia(with_bid(bids, i, bid), budget).winners]


def taken_literally(bids: Sequence[Bid], budget: int) -> list[int]:
    """Algorithm 1's selection as one would run it by hand."""
    winners: list[int] = []
    for i in sorted((i for i in range(len(bids)) if bids[i].weight), key=lambda i: (Fraction(*bids[i]), i)):
        if sum(bids[j].cost for j in [*winners, i]) > budget:
            break
        winners.append(i)
    return winners


@settings(deadline=None)
@given(BIDS, BUDGETS)
def test_selection_is_the_greedy_prefix(bids: list[Bid], budget: int) -> None:
    assert list(q_mia(bids, budget).winners) == taken_literally(bids, budget)


@settings(max_examples=300, deadline=None)
@given(BIDS, BUDGETS)
def test_winning_bids_reach_from_zero_to_the_payment(bids: list[Bid], budget: int) -> None:
    """Section 4.1: their infimum is 0, always; their maximum is the critical payment, and it does not move."""
    outcome = q_mia(bids, budget)
    for i in range(len(bids)):
        winning = winning_bids(bids, i, budget)
        assert winning == list(range(len(winning)))
        if i in outcome.winners:
            assert outcome.rewards[i] == winning[-1]
            assert {q_mia(with_bid(bids, i, bid), budget).rewards[i] for bid in winning} == {winning[-1]}
        else:
            assert outcome.rewards[i] == 0


@settings(max_examples=300, deadline=None)
@given(BIDS, BUDGETS)
def test_lemmas_1_and_2_hold_where_all_is_cash(bids: list[Bid], budget: int) -> None:
    outcome = q_mia(bids, budget)
    for i, (cost, _) in enumerate(bids):
        truth = outcome.rewards[i] - cost if i in outcome.winners else 0
        assert truth >= 0
        for lie in range(budget + 3):
            lying = q_mia(with_bid(bids, i, lie), budget)
            assert truth >= (lying.rewards[i] - cost if i in lying.winners else 0)


@given(BIDS, BUDGETS)
def test_over_budget_is_told(bids: list[Bid], budget: int) -> None:
    outcome = q_mia(bids, budget)
    assert outcome.over_budget == (outcome.total_reward > budget)


@given(BIDS, BUDGETS, st.integers(0, 30), st.integers(0, WAD))
def test_mixed_rewards_are_algorithm_2(bids: list[Bid], budget: int, pool: int, liquidity: int) -> None:
    outcome = mixed_mia(bids, budget, pool, liquidity)
    auction = q_mia(bids, budget)
    rho = Fraction(liquidity, WAD)
    total = sum(bids[i].weight for i in auction.winners)
    assert outcome.winners == auction.winners
    for i, reward in enumerate(outcome.rewards):
        won = i in auction.winners
        share = Fraction(bids[i].weight, total) if won else 0
        assert reward == rho * auction.rewards[i] + (1 - rho) * share * pool
    assert sum(outcome.deferred) == ((1 - rho) * pool if total else 0)


class TestCounterexamples:
    def test_section_4_1_the_infimum_of_the_winning_bids_is_zero(self) -> None:
        bids = equal_weights(1, 6)
        assert winning_bids(bids, 0, 10) == list(range(7))
        assert winning_bids(bids, 1, 10) == list(range(10))

    def test_lemma_3_payments_exceed_the_budget(self) -> None:
        bids = equal_weights(1, 6)
        outcome = q_mia(bids, 10)
        assert (outcome.rewards, outcome.total_reward, outcome.over_budget) == ((6, 9), 15, True)
        assert clear(bids, 10).rewards == (6, 0)

    def test_lemma_3_payments_exceed_the_budget_tenfold(self) -> None:
        bids = equal_weights(*[0] * 10)
        assert q_mia(bids, 10).total_reward == 100
        assert clear(bids, 10).rewards == (1,) * 10

    def test_scaling_payments_down_pays_less_than_the_cost(self) -> None:
        bids = equal_weights(1, 7)
        first, second = scaled(bids, 10)
        assert (first, second) == (Fraction("4.375"), Fraction("5.625"))
        assert second - 7 == Fraction("-1.375")
        assert scaled(with_bid(bids, 1, 10), 10)[1] == 0  # staying out is better than the truth: not DSIC either
        assert clear(bids, 10).rewards == (7, 0)

    def test_shrinking_the_budget_until_payments_fit_is_not_truthful(self) -> None:
        truth, lie = equal_weights(0, 1), equal_weights(2, 1)
        assert shrunk(truth, 3) == (1, 2)
        assert shrunk(lie, 3) == (2, 1)  # the first, whose cost is 0, gains 1
        assert clear(truth, 3).rewards == (1, 1)
        assert clear(lie, 3).rewards == (0, 1)  # the first loses 1

    def test_lemma_4_higher_quality_is_paid_less(self) -> None:
        bids = [Bid(10, 10), Bid(54, 9)]
        assert q_mia(bids, 100).rewards == (60, 90)
        assert clear(bids, 100).rewards == (60, 0)

    def test_theorem_2_mixed_rewards_reward_a_lie(self) -> None:
        truth, lie = (mixed_mia(equal_weights(first, 6), 10, 10, HALF).rewards[0] for first in (1, 5))
        assert (truth, lie) == (Fraction("5.5"), 8)
        reward = sum(split(10, 10, HALF))
        assert [clear(equal_weights(first, 6), reward).rewards[0] for first in (1, 5)] == [6, 6]

    def test_theorem_3_mixed_rewards_pay_less_than_the_cost(self) -> None:
        bids = equal_weights(10)
        assert mixed_mia(bids, 10, 4, HALF).rewards == (7,)
        assert clear(bids, sum(split(10, 4, HALF))).winners == ()  # R = 7: not bought rather than paid 7

    def test_lemmas_5_and_6_shares_alone_pay_less_than_the_cost(self) -> None:
        bids = equal_weights(4, 6)
        assert mixed_mia(bids, 10, 10, 0).rewards == (5, 5)
        # staying out is better than the truth, and then the other one gains
        assert mixed_mia(with_bid(bids, 1, 11), 10, 10, 0).rewards == (10, 0)
        assert clear(bids, sum(split(10, 10, 0))).rewards == (6, 0)

    def test_section_5_7_two_gain_together(self) -> None:
        truth, joint = equal_weights(1, 6), equal_weights(0, 7)
        assert q_mia(truth, 10).rewards == (6, 9)
        assert q_mia(joint, 10).rewards == (7, 10)
        assert clear(truth, 10).rewards == (6, 0)
        assert clear(joint, 10).rewards == (7, 0)  # the second, asked to lose for it, gains nothing

    def test_the_break_lets_one_bid_stop_the_market(self) -> None:
        bids = [Bid(11, 100), Bid(1, 1), Bid(1, 1)]
        assert q_mia(bids, 10).winners == ()
        assert clear(bids, 10, cap=10).rewards == (0, 5, 5)


def scaled(bids: Sequence[Bid], budget: int) -> list[Fraction]:
    """A repair that fails: critical payments times what makes them add up to the budget."""
    outcome = q_mia(bids, budget)
    factor = min(Fraction(1), Fraction(budget, outcome.total_reward or 1))
    return [payment * factor for payment in outcome.rewards]


def shrunk(bids: Sequence[Bid], budget: int) -> tuple[int, ...]:
    """Another: the payments under the largest smaller budget at which they fit the budget."""
    outcomes = (q_mia(bids, smaller) for smaller in range(budget, 0, -1))
    return next(outcome.rewards for outcome in outcomes if outcome.total_reward <= budget)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((equal_weights(-1), 10, 10, HALF), NegativeValue),
        (([Bid(1.5, 1)], 10, 10, HALF), NotAnInteger),  # type: ignore[arg-type]
        (([Bid(1, 2**96)], 10, 10, HALF), ValueTooLarge),
        ((equal_weights(1), 0, 10, HALF), ZeroReward),
        ((equal_weights(1), 10, -1, HALF), NegativeValue),
        ((equal_weights(1), 10, 2**128, HALF), ValueTooLarge),
        ((equal_weights(1), 10, 10, WAD + 1), LiquidityOutOfRange),
    ],
)
def test_numbers_out_of_range_are_named(arguments: tuple[list[Bid], int, int, int], error: type[ValueError]) -> None:
    with pytest.raises(error):
        mixed_mia(*arguments)
