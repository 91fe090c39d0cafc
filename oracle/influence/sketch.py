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
    """Sketches of vectors of ``size`` numbers: (BUCKETS,) float64, on the vector's device.

    Number i goes to bucket i mod BUCKETS with the sign of row i div BUCKETS: one product of a matrix and a vector.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        source = torch.Generator().manual_seed(size)
        self.padding = -size % BUCKETS
        rows = (size + self.padding) // BUCKETS
        self.signs = (torch.randint(0, 2, (rows,), generator=source) * 2 - 1).to(device, torch.float32)

    def __call__(self, vector: Tensor) -> Tensor:
        if self.padding:  # padding by nothing would copy
            vector = torch.nn.functional.pad(vector, (0, self.padding))
        return (self.signs @ vector.view(-1, BUCKETS)).double()


def sketch_hash(sketch: Tensor) -> str:
    """SHA-256 (hex) of the sketch's little-endian bytes."""
    return hashlib.sha256(sketch.cpu().numpy().astype("<f8").tobytes()).hexdigest()
