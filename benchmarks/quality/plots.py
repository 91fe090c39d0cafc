"""Pictures of the quality figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.quality.auc import Area


def draw(variants: Mapping[str, Mapping[str, Mapping[str, Area]]], path: Path) -> None:
    """Areas under the curve by variant: the default profile beside the paper's formulas, with 95 % intervals."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "mixed-mia"  # the same figures give the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(variants) + 1.2), layout="constrained")
    for shift, profile, colour in ((-0.2, "robust", "#1b6ca8"), (0.2, "paper", "#c0562f")):
        found = [profiles[profile]["quality"] for profiles in variants.values()]
        values = [one.value for one in found]
        errors = [[max(0.0, one.value - one.low) for one in found], [max(0.0, one.high - one.value) for one in found]]
        places = [place + shift for place in range(len(found))]
        label = "robust (default)" if profile == "robust" else "paper, to the letter"
        axes.barh(places, values, height=0.38, xerr=errors, color=colour, label=label, error_kw={"lw": 0.8})
    axes.set_yticks(range(len(variants)), list(variants))
    axes.invert_yaxis()
    axes.axvline(0.95, color="black", lw=0.8, ls=":")
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("probability that q ranks a clean sample above a spoilt one (AUC)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
