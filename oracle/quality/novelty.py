"""Novelty: how far the sampled sentences are from what was there before them.

``robust``: each sentence is compared with its nearest neighbour among the reference sample, the samples of providers
that committed earlier and its own corpus' earlier sentences; a cosine up to ``NEW`` is new, from ``OLD`` on it is a
repetition, and sentences of documents that do not pass the fluency gate count nothing. ``paper``: 1 - the mean cosine
to the reference, or to the nearest of it (7.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oracle.quality.axis import Axis, quanta, shorten
from oracle.quality.embedding import Vectors

NEW, OLD = 0.60, 0.95
FLUENT = 0.5
"""Gate from which on a document's sentences may be new."""


def robust_novelty(
    vectors: Vectors, sentences: Sequence[str], gates: Sequence[float], earlier: Vectors, texts: Sequence[str]
) -> Axis:
    """Mean novelty of (n, d) ``vectors`` against (m, d) ``earlier`` (whose wording is ``texts``) and themselves."""
    before = np.concatenate((earlier, vectors))
    if not len(vectors) or len(before) < 2:
        return Axis(None, "abstains: there is nothing earlier to compare with", {"sentences": len(vectors)})
    cosines = vectors @ before.T
    later = np.arange(len(before))[None, :] >= len(earlier) + np.arange(len(vectors))[:, None]
    cosines[later] = -1.0
    nearest, cosine = cosines.argmax(axis=1), np.clip(cosines.max(axis=1), -1.0, 1.0)
    fresh = np.clip((OLD - cosine) / (OLD - NEW), 0.0, 1.0)
    fluent = np.array(gates) >= FLUENT
    value = float(np.mean(fresh * fluent))
    top = int(cosine.argmax())
    twin = [*texts, *sentences][nearest[top]]
    old = int(np.count_nonzero(fresh < 0.5))
    text = (
        f"{old} of {len(vectors)} sampled sentences resemble earlier text closely; most of all "
        f"“{shorten(sentences[top])}” resembles “{shorten(twin)}” (cosine {cosine[top]:.2f})"
    )
    if not fluent.all():
        text += f"; {np.count_nonzero(~fluent)} are not fluent and count nothing"
    return Axis(
        quanta(value),
        text,
        {"sentences": len(vectors), "compared_with": len(earlier), "fluent": int(fluent.sum())},
        {"close": str(old)},
    )


def paper_novelty(vectors: Vectors, earlier: Vectors, *, nearest: int | None) -> Axis:
    """1 - mean cosine of (n, d) ``vectors`` to (m, d) ``earlier``, or to each one's ``nearest`` neighbours alone."""
    if not len(vectors) or not len(earlier):
        return Axis(None, "abstains: there is no reference to compare with", {"sentences": len(vectors)})
    if nearest is None:
        mean = float(vectors.astype(np.float64).mean(axis=0) @ earlier.astype(np.float64).mean(axis=0))
        text = f"the mean cosine between {len(vectors)} sentences and {len(earlier)} reference sentences is {mean:.3f}"
    else:
        cosines = np.sort(vectors.astype(np.float64) @ earlier.astype(np.float64).T, axis=1)[:, -nearest:]
        mean = float(cosines.mean())
        text = f"the mean cosine to the nearest {cosines.shape[1]} of {len(earlier)} reference sentences is {mean:.3f}"
    return Axis(quanta(1.0 - mean), text, {"sentences": len(vectors), "compared_with": len(earlier)})
