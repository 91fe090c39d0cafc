"""`mia score` on ever larger files: peak memory of its whole process tree, and seconds, against the limit of 2 GiB.

    .venv/bin/python -m benchmarks.quality.memory [--megabytes 1000] [--plot]

JSON lines of 1/8, 1/4, 1/2 and all of the megabytes are made up (synthetic.py says how) in a temporary folder, which
needs about ten times as much room on disk. Memory is resident memory, summed over the processes, looked at every 50 ms.
--plot writes docs/images/quality-memory.svg. Exits with 1 above the limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.quality.synthetic import write_corpus

LIMIT = 2 * 2**30
PARTS = (8, 4, 2, 1)
PLOT = Path(__file__).parents[2] / "docs/images/quality-memory.svg"


class Run(NamedTuple):
    """One run of `mia score`: megabytes of JSON lines, documents, peak memory in bytes, seconds by the clock."""

    megabytes: float
    documents: int
    memory: int
    seconds: float


def measure(megabytes: float) -> Run:
    """Score a file of this size."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "corpus.jsonl"
        count = write_corpus(file, megabytes)
        command = [sys.executable, "-m", "oracle.cli.main", "score", str(file), "--json"]
        start, memory = time.perf_counter(), 0
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
            while child.poll() is None:
                memory = max(memory, sum(map(_resident, _tree(child.pid))))
                time.sleep(0.05)
            if child.returncode:
                assert child.stderr
                raise SystemExit(f"{' '.join(command)} failed:\n{child.stderr.read().decode()}")
        return Run(megabytes, count, memory, time.perf_counter() - start)


def plot(runs: list[Run]) -> None:
    """Seconds and memory by size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    sizes = [run.megabytes for run in runs]
    left.plot(sizes, [run.seconds for run in runs], "o-")
    left.set(title="mia score, seconds", xlabel="MB of JSON lines", xlim=0, ylim=0)
    right.plot(sizes, [run.memory / 2**20 for run in runs], "o-")
    right.axhline(LIMIT / 2**20, color="grey", linestyle="--")
    right.set(title="peak memory of all processes, MiB", xlabel="MB of JSON lines", xlim=0, ylim=0)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, metadata={"Date": None})


def _tree(process: int) -> list[int]:
    """A process and all below it."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has ended
        return [process]
    return [process, *(below for child in children for below in _tree(child))]


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=1000)
    parser.add_argument("--plot", action="store_true")
    options = parser.parse_args()
    runs = []
    for part in PARTS:
        run = measure(options.megabytes / part)
        runs.append(run)
        print(
            f"{run.megabytes:>7,.0f} MB, {run.documents:>8,} documents: {run.memory / 2**20:>6,.0f} MiB, "
            f"{run.seconds:>6,.0f} s, {run.seconds / run.megabytes:.2f} s/MB",
            flush=True,
        )
    if options.plot:
        plot(runs)
    return int(max(run.memory for run in runs) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
