"""The nearest of many sentences by cosine: exact, and through an HNSW graph for references of millions.

A reference is embedded once, in a stream, and kept in a folder under its address: the sha256 of the model, the
sentences in order and the parameters below. The address belongs into what pins a score; the files behind it are a
cache. Vectors are stored as multiples of 1/``GRID`` in int16: 768 bytes a sentence. Up to ``EXACT`` sentences every
one is compared; above, a graph (Malkov and Yashunin 2018) proposes ``CANDIDATES`` whose cosines are then taken from
the stored vectors. The graph holds float16 copies and 2 x ``LINKS`` neighbours: some 1,040 bytes a sentence, 4.9 GiB
for 5 million while it is built; both files are mapped, not read, when used.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from oracle.errors import EnvironmentFailure
from oracle.quality.embedding import CHUNK, GRID, Vectors, embed
from oracle.quality.minilm import DIMENSIONS, MAX_CHARACTERS, MAX_TOKENS, TOKENIZER_SHA256, WEIGHTS_SHA256

EXACT = 200_000
"""Sentences up to which every one is compared."""
LINKS, BUILD, SEARCH = 32, 128, 512
"""HNSW: M, efConstruction and efSearch."""
CANDIDATES = 4
BLOCK = 8_192
"""Vectors compared at a time: 25 MB in float64, and 64 MB of products with ``QUERIES`` queries."""
QUERIES = 1_024

Places = NDArray[np.int64]
Cosines = NDArray[np.float64]
Stored = NDArray[np.int16]
Progress = Callable[[str, int, int], None]


def nearest(queries: Vectors, vectors: Vectors | Stored) -> tuple[Places, Cosines]:
    """Places (n,) in (m, d) ``vectors`` of the nearest to each of (n, d) ``queries``, and their cosines in float64.

    Of equally near ones the first is taken; -1 and -1.0 where there are no vectors. int16 counts in 1/``GRID``. For
    vectors on the grid the result is exact, whatever the machine.
    """
    places, cosines = np.full(len(queries), -1, dtype=np.int64), np.full(len(queries), -1.0)
    for part, start, products in _products(queries, vectors):
        best = products.argmax(axis=1)
        found = products[np.arange(len(best)), best]
        nearer = found > cosines[part]
        places[part][nearer] = start + best[nearer]
        cosines[part][nearer] = found[nearer]
    return places, cosines


def nearest_cosines(queries: Vectors, vectors: Vectors | Stored, count: int) -> Cosines:
    """(n, min(count, m)) cosines of (n, d) ``queries`` to their ``count`` nearest of (m, d) ``vectors``, ascending."""
    kept = np.full((len(queries), min(count, len(vectors))), -np.inf)
    for part, _, products in _products(queries, vectors):
        together = np.concatenate((kept[part], products), axis=1)
        kept[part] = np.partition(together, products.shape[1], axis=1)[:, products.shape[1] :]
    return np.sort(kept, axis=1)


def _products(queries: Vectors, vectors: Vectors | Stored) -> Iterator[tuple[slice, int, Cosines]]:
    """Inner products of blocks in float64: the queries' slice, the first vector's place, (queries, vectors)."""
    unit = 1 / GRID if vectors.dtype == np.int16 else 1.0
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK].astype(np.float64) * unit
        for first in range(0, len(queries), QUERIES):
            part = slice(first, first + QUERIES)
            yield part, start, queries[part].astype(np.float64) @ block.T


class Reference:
    """Public sentences that can be asked for the nearest one; opened by ``open_reference``."""

    def __init__(self, address: str, sentences: Iterable[str], vectors: Stored, graph: faiss.Index | None) -> None:
        self.address = address
        self._sentences, self._vectors, self._graph = sentences, vectors, graph

    def __len__(self) -> int:
        return len(self._vectors)

    def nearest(self, queries: Vectors) -> tuple[Places, Cosines]:
        """As ``nearest``; above ``EXACT`` sentences the place is the nearest one for about 99 of 100 queries."""
        if self._graph is None:
            return nearest(queries, self._vectors)
        _, candidates = self._graph.search(np.ascontiguousarray(queries, dtype=np.float32), CANDIDATES)
        candidates = np.sort(np.maximum(candidates, 0), axis=1)  # of equally near ones the first; -1 is "no more"
        vectors = self._vectors[candidates].astype(np.float64) / GRID
        cosines = np.einsum("nd,ncd->nc", queries.astype(np.float64), vectors)
        best = cosines.argmax(axis=1)[:, None]
        return np.take_along_axis(candidates, best, 1)[:, 0], np.take_along_axis(cosines, best, 1)[:, 0]

    def sentence(self, place: int) -> str:
        """The wording of one sentence: reads up to it."""
        return next(islice(self._sentences, place, None))


def open_reference(sentences: Iterable[str], folder: Path, *, progress: Progress | None = None) -> Reference:
    """The reference of ``sentences``, from ``folder`` or built into it; a damaged file is noticed and built again.

    Args:
        sentences: read once for the address and once more to embed them: an iterable that starts anew each time.
        folder: the cache; made where it is missing.
        progress: told ("reference", sentences embedded, sentences) and ("index", sentences linked, sentences).

    Raises:
        EnvironmentFailure: the folder cannot be written, or the sentence model is missing or altered.
    """
    address, count = _address(sentences)
    file = folder / f"{address}.int16"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _intact(file):
            _write(file, lambda path: _embed(sentences, count, path, progress))
        size = count * DIMENSIONS
        vectors = np.memmap(file, np.int16, "r")[:size] if size else np.empty(0, dtype=np.int16)
        vectors = vectors.reshape(count, DIMENSIONS)
        if count <= EXACT:
            return Reference(address, sentences, vectors, None)
        file = folder / f"{address}.hnsw"
        if not _intact(file):
            _write(file, lambda path: faiss.write_index(_link(vectors, progress), str(path)))
        return Reference(address, sentences, vectors, faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC))
    except OSError as error:
        hint = "choose a folder that can be written and has room: 1.8 kB a sentence"
        raise EnvironmentFailure(
            f"the index of the reference cannot be kept: {error}", input=str(file), hint=hint
        ) from error


def _address(sentences: Iterable[str]) -> tuple[str, int]:
    digest, count = hashlib.sha256(), 0
    for sentence in sentences:
        content = sentence.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big") + content)
        count += 1
    parts = {
        "weights": WEIGHTS_SHA256,
        "tokenizer": TOKENIZER_SHA256,
        "read": [MAX_CHARACTERS, MAX_TOKENS],
        "grid": GRID,
        "sentences": digest.hexdigest(),
        "exact": EXACT,
        "hnsw": [LINKS, BUILD, SEARCH, CANDIDATES],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest(), count


def _embed(sentences: Iterable[str], count: int, path: Path, progress: Progress | None) -> None:
    """Vectors of the fast path, rounded, one chunk after another."""
    with path.open("wb") as file:
        for done, chunk in _chunks(sentences):
            file.write(np.rint(embed(chunk) * GRID).astype(np.int16).tobytes())
            if progress:
                progress("reference", done, count)


def _chunks(sentences: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    source, done = iter(sentences), 0
    while chunk := list(islice(source, CHUNK)):
        done += len(chunk)
        yield done, chunk


def _link(vectors: Stored, progress: Progress | None) -> faiss.Index:
    """The graph; one thread and faiss' fixed seed, so that the same vectors give the same graph."""
    graph: faiss.Index = faiss.index_factory(DIMENSIONS, f"HNSW{LINKS}_SQfp16", faiss.METRIC_INNER_PRODUCT)
    hnsw = cast(Any, graph).hnsw
    hnsw.efConstruction, hnsw.efSearch = BUILD, SEARCH
    graph.train(np.zeros((1, DIMENSIONS), dtype=np.float32))
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        for start in range(0, len(vectors), BLOCK):
            graph.add(vectors[start : start + BLOCK].astype(np.float32) * np.float32(1 / GRID))
            if progress:
                progress("index", min(start + BLOCK, len(vectors)), len(vectors))
    finally:
        faiss.omp_set_num_threads(threads)
    return graph


def _write(file: Path, make: Callable[[Path], None]) -> None:
    """``make`` a file at another name, end it with its own sha256, and only then give it its name."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    os.close(handle)
    path = Path(name)
    try:
        make(path)
        with path.open("r+b") as made:
            digest = hashlib.file_digest(made, "sha256").digest()
            made.seek(0, os.SEEK_END)
            made.write(digest)
            made.flush()
            os.fsync(made.fileno())
        path.replace(file)
    finally:
        path.unlink(missing_ok=True)


def _intact(file: Path) -> bool:
    """Whether a file is there and ends with the sha256 of what comes before."""
    if not file.exists():
        return False
    left, digest = file.stat().st_size - hashlib.sha256().digest_size, hashlib.sha256()
    with file.open("rb") as content:
        while left > 0 and (part := content.read(min(left, 2**20))):
            digest.update(part)
            left -= len(part)
        return left == 0 and content.read() == digest.digest()
