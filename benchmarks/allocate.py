"""`mia allocate` on large files: seconds of one core beyond start-up, and memory, against their limits.

    .venv/bin/python -m benchmarks.allocate [--rule RULE]

The file carries weights; the command is run whole, from the file to the document. Start-up is the same command on one
bid. Each size is run three times on one core and the quickest run counts. The figure is processor time, which is wall
time where nobody else wants the core; the wall time is told beside it. Exits with 1 when a ratio is above 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

LIMITS = {100_000: 2.0, 1_000_000: 20.0}
"""Seconds by number of bids."""
RUNS = 3


class Run(NamedTuple):
    """One process: seconds of processor time, seconds by the clock, and its peak memory in KiB."""

    processor: float
    wall: float
    memory: int


def write_market(file: Path, n: int) -> None:
    """Costs and weights uniform; the budget buys about two thirds of the bids."""
    rng = Random(n)
    costs = [rng.randrange(1, 10**9) for _ in range(n)]
    bids = [{"id": f"provider-{i}", "bid": cost, "weight": str(rng.randrange(10**18))} for i, cost in enumerate(costs)]
    terms = {"budget": sum(costs), "utility_pool": sum(costs), "liquidity": str(8 * 10**17)}
    limits = {"reserve": str(2**127), "cap": 10**9}
    file.write_text(json.dumps(terms | limits | {"bids": bids}), "utf-8")


def measure(file: Path, rule: str) -> Run:
    """The quickest of a few runs."""
    command = [sys.executable, "-m", "oracle.cli.main", "allocate", str(file), "--rule", rule, "--json"]
    runs = []
    for _ in range(RUNS):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        runs.append(Run(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss))
        if status:
            raise SystemExit(f"{' '.join(command)} failed")
    return min(runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rule", choices=("clearing", "paper", "cheapest"), default="clearing")
    rule = parser.parse_args().rule
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "market.json"
        write_market(file, 1)
        base = measure(file, rule)
        print(f"start-up {base.processor:.2f} s, {base.memory // 1024} MiB")
        for n, limit in LIMITS.items():
            write_market(file, n)
            run = measure(file, rule)
            seconds, wall = run.processor - base.processor, run.wall - base.wall
            worst = max(worst, seconds / limit)
            each = 1024 * (run.memory - base.memory) / n
            print(
                f"{n:>9,} bids: {seconds:6.2f} s (wall {wall:.2f} s), {seconds / limit:.2f} of the limit; "
                f"{each:,.0f} bytes a bid"
            )
    return int(worst > 1)


if __name__ == "__main__":
    sys.exit(main())
