"""Diversity: how many different things a corpus says.

``robust``: the Vendi score V = exp(H(eigenvalues of X X^T / n)) of the n sampled sentence vectors (Friedman and Dieng
2023), an effective number of distinct sentences; the axis is log V / log n. ``paper`` (7.2): k-means clusters of shares
p, k = min(clusters, n), and their entropy over log k or 1 - sum p^2.
"""

from __future__ import annotations

import math

import numpy as np

from oracle.quality.axis import Axis, quanta
from oracle.quality.embedding import GRID, Vectors

FEWEST = 16
"""Below this many sentences diversity cannot be told."""


def vendi(vectors: Vectors) -> float:
    """Effective number of distinct sentences, in [1, n], of (n, d) unit vectors."""
    x = vectors.astype(np.float64)
    gram = x @ x.T if len(x) <= x.shape[1] else x.T @ x
    values = np.linalg.eigvalsh(gram / len(x))
    values = values[values > 1e-12]
    return float(np.exp(-np.sum(values * np.log(values))))


def robust_diversity(vectors: Vectors) -> Axis:
    """log V / log n; abstains below ``FEWEST`` sentences."""
    if len(vectors) < FEWEST:
        return _too_few(len(vectors))
    different = vendi(vectors)
    share = math.log(max(1.0, different)) / math.log(min(vectors.shape))
    text = f"the {len(vectors)} sampled sentences say as much as {different:.0f} entirely different ones would"
    return Axis(quanta(share), text, {"sentences": len(vectors)}, {"effective_sentences": f"{different:.2f}"})


def paper_diversity(vectors: Vectors, *, clusters: int, measure: str) -> Axis:
    """Entropy of the k-means cluster sizes over log k, or their 1 - sum p^2 for the ``measure`` "simpson"."""
    # imported here: scikit-learn costs a second, and only this profile needs it
    from sklearn.cluster import KMeans

    k = min(clusters, len(vectors))
    if k < 2:
        return _too_few(len(vectors))
    # on the grid of the audited path, so that a last bit cannot move a cluster
    points = np.rint(vectors.astype(np.float64) * GRID) / GRID
    labels = KMeans(n_clusters=k, n_init=1, random_state=0).fit_predict(points)
    sizes = np.bincount(labels, minlength=k)
    shares = sizes[sizes > 0] / len(points)
    if measure == "simpson":
        value = 1.0 - float(np.sum(shares**2))
    else:
        value = float(-np.sum(shares * np.log(shares))) / math.log(k)
    text = f"{len(vectors)} sampled sentences fall into {k} clusters, the largest of {sizes.max()}"
    return Axis(quanta(value), text, {"sentences": len(vectors)}, {"clusters": str(k), "largest": str(sizes.max())})


def _too_few(count: int) -> Axis:
    return Axis(None, f"abstains: {count} sentences are too few to tell how varied they are", {"sentences": count})
