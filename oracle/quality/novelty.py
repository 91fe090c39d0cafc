"""Novelty: how far the sampled sentences are from what was there before them.

``robust``: each sentence is compared with its nearest neighbour among the reference, the samples of providers that
committed earlier and its own corpus' earlier sentences; a cosine up to ``NEW`` is new, from ``OLD`` on it is a
repetition, and sentences of documents that do not pass the fluency gate count nothing. ``paper``: 1 - the mean cosine
to the reference, or to the nearest of it (7.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oracle.quality.axis import Axis, quanta, shorten
from oracle.quality.embedding import Vectors
from oracle.quality.neighbours import Cosines, Places, Reference, nearest, nearest_cosines

NEW, OLD = 0.60, 0.95
FLUENT = 0.5
"""Gate from which on a document's sentences may be new."""


def robust_novelty(
    vectors: Vectors,
    sentences: Sequence[str],
    gates: Sequence[float],
    earlier: Vectors,
    texts: Sequence[str],
    *,
    reference: Reference | None = None,
) -> Axis:
    """Mean novelty of (n, d) ``vectors`` of ``sentences`` against what came before.

    Args:
        gates: (n,) fluency gate of each sentence's document, in [0, 1].
        earlier: (m, d) vectors of ``texts``: a sample of the reference, and of providers that committed earlier.
        reference: a whole reference to be compared with besides.
    """
    compared = len(earlier) + (len(reference) if reference else 0)
    if not len(vectors) or compared + len(vectors) < 2:
        return Axis(None, "abstains: there is nothing earlier to compare with", {"sentences": len(vectors)})
    found = [reference.nearest(vectors)] if reference else []
    found += [nearest(vectors, earlier), _own(vectors)]
    closest = np.stack([cosines for _, cosines in found])
    cosine = np.clip(closest.max(axis=0), -1.0, 1.0)
    fresh = np.clip((OLD - cosine) / (OLD - NEW), 0.0, 1.0)
    fluent = np.array(gates) >= FLUENT
    value = float(np.mean(fresh * fluent))
    top = int(cosine.argmax())
    source = int(closest[:, top].argmax())  # of equally near ones the earliest: reference, others, own
    old = int(np.count_nonzero(fresh < 0.5))
    text = f"{old} of {len(vectors)} sampled sentences resemble earlier text closely"
    if sentences[top]:  # empty where texts may not be quoted
        place = int(found[source][0][top])
        if reference and source == 0:
            twin = reference.sentence(place)
        else:
            twin = (sentences if source == len(found) - 1 else texts)[place]
        text += f"; most of all “{shorten(sentences[top])}” resembles “{shorten(twin)}” (cosine {cosine[top]:.2f})"
    if not fluent.all():
        text += f"; {np.count_nonzero(~fluent)} are not fluent and count nothing"
    return Axis(
        quanta(value),
        text,
        {"sentences": len(vectors), "compared_with": compared, "fluent": int(fluent.sum())},
        {"close": str(old)},
    )


def paper_novelty(vectors: Vectors, earlier: Vectors, *, nearest: int | None = None) -> Axis:
    """1 - mean cosine of (n, d) ``vectors`` to (m, d) ``earlier``, or to the ``nearest`` of them; abstains without."""
    if not len(vectors) or not len(earlier):
        return Axis(None, "abstains: there is no reference to compare with", {"sentences": len(vectors)})
    if nearest:
        mean = float(nearest_cosines(vectors, earlier, nearest).mean())
        what = f"their nearest {nearest} of {len(earlier)}" if nearest > 1 else f"the nearest of {len(earlier)}"
    else:
        mean = float(vectors.mean(axis=0, dtype=np.float64) @ earlier.mean(axis=0, dtype=np.float64))
        what = str(len(earlier))
    text = f"the mean cosine between {len(vectors)} sentences and {what} reference sentences is {mean:.3f}"
    return Axis(quanta(1.0 - mean), text, {"sentences": len(vectors), "compared_with": len(earlier)})


def _own(vectors: Vectors) -> tuple[Places, Cosines]:
    """The nearest sentence before each one of the same corpus; place 0 and cosine -1 for the first."""
    products = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    products[np.triu_indices(len(vectors))] = -1.0
    return products.argmax(axis=1), products.max(axis=1)
