"""What the default estimator costs beside a plain fine-tune on the same data: over tokens, providers and parameters.

    .venv/bin/python -m benchmarks.influence.cost [--json FILE] [--plot FILE] [--rounds 3]

Random models and random windows (what they say costs nothing), one thread, every run in a fresh process, the fastest of
the rounds. The fine-tune is that of ``benchmarks.influence.truth``: torch's AdamW and one look at the validation loss.
CPU seconds are without loading; memory is the peak of the process, what it had before the run told apart.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models

from benchmarks.influence.subject import Subject
from benchmarks.influence.truth import retrain
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, reproducible
from oracle.influence.gpt import GPT, Architecture
from oracle.influence.job import Job
from oracle.influence.sequences import Windows
from oracle.influence.settled import Settled
from oracle.influence.spec import InfluenceSpec

RUNS = ("fine-tune", "settled")
VALIDATION = 256  # windows


@dataclass(frozen=True)
class Size:
    """A job: ``windows`` of every provider, each as long as the default context; width and layers of the model."""

    providers: int = 16
    windows: int = 32
    width: int = 128
    layers: int = 2


@dataclass(frozen=True)
class Measured:
    """CPU seconds; resident bytes before the run and at its peak; parameters and training tokens."""

    seconds: float
    before: int
    peak: int
    parameters: int
    tokens: int


CURVES = {
    "tokens": [Size(windows=windows) for windows in (8, 16, 32, 64, 128)],
    "providers": [Size(providers=count, windows=1024 // count) for count in (4, 16, 64, 256)],
    "parameters": [Size(width=width, layers=layers) for width, layers in ((64, 2), (128, 2), (192, 4), (256, 6))],
}


def measure(run: str, size: Size, rounds: int = 1) -> Measured:
    """The fastest of so many runs, each in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.influence.cost", "--child", json.dumps([run, asdict(size)])]
    found = []
    for _ in range(rounds):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        found.append(Measured(**json.loads(done.stdout)))
    return min(found, key=lambda one: one.seconds)


def child(run: str, size: Size) -> Measured:
    """One run in this process."""
    torch.set_num_threads(1)
    shape = Architecture(width=size.width, layers=size.layers)
    model = GPT(shape).initialise(0)
    base = BaseModel(model, Tokenizer(models.BPE()), shape.vocabulary - 1, shape.context, "", {})
    source = torch.Generator().manual_seed(0)

    def text(count: int) -> Windows:
        tokens = torch.randint(shape.vocabulary, (count, shape.context + 1), generator=source)
        return Windows(tokens[:, :-1], tokens[:, 1:].contiguous())

    data = tuple(text(size.windows) for _ in range(size.providers))
    validation = text(VALIDATION)
    before = peak()
    started = time.process_time()
    if run == "fine-tune":
        names = tuple(map(str, range(size.providers)))
        subject = Subject(base, names, (True,) * size.providers, data, validation, ())
        retrain(subject, tuple(range(size.providers)), 1)
    else:
        with reproducible():
            Settled().estimate(Job(base, data, validation, InfluenceSpec(), 1, Compute(torch.device("cpu"))))
    seconds = time.process_time() - started
    return Measured(seconds, before, peak(), base.parameters, sum(own.tokens for own in data))


def peak() -> int:
    """Most resident memory of this process so far, bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """CPU seconds above, memory that the run took below; one column a curve."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "mixed-mia"  # the same figures give the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(CURVES), figsize=(11, 6), layout="constrained")
    for column, curve in enumerate(CURVES):
        own = [row for row in rows if row["curve"] == curve]
        for run, colour in zip(RUNS, ("#777777", "#1b6ca8"), strict=True):
            here = [row for row in own if row["run"] == run]
            places = [row["at"] for row in here]
            memory = [(row["peak"] - row["before"]) / 2**20 for row in here]
            axes[0, column].loglog(places, [row["seconds"] for row in here], "o-", color=colour, label=run)
            axes[1, column].semilogx(places, memory, "o-", color=colour, label=run)
        axes[0, column].set_title(f"CPU seconds by {curve}", fontsize=10)
        axes[1, column].set(title=f"MiB by {curve}", xlabel=f"{'training ' if curve == 'tokens' else ''}{curve}")
        axes[1, column].set_ylim(0)
    axes[0, 0].legend(frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run, size = json.loads(options.child)
        print(json.dumps(asdict(child(run, Size(**size)))))
        return 0
    rows: list[dict[str, Any]] = []
    print(f"{'':<12}{'':>12}{'fine-tune':>12}{'settled':>10}{'ratio':>8}{'MiB':>14}{'MiB':>10}")
    for curve, sizes in CURVES.items():
        for size in sizes:
            plain, ours = (measure(run, size, options.rounds) for run in RUNS)
            at = {"tokens": plain.tokens, "providers": size.providers, "parameters": plain.parameters}[curve]
            rows += [
                {"curve": curve, "at": at, "run": run, **asdict(size), **asdict(one)}
                for run, one in zip(RUNS, (plain, ours), strict=True)
            ]
            memory = [(one.peak - one.before) / 2**20 for one in (plain, ours)]
            print(
                f"{curve:<12}{at:>12,}{plain.seconds:>10.2f} s{ours.seconds:>8.2f} s"
                f"{ours.seconds / plain.seconds:>8.2f}{memory[0]:>14.0f}{memory[1]:>10.0f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if options.plot:
        draw(rows, options.plot)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
