"""Embedding on one core: our fast path against `SentenceTransformer.encode()` as it comes, and the audited path.

    .venv/bin/python -m benchmarks.quality.embedding [PATH] [--sentences 600] [--budgets]

The sentences are real ones: of PATH (anything that `mia score` reads), else of the packages' documentation. Both run in
this process on the same core, in turns, three times, and the quickest turn of each counts, in processor time; the
audited path is measured on a tenth of them. --budgets tries other numbers of word pieces a batch. Exits with 1 when the
ratio is below 2 or a vector's coordinate differs by more than 1e-5.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.quality.sentences import real_sentences
from oracle.quality import minilm
from oracle.quality.embedding import BATCH, GRID, Vectors, embed

RATIO, DIFFERENCE = 2.0, 1e-5
TURNS = 3
BUDGETS = (256, 512, 1024, 2048)


def quickest(runs: dict[str, Callable[[], Vectors]]) -> dict[str, tuple[float, Vectors]]:
    """Processor seconds of the quickest turn of each, and its vectors."""
    best: dict[str, tuple[float, Vectors]] = {}
    for _ in range(TURNS):
        for name, run in runs.items():
            start = time.process_time()
            vectors = run()
            seconds = time.process_time() - start
            if name not in best or seconds < best[name][0]:
                best[name] = seconds, vectors
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, help="corpus to take the sentences from")
    parser.add_argument("--sentences", type=int, default=600)
    parser.add_argument("--budgets", action="store_true", help="also try other numbers of word pieces a batch")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer

    sentences = real_sentences(arguments.path, arguments.sentences)
    lengths = minilm.cut(sentences).lengths
    print(f"{len(sentences)} sentences of {lengths.mean():.1f} word pieces, {np.mean(lengths >= 256):.1%} cut at 256")
    model = SentenceTransformer(str(minilm.folder()), device="cpu")
    few = sentences[: max(1, len(sentences) // 10)]
    runs: dict[str, Callable[[], Vectors]] = {
        "SentenceTransformer.encode()": lambda: model.encode(sentences, show_progress_bar=False),
        "fast": lambda: embed(sentences),
        "audited": lambda: embed(few, audited=True),
    }
    for budget in BUDGETS if arguments.budgets else ():
        runs[f"fast, {budget} word pieces"] = lambda budget=budget: embed(sentences, batch=budget)  # type: ignore[misc]
    for run in (lambda: model.encode(few), lambda: embed(few), lambda: embed(few, audited=True)):
        run()  # builds what is built once
    best = quickest(runs)
    for name, (seconds, vectors) in best.items():
        print(f"{name:30} {len(vectors) / seconds:8.1f} sentences/s")
    (theirs, expected), (ours, vectors) = best["SentenceTransformer.encode()"], best["fast"]
    ratio, difference = theirs / ours, float(np.abs(vectors - expected).max())
    rounded = float(np.abs(best["audited"][1] - expected[: len(few)]).max())
    print(f"ratio {ratio:.2f} (goal {RATIO}), largest difference {difference:.1e} (goal {DIFFERENCE:.0e})")
    print(f"audited: {rounded:.1e}, of which rounding {0.5 / GRID:.1e}; batches of {BATCH} word pieces")
    return 0 if ratio >= RATIO and difference <= DIFFERENCE else 1


if __name__ == "__main__":
    sys.exit(main())
