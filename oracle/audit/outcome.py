"""What a round came to, for every provider and in one plain sentence each - computed here, from what the chain holds.

Weights, critical payments, cash, units and shares are worked out by :mod:`oracle.mechanism` from the frozen terms, the
attested leaves and the revealed bids; :func:`differences` then says where the chain differs. Money is in money units,
bonds are in wei, scores and weights in WAD.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from oracle.audit import sentences
from oracle.audit.accounts import Totals, totals_of
from oracle.audit.auctions import TRANCHE, Auction, clear_round
from oracle.audit.deliveries import Delivery, deliveries_of
from oracle.audit.difference import Difference
from oracle.audit.payments import payment_differences
from oracle.audit.reasons import Reasons, reasons_of
from oracle.chain.client import Market
from oracle.chain.events import Commitment
from oracle.chain.terms import Phase, Terms
from oracle.custody.store import Board, ContentStore
from oracle.errors import BadInput
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.mechanism import clearing, liquidity
from oracle.mechanism.clearing import Bid
from oracle.mechanism.integers import WAD
from oracle.mechanism.weights import weight
from oracle.node.reporting import attested_leaves

MAX_UINT64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One provider's way through the round.

    ``position``: place of the commitment. ``status``, ``tokens``, ``quality``, ``impact``, ``weight`` (WAD) and
    ``allotted`` (DST units a winner mints) are as attested: None, zeros before the report. ``reveal``: place in the
    order of its auction's reveals, ``group``: 1 in the tranche's, and ``bid``: None while the bid is sealed.
    ``virtual_cost``: bid for one WAD of weight, rounded up; None for weight 0. ``reward``: the critical payment t, 0
    for losers, and ``binding`` the bound that made it (budget, edge, reserve or cap; "" for losers). ``delivery``: how
    its key stands, of a winner in a round with deliveries. ``cash`` (money units), ``units`` (MUT) and ``shares`` (DST
    units) are what the reward is paid in to the provider, ``cash_reversed`` and ``units_reversed`` to the planner for
    want of a good key; ``bond`` (wei) is what comes back. ``claimed``: all of it was pulled. ``reasons``: what
    the operators' evidence says of the scores, nothing where none can be read.
    """

    provider: str
    position: int
    status: Status | None
    tokens: int
    quality: int
    impact: int
    weight: int
    allotted: int
    reveal: int | None
    group: int | None
    bid: int | None
    virtual_cost: int | None
    eligible: bool
    won: bool
    reward: int
    binding: str
    delivery: Delivery | None
    cash: int
    units: int
    cash_reversed: int
    units_reversed: int
    shares: int
    bond: int
    claimed: bool
    reasons: Reasons
    why: str


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    """A round as far as it has come.

    ``cash`` L, ``deferred`` D and ``budget`` R = L + D in money units. ``auctions``: main and tranche, cleared; None
    until all bids are open. ``totals``: where all the money, units, shares and bonds are.
    """

    round: int
    phase: Phase
    terms: Terms
    cash: int
    deferred: int
    rows: tuple[Row, ...]
    auctions: tuple[Auction, Auction] | None
    totals: Totals

    @property
    def budget(self) -> int:
        """R, money units."""
        return self.cash + self.deferred

    def row(self, provider: str) -> Row:
        """The row of a provider; BadInput when it has no commitment in the round."""
        for row in self.rows:
            if row.provider.lower() == provider.lower():
                return row
        raise BadInput(f"{provider} has no bid in round {self.round}", input=provider, hint="check the address")


def rebuild(market: Market, round_id: int, store: ContentStore, board: Board) -> RoundOutcome:
    """Work the round out anew: scores from the attested leaves, everything after them from the mechanism.

    In any phase: what has not happened yet is None or 0. Raises BadInput for an unknown round, CheckFailed when the
    leaves shown do not hash to the root on chain.
    """
    book = _Book(market, round_id, board)
    reasons = reasons_of(market, round_id, store, board, book.leaves)
    rows = tuple(book.row(bid, reasons.get(bid.provider, Reasons())) for bid in market.commitments(round_id))
    bounties = sum(row.claimed and row.delivery is not None and row.delivery.bounty for row in rows)
    totals = totals_of(
        market,
        round_id,
        reward=sum(row.reward for row in rows),
        cash=sum(row.cash + row.cash_reversed for row in rows),
        units=sum(row.units + row.units_reversed for row in rows),
        shares=sum(row.shares for row in rows),
        rewarded=bounties * book.terms.bid_bond,
    )
    return RoundOutcome(round_id, book.phase, book.terms, book.cash, book.deferred, rows, book.auctions, totals)


def differences(outcome: RoundOutcome, market: Market) -> Iterator[Difference]:
    """Where the chain says something else than ``outcome``: weights, certificate, rewards, what was paid; in order."""
    yield from _weight_differences(outcome, market)
    if outcome.auctions is None:
        return
    for settled in market.settlements(outcome.round):
        cleared = outcome.auctions[settled.group].outcome
        found = (settled.winning_weight, settled.marginal, settled.total_reward)
        expected = (*cleared.certificate, cleared.total_reward)
        for name, mine, theirs in zip(("winning weight", "marginal bid", "total reward"), expected, found, strict=True):
            if mine != theirs:
                where = " of the tranche" if settled.group == TRANCHE else ""
                yield Difference("certificate", name + where, str(mine), str(theirs))
    yield from payment_differences(outcome, market)


class _Book:
    """What the chain holds of one round, and the clearing rule's result over it."""

    def __init__(self, market: Market, round_id: int, board: Board) -> None:
        self.market = market
        self.phase = market.phase(round_id)
        self.terms = market.terms(round_id)
        self.settled = market.state(round_id).settled
        self.cash, self.deferred = liquidity.split(self.terms.budget, self.terms.utility_pool, self.terms.liquidity)
        reported = market.report(round_id) is not None
        self.leaves = {leaf.provider: leaf for leaf in attested_leaves(market, round_id, board)} if reported else {}
        self.reveals = {seen.provider: seen for seen in market.reveals(round_id)}
        self.claimed = {claim.provider for claim in market.claims(round_id)}
        self.auctions: tuple[Auction, Auction] | None = None
        if self.settled or self.phase == Phase.SETTLE:
            # with the weights that ought to be recorded: where others are, the audit says so
            own = [replace(seen, weight=self.weight_of(seen.provider)) for seen in self.reveals.values()]
            self.auctions = clear_round(self.terms, own)
        rewarded = [provider for provider in self.reveals if self._reward(provider)[0]] if self.settled else []
        self.deliveries = deliveries_of(market, round_id, rewarded)

    @property
    def budget(self) -> int:
        return self.cash + self.deferred

    def weight_of(self, provider: str) -> int:
        """The weight that the contract records: 0 for what is not scored or does not fit."""
        leaf, seen = self.leaves[provider], self.reveals.get(provider)
        if leaf.status != Status.SCORED or (seen and seen.cost == MAX_UINT64 and not seen.weight):
            return 0
        full = weight(leaf.quality, leaf.impact, self.terms.eta, self.terms.gamma, self.terms.kappa)
        return full if full <= MAX_UINT64 else 0

    def row(self, commitment: Commitment, reasons: Reasons) -> Row:
        """One provider's row; see `Row`."""
        provider = commitment.provider
        leaf, seen = self.leaves.get(provider), self.reveals.get(provider)
        own = Bid(seen.cost, self.weight_of(provider)) if seen else None
        auction = self.auctions[seen.group] if self.auctions and seen else None
        (reward, binding), delivery = self._reward(provider), self.deliveries.get(provider)
        lost, bounty = bool(delivery and delivery.lost), bool(delivery and delivery.bounty)
        cash, units = liquidity.cash_of(reward, self.cash, self.budget), reward if self.deferred else 0
        return Row(
            provider=provider,
            position=commitment.position,
            status=leaf.status if leaf else None,
            tokens=leaf.tokens if leaf else 0,
            quality=leaf.quality if leaf else 0,
            impact=leaf.impact if leaf else 0,
            weight=self.weight_of(provider) if leaf else 0,
            allotted=leaf.shares if leaf else 0,
            reveal=seen.position if seen else None,
            bid=own.cost if own else None,
            virtual_cost=sentences.price(*own) if own and own.weight else None,
            eligible=own is not None and clearing.kept(*own, self.terms.reserve, self.terms.cap),
            won=bool(binding),
            reward=reward,
            binding=binding,
            delivery=delivery,
            cash=0 if lost else cash,
            units=0 if lost else units,
            cash_reversed=cash if lost else 0,
            units_reversed=units if lost else 0,
            shares=leaf.shares if leaf and binding and not lost else 0,
            bond=self.terms.bid_bond if (seen or not self.settled) and not lost and not bounty else 0,
            claimed=provider in self.claimed,
            reasons=reasons,
            group=seen.group if seen else None,
            why=self._why(leaf, own, seen.position if seen else 0, auction, reward, binding, delivery),
        )

    def _reward(self, provider: str) -> tuple[int, str]:
        """The critical payment and its binding bound; 0 and "" for a loser."""
        seen = self.reveals.get(provider)
        auction = self.auctions[seen.group] if self.auctions and seen else None
        if auction is None or seen is None or seen.position not in auction.outcome.winners:
            return 0, ""
        return auction.outcome.rewards[seen.position], self._binding(seen.position, auction)

    def _binding(self, winner: int, auction: Auction) -> str:
        """Which bound a winner's critical payment is, the first of equals."""
        won, marginal = auction.outcome.certificate
        own = auction.bids[winner]
        bounds = {"budget": auction.budget * own.weight // won}
        if marginal is not None:
            edge = auction.bids[marginal].cost * own.weight
            bounds["edge"] = (edge if winner < marginal else edge - 1) // auction.bids[marginal].weight
        bounds["reserve"] = self.terms.reserve * own.weight // WAD
        bounds["cap"] = self.terms.cap
        return min(bounds, key=bounds.__getitem__)

    def _why(
        self,
        leaf: ScoreLeaf | None,
        own: Bid | None,
        place: int,
        auction: Auction | None,
        reward: int,
        binding: str,
        delivery: Delivery | None,
    ) -> str:
        status = leaf.status if leaf else None
        if own is None or leaf is None or self.phase == Phase.VOID:
            return sentences.before_opening(self.phase, status)
        out = sentences.ineligible(self.terms, leaf.status, leaf.quality, leaf.impact, own)
        if out:
            return out
        if auction is None:
            return "its bid is open; the round is settled once the last bids are"
        cleared = sentences.cleared(auction, place, reward, binding)
        if delivery is None:
            return cleared
        return f"{cleared}; {sentences.delivered(delivery, self.terms.deliver_end, self.terms.bounty_end)}"


def _weight_differences(outcome: RoundOutcome, market: Market) -> Iterator[Difference]:
    rows = {row.provider: row for row in outcome.rows}
    for seen in market.reveals(outcome.round):
        row = rows[seen.provider]
        if row.weight != seen.weight:
            yield Difference("weights", f"weight of provider {seen.provider}", str(row.weight), str(seen.weight))
        if row.allotted != seen.shares:
            yield Difference("weights", f"shares of provider {seen.provider}", str(row.allotted), str(seen.shares))
