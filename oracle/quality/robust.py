"""The default profile: q = fluency gate * cohesion * sqrt(fresh share) * weighted mean of the axes.

An axis that cannot speak abstains and counts as ``UNCHECKED``, so that nobody gains by being unreadable and nobody is
worth 0 for it. The same holds for text in languages without a model: cleanliness, diversity and novelty are measured on
supported text, count for its share of the tokens, and ``UNCHECKED`` for the rest.
"""

from __future__ import annotations

import math

from oracle.quality import explain
from oracle.quality.axis import QUANTA, Axis, quanta
from oracle.quality.diversity import robust_diversity
from oracle.quality.novelty import robust_novelty
from oracle.quality.spec import STEEPNESS, UNCHECKED, QualitySpec
from oracle.quality.view import View


def axes(view: View, spec: QualitySpec) -> dict[str, Axis]:
    """The four axes of one corpus."""
    gates = [int(view.counts.gates[sentence.document]) / QUANTA for sentence in view.sentences]
    wording = [sentence.text for sentence in view.sentences]
    return {
        "cleanliness": explain.cleanliness(view.counts, math.exp(-STEEPNESS * view.counts.damage.rate)),
        "diversity": robust_diversity(view.vectors),
        "novelty": robust_novelty(view.vectors, wording, gates, view.earlier, view.texts, reference=view.index),
        "metadata": view.metadata,
    }


def quality(view: View, axes: dict[str, Axis], spec: QualitySpec) -> tuple[int, str]:
    """q in quanta, and how it came about."""
    total = 0.0
    for name, weight in spec.weights.items():
        value = axes[name].value
        heard = 0.0 if value is None else 1.0 if name == "metadata" else view.counts.supported
        total += weight * (heard * (value or 0) + (1.0 - heard) * UNCHECKED)
    mean = total / (100 * QUANTA)
    corpus, gate, cohesion = view.corpus, view.counts.gate, view.cohesion.factor
    share = corpus.fresh_words / corpus.offered_words if corpus.offered_words else 0.0
    text = f"fluency {gate:.2f} x cohesion {cohesion:.2f} x sqrt(fresh share {share:.2f}) x mean of the axes {mean:.2f}"
    return quanta(gate * cohesion * math.sqrt(share) * mean), text
