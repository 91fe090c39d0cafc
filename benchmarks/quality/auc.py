"""Area under the ROC curve of two groups of scores, with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

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
    rng = np.random.default_rng(seed)
    drawn = [_area(rng.choice(a, len(a)), rng.choice(b, len(b))) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Area(_area(a, b), float(low), float(high), len(a), len(b))


def _area(a: np.ndarray, b: np.ndarray) -> float:
    ranks = rankdata(np.concatenate((a, b)))
    return float((ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))
