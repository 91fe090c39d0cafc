"""Near duplicates: MinHash signatures propose pairs, the shingle sets themselves decide.

126 permutations in 42 bands of 3 propose a pair of Jaccard index .55 with probability .9995; an unlucky proposal is
never believed, because the true index is computed for the ``_TRIED`` most similar signatures. Band keys are grouped on
disk, one band at a time, before any pair is looked at: a document that shares no band with another, as most do in
natural text, costs nothing more, and memory holds only who was kept in each shared band (at most 168 bytes a document).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from oracle.corpus.runs import runs
from oracle.corpus.scratch import Partitions
from oracle.corpus.wordfile import Counts
from oracle.corpus.words import Hashes, shingles, sorted_distinct

SHINGLE = 2
NONE = -1
_PERMUTATIONS = 126
_BANDS = 42
_SEED = 20240607
_TRIED = 8
_BUCKET = 64  # a band shared by more kept documents than this is a template: its newest are enough to propose
_ROWS = 2**15  # documents whose buckets are in memory at once


class NearDuplicates:
    """Greedy near-duplicate search: each document against the earlier ones that repeat nothing themselves."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._keys = Partitions(_BANDS)
        self.places: Counts = np.zeros(0, dtype=np.int64)

    def add(self, places: Counts, sizes: Counts, words: Hashes) -> None:
        """Later documents, laid end to end; those of less than ``SHINGLE`` words are near to nothing."""
        enough = sizes >= SHINGLE
        if not enough.any():
            return
        signatures = _signatures(words[np.repeat(enough, sizes)], sizes[enough])
        keys = _band_keys(signatures).T
        self._keys.add(np.repeat(np.arange(_BANDS), keys.shape[1]), keys.ravel())
        self.places = np.concatenate((self.places, places[enough]))

    def matches(self, words: Callable[[int], Hashes]) -> Counts:
        """(len(places),) for each document added, the kept one that it nearly repeats, or ``NONE``.

        ``words`` gives a document's words by its place.
        """
        buckets, room = self._buckets()
        kept = np.zeros(room, dtype=np.int32)
        found = np.full(len(self.places), NONE)
        for part in range(len(buckets)):
            table = buckets.read(part)[0].reshape(_BANDS, -1).astype(np.int64)
            for column in np.flatnonzero(table.any(axis=0)).tolist():
                row = part * _ROWS + column
                shared = table[:, column]
                shared = shared[shared > 0]
                match = self._match(row, shared, kept, words)
                if match != NONE:
                    found[row] = self.places[match]
                    continue
                count = kept[shared]
                kept[shared + 1 + count % _BUCKET] = row
                kept[shared] = count + 1
        return found

    def _buckets(self) -> tuple[Partitions, int]:
        """Per document and band a bucket, 0 where it is alone in it; and how much room all buckets take.

        A bucket is named by where it begins: its number of kept documents, then the newest ``_BUCKET`` of them.
        """
        total = len(self.places)
        buckets = Partitions(-(-total // _ROWS))
        part = np.arange(total) // _ROWS
        used = 1
        for band in range(_BANDS if total else 0):
            (keys,) = self._keys.read(band)
            order = np.argsort(keys, kind="stable")
            ordered = keys[order]
            head = np.concatenate(([True], ordered[1:] != ordered[:-1]))
            sizes = np.diff(np.append(np.flatnonzero(head), total))
            room = np.where(sizes > 1, np.minimum(sizes, _BUCKET) + 1, 0)
            begin = np.where(sizes > 1, used + np.cumsum(room) - room, 0)
            bucket = np.empty(total, dtype=np.uint64)
            bucket[order] = begin[np.cumsum(head) - 1]
            buckets.add(part, bucket)
            used += int(room.sum())
        return buckets, used

    def _match(self, row: int, shared: Counts, kept: NDArray[np.int32], words: Callable[[int], Hashes]) -> int:
        filled = np.minimum(kept[shared], _BUCKET)
        votes = [
            kept[at + 1 : at + 1 + size] for at, size in zip(shared.tolist(), filled.tolist(), strict=True) if size
        ]
        if not votes:
            return NONE
        candidates, counts = np.unique(np.concatenate(votes), return_counts=True)
        own = _distinct_shingles(words(int(self.places[row])))
        for candidate in candidates[np.argsort(-counts, kind="stable")[:_TRIED]].tolist():
            other = _distinct_shingles(words(int(self.places[candidate])))
            if jaccard(own, other) >= self._threshold:
                return int(candidate)
        return NONE


def jaccard(left: Hashes, right: Hashes) -> float:
    """Jaccard index of two sets given as arrays of distinct values; 0 when both are empty."""
    union = len(sorted_distinct([left, right]))
    return (len(left) + len(right) - union) / union if union else 0.0


def _distinct_shingles(words: Hashes) -> Hashes:
    return sorted_distinct([shingles(words, SHINGLE)])


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
