"""What happened in a round, read from the log: one record per kind of event.

Money in money units, bonds and fees of the chain in wei, weights in WAD; ``block`` is the number of the event's block.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commitment:
    """A provider's live commitment. ``position``: its place in the order of commitments, from 0."""

    provider: str
    position: int
    dataset_root: bytes
    manifest: bytes
    sealed: bytes
    block: int


@dataclass(frozen=True, slots=True)
class Observed:
    """``digest``: sha256 of the operator's observation."""

    operator: str
    digest: bytes
    block: int


@dataclass(frozen=True, slots=True)
class Report:
    """The report that stands: score root over ``count`` leaves, and the running hashes it is bound to."""

    root: bytes
    count: int
    commitments: bytes
    observations: bytes
    block: int


@dataclass(frozen=True, slots=True)
class Reveal:
    """``group``: 1 in the tranche's auction; ``position``: place in the order of its reveals, from 0; a recorded weight
    of 0 is ineligible."""

    provider: str
    shares: int
    group: int
    position: int
    cost: int
    weight: int
    block: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """A certificate: total weight of the winners, position of the first loser (None: nobody lost by price)."""

    group: int
    winning_weight: int
    marginal: int | None
    total_reward: int
    block: int


@dataclass(frozen=True, slots=True)
class Claim:
    """``cash`` in money units, ``units`` of MUT, ``shares`` in DST units, ``bond`` in wei.

    ``reversed``: no good key came, so that cash and units went to the planner and the bond was burned. An operator that
    delivered in a winner's place has its bond: see ``IKeyExchange.bondTo``.
    """

    provider: str
    cash: int
    units: int
    shares: int
    bond: int
    block: int
    reversed: bool


@dataclass(frozen=True, slots=True)
class Refund:
    """What went back to the planner: ``amount`` in money units, ``units`` of MUT."""

    amount: int
    units: int
    block: int


@dataclass(frozen=True, slots=True)
class OperatorPayment:
    """The fee of one operator, ``amount`` in money units."""

    operator: str
    amount: int
    block: int
