"""Where a round stands, in one read. Twin of ``IDataMarket.RoundState``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoundState:
    """Field order is the contract's. Rewards in money units, weights in WAD; hashes are 32 bytes."""

    planner: str
    terms_hash: bytes
    commitments: bytes  # running hash, from the terms hash
    observations: bytes  # running hash, from zero
    records: bytes  # running hash of revealed (cost, weight), from zero
    root: bytes  # score tree; zero before the report
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
    unclaimed_reward: int  # counted only where cash parts are rounded
    held_cash: int  # likewise
    winning_weight: int
    marginal: int | None  # position of the first loser by price
    challenger: str
    challenge_id: bytes
