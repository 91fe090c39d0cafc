"""Runs of words, and for every run of a market the first text that has it.

Which text was first is found by sorting all runs, a partition of them at a time: every run goes to disk under the top
bits of its hash, each partition is sorted in memory, and what turns out to be repeated goes to disk under the block of
texts in which it is asked for. Memory does not grow with the market; time grows linearly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.scratch import Column, Partitions
from oracle.corpus.wordfile import BLOCK, Counts, WordFile, hash_text
from oracle.corpus.words import Hashes, mix, shingles, sorted_distinct

PUBLIC = -1
NOBODY = np.iinfo(np.int64).max
_CHUNK = 2**20  # characters of public text


def runs(words: Hashes, sizes: Counts, size: int) -> Hashes:
    """Hashes of all runs of ``size`` words of texts laid end to end; a shorter text is one run, its length mixed in."""
    at, _ = _places(sizes, size)
    whole = shingles(words, size)
    values = np.zeros(len(words), dtype=np.uint64)
    values[: len(whole)] = whole
    starts = np.cumsum(sizes) - sizes
    for short in range(1, size):
        begin = starts[sizes == short]
        if len(begin):
            gathered = words[(begin[:, None] + np.arange(short)).ravel()]
            values[begin] = mix(shingles(gathered, short)[::short] + np.uint64(short))
    return values[at]


def run_counts(sizes: Counts, size: int) -> Counts:
    """(n,) number of runs of texts of these numbers of words."""
    counts: Counts = np.maximum(sizes - size + 1, np.minimum(sizes, 1))
    return counts


def spread(marked: NDArray[np.bool_], sizes: Counts, size: int) -> NDArray[np.bool_]:
    """(w,) the words that lie in a marked run, for texts laid end to end."""
    at, lengths = _places(sizes, size)
    change = np.zeros(int(sizes.sum()) + 1, dtype=np.int32)
    change[at] += marked
    change[at + lengths] -= marked
    return np.cumsum(change[:-1]) > 0


def member(values: Hashes, sorted_set: Hashes) -> NDArray[np.bool_]:
    """(n,) which values the set holds."""
    if not len(sorted_set):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(sorted_set, values), len(sorted_set) - 1)
    found: NDArray[np.bool_] = sorted_set[at] == values
    return found


class Origins:
    """For every run of ``size`` words of every text that is no exact copy: the first text that has it."""

    def __init__(self, words: WordFile, size: int, public: Iterable[str]) -> None:
        counts = np.where(words.twins == np.arange(len(words)), run_counts(words.sizes, size), 0)
        self._starts: Counts = np.concatenate(([0], np.cumsum(counts)))
        self._edges = words.edges
        self._latest: tuple[int, Counts] = (-1, np.zeros(0, dtype=np.int64))
        known = _public_runs(public, size)
        bits = max(0, (int(self._starts[-1]) + len(known)) // BLOCK).bit_length()
        partitions = Partitions(1 << bits, width=2)
        for number in range(len(words.edges) - 1):
            block = words.block(number)
            values = runs(block.words, block.sizes, size)
            at = np.arange(len(values), dtype=np.uint64) + np.uint64(self._starts[words.edges[number]])
            partitions.add(_top(values, bits), values, at)
        public_partitions = Partitions(1 << bits)
        for values in known.pieces(BLOCK):
            public_partitions.add(_top(values, bits), values)
        self._repeated = Partitions(max(1, len(words.edges) - 1), width=2)
        for part in range(1 << bits):
            values, at = partitions.read(part)
            self._find(values, at, sorted_distinct(public_partitions.read(part)))

    def block(self, number: int) -> Counts:
        """(r,) for every run of a block's texts, end to end: the first text, ``PUBLIC``, or ``NOBODY`` before it."""
        if self._latest[0] == number:
            return self._latest[1]
        start, stop = (int(self._starts[edge]) for edge in self._edges[number : number + 2])
        first = np.full(stop - start, NOBODY)
        at, origin = self._repeated.read(number)
        first[at.astype(np.int64) - start] = origin.astype(np.int64) + PUBLIC
        self._latest = number, first
        return first

    def text(self, place: int) -> Counts:
        """The same for the runs of one text; quick where texts are asked for in order."""
        number = int(np.searchsorted(self._edges, place, "right")) - 1
        start, stop = self._starts[place : place + 2] - self._starts[self._edges[number]]
        return self.block(number)[start:stop]

    def _find(self, values: Hashes, at: NDArray[np.uint64], known: Hashes) -> None:
        """File the runs of one partition that an earlier text or public text has; ``at`` ascends."""
        if not len(values):
            return
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        head = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        is_public = member(ordered[head], known)
        group = np.cumsum(head) - 1
        repeated = ~head | is_public[group]
        mine = at[order[repeated]].astype(np.int64)
        group = group[repeated]
        origin = np.where(is_public[group], PUBLIC, self._text(at[order[head]][group].astype(np.int64)))
        text = self._text(mine)
        earlier = origin < text
        block = np.searchsorted(self._edges, text[earlier], "right") - 1
        filed = (origin[earlier] - PUBLIC).astype(np.uint64)
        self._repeated.add(block, mine[earlier].astype(np.uint64), filed)

    def _text(self, run: Counts) -> Counts:
        return np.searchsorted(self._starts, run, "right") - 1


def _places(sizes: Counts, size: int) -> tuple[Counts, Counts]:
    """Where the runs of texts laid end to end begin, and how many words each has."""
    ends = np.cumsum(sizes)
    left = np.repeat(ends, sizes) - np.arange(int(sizes.sum()))
    begins = left >= size
    begins[(ends - sizes)[(sizes > 0) & (sizes < size)]] = True
    at = np.flatnonzero(begins)
    return at, np.minimum(left[at], size)


def _public_runs(public: Iterable[str], size: int) -> Column:
    """Runs of public texts, joined into chunks: single sentences are too small to hash one by one."""
    found = Column(np.uint64)
    chunk: list[str] = []
    length = 0

    def flush() -> None:
        words, _ = hash_text("\n".join(chunk))
        found.append(runs(words, np.array([len(words)]), size))

    for text in public:
        chunk.append(text)
        length += len(text)
        if length > _CHUNK:
            flush()
            chunk, length = [], 0
    flush()
    return found


def _top(values: Hashes, bits: int) -> NDArray[np.int64]:
    return ((values >> np.uint64(1)) >> np.uint64(63 - bits)).astype(np.int64)
