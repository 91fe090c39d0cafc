"""Pictures of the evaluation's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from textwrap import wrap
from typing import Any


def draw(document: Mapping[str, Any], default: str, path: Path) -> None:
    """Left: every provider's gain by ``default`` against what leaving it out really did, linear around 0.

    Right: rank agreement of every estimator with both truths, 95 % intervals, against its cost.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "mixed-mia"  # the same figures give the same file
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(13, 2 + 0.36 * len(document["estimators"])), layout="constrained"
    )
    scatter(left, document, default)
    forest(right, document["all"], list(document["estimators"]))
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def scatter(axes: Any, document: Mapping[str, Any], default: str) -> None:
    from matplotlib.ticker import FixedLocator

    runs = document["estimators"][default]
    gains = [sum(column) / len(runs) for column in zip(*(run["gains"] for run in runs), strict=True)]
    truth = document["truth"]["leave_one_out"]
    for name, gain, worth, natural in zip(document["providers"], gains, truth, document["is_natural"], strict=True):
        axes.scatter(1e3 * worth, 1e3 * gain, color="#1b6ca8" if natural else "#c0562f", s=24)
        axes.annotate(
            name.split("-")[0], (1e3 * worth, 1e3 * gain), textcoords="offset points", xytext=(4, 3), fontsize=7
        )
    axes.axhline(0, color="black", lw=0.6)
    axes.axvline(0, color="black", lw=0.6)
    middle = 1e3 * median(map(abs, truth))
    axes.set_xscale("symlog", linthresh=middle)  # one provider can be worth as much as all others
    axes.set_yscale("symlog", linthresh=middle)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([-100, -30, -10, 0, 10, 30, 100]))
        axis.set_major_formatter("{x:g}")
    axes.set_xlabel("what leaving it out costs, 1e-3 nats per token (retrained)")
    axes.set_ylabel(f"gain by {default}, 1e-3 nats per token")
    axes.set_title("providers: natural blue, made to deceive red", fontsize=9)


def forest(axes: Any, found: Mapping[str, Any], names: Sequence[str]) -> None:
    for shift, key, colour in ((-0.24, "loo", "#1b6ca8"), (0, "banzhaf", "#5a9e6f"), (0.24, "lds", "#8a6fb0")):
        values = [found[name][key] for name in names]
        spans = [found[name][f"{key}_interval"] for name in names]
        low = [max(0.0, value - span[0]) for value, span in zip(values, spans, strict=True)]
        high = [max(0.0, span[1] - value) for value, span in zip(values, spans, strict=True)]
        label = {"loo": "leave-one-out", "banzhaf": "Banzhaf", "lds": "LDS"}[key]
        places = [place + shift for place in range(len(names))]
        axes.barh(places, values, height=0.22, xerr=[low, high], color=colour, label=label, error_kw={"lw": 0.8})
    cost = ["\n".join(wrap(name, 36)) + f"\n{found[name]['times_fine_tune']:.1f} fine-tunes" for name in names]
    axes.set_yticks(range(len(names)), cost, fontsize=7)
    axes.invert_yaxis()
    axes.axvline(0.9, color="black", lw=0.8, ls=":")
    axes.set_xlim(-1, 1.02)
    axes.set_xlabel("Spearman correlation, all providers")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=8)
