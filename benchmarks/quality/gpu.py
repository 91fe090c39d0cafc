"""Embedding on a GPU: sentences/s by batch, share of the measured peaks, and what scores lose against a processor.

    .venv/bin/python -m benchmarks.quality.gpu [PATH] [--sentences 200000]

Real sentences (of PATH, else of the packages' documentation), repeated up to the number asked for. Peaks are those of
square matrix products, measured here: bfloat16, float16 (what the fast path multiplies in) and float32 without TF32.
Work counts the word pieces read, not their padding. Exits with 3 where there is no GPU, with 1 when an axis differs by
more than a quantum between audited vectors of GPU and processor.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.quality.sentences import real_sentences
from oracle.quality import minilm
from oracle.quality.diversity import robust_diversity
from oracle.quality.embedding import GRID, Vectors, embed
from oracle.quality.minilm import DIMENSIONS, LAYERS
from oracle.quality.novelty import robust_novelty

BUDGETS = (8_192, 16_384, 32_768, 65_536, 131_072, 262_144)
SIDE = 8_192
DIFFERENT = 20_000
COMPARED = 1_024
SAMPLE = 64
PER_PIECE = 2 * LAYERS * 12 * DIMENSIONS**2
"""Floating-point operations of the dense maps a word piece; attention adds 4 * LAYERS * DIMENSIONS * length."""


def peak(dtype: torch.dtype) -> float:
    """Floating-point operations a second of a product of two (SIDE, SIDE) matrices."""
    left, right = (torch.randn(SIDE, SIDE, device="cuda").to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        torch.cuda.synchronize()
        start = time.perf_counter()
        _ = left @ right
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best


def axes(vectors: Vectors, sentences: list[str]) -> list[tuple[int, int]]:
    """(diversity, novelty) in quanta of samples of ``SAMPLE`` sentences, each after the ones before."""
    scores = []
    for start in range(0, len(vectors), SAMPLE):
        part = slice(start, start + SAMPLE)
        gates = [1.0] * len(vectors[part])
        novelty = robust_novelty(vectors[part], sentences[part], gates, vectors[:start], sentences[:start])
        scores.append((robust_diversity(vectors[part]).value or 0, novelty.value or 0))
    return scores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, help="corpus to take the sentences from")
    parser.add_argument("--sentences", type=int, default=200_000)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing was measured", file=sys.stderr)
        return 3
    torch.backends.cuda.matmul.allow_tf32 = False
    different = real_sentences(arguments.path, DIFFERENT)
    sentences = list(islice(cycle(different), arguments.sentences))
    kinds = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
    peaks = {name: peak(dtype) for name, dtype in kinds.items()}
    print(", ".join([torch.cuda.get_device_name(), *(f"{name} {at / 1e12:.0f} Tflop/s" for name, at in peaks.items())]))

    start = time.perf_counter()
    lengths = minilm.cut(sentences).lengths
    print(f"{len(sentences)} sentences of {lengths.mean():.1f} word pieces; cutting alone {_rate(sentences, start)}")
    work = float(np.sum(lengths * (PER_PIECE + 4 * LAYERS * DIMENSIONS * lengths)))
    for budget in BUDGETS:
        embed(different, batch=budget)  # memory and kernels
        start = time.perf_counter()
        embed(sentences, batch=budget)
        done = work / (time.perf_counter() - start)
        shares = ", ".join(f"{done / value:.1%} of the {name} peak" for name, value in peaks.items())
        print(f"batches of {budget:7,}: {_rate(sentences, start)}, {done / 1e12:.1f} Tflop/s: {shares}")

    few = different[:COMPARED]
    fast = embed(few)
    embed(few, audited=True)
    start = time.perf_counter()
    audited = embed(few, audited=True)
    print(f"audited: {_rate(few, start)}")
    with patch("torch.cuda.is_available", return_value=False):
        processor, specified = embed(few), embed(few, audited=True)
    print(f"fast path against the processor's: coordinates differ by at most {np.abs(fast - processor).max():.1e}")
    moved = int(np.count_nonzero(audited != specified))
    print(f"audited path: {moved} of {audited.size} coordinates on another multiple of 1/{GRID}")
    difference = np.zeros(2, dtype=int)
    for name, vectors, other in (("fast", fast, processor), ("audited", audited, specified)):
        difference = np.abs(np.array(axes(vectors, few)) - np.array(axes(other, few))).max(axis=0)
        print(f"{name}: diversity and novelty of {SAMPLE} sentences differ by at most {difference} quanta of 1e-4")
    return 1 if difference.max() > 1 else 0


def _rate(sentences: list[str], start: float) -> str:
    return f"{len(sentences) / (time.perf_counter() - start):,.0f} sentences/s"


if __name__ == "__main__":
    sys.exit(main())
