"""Near duplicates: MinHash signatures propose pairs, the shingle sets themselves decide.

126 permutations in 42 bands of 3 propose a pair of Jaccard index .55 with probability .9995; an unlucky proposal is
never believed, because the true index is computed for the ``_TRIED`` most similar signatures. Band keys are grouped on
disk, one band at a time, before any pair is looked at: a document that shares no band with another, as most do in
natural text, costs nothing more, and memory holds only who was kept in each shared band (at most 184 bytes a document).
What a document is compared with is read but once in full: then only its set counts, and a set of another size is not
looked at, so that short documents that propose long ones again and again cost no more than they are long.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from oracle.corpus.runs import runs
from oracle.corpus.scratch import Column, Partitions
from oracle.corpus.wordfile import Counts
from oracle.corpus.words import Hashes, shingles, sorted_distinct

SHINGLE = 2
_PERMUTATIONS = 126
_BANDS = 42
_SEED = 20240607
_TRIED = 8
_BUCKET = 64  # a band shared by more kept documents than this is a template: its newest are enough to propose
_ROWS = 2**13  # documents whose signatures or buckets are in memory at once


class NearDuplicates:
    """Greedy near-duplicate search: each document against the earlier ones that repeat nothing themselves."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._keys = Partitions(_BANDS)
        self._places: list[Counts] = []

    def add(self, places: Counts, sizes: Counts, words: Hashes) -> None:
        """Later documents, laid end to end; those of less than ``SHINGLE`` words are near to nothing."""
        starts = np.concatenate(([0], np.cumsum(sizes)))
        for at in range(0, len(places), _ROWS):
            end = min(at + _ROWS, len(places))
            self._add(places[at:end], sizes[at:end], words[starts[at] : starts[end]])

    def matches(self, words: Callable[[int], Hashes]) -> tuple[Counts, Counts]:
        """(d,) the documents that nearly repeat a kept one, and (d,) which; ``words`` gives those of a document."""
        places = np.concatenate(self._places) if self._places else np.zeros(0, dtype=np.int64)
        buckets, room = self._buckets(len(places))
        kept = np.zeros(room, dtype=np.int32)
        found, repeated = array("q"), array("q")
        sets = _Sets(places, words)
        for part in range(len(buckets)):
            table = buckets.read(part)[0].reshape(_BANDS, -1).astype(np.int64)
            for column in np.flatnonzero(table.any(axis=0)).tolist():
                row = part * _ROWS + column
                shared = table[:, column]
                shared = shared[shared > 0]
                rivals = self._proposed(kept, shared)
                match = self._match(sets, row, rivals.tolist()) if len(rivals) else None
                if match is None:
                    count = kept[shared]
                    kept[shared + 1 + count % _BUCKET] = row
                    kept[shared] = count + 1
                else:
                    found.append(int(places[row]))
                    repeated.append(int(places[match]))
        return np.frombuffer(found, dtype=np.int64), np.frombuffer(repeated, dtype=np.int64)

    def _add(self, places: Counts, sizes: Counts, words: Hashes) -> None:
        enough = sizes >= SHINGLE
        if enough.any():
            keys = _band_keys(_signatures(words[np.repeat(enough, sizes)], sizes[enough]))
            self._keys.add(np.repeat(np.arange(_BANDS), len(keys)), keys.T.ravel())
            self._places.append(places[enough])

    def _buckets(self, total: int) -> tuple[Partitions, int]:
        """Per document and band a bucket, 0 where it is alone in it; and how much room all buckets take.

        A bucket is named by where it begins: its number of kept documents, then the newest ``_BUCKET`` of them.
        """
        buckets = Partitions(-(-total // _ROWS))
        part = np.arange(total) // _ROWS
        used = 1
        for band in range(_BANDS if total else 0):
            (keys,) = self._keys.read(band)
            order = np.argsort(keys, kind="stable")
            ordered = keys[order]
            head = np.concatenate(([True], ordered[1:] != ordered[:-1]))
            del keys, ordered  # as long as the market: there is no room to waste
            sizes = np.diff(np.append(np.flatnonzero(head), total))
            room = np.where(sizes > 1, np.minimum(sizes, _BUCKET) + 1, 0)
            begin = np.where(sizes > 1, used + np.cumsum(room) - room, 0)
            bucket = np.empty(total, dtype=np.uint64)
            bucket[order] = begin[np.cumsum(head) - 1]
            buckets.add(part, bucket)
            used += int(room.sum())
        return buckets, used

    def _proposed(self, kept: NDArray[np.int32], shared: Counts) -> NDArray[np.int32]:
        """The kept documents that share most buckets, at most ``_TRIED``, earlier ones first among equals."""
        filled = np.minimum(kept[shared], _BUCKET)
        begins = (shared + 1).tolist()
        votes = [kept[at : at + size] for at, size in zip(begins, filled.tolist(), strict=True) if size]
        if not votes:
            return kept[:0]
        candidates, counts = np.unique(np.concatenate(votes), return_counts=True)
        return candidates[np.argsort(-counts, kind="stable")[:_TRIED]]

    def _match(self, sets: _Sets, row: int, rivals: list[int]) -> int | None:
        own = sets.made(row)
        alike = (rival for rival in rivals if _reachable(len(own), sets.size(rival)) >= self._threshold)
        return next((rival for rival in alike if jaccard(own, sets[rival]) >= self._threshold), None)


class _Sets:
    """Sets of shingles, on disk from when a document is first compared with; ``places`` are those of its rows."""

    def __init__(self, places: Counts, words: Callable[[int], Hashes]) -> None:
        self._places = places
        self._words = words
        self._values = Column(np.uint64)
        self._starts = np.zeros(len(places), dtype=np.int64)
        self._sizes = np.zeros(len(places), dtype=np.int64)  # 0 while unknown: there are two words, so a shingle

    def made(self, row: int) -> Hashes:
        """The set, from the words."""
        return sorted_distinct([shingles(self._words(int(self._places[row])), SHINGLE)])

    def size(self, row: int) -> int:
        """How many shingles the set has."""
        if not self._sizes[row]:
            values = self.made(row)
            self._starts[row], self._sizes[row] = len(self._values), len(values)
            self._values.append(values)
        return int(self._sizes[row])

    def __getitem__(self, row: int) -> Hashes:
        size, start = self.size(row), int(self._starts[row])
        return self._values[start : start + size]


def jaccard(left: Hashes, right: Hashes) -> float:
    """Jaccard index of two sets given as arrays of distinct values; 0 when both are empty."""
    union = len(sorted_distinct([left, right]))
    return (len(left) + len(right) - union) / union if union else 0.0


def _reachable(left: int, right: int) -> float:
    """The largest Jaccard index of two sets of these sizes."""
    return min(left, right) / max(left, right)


def _signatures(words: Hashes, sizes: Counts) -> NDArray[np.uint32]:
    """(documents, permutations) MinHash signatures of documents laid end to end."""
    ends = np.concatenate(([0], np.cumsum(sizes - SHINGLE + 1))).astype(np.uint64)
    own = runs(words, sizes, SHINGLE)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(own, ends, _PERMUTATIONS, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32)


def _band_keys(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """(documents, bands) one key a band, compared within its band only."""
    rows = signatures.reshape(len(signatures), _BANDS, _PERMUTATIONS // _BANDS)
    key = np.zeros(rows.shape[:2], dtype=np.uint64)
    for column in range(rows.shape[2]):
        key = key * np.uint64(0x100000001B3) + rows[:, :, column]
    return key
