"""All words of a market as hashes on disk: what copies are searched in, without holding any text.

Texts are hashed in batches, because thousands of short ones cost as much as one long one, and long ones in pieces.
Memory is some 30 bytes a text.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.plain import plain
from oracle.corpus.scratch import Column
from oracle.corpus.tokens import MARK, cut, pieces
from oracle.corpus.words import Hashes, token_hashes

Counts = NDArray[np.int64]
T = TypeVar("T")

BLOCK = 2**20  # words that are worked on at once
_BATCH = 2**17  # characters
_BETWEEN = "\udfff"  # a lone surrogate: it counts as space, and no text that was ever decoded holds one


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive texts less exact copies: their ``places``, numbers of words and ``words``, end to end."""

    places: Counts
    sizes: Counts
    words: Hashes


class WordFile:
    """Word hashes of texts, in order.

    ``sizes`` and ``tokens`` (n,) are the numbers of words and tokens of every text; ``twins`` (n,) the first text with
    the same words in the same order (those without words compare by their plain characters), itself if there is none.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = Column(np.uint64)
        sizes, tokens, prints = array("q"), array("q"), bytearray()
        for batch in batches(texts, len):
            words, size, count = hash_texts(batch)
            self._words.append(words)
            sizes.extend(size.tolist())
            tokens.extend(count.tolist())
            edges = np.concatenate(([0], np.cumsum(size))).tolist()
            for text, (start, end) in zip(batch, pairwise(edges), strict=True):
                prints += _fingerprint(words[start:end], text)
        self.sizes: Counts = np.frombuffer(sizes, dtype=np.int64)
        self.tokens: Counts = np.frombuffer(tokens, dtype=np.int64)
        self.twins = _twins(prints)
        self._starts = np.concatenate(([0], np.cumsum(self.sizes)))
        begin = np.flatnonzero(np.diff(self._starts[:-1] // BLOCK)) + 1
        self.edges: Counts = np.concatenate(([0], begin, [len(self.sizes)])) if len(self.sizes) else np.zeros(1, int)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, place: int) -> Hashes:
        return self._words[int(self._starts[place]) : int(self._starts[place + 1])]

    def block(self, number: int) -> Block:
        """The texts from ``edges[number]`` to ``edges[number + 1]``: those that begin in the same ``BLOCK`` words."""
        start, stop = int(self.edges[number]), int(self.edges[number + 1])
        places = np.arange(start, stop)
        own = self.twins[start:stop] == places
        words = self._words[int(self._starts[start]) : int(self._starts[stop])]
        sizes = self.sizes[start:stop]
        return Block(places[own], sizes[own], words[np.repeat(own, sizes)])


def hash_texts(texts: Sequence[str]) -> tuple[Hashes, Counts, Counts]:
    """The words of all texts end to end, and (n,) words and (n,) tokens of each."""
    joined = _BETWEEN.join(texts)
    if len(joined) <= 2 * _BATCH:
        joined = plain(joined)
    if len(joined) > 2 * _BATCH or joined.count(_BETWEEN) != len(texts) - 1:
        parts = [hash_text(text) for text in texts]
        counts = np.array([(len(words), tokens) for words, tokens in parts], dtype=np.int64)
        return np.concatenate([words for words, _ in parts]), counts[:, 0], counts[:, 1]
    tokens = cut(joined)
    between = np.searchsorted(tokens.starts, np.flatnonzero(tokens.points == ord(_BETWEEN)))
    edges = np.concatenate(([0], between, [len(tokens.starts)]))
    words = tokens.kinds != MARK
    before = np.concatenate(([0], np.cumsum(words)))
    return token_hashes(tokens)[words], np.diff(before[edges]), np.diff(edges)


def hash_text(text: str) -> tuple[Hashes, int]:
    """The words of a text of any length, and its number of tokens."""
    parts, count = [], 0
    for tokens in pieces(text):
        parts.append(token_hashes(tokens)[tokens.kinds != MARK])
        count += len(tokens.starts)
    return np.concatenate(parts), count


def batches(items: Iterable[T], length: Callable[[T], int]) -> Iterator[list[T]]:
    """Consecutive texts, or what has a text of ``length`` characters: as many as are hashed together."""
    batch: list[T] = []
    size = 0
    for item in items:
        if batch and size + length(item) > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length(item) + 1
    if batch:
        yield batch


def _fingerprint(words: Hashes, text: str) -> bytes:
    data = words.data if len(words) else plain(text).strip().encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=16).digest()


def _twins(prints: bytearray) -> Counts:
    """(n,) place of the first of the 16-byte fingerprints that equals each."""
    halves = np.frombuffer(prints, dtype=np.uint64).reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    ordered = halves[order]
    head = np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1)))[: len(order)]
    twins = np.empty(len(order), dtype=np.int64)
    twins[order] = order[head][np.cumsum(head) - 1] if len(order) else order
    return twins
