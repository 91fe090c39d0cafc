"""A round with a diversity tranche, settled in batches, against the executable specification."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import Scene, scored

from oracle.audit.auctions import clear_round
from oracle.chain.settlement import settle_auction
from oracle.errors import BadInput
from oracle.mechanism import liquidity
from oracle.mechanism.clearing import Bid
from oracle.mechanism.integers import WAD
from oracle.mechanism.tranche import clear_tranche

COSTS, SCORES = (100, 90, 250, 80, 400, 60), (8000, 7000, 9000, 6000, 8500, 5000)
MEMBERS = (False, True, False, True, True, False)


def revealed(scene: Scene, **changes: int) -> int:
    """A round with six open bids, three of them in the tranche, ready to settle."""
    round = scene.open(budget=2_000, utility_pool=1_500, max_bids=8, **changes)
    bids = [scene.commit(round, provider, cost) for provider, cost in zip(scene.providers, COSTS, strict=False)]
    leaves = [
        replace(scored(bid, quality, 5000), group=int(member))
        for bid, quality, member in zip(bids, SCORES, MEMBERS, strict=True)
    ]
    scene.to(round, "commit_end")
    for operator in scene.operators[:3]:
        scene.observe(round, operator, operator.address.encode()[:32])
    scene.to(round, "observe_end")
    scene.post_report(round, leaves, scene.operators[:3])
    scene.to(round, "challenge_end")
    for bid in bids:
        scene.reveal(round, bid, leaves, scene.planner)
    scene.to(round, "reveal_end")
    return round


def test_the_tranche_goes_first_and_leaves_the_rest(scene: Scene) -> None:
    market, planner = scene.market, scene.planner
    round = revealed(scene, tranche_share=WAD * 3 // 10)
    terms, reveals = market.terms(round), market.reveals(round)
    assert [seen.group for seen in reveals] == [int(member) for member in MEMBERS]
    assert [seen.position for seen in reveals] == [0, 0, 1, 1, 2, 2]
    bids = [Bid(seen.cost, seen.weight) for seen in reveals]
    total = sum(liquidity.split(terms.budget, terms.utility_pool, terms.liquidity))
    expected = clear_tranche(bids, MEMBERS, terms.tranche_share, total, terms.reserve, terms.cap)
    main, tranche = clear_round(terms, reveals)
    assert 0 < expected.group_reward < expected.group_budget  # something rolls over

    with pytest.raises(BadInput, match="tranche's auction comes first"):
        list(settle_auction(market, planner, round, 0, main.bids, main.outcome.certificate, batch=2))
    for auction in (tranche, main):
        sent = settle_auction(market, planner, round, auction.group, auction.bids, auction.outcome.certificate, batch=2)
        assert len(list(sent)) == 2
    found = [market.contract.functions.rewardOf(round, seen.provider).call()[0] for seen in reveals]
    assert tuple(found) == expected.rewards
    assert market.state(round).total_reward == expected.total_reward
    assert [one.total_reward for one in market.settlements(round)] == [
        expected.group_reward,
        expected.total_reward - expected.group_reward,
    ]
    for seen in reveals:
        scene.call(planner, "claim", round, seen.provider)
    for operator in scene.operators[:3]:
        scene.call(planner, "claimOperatorFee", round, operator.address)
    scene.call(planner, "refund", round)
    assert scene.balance(market.address) == 0


def test_groups_count_for_nothing_without_a_tranche(scene: Scene) -> None:
    round = revealed(scene)
    main, tranche = clear_round(scene.market.terms(round), scene.market.reveals(round))
    assert (len(main.bids), len(tranche.bids)) == (6, 0)
    assert list(settle_auction(scene.market, scene.planner, round, 1, (), tranche.outcome.certificate, batch=2)) == []
    (receipt,) = settle_auction(scene.market, scene.planner, round, 0, main.bids, main.outcome.certificate, batch=6)
    assert receipt["status"] == 1
    assert scene.market.state(round).settled
