"""The tranche is two clearing auctions, one after the other: each exact, together within the budget."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.mechanism.clearing import Bid, Certificate, CertificateRejected, clear
from oracle.mechanism.integers import WAD, NegativeValue, ValueTooLarge
from oracle.mechanism.shares import LengthMismatch
from oracle.mechanism.tranche import Certificates, TrancheOutOfRange, clear_tranche, group_budget, verify

ENTRIES = st.tuples(st.integers(0, 9), st.integers(0, 4), st.booleans())
MARKETS = st.tuples(
    st.lists(ENTRIES, max_size=5).map(lambda rows: ([Bid(c, w) for c, w, _ in rows], [m for *_, m in rows])),
    st.sampled_from([WAD // 4, WAD // 2, 9 * WAD // 10]),
    st.integers(4, 24),
    st.none() | st.integers(1, 12).map(lambda price: price * WAD // 2),
    st.none() | st.integers(0, 9),
)
Market = tuple[tuple[list[Bid], list[bool]], int, int, int | None, int | None]


@given(MARKETS)
def test_each_side_is_an_auction_of_its_own(market: Market) -> None:
    (bids, members), share, reward, reserve, cap = market
    outcome = clear_tranche(bids, members, share, reward, reserve, cap)
    spent = 0
    for inside, budget in ((True, reward * share // WAD), (False, None)):
        side = [i for i, member in enumerate(members) if member is inside]
        alone = clear([bids[i] for i in side], reward - spent if budget is None else budget, reserve, cap)
        assert [outcome.rewards[i] for i in side] == list(alone.rewards)
        assert [i for i in outcome.winners if members[i] is inside] == [side[k] for k in alone.winners]
        assert outcome.certificates[not inside] == alone.certificate
        spent += alone.total_reward
    assert outcome.total_reward == spent <= reward
    assert outcome.group_reward <= outcome.group_budget == reward * share // WAD


@settings(deadline=None)
@given(MARKETS)
def test_no_bid_beats_the_truth_on_either_side(market: Market) -> None:
    (bids, members), *terms = market
    truthful = clear_tranche(bids, members, *terms)
    for i, (cost, weight) in enumerate(bids):
        truth = truthful.rewards[i] - cost if i in truthful.winners else 0
        assert truth >= 0
        for lie in range(terms[1] + 2):
            lying = clear_tranche([*bids[:i], Bid(lie, weight), *bids[i + 1 :]], members, *terms)
            assert truth >= (lying.rewards[i] - cost if i in lying.winners else 0)


@settings(max_examples=30, deadline=None)
@given(MARKETS)
def test_exactly_one_pair_of_certificates_passes(market: Market) -> None:
    (bids, members), *terms = market
    bids, members = bids[:4], members[:4]
    outcome = clear_tranche(bids, members, *terms)
    weights = [sum(bid.weight for bid, m in zip(bids, members, strict=True) if m is inside) for inside in (True, False)]
    sides = [[Certificate(w, m) for w in range(total + 2) for m in (None, *range(len(bids)))] for total in weights]
    passed = []
    for pair in product(*sides):
        try:
            total = verify(bids, members, Certificates(*pair), *terms)
        except CertificateRejected:
            continue
        passed.append(pair)
        assert total == outcome.total_reward
    assert passed == [outcome.certificates]


def test_what_the_group_leaves_rolls_over_one_way() -> None:
    """R = 100, half of it for two members: their rival sets the price, and 40 of their 50 go to everybody else."""
    bids = [Bid(5, WAD), Bid(40, WAD), Bid(10, WAD), Bid(95, WAD)]
    members = [True, True, False, False]
    outcome = clear_tranche(bids, members, WAD // 2, 100, cap=10)
    assert outcome.rewards == (10, 0, 10, 0)
    outcome = clear_tranche(bids, members, WAD // 2, 100)
    assert outcome.rewards == (40, 0, 60, 0)  # the main auction is over 100 - 40
    assert (outcome.group_budget, outcome.group_reward) == (50, 40)
    without_members = clear_tranche(bids, [False] * 4, WAD // 2, 100)
    assert without_members.rewards == clear(bids, 100).rewards  # nothing is held back for nobody
    only_members = clear_tranche(bids, [True] * 4, WAD // 2, 100)
    assert only_members.total_reward <= 50  # nothing rolls the other way


def test_ties_go_to_the_lower_index_of_the_original_order() -> None:
    bids = [Bid(6, WAD)] * 4
    outcome = clear_tranche(bids, [False, True, True, False], WAD // 2, 16)
    assert outcome.winners == (1, 0)


def test_bad_terms_are_named() -> None:
    bids = [Bid(1, WAD)]
    for share in (0, WAD, WAD + 1):
        with pytest.raises(TrancheOutOfRange):
            clear_tranche(bids, [True], share, 10)
    with pytest.raises(NegativeValue):
        group_budget(10, -1)
    with pytest.raises(TrancheOutOfRange):
        group_budget(9, WAD // 10)
    with pytest.raises(TrancheOutOfRange):
        clear_tranche([], [], WAD // 2, 0)
    with pytest.raises(ValueTooLarge):
        group_budget(2**128, WAD // 10)
    with pytest.raises(LengthMismatch):
        clear_tranche(bids, [], WAD // 2, 10)
    with pytest.raises(LengthMismatch):
        verify(bids, [], Certificates(Certificate(0, None), Certificate(0, None)), WAD // 2, 10)
