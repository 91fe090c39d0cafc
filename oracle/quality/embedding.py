"""Sentence embeddings, on a fast path (screening, previews) and an audited one (what is attested).

Fast: float32 through ONNX Runtime on a processor, float16 through torch on a GPU; sentences sorted by length go in
batches of at most ``batch`` word pieces, padded to the longest of the batch. The last bits depend on the machine.

Audited: the same weights in float64. A sentence is read up to ``MAX_CHARACTERS`` and ``MAX_TOKENS`` word pieces and
never padded: a batch holds sentences of one and the same number of word pieces, in the order given, at most ``batch``
word pieces together (at least one sentence), so that no mask takes part. Every coordinate is then rounded to the
nearest multiple of 1/``GRID``, half to even. What threads, batches and processors change is around 1e-15, so that
rounding gives everybody the same integers; products and sums of them are exact in float64.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from oracle.quality import minilm_onnx
from oracle.quality.minilm import (
    DIMENSIONS,
    MAX_CHARACTERS,
    MAX_TOKENS,
    MODEL,
    TOKENIZER_SHA256,
    WEIGHTS_SHA256,
    Pieces,
    cut,
)
from oracle.quality.minilm_torch import network

__all__ = [
    "BATCH",
    "DIMENSIONS",
    "GRID",
    "MAX_CHARACTERS",
    "MAX_TOKENS",
    "MODEL",
    "TOKENIZER_SHA256",
    "WEIGHTS_SHA256",
    "embed",
]

BATCH = 512
"""Word pieces a batch holds at most, padding included."""
GPU_BATCH = 65_536
CHUNK = 16_384
"""Sentences cut into word pieces and sorted at a time: bounds memory, and feeds a GPU while the next chunk is cut."""
GRID = 2**14

Vectors = NDArray[np.float32]
Places = NDArray[np.int64]


def embed(
    sentences: Sequence[str],
    *,
    audited: bool = False,
    batch: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Vectors:
    """(n, 384) unit vectors of ``sentences``, in order.

    Args:
        sentences: any text; what is beyond ``MAX_CHARACTERS`` or ``MAX_TOKENS`` word pieces is not read.
        audited: float64, rounded to multiples of 1/``GRID`` (exact in float32; lengths are 1 within 1e-3).
        batch: word pieces a batch; None: ``BATCH``, and ``GPU_BATCH`` on the fast path of a GPU.
        progress: told ("embeddings", sentences done, sentences).

    Raises:
        EnvironmentFailure: the packaged model is missing or its files are not the pinned ones.
    """
    gpu = torch.cuda.is_available()
    run = _audited if audited else _half if gpu else _fast
    budget = batch or (GPU_BATCH if gpu and not audited else BATCH)
    result = np.empty((len(sentences), DIMENSIONS), dtype=np.float32)
    for start, pieces in _chunks(sentences):
        done = start
        batches = _equal(pieces, budget) if audited else _sorted(pieces, budget)
        for places, vectors in run(pieces, batches):
            result[start + places] = vectors
            done += len(places)
            if progress:
                progress("embeddings", done, len(sentences))
    return result


def _chunks(sentences: Sequence[str]) -> Iterator[tuple[int, Pieces]]:
    """Word pieces of ``CHUNK`` sentences after another; the next chunk is cut while one is in use."""
    starts = range(0, len(sentences), CHUNK)
    with ThreadPoolExecutor(1) as ahead:
        coming = [ahead.submit(cut, sentences[start : start + CHUNK]) for start in starts[:1]]
        for start in starts:
            pieces = coming.pop().result()
            if start + CHUNK < len(sentences):
                coming.append(ahead.submit(cut, sentences[start + CHUNK : start + 2 * CHUNK]))
            yield start, pieces


def _sorted(pieces: Pieces, budget: int) -> list[Places]:
    """Places from short to long sentences, cut so that count x longest stays within ``budget``."""
    order = np.argsort(pieces.lengths, kind="stable")
    batches, begin = [], 0
    for end, length in enumerate(pieces.lengths[order].tolist()):
        if begin < end and (end - begin + 1) * length > budget:
            batches.append(order[begin:end])
            begin = end
    return [*batches, order[begin:]]


def _equal(pieces: Pieces, budget: int) -> list[Places]:
    """Places of sentences of equal length, in order, within ``budget``."""
    batches = []
    for length in np.unique(pieces.lengths).tolist():
        places = np.flatnonzero(pieces.lengths == length)
        count = max(1, budget // length)
        batches += [places[begin : begin + count] for begin in range(0, len(places), count)]
    return batches


def _fast(pieces: Pieces, batches: list[Places]) -> Iterator[tuple[Places, Vectors]]:
    """One batch per core at a time; as many cores as torch may use (OMP_NUM_THREADS, torch.set_num_threads)."""
    model = minilm_onnx.network()

    def one(places: Places) -> Vectors:
        return model(pieces.padded(places), pieces.lengths[places])

    with ThreadPoolExecutor(min(torch.get_num_threads(), os.cpu_count() or 1)) as cores:
        yield from zip(batches, cores.map(one, batches), strict=True)


def _half(pieces: Pieces, batches: list[Places]) -> Iterator[tuple[Places, Vectors]]:
    """Every batch is sent before the first result is awaited: the GPU never waits for this process."""
    model = network(torch.float16, "cuda")
    sent = [
        (places, model(torch.from_numpy(pieces.padded(places)), torch.from_numpy(pieces.lengths[places])))
        for places in batches
    ]
    for places, vectors in sent:
        yield places, vectors.cpu().numpy()


def _audited(pieces: Pieces, batches: list[Places]) -> Iterator[tuple[Places, Vectors]]:
    model = network(torch.float64, "cuda" if torch.cuda.is_available() else "cpu")
    for places in batches:
        vectors = model(torch.from_numpy(pieces.padded(places))).cpu().numpy()
        yield places, (np.rint(vectors * GRID) / GRID).astype(np.float32)
