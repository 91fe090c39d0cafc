"""Area under the ROC curve of two groups of scores, with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 1_000


class Area(NamedTuple):
    """``value`` with its 95 % interval, and the sizes of the groups."""

    value: float
    low: float
    high: float
    clean: int
    spoilt: int


def area(clean: Sequence[float], spoilt: Sequence[float], seed: int = 0) -> Area:
    """Probability that a clean sample scores above a spoilt one, ties counting half (Mann-Whitney's U)."""
    a, b = np.asarray(clean, dtype=float), np.asarray(spoilt, dtype=float)
    wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)
    rng = np.random.default_rng(seed)
    shares = [rng.multinomial(len(side), np.full(len(side), 1 / len(side)), DRAWS) / len(side) for side in (a, b)]
    low, high = np.quantile(np.einsum("da,ab,db->d", shares[0], wins, shares[1]), (0.025, 0.975))
    return Area(float(wins.mean()), float(low), float(high), len(a), len(b))
