"""What one operator saw: the scores of every provider of a round, bound to everything they depend on.

Canonical JSON; its sha256 goes on chain before anybody shows theirs, and is also its content id in the store.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import field_validator

from oracle.evidence.fields import Address, Bytes32, Count, Group, Quanta, Record
from oracle.evidence.leaf import Status


class Score(Record):
    """One provider. ``group``: 1 for members of the diversity tranche; ``quality`` and ``impact`` in quanta of 1e-4;
    ``evidence``: the content id of the reasons."""

    provider: Address
    dataset_root: Bytes32
    position: Count
    status: Status
    group: Group
    quality: Quanta
    impact: Quanta
    tokens: Count
    evidence: str


class Observation(Record):
    """``commitments``: running hash of the round; ``beacon``: hash of the first block at or after the commit phase."""

    kind: Literal["mixed-mia/observation/1"] = "mixed-mia/observation/1"
    chain_id: Count
    market: Address
    round: Count
    operator: Address
    commitments: Bytes32
    beacon: Bytes32
    pipeline_hash: Bytes32
    base_model: Bytes32
    scores: tuple[Score, ...]

    @field_validator("scores")
    @classmethod
    def _in_order_of_place(cls, scores: tuple[Score, ...]) -> tuple[Score, ...]:
        if [score.position for score in scores] != list(range(len(scores))):
            raise ValueError("scores are listed in the order of commitments, positions 0, 1, 2 ...")
        if len({score.provider for score in scores}) != len(scores):
            raise ValueError("a provider is scored once")
        return scores

    def digest(self) -> bytes:
        """sha256 of ``to_bytes()``, 32 bytes."""
        return hashlib.sha256(self.to_bytes()).digest()
