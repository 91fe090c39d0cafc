"""Cohesion: does a passage go on about what it began with?

Writers stay with a subject: the words of one sentence come back two sentences on (Halliday and Hasan 1976; Hearst's
TextTiling 1997). A Markov chain over other people's text reads well from word to word, whatever its order, but forgets:
its passages share no more words with themselves than with any other passage.

Drawn passages are cut into blocks of ``BLOCK`` words. ``near`` adds up, over pairs of blocks of one passage with
another block between them, what the shared words tell (log2 of all blocks over those that have the word); ``far`` the
same over all pairs of blocks. The ratio of the two means is 1 for babble, and 1.4 to 4 for written text in every
language measured. Only runs of letters count as words: scripts without spaces have none, and are not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.document import Document
from oracle.corpus.tokens import WORD, pieces
from oracle.corpus.words import Hashes, token_hashes
from oracle.quality.axis import QUANTA
from oracle.quality.sampling import draw

BLOCK = 20
BLOCKS = 6  # of a passage
APART = 2
PLACES = 256  # drawn by volume
FEWEST = 80  # pairs; fewer, of some 2,500 words, are too few to tell
UNIT = 256  # what a word tells is counted in 1/256 bit

RAMP = (1.15, 1.40)
FLOOR = 5_000
"""The factor of text without cohesion, in quanta: single sentences that have nothing to do with one another are worth
something too."""


@dataclass(frozen=True, slots=True)
class Cohesion:
    """Integer counts: ``places`` drawn, ``judged`` those in documents long enough; ``blocks`` there, ``pairs`` of them
    in one passage; ``near`` bits (in 1/256) that these share, ``far`` that all pairs do (each pair twice)."""

    places: int = 0
    judged: int = 0
    blocks: int = 0
    pairs: int = 0
    near: int = 0
    far: int = 0

    @property
    def ratio(self) -> float | None:
        """How much more blocks of one passage share than any two; None where too few were found, or nothing recurs."""
        if self.pairs < FEWEST or not self.far:
            return None
        return self.near * self.blocks * (self.blocks - 1) / (self.pairs * self.far)

    @property
    def factor(self) -> float:
        """What the gate is multiplied by, from ``FLOOR`` to 1; text that is not judged counts in full."""
        if self.ratio is None:
            return 1.0
        low, high = RAMP
        lacking = 1.0 - min(1.0, max(0.0, (self.ratio - low) / (high - low)))
        return 1.0 - (1.0 - FLOOR / QUANTA) * lacking * self.judged / self.places


def cohesion(documents: Sequence[Document], tokens: NDArray[np.integer], seed: bytes) -> Cohesion:
    """Of a corpus, looked at in ``PLACES`` places that ``seed`` decides. ``tokens`` (n,) are the documents' volumes."""
    ends = np.cumsum(tokens, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    positions = np.asarray(draw(total, PLACES, seed), dtype=np.int64)
    found = np.searchsorted(ends, positions, side="right")
    passages: list[list[Hashes]] = []
    judged = 0
    for place in np.unique(found).tolist():
        inside = positions[found == place] - (ends[place] - int(tokens[place]))
        words = _words(documents[place].text)
        blocks = len(words) // BLOCK
        if blocks <= APART:
            continue
        judged += len(inside)
        count = -(-(blocks - APART) // BLOCKS)  # the last may be short, but has a pair
        for at in np.unique(inside * count // int(tokens[place])).tolist():
            numbers = range(at * BLOCKS, min(blocks, (at + 1) * BLOCKS))
            passages.append([np.unique(words[number * BLOCK : (number + 1) * BLOCK]) for number in numbers])
    return Cohesion(len(positions), judged, *_shared(passages))


def _words(text: str) -> Hashes:
    return np.concatenate([token_hashes(tokens)[tokens.kinds == WORD] for tokens in pieces(text)])


def _shared(passages: Sequence[Sequence[Hashes]]) -> tuple[int, int, int, int]:
    """Blocks, pairs ``APART`` in one passage, bits these share, bits that all ordered pairs share."""
    blocks = [block for passage in passages for block in passage]
    if not blocks:
        return 0, 0, 0, 0
    starts = np.cumsum([0, *(len(passage) + APART for passage in passages[:-1])])  # no pair reaches into the next
    numbers = np.concatenate([start + np.arange(len(passage)) for start, passage in zip(starts, passages, strict=True)])
    words = np.concatenate(blocks)
    where = np.repeat(numbers, [len(block) for block in blocks])
    _, word, counts = np.unique(words, return_inverse=True, return_counts=True)
    told = np.rint(UNIT * np.log2(len(blocks) / counts)).astype(np.int64)
    stride = int(numbers[-1]) + APART + 1
    cells = word.astype(np.int64) * stride + where
    both = np.intersect1d(cells, cells + APART, assume_unique=True)
    pairs = sum(max(0, len(passage) - APART) for passage in passages)
    return len(blocks), pairs, int(told[both // stride].sum()), int((told * counts * (counts - 1)).sum())
