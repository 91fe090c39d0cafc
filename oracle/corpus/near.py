"""Near duplicates: MinHash signatures propose pairs, the shingle sets themselves decide.

126 permutations in 42 bands of 3 propose a pair of Jaccard index .55 with probability .9995; an unlucky proposal is
never believed, because the true index is computed for the ``_TRIED`` most similar signatures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from oracle.corpus.words import Hashes, shingles, sorted_distinct

SHINGLE = 2
_PERMUTATIONS = 126
_BANDS = 42
_SEED = 20240607
_TRIED = 8
_BUCKET = 64  # a band shared by more kept documents than this is a template: its newest are enough to propose


class NearDuplicates:
    """Greedy near-duplicate search over documents given by their word hashes, in order."""

    def __init__(self, words: Sequence[Hashes], threshold: float) -> None:
        self._words = words
        self._threshold = threshold
        self._signatures = _signatures(words)
        self._bands = _band_keys(self._signatures)
        self._kept: list[defaultdict[int, list[int]]] = [defaultdict(list) for _ in range(_BANDS)]

    def match(self, place: int) -> int | None:
        """The kept document that document ``place`` nearly repeats, if any."""
        if len(self._words[place]) < SHINGLE:
            return None
        votes: Counter[int] = Counter()
        for bucket, key in zip(self._kept, self._bands[place].tolist(), strict=True):
            votes.update(bucket[key][-_BUCKET:] if key in bucket else ())
        if not votes:
            return None
        own = _distinct_shingles(self._words[place])
        for candidate, _ in sorted(votes.items(), key=lambda item: (-item[1], item[0]))[:_TRIED]:
            if jaccard(own, _distinct_shingles(self._words[candidate])) >= self._threshold:
                return candidate
        return None

    def keep(self, place: int) -> None:
        """Let later documents be compared with document ``place``."""
        for bucket, key in zip(self._kept, self._bands[place].tolist(), strict=True):
            bucket[key].append(place)


def jaccard(left: Hashes, right: Hashes) -> float:
    """Jaccard index of two sets given as arrays of distinct values; 0 when both are empty."""
    union = len(sorted_distinct([left, right]))
    return (len(left) + len(right) - union) / union if union else 0.0


def _distinct_shingles(words: Hashes) -> Hashes:
    return sorted_distinct([shingles(words, SHINGLE)])


def _signatures(words: Sequence[Hashes]) -> NDArray[np.uint32]:
    """(documents, permutations) MinHash signatures; documents are hashed one at a time, so that memory stays small."""
    rows = np.zeros((len(words), _PERMUTATIONS), dtype=np.uint32)
    for row, item in zip(rows, words, strict=True):
        own = shingles(item, SHINGLE)
        if len(own):
            ends = np.array([0, len(own)], dtype=np.uint64)
            row[:] = RMinHash.digest_matrix_from_flat_token_hashes(own, ends, _PERMUTATIONS, _SEED).to_rows()[0]
    return rows


def _band_keys(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """(documents, bands) one key a band, compared within its band only."""
    rows = signatures.reshape(len(signatures), _BANDS, _PERMUTATIONS // _BANDS).astype(np.uint64)
    key = np.zeros(rows.shape[:2], dtype=np.uint64)
    for column in range(rows.shape[2]):
        key = key * np.uint64(0x100000001B3) + rows[:, :, column]
    return key
