"""What the clearing rule promises, against brute force over every integer bid on small instances."""

from __future__ import annotations

from itertools import chain, combinations, islice, product
from random import Random

import pytest
from deep import examples, scaled
from hypothesis import given
from hypothesis import strategies as st
from tally import Tally
from textbook import textbook

from oracle.lab.families import FAMILIES, auctions
from oracle.mechanism.clearing import (
    Bid,
    Certificate,
    CertificateRejected,
    MarginalFits,
    MarginalNotKept,
    Outcome,
    WinnerDoesNotFit,
    WrongWinningWeight,
    before,
    clear,
    kept,
    reward_of,
    verify,
)
from oracle.mechanism.integers import WAD, NegativeValue, NotAnInteger, ValueTooLarge, ZeroReward
from oracle.mechanism.liquidity import cash_of, split

# Costs and weights from a few small numbers, so that ties are frequent; reserve as a small fraction per unit of weight.
Limits = tuple[int, int | None, int | None]
Market = tuple[list[Bid], Limits]
BIDS = st.builds(Bid, st.integers(0, 9), st.integers(0, 5))
RESERVES = st.none() | st.builds(lambda n, d: n * WAD // d, st.integers(0, 9), st.integers(1, 3))
CAPS = st.none() | st.integers(0, 10)
MARKETS = st.tuples(st.lists(BIDS, max_size=5), st.tuples(st.integers(1, 12), RESERVES, CAPS))
SMALL_MARKETS = st.tuples(st.lists(BIDS, min_size=1, max_size=4), st.tuples(st.integers(1, 7), RESERVES, CAPS))
QUICK = examples(200)
SLOW = examples(80)


def with_bid(bids: list[Bid], i: int, cost: int) -> list[Bid]:
    return [*bids[:i], bids[i]._replace(cost=cost), *bids[i + 1 :]]


def gain(outcome: Outcome, i: int, cost: int) -> int:
    """Utility of provider i with true ``cost``: its reward less the cost if it wins."""
    return outcome.rewards[i] - cost if i in outcome.winners else 0


@QUICK
@given(MARKETS)
def test_small_markets_clear_as_in_the_textbook(market: Market) -> None:
    bids, limits = market
    assert clear(bids, *limits) == textbook(bids, *limits)


@QUICK
@given(MARKETS)
def test_threshold_is_exact(market: Market) -> None:
    """A winner still wins with every bid up to its reward and with none above; the reward does not move."""
    bids, limits = market
    for i in range(len(bids)):
        outcomes = [clear(with_bid(bids, i, bid), *limits) for bid in range(limits[0] + 3)]
        winning = [bid for bid, outcome in enumerate(outcomes) if i in outcome.winners]
        assert winning == list(range(len(winning)))
        assert {outcomes[bid].rewards[i] for bid in winning} <= {len(winning) - 1}


@QUICK
@given(MARKETS)
def test_no_bid_beats_the_truth(market: Market) -> None:
    bids, limits = market
    truthful = clear(bids, *limits)
    for i, bid in enumerate(bids):
        best = max(gain(clear(with_bid(bids, i, lie), *limits), i, bid.cost) for lie in range(limits[0] + 3))
        assert best <= gain(truthful, i, bid.cost)


@QUICK
@given(MARKETS)
def test_budget_rationality_and_order_by_weight(
    market: Market,
) -> None:
    bids, limits = market
    outcome = clear(bids, *limits)
    assert outcome.total_reward <= limits[0]
    for i in outcome.winners:
        assert outcome.rewards[i] >= bids[i].cost
        assert limits[2] is None or outcome.rewards[i] <= limits[2]
        lighter = [j for j in outcome.winners if bids[j].weight < bids[i].weight]
        assert all(outcome.rewards[j] <= outcome.rewards[i] for j in lighter)
    assert all(outcome.rewards[i] == 0 for i in range(len(bids)) if i not in outcome.winners)


@QUICK
@given(MARKETS)
def test_more_weight_never_pays_less(market: Market) -> None:
    bids, limits = market
    for i, bid in enumerate(bids):
        rewards = []
        for weight in range(8):
            outcome = clear([*bids[:i], Bid(bid.cost, weight), *bids[i + 1 :]], *limits)
            rewards.append(outcome.rewards[i] if i in outcome.winners else -1)
        assert rewards == sorted(rewards)


@SLOW
@given(SMALL_MARKETS)
def test_no_coalition_of_three_in_which_all_gain(market: Market) -> None:
    bids, limits = market
    truthful = clear(bids, *limits)
    for size in (1, 2, 3):
        for coalition in combinations(range(len(bids)), size):
            for lies in product(range(limits[0] + 2), repeat=size):
                joint = list(bids)
                for i, lie in zip(coalition, lies, strict=True):
                    joint[i] = Bid(lie, bids[i].weight)
                outcome = clear(joint, *limits)
                assert any(gain(outcome, i, bids[i].cost) <= gain(truthful, i, bids[i].cost) for i in coalition), (
                    coalition,
                    lies,
                )


@SLOW
@given(MARKETS)
def test_exactly_one_certificate_passes(market: Market) -> None:
    bids, limits = market
    outcome = clear(bids, *limits)
    passed = []
    for w, m in product(range(sum(bid.weight for bid in bids) + 2), (None, *range(len(bids) + 1))):
        try:
            total = verify(bids, Certificate(w, m), *limits)
        except CertificateRejected:
            continue
        passed.append((w, m))
        assert total == outcome.total_reward
    assert passed == [outcome.certificate]
    rewards = [reward_of(bids, outcome.certificate, i, *limits) for i in range(len(bids))]
    assert tuple(rewards) == outcome.rewards


@QUICK
@given(MARKETS)
def test_value_is_at_least_half_the_optimum_but_for_one_bid(
    market: Market,
) -> None:
    """OPT <= 2 * W + w_m, with OPT the heaviest set of kept bids whose costs fit the budget."""
    bids, (reward, reserve, cap) = market
    candidates = [bid for bid in bids if kept(*bid, reserve, cap)]
    subsets = chain.from_iterable(combinations(candidates, size) for size in range(len(candidates) + 1))
    optimum = max(sum(b.weight for b in s) for s in subsets if sum(b.cost for b in s) <= reward)
    winning_weight, m = clear(bids, reward, reserve, cap).certificate
    assert optimum <= 2 * winning_weight + (0 if m is None else bids[m].weight)


MONEY = st.integers(0, 2**128 - 1)


@QUICK
@given(
    st.lists(st.builds(Bid, MONEY, st.integers(0, 2**96 - 1)), max_size=8),
    st.integers(1, 2**128 - 1),
    st.none() | MONEY,
    st.none() | MONEY,
)
def test_large_numbers_clear_as_in_the_textbook(
    bids: list[Bid], reward: int, reserve: int | None, cap: int | None
) -> None:
    outcome = clear(bids, reward, reserve, cap)
    assert outcome == textbook(bids, reward, reserve, cap)
    assert verify(bids, outcome.certificate, reward, reserve, cap) == outcome.total_reward <= reward


@pytest.mark.parametrize("family", FAMILIES)
def test_families_clear_as_in_the_textbook(family: str, tally: Tally) -> None:
    rng = Random(f"{family} textbook")
    drawn = list(islice(auctions(FAMILIES[family], rng, range(61)), scaled(100, 3_000)))
    for auction in drawn:
        assert clear(*auction) == textbook(*auction)
    tally("clearing against the textbook, up to 60 bids", len(drawn), sum(len(auction.bids) for auction in drawn))


def test_nearly_equal_ratios_at_the_bounds() -> None:
    top = 2**96 - 1
    bids = [Bid(top, top - 1), Bid(top - 1, top - 2), Bid(top - 2, top)]
    assert clear(bids, 2**128 - 1).winners == (2, 0, 1)
    assert before(*bids[0], 0, *bids[1], 1)
    assert before(1, 2, 0, 2, 4, 1) and not before(2, 4, 1, 1, 2, 0)


def equal_weights(*costs: int) -> list[Bid]:
    return [Bid(cost, WAD) for cost in costs]


class TestWhereThePaperFails:
    """The examples on which the paper's selection breaks a promise; budget 10 and equal weights unless said."""

    def test_budget_holds_where_algorithm_1_pays_15(self) -> None:
        assert clear(equal_weights(1, 6), 10).rewards == (6, 0)

    def test_budget_holds_where_algorithm_1_pays_100(self) -> None:
        assert clear(equal_weights(*[0] * 10), 10).rewards == (1,) * 10

    def test_nobody_loses_where_scaled_payments_lose(self) -> None:
        assert clear(equal_weights(1, 7), 10).rewards == (7, 0)

    def test_heavier_is_paid_more_where_lemma_4_fails(self) -> None:
        outcome = clear([Bid(10, 10), Bid(54, 9)], 100)
        assert outcome.rewards == (60, 0)

    def test_the_joint_bid_of_5_7_gains_nothing(self) -> None:
        assert clear(equal_weights(0, 7), 10).rewards == (7, 0)  # the second, asked to lose for it, gains nothing

    def test_a_heavy_bid_above_the_cap_does_not_stop_the_others(self) -> None:
        bids = [Bid(11, 100), Bid(1, 1), Bid(1, 1)]
        assert clear(bids, 10).rewards == (0, 0, 0)
        assert clear(bids, 10, cap=10).rewards == (0, 5, 5)

    def test_mixed_rewards_are_truthful_at_half_liquidity(self) -> None:
        cash, deferred = split(10, 10, WAD // 2)
        truth, lie = (clear(equal_weights(first, 6), cash + deferred).rewards[0] for first in (1, 5))
        assert truth == lie == 6
        assert cash_of(truth, cash, cash + deferred) == 3

    def test_mixed_rewards_cover_the_cost(self) -> None:
        assert clear(equal_weights(10), sum(split(10, 4, WAD // 2))).winners == ()  # not bought rather than paid 7

    def test_shares_alone_cover_the_cost(self) -> None:
        assert clear(equal_weights(4, 6), sum(split(0, 10, 0))).rewards == (6, 0)

    def test_what_it_does_not_promise_a_late_shill_lowers_a_lone_reward(self) -> None:
        assert clear([Bid(10, 1)], 100).rewards == (100,)
        assert clear([Bid(10, 1), Bid(99, 9)], 100).rewards == (11, 0)


@pytest.mark.parametrize(
    ("certificate", "error"),
    [
        (Certificate(WAD, 3), MarginalNotKept),
        (Certificate(WAD, 2), MarginalNotKept),
        (Certificate(0, 0), MarginalFits),
        (Certificate(2 * WAD, None), WinnerDoesNotFit),
        (Certificate(2 * WAD, 1), WrongWinningWeight),
        (Certificate(0, None), WrongWinningWeight),
    ],
)
def test_rejections_are_named(certificate: Certificate, error: type[CertificateRejected]) -> None:
    with pytest.raises(error):
        verify([*equal_weights(1, 6), Bid(0, 0)], certificate, 10)


@pytest.mark.parametrize(
    ("bid", "limits", "error"),
    [
        (Bid(-1, 1), (1,), NegativeValue),
        (Bid(1, -1), (1,), NegativeValue),
        (Bid(2**128, 1), (1,), ValueTooLarge),
        (Bid(1, 2**96), (1,), ValueTooLarge),
        (Bid(1.5, 1), (1,), NotAnInteger),  # type: ignore[arg-type]
        (Bid(True, 1), (1,), NotAnInteger),
        (Bid(1, 1), (0,), ZeroReward),
        (Bid(1, 1), (-1,), NegativeValue),
        (Bid(1, 1), (2**128,), ValueTooLarge),
        (Bid(1, 1), (1, -1), NegativeValue),
        (Bid(1, 1), (1, 2**128), ValueTooLarge),
        (Bid(1, 1), (1, None, 2**128), ValueTooLarge),
    ],
)
def test_numbers_out_of_range_are_named(bid: Bid, limits: tuple[int, ...], error: type[ValueError]) -> None:
    with pytest.raises(error):
        clear([bid], *limits)
    with pytest.raises(error):
        verify([bid], Certificate(0, None), *limits)
