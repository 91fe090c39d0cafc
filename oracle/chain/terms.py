"""What a round is opened with, and the phases that follow from it. Twin of ``IDataMarket.Terms``."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any, Self

from eth_abi.abi import encode
from eth_utils.crypto import keccak

MIN_PHASE = 600
"""Seconds a phase lasts at least (``DataMarket.MIN_PHASE``)."""
ERA = 253_402_300_800
"""10000-01-01 in unix seconds: no calendar of the standard library goes there, and uint40 does."""
ABI_TYPES = (
    ("address", "address", "uint128")  # planner, token, unit
    + ("uint64",) * 3  # budget, utility pool, liquidity
    + ("uint64",) * 3  # exponents and offset
    + ("uint128", "uint64", "uint32", "uint64")  # reserve, cap, bids, tranche
    + ("uint64",) * 6  # data shares
    + ("uint96", "uint96", "uint64")  # bonds and fee
    + ("uint40",) * 8  # deadlines
    + ("uint32",)  # dispute window
    + ("bytes32", "address")
    + ("bytes32",) * 5
)


class Phase(IntEnum):
    """Where a round is, as ``IDataMarket.Phase``."""

    NONE = 0
    COMMIT = 1
    OBSERVE = 2
    REPORT = 3
    CHALLENGE = 4
    REVEAL = 5
    SETTLE = 6
    CLAIM = 7
    VOID = 8


@dataclass(frozen=True, slots=True)
class Terms:
    """Frozen at opening and hashed. Field order is the contract's. WAD = 1e18, one DST = 1e9 DST units."""

    planner: str
    payment_token: str
    money_unit: int  # smallest units of the payment token per money unit
    budget: int  # B, money units
    utility_pool: int  # U, money units
    liquidity: int  # rho, WAD
    eta: int  # WAD
    gamma: int  # WAD
    kappa: int  # WAD
    reserve: int  # money units for one WAD of weight
    cap: int  # money units
    max_bids: int
    tranche_share: int  # WAD of R for the diversity tranche's own auction; 0: none
    share_supply: int  # DST units
    volume_weight: int  # WAD
    quality_weight: int  # WAD
    impact_weight: int  # WAD
    share_floor: int  # WAD of the supply
    share_cap: int  # WAD of the supply
    bid_bond: int  # wei
    challenge_bond: int  # wei
    operator_fee: int  # money units
    commit_end: int  # unix seconds; phases are half-open [start, end)
    observe_end: int
    report_end: int
    challenge_end: int
    reveal_end: int
    settle_end: int
    deliver_end: int  # winners deliver their keys until here; 0: nothing is delivered, rewards are claimed at once
    bounty_end: int  # or operators for them, until here
    dispute_window: int  # seconds after each delivery
    committee: bytes
    arbitrator: str
    pipeline_hash: bytes
    base_model_hash: bytes
    validation_root: bytes
    agreement_hash: bytes
    delivery_key: bytes  # keccak256 of the planner's bn254 key

    def as_tuple(self) -> tuple[Any, ...]:
        """The struct as the contract takes it."""
        return astuple(self)

    @classmethod
    def from_tuple(cls, values: tuple[Any, ...]) -> Self:
        """The struct as the contract gives it."""
        return cls(*values)

    def hash(self) -> bytes:
        """keccak256(abi.encode(terms)), 32 bytes: where the running hash of commitments starts."""
        return keccak(encode(ABI_TYPES, self.as_tuple()))

    def deadlines(self) -> tuple[int, ...]:
        """Where the phases end, and deliveries, in order; 0 for those that the round does not have."""
        ends = (self.commit_end, self.observe_end, self.report_end, self.challenge_end, self.reveal_end)
        return (*ends, self.settle_end, self.deliver_end, self.bounty_end)

    def window(self, phase: Phase) -> tuple[int | None, int | None]:
        """First second of a phase and the first second after it; None where the terms set no such time."""
        ends = self.deadlines()
        if Phase.COMMIT <= phase <= Phase.SETTLE:
            return (ends[phase - 2] if phase > Phase.COMMIT else None), ends[phase - 1]
        return None, None
