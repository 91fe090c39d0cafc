"""How well estimates agree with retraining: pure functions of arrays, each with its bootstrap.

``losses`` (subsets, seeds) and ``member`` (subsets, providers, 0 or 1) come from retrainings on random halves of the
market. Banzhaf values are the coefficients of a least-squares fit of the utility (-loss) on membership: with every
provider in with probability 1/2 the best linear fit has the Banzhaf values as its coefficients (Hammer and Holzman
1992), and it is far less noisy than differences of means.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

Array = NDArray[np.float64]

RESAMPLES = 1_000


def banzhaf(member: Array, losses: Array) -> Array:
    """(providers,) Banzhaf values, nats per validation token, from subsets and the mean of their losses."""
    design = np.column_stack([np.ones(len(member)), member])
    fit = np.linalg.lstsq(design, -losses, rcond=None)[0]
    return np.asarray(fit[1:], dtype=np.float64)


def spearman(left: Array, right: Array) -> float:
    return float(spearmanr(left, right).statistic)


def pearson(left: Array, right: Array) -> float:
    return float(pearsonr(left, right).statistic)


def lds(gains: Array, member: Array, losses: Array) -> float:
    """Linear datamodelling score (Park et al. 2023): rank correlation of summed gains with the utility of subsets."""
    return spearman(member @ gains, -losses)


def wrong_signs(gains: Array, truth: Array, error: Array) -> int:
    """Providers whose gain has the other sign than a truth that is clearly (two standard errors) not 0."""
    clear = np.abs(truth) > 2 * error
    return int(np.count_nonzero(clear & (np.sign(gains) != np.sign(truth))))


def interval(statistic: Callable[[NDArray[np.int64]], float], size: int, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap of ``statistic`` over resampled indices below ``size``."""
    source = np.random.default_rng(seed)
    values = [statistic(source.integers(0, size, size)) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
