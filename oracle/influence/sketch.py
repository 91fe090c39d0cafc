"""A fingerprint of a gradient that can be added up and compared: signed sums over buckets (a count sketch).

Charikar, Chen, Farach-Colton, "Finding frequent items in data streams" (2002). Linear, so that the sum of a provider's
sketches is the sketch of its gradient sum and no gradient has to be kept; float64, so that two machines' sketches can
be compared within a tolerance where their hashes differ.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

BUCKETS = 32


class Sketch:
    """Sketches of vectors of ``size`` numbers: (BUCKETS,) float64, on the vector's device."""

    def __init__(self, size: int, device: torch.device) -> None:
        source = torch.Generator().manual_seed(size)
        self.padding = -size % BUCKETS
        signs = torch.randint(0, 2, (size,), generator=source, dtype=torch.int8) * 2 - 1
        self.signs = signs.to(device)

    def __call__(self, vector: Tensor) -> Tensor:
        signed = vector * self.signs
        if self.padding:  # padding by nothing would copy
            signed = torch.nn.functional.pad(signed, (0, self.padding))
        return signed.view(-1, BUCKETS).sum(0, dtype=torch.float64)


def sketch_hash(sketch: Tensor) -> str:
    """SHA-256 (hex) of the sketch's little-endian bytes."""
    return hashlib.sha256(sketch.cpu().numpy().astype("<f8").tobytes()).hexdigest()
