"""One leaf of the score tree: what the quorum attests of one provider. Twin of ``IDataMarket.ScoreLeaf``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from eth_abi.abi import encode
from eth_utils.crypto import keccak

QUANTUM = 10**14
"""WAD in one quantum of a score: scores are observed in steps of 1e-4 and attested in WAD."""


class Status(IntEnum):
    """Why a provider has scores, or has none. Anything but SCORED makes the bid ineligible; the bond still returns."""

    SCORED = 0
    UNAVAILABLE = 1  # bytes missing, or not what the commitment says
    EMPTY = 2  # no usable text
    UNSUPPORTED = 3


@dataclass(frozen=True, slots=True)
class ScoreLeaf:
    """``group``: 1 for members of the diversity tranche. ``quality`` and ``impact`` in WAD, ``tokens`` deduplicated,
    ``shares`` in DST units; each below 2**64."""

    provider: str
    dataset_root: bytes
    status: Status
    group: int
    quality: int
    impact: int
    tokens: int
    shares: int

    def as_tuple(self) -> tuple[str, bytes, int, int, int, int, int, int]:
        """The struct as the contract takes it."""
        return (
            self.provider,
            self.dataset_root,
            int(self.status),
            self.group,
            self.quality,
            self.impact,
            self.tokens,
            self.shares,
        )

    def hash(self) -> bytes:
        """keccak256 twice over ``abi.encode``: a leaf can never be read as an inner node (OpenZeppelin's tree)."""
        words = ["address", "bytes32", "uint8", "uint8", "uint64", "uint64", "uint64", "uint64"]
        return keccak(keccak(encode(words, self.as_tuple())))
