"""A whole round through the clients, against the real contracts; every unit accounted for."""

from __future__ import annotations

import pytest
from conftest import QUORUM, WAD, Scene, escrow, scored

from oracle.chain import transact
from oracle.chain.settlement import settle_auction
from oracle.chain.terms import Phase
from oracle.chain.token import approve
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment
from oracle.evidence.leaf import Status
from oracle.mechanism import clearing, liquidity
from oracle.mechanism.weights import weight

BURN = "0x000000000000000000000000000000000000dEaD"
COSTS = (20_000, 90_000, 150_000, 900_000, 10_000, 5_000)
SCORES = ((9000, 8000), (8000, 7000), (7000, 9000), (3000, 2000), (0, 0), (6000, 6000))


@pytest.mark.parametrize("rho", [WAD, WAD * 7 // 10, 0])
def test_every_unit_is_accounted_for(scene: Scene, rho: int) -> None:
    market, w3 = scene.market, scene.w3
    before = {account.address: scene.balance(account.address) for account in (scene.planner, *scene.providers)}
    burned = w3.eth.get_balance(BURN)
    round = scene.open(liquidity=rho, utility_pool=1_000_003, budget=1_250_001, max_bids=8)
    terms = market.terms(round)
    assert scene.balance(market.address) == escrow(terms, 4)

    # sealed bids; the second provider takes a later place with a better corpus, the third seals again
    first, second, third, fourth, fifth, sixth = scene.providers[:6]
    for provider, cost in zip((first, second, third, fourth, fifth, sixth), COSTS, strict=True):
        scene.commit(round, provider, cost)
    scene.commit(round, second, COSTS[1], root=b"\x0a" * 32)
    resealed = scene.bid(round, third, COSTS[2])
    scene.call(third, "reseal", round, resealed.sealed())
    commits, live = market.commits(round), market.commitments(round)
    assert [c.provider for c in live] == [p.address for p in (first, third, fourth, fifth, sixth, second)]
    assert [c.position for c in live] == list(range(6)) and len(commits) == 7
    assert {c.provider: c.sealed for c in live} == {p: bid.sealed() for p, bid in scene.bids[round].items()}
    assert market.state(round).commitments == commitment.commitments_hash(terms.hash(), commits)
    assert w3.eth.get_balance(market.address) == 6 * terms.bid_bond

    # three of four operators observe, and all four sign
    scene.to(round, "commit_end")
    beacon = market.beacon(round)
    digests = [bytes([i]) * 32 for i in (1, 2, 3)]
    for operator, digest in zip(scene.operators, digests, strict=False):
        scene.observe(round, operator, digest)
    seen = market.observations(round)
    assert [o.digest for o in seen] == digests
    assert market.state(round).observations == commitment.observations_hash((o.operator, o.digest) for o in seen)
    scene.to(round, "observe_end")
    assert market.beacon(round) == beacon
    bids = [scene.bids[round][c.provider] for c in live]
    by_provider = dict(zip([p.address for p in scene.providers], SCORES, strict=False))
    leaves = [
        scored(
            bid,
            *by_provider[bid.provider],
            shares=10**9,
            status=Status(2 if by_provider[bid.provider] == (0, 0) else 0),
        )
        for bid in bids
    ]
    assert market.report(round) is None
    report = scene.post_report(round, leaves, scene.operators[:QUORUM])
    posted = market.report(round)
    assert posted is not None and (posted.root, posted.count) == (report.root, 6)
    assert (posted.commitments, posted.observations) == (report.commitments, report.observations)

    # five of six open; anybody holding the file may send it
    scene.to(round, "challenge_end")
    opened = [bid for bid in bids if bid.provider != sixth.address]
    for bid in opened:
        scene.reveal(round, bid, leaves, first)
    reveals = market.reveals(round)
    by_leaf = {leaf.provider: leaf for leaf in leaves}
    assert [r.position for r in reveals] == list(range(5)) and [r.provider for r in reveals] == [
        b.provider for b in opened
    ]
    for r, bid in zip(reveals, opened, strict=True):
        leaf = by_leaf[r.provider]
        full = weight(leaf.quality, leaf.impact, terms.eta, terms.gamma, terms.kappa)
        assert (r.cost, r.weight) == (bid.cost, 0 if leaf.status else full)
    records = [(r.cost, r.weight) for r in reveals]
    assert market.state(round).auctions[0].records == commitment.records_hash(records)

    # the certificate
    scene.to(round, "reveal_end")
    cash_total, deferred = liquidity.split(terms.budget, terms.utility_pool, terms.liquidity)
    total = cash_total + deferred
    outcome = clearing.clear([clearing.Bid(*r) for r in records], total, terms.reserve, terms.cap)
    certificate = outcome.certificate
    wrong = certificate._replace(winning_weight=certificate.winning_weight + 1)
    bids_in_order = [clearing.Bid(*r) for r in records]
    with pytest.raises(CheckFailed, match="weights add up"):
        list(settle_auction(market, first, round, 0, bids_in_order, wrong, batch=100))
    assert market.settlements(round) == ()
    # two records, then somebody is interrupted; the same account goes on
    batches = settle_auction(market, first, round, 0, bids_in_order, certificate, batch=2)
    next(batches)
    assert len(list(settle_auction(market, first, round, 0, bids_in_order, certificate, batch=2))) == 2
    assert list(settle_auction(market, first, round, 0, bids_in_order, certificate, batch=2)) == []
    (settled,) = market.settlements(round)
    assert settled.marginal == certificate.marginal == market.state(round).auctions[0].marginal
    assert settled.total_reward == sum(outcome.rewards) == market.state(round).total_reward > 0
    assert 0 < len(outcome.winners) < 5  # somebody lost
    assert market.bonds_burned(round) == terms.bid_bond == w3.eth.get_balance(BURN) - burned

    # everybody is paid
    scene.call(fourth, "refund", round)
    for bid in opened:
        scene.call(second, "claim", round, bid.provider)
    with pytest.raises(BadInput, match="never opened"):
        scene.call(sixth, "claim", round, sixth.address)
    with pytest.raises(BadInput, match="nothing is due"):
        scene.call(first, "claim", round, first.address)
    for operator in scene.operators[:3]:
        scene.call(first, "claimOperatorFee", round, operator.address)
    scene.call(fourth, "refund", round)
    claims = {claim.provider: claim for claim in market.claims(round)}
    for r, reward in zip(reveals, outcome.rewards, strict=True):
        claim = claims[r.provider]
        assert claim.cash == liquidity.cash_of(reward, cash_total, total) and claim.bond == terms.bid_bond
        assert claim.units == (reward if deferred else 0) and claim.shares == (r.shares if reward else 0)
        assert scene.balance(r.provider) - before[r.provider] == claim.cash * terms.money_unit
    paid = sum(claim.cash for claim in claims.values()) + sum(p.amount for p in market.operator_payments(round))
    back = sum(refund.amount for refund in market.refunds(round))
    assert (paid + back) * terms.money_unit == escrow(terms, 4)
    assert scene.balance(market.address) == 0 == w3.eth.get_balance(market.address)
    assert before[scene.planner.address] - scene.balance(scene.planner.address) == paid * terms.money_unit
    assert market.share_token.functions.mintedIn(round).call() == sum(claim.shares for claim in claims.values())
    assert market.phase(round) is Phase.CLAIM

    # revenue reaches the holders of units, unsold units included
    ledger = market.revenue_token(round)
    assert (ledger is None) == (deferred == 0)
    if ledger is not None:
        units = {claim.provider: claim.units for claim in claims.values()}
        units[scene.planner.address] = sum(refund.units for refund in market.refunds(round))
        assert sum(units.values()) == ledger.functions.units().call() == total
        revenue = 7_777_777
        approve(w3, scene.planner, scene.token.address, ledger.address, revenue)
        transact.send(w3, scene.planner, ledger.functions.deposit(revenue))
        for holder, held in units.items():
            assert ledger.functions.withdrawable(holder).call() == revenue * held // total
        for holder, held in units.items():
            if revenue * held // total:
                transact.send(w3, first, ledger.functions.withdraw(holder))
        assert 0 <= scene.balance(ledger.address) < len(units)


def test_a_round_without_report_gives_everything_back(scene: Scene) -> None:
    market, before = scene.market, scene.balance(scene.planner.address)
    round = scene.open()
    terms, (provider, *_) = market.terms(round), scene.providers
    scene.commit(round, provider, 5)
    scene.to(round, "commit_end")
    scene.observe(round, scene.operators[0], b"\x01" * 32)
    scene.to(round, "report_end")
    assert market.phase(round) is Phase.VOID
    scene.call(provider, "voidRound", round)
    assert market.state(round).voided
    scene.call(provider, "claim", round, provider.address)
    scene.call(provider, "refund", round)
    scene.call(provider, "claimOperatorFee", round, scene.operators[0].address)
    assert scene.balance(market.address) == 0 == scene.w3.eth.get_balance(market.address)
    assert before - scene.balance(scene.planner.address) == terms.operator_fee * terms.money_unit
