"""Stages about money: weights, certificate, rewards, and where every unit is."""

from __future__ import annotations

from web3.exceptions import ContractLogicError

from oracle.audit.accounts import totals_of
from oracle.audit.deliveries import events_of, require_fair
from oracle.audit.difference import Mismatch, require_equal
from oracle.audit.outcome import differences
from oracle.audit.payments import require_moved
from oracle.audit.subject import Subject
from oracle.chain.client import Market
from oracle.chain.token import erc20
from oracle.evidence import commitment


def records(subject: Subject) -> str:
    """The revealed bids fold into the running hash that settlement is verified against."""
    reveals = subject.market.reveals(subject.round_id)
    for group, auction in enumerate(subject.state.auctions):
        expected = commitment.records_hash((seen.cost, seen.weight) for seen in reveals if seen.group == group)
        require_equal(f"running hash of revealed bids of group {group}", expected, auction.records)
    return f"{len(reveals)} records"


def weights(subject: Subject) -> str:
    """The weights recorded at the reveals are those of the attested scores."""
    _require_none(subject, "weights")
    return f"{sum(row.reveal is not None for row in subject.outcome.rows)} revealed bids"


def certificate(subject: Subject) -> str:
    """The certificate on chain is the clearing rule's."""
    _require_none(subject, "certificate")
    outcome = subject.outcome
    return f"total reward {outcome.totals.reward} of {outcome.budget} money units"


def rewards(subject: Subject) -> str:
    """What was claimed, and what can be, is what the mechanism gives every provider; without a good key the planner."""
    _require_none(subject, "rewards")
    rows = subject.outcome.rows
    market, round_id = subject.market, subject.round_id
    moved = require_moved(market, round_id, market.claims(round_id))
    roots = {bid.provider: bid.dataset_root for bid in subject.bids}
    struck = require_fair(market, round_id, events_of(market, round_id), roots)
    waiting = sum(row.delivery is not None and row.delivery.pending for row in rows)
    told = [
        f"{sum(row.won for row in rows)} winners, {sum(row.claimed for row in rows)} of {len(rows)} providers claimed",
        f"{waiting} deliveries are pending" if waiting else "",
        moved if any(row.delivery for row in rows) else "",
        struck,
    ]
    return "; ".join(filter(None, told))


def escrow(subject: Subject) -> str:
    """Nobody was paid more than was due, and the market still holds what it owes, over all its rounds."""
    totals = subject.outcome.totals
    for name in ("cash_owed", "fees_owed", "refund_owed", "bonds_owed"):
        if getattr(totals, name) < 0:
            raise Mismatch(name.replace("_", " "), "0 or more", getattr(totals, name))
    market, token = subject.market, subject.terms.payment_token
    money, bonds = _owed(market, token)
    balance = erc20(market.w3, token).functions.balanceOf(market.address).call()
    _require_covered("payment token held by the market", money, balance)
    wei = market.w3.eth.get_balance(market.address)
    _require_covered("bonds held by the market, wei", bonds, wei)
    back = f" + reversed to the planner {totals.cash_reversed}" if totals.cash_reversed else ""
    return (
        f"escrow {totals.escrow} = cash {totals.cash_paid}{back} + fees {totals.fees_paid} + refunds {totals.refunded} "
        f"+ still held {totals.money_held} money units; the market holds {balance - money} units and {wei - bonds} wei "
        "beyond what its rounds owe"
    )


def shares(subject: Subject) -> str:
    """MUT and DST minted are those of the claims and refunds, in sum and within their supplies."""
    market, outcome = subject.market, subject.outcome
    claims = market.claims(subject.round_id)
    minted = market.share_token.functions.mintedIn(subject.round_id).call()
    require_equal("DST minted in the round", sum(claim.shares for claim in claims), minted)
    if minted > subject.terms.share_supply:
        raise Mismatch("DST minted in the round", f"at most {subject.terms.share_supply}", minted)
    revenue = market.revenue_token(subject.round_id)
    if revenue is None:
        return f"{minted} DST units; nothing deferred, no MUT"
    units = sum(claim.units for claim in claims) + outcome.totals.units_refunded
    require_equal("MUT units minted", units, revenue.functions.totalSupply().call())
    require_equal("MUT units there will ever be", outcome.budget, revenue.functions.units().call())
    return f"{minted} DST units, {units} of {outcome.budget} MUT units minted"


def _require_none(subject: Subject, stage: str) -> None:
    for difference in differences(subject.outcome, subject.market):
        if difference.stage == stage:
            raise Mismatch(difference.item, difference.expected, difference.found)


def _owed(market: Market, token: str) -> tuple[int, int]:
    """What all rounds of the market hold for others: smallest units of ``token``, and wei of bonds."""
    money = bonds = 0
    for round_id in range(1, market.rounds() + 1):
        terms = market.terms(round_id)
        totals = totals_of(market, round_id, reward=0, cash=0, units=0, shares=0)
        bonds += totals.bonds_owed + (terms.challenge_bond if _challenge_pending(market, round_id) else 0)
        if terms.payment_token == token:
            money += totals.money_held * terms.money_unit
    return money, bonds


def _challenge_pending(market: Market, round_id: int) -> bool:
    """Whether the market holds a challenger's bond: the challenge is open, or upheld and not paid back yet."""
    if market.state(round_id).challenged:
        return True
    try:
        market.contract.functions.claimChallengeBond(round_id).call()
    except ContractLogicError:
        return False
    return True


def _require_covered(item: str, owed: int, held: int) -> None:
    """More than is owed is somebody's gift; less is missing money."""
    if held < owed:
        raise Mismatch(item, f"at least {owed}", held)
