"""Where a round stands, in one read. Twin of ``IDataMarket.RoundState``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuctionState:
    """One of a round's two auctions."""

    records: bytes  # running hash of revealed (cost, weight), from zero
    revealed: int
    settled: bool
    winning_weight: int
    marginal: int | None  # position of the first loser by price, in the order of the auction's reveals


@dataclass(frozen=True, slots=True)
class RoundState:
    """Field order is the contract's. Rewards in money units, weights in WAD; hashes are 32 bytes."""

    planner: str
    terms_hash: bytes
    commitments: bytes  # running hash, from the terms hash
    observations: bytes  # running hash, from zero; zero again once the report is posted
    root: bytes  # score tree; zero before the report and once it is struck
    bonded: int  # providers with a bond, and leaves of the score tree
    revealed: int
    observers: int  # bit i: member i of the committee observed in time
    paid_operators: int  # bit i: member i took its fee
    reported: bool
    challenged: bool
    settled: bool
    voided: bool  # by a call; the phase is VOID from the deadline on, before that
    refunded: bool
    total_reward: int
    cash_owed: int  # sum of the rewards' cash parts, each rounded up
    auctions: tuple[AuctionState, AuctionState]  # of everybody else, of the tranche
    challenger: str
    challenge_id: bytes
