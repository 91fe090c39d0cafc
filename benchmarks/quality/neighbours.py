"""Nearest neighbours: the HNSW graph of a large reference against exact search; recall, speed and memory.

    .venv/bin/python -m benchmarks.quality.neighbours [PATH] [--vectors 250000] [--queries 1000]

Vectors lie between those of three real sentences each (of PATH, else of the packages' documentation), with noise, so
that they crowd as sentences do; queries are made the same way. One core. Exits with 1 below a recall of 0.99.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np
import torch

from benchmarks.quality.sentences import real_sentences
from oracle.quality import neighbours
from oracle.quality.embedding import DIMENSIONS, GRID, Vectors, embed
from oracle.quality.neighbours import Reference, Stored, nearest

RECALL = 0.99
REAL = 1_500
LARGEST = 5_000_000
BLOCK = 10_000


def mixtures(real: Vectors, count: int, draw: np.random.Generator) -> Stored:
    """(count, d) unit vectors near real ones, in 1/``GRID``."""
    blocks = []
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        weights = draw.dirichlet([0.6] * 3, size).astype(np.float32)
        block = np.einsum("nk,nkd->nd", weights, real[draw.integers(0, len(real), (size, 3))])
        block += draw.normal(0, 0.35 / DIMENSIONS**0.5, block.shape).astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        blocks.append(np.rint(block * GRID).astype(np.int16))
    return np.concatenate(blocks)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, help="corpus to take the sentences from")
    parser.add_argument("--vectors", type=int, default=250_000)
    parser.add_argument("--queries", type=int, default=1_000)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)

    draw = np.random.default_rng(0)
    real = embed(real_sentences(arguments.path, REAL))
    stored = mixtures(real, arguments.vectors, draw)
    queries = mixtures(real, arguments.queries, draw).astype(np.float32) / np.float32(GRID)
    start = time.process_time()
    expected, cosines = nearest(queries, stored)
    speed = len(queries) / (time.process_time() - start)
    low, middle, high = np.quantile(cosines, (0.05, 0.5, 0.95))
    print(
        f"exact: {speed:.0f} queries/s on {len(stored):,} vectors; nearest at cosine {low:.2f} {middle:.2f} {high:.2f}"
    )

    start = time.process_time()
    graph = neighbours._link(stored, None)
    seconds = time.process_time() - start
    with tempfile.NamedTemporaryFile() as file:
        faiss.write_index(graph, file.name)
        size = Path(file.name).stat().st_size / len(stored)
    print(f"graph: built in {seconds:.0f} s ({len(stored) / seconds:.0f} vectors/s)")
    print(
        f"       {size:.0f} bytes a vector, {size * LARGEST / 2**30:.2f} GiB for {LARGEST:,} (held while it is built)"
    )
    print(f"       beside {stored[0].nbytes} bytes a vector on disk, {stored[0].nbytes * LARGEST / 2**30:.2f} GiB")
    reference = Reference("", [], stored, graph)
    start = time.process_time()
    places, found = reference.nearest(queries)
    seconds = time.process_time() - start
    recall = float(np.mean(places == expected))
    print(f"       recall {recall:.4f} (goal {RECALL}), {len(queries) / seconds:.0f} queries/s")
    print(f"       mean cosine lost {np.mean(cosines - found):.1e}, largest {np.max(cosines - found):.2f}")
    return 0 if recall >= RECALL else 1


if __name__ == "__main__":
    sys.exit(main())
