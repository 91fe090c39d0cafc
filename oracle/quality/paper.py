"""The paper's formulas to the letter (7.2, 7.3, appendix C), with the variants that it names.

q = w1 Clean + w2 Div + w3 Novel + w4 Meta. An axis that cannot be computed is left out and the others share its weight.
"""

from __future__ import annotations

import numpy as np

from oracle.quality import explain
from oracle.quality.axis import QUANTA, Axis, quanta
from oracle.quality.diversity import paper_diversity
from oracle.quality.novelty import paper_novelty
from oracle.quality.spec import QualitySpec
from oracle.quality.view import View


def axes(view: View, spec: QualitySpec) -> dict[str, Axis]:
    """The four axes of one corpus; the mean cosine goes over the same sampled sentences as in ``robust``."""
    nearest = spec.neighbours if spec.novelty == "nearest" else None
    return {
        "cleanliness": explain.cleanliness(view.counts, 1.0 - min(1.0, spec.misses * view.counts.damage.misses)),
        "diversity": paper_diversity(view.vectors, clusters=spec.clusters, measure=spec.diversity),
        "novelty": paper_novelty(view.vectors, view.earlier, nearest=nearest),
        "metadata": view.metadata,
    }


def quality(view: View, axes: dict[str, Axis], spec: QualitySpec) -> tuple[int, str]:
    """q in quanta, and how it came about; 0 when no axis speaks."""
    heard = {name: weight for name, weight in spec.weights.items() if axes[name].value is not None and weight}
    if not heard:
        return 0, "no axis speaks"
    mean = float(np.average([axes[name].value or 0 for name in heard], weights=list(heard.values()))) / QUANTA
    return quanta(mean), f"mean of the axes {mean:.2f}"
