"""Cleanliness: how many words look damaged - by scanning, by a wrong encoding, by noise.

A census counts the words of one language, text by text, in bounded memory; what of them looks damaged is judged at the
end, when it is known how often everything occurs. Counts do not depend on the order of the texts, and the censuses of
several shards add up to the census of the whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np
from ftfy.badness import badness

from oracle.corpus import letters
from oracle.corpus.tokens import WORD, folded
from oracle.quality.lexicon import lexicon
from oracle.quality.reading import Reading
from oracle.quality.spelling import Suspicion, suspicion

RECURRING = 3
"""A strange word seen this often, and not just as a frequent word's slip, is a term."""
SLIP = 0.02
"""A slip stays below this share of the frequent word's own count."""
MISREAD = 0.5
"""So does what scanners make of a frequent word, which recurs as often as the scanner errs."""
DISTINCT = 1 << 18
"""Suspects remembered. When a provider has more distinct ones, only those whose checksum ends in a zero bit are kept
and count double, then those with two zero bits and count fourfold, and so on (distinct sampling, Gibbons 2001)."""
_LONGEST = 64  # letters of a word that are looked at
_EXAMPLES = 5

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_AROUND = 4  # characters before and after that badness looks at


@dataclass(frozen=True, slots=True)
class Damage:
    """Integer counts of one provider's supported texts: words of two letters and more."""

    words: int = 0
    unknown: int = 0
    suspicious: int = 0
    mojibake: int = 0
    ranked: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Damage) -> Damage:
        ranked = Counter(dict(self.ranked))
        ranked.update(dict(other.ranked))
        return Damage(
            self.words + other.words,
            self.unknown + other.unknown,
            self.suspicious + other.suspicious,
            self.mojibake + other.mojibake,
            _rank(ranked.items()),
        )

    @property
    def rate(self) -> float:
        """Likely damaged words per word; 0 without words."""
        return min(1.0, (self.suspicious + self.mojibake) / self.words) if self.words else 0.0

    @property
    def misses(self) -> float:
        """Words outside the dictionary per word, as the paper counts them; 0 without words."""
        return self.unknown / self.words if self.words else 0.0

    @property
    def examples(self) -> tuple[str, ...]:
        """Some damaged words, the most frequent first."""
        return tuple(word for word, _ in self.ranked)


class Census:
    """The words of one provider's texts in one supported ``language``."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._words = 0
        self._unknown = 0
        self._mojibake = 0
        self._frequent = np.zeros(lexicon(language, "large").frequent, dtype=np.int64)
        self._suspects: dict[str, int] = {}
        self._why: dict[str, Suspicion] = {}
        self._level = 0

    def add(self, reading: Reading, texts: Iterable[str]) -> None:
        """Count what was read of ``texts``."""
        tokens = reading.tokens
        word = (tokens.kinds == WORD) & (reading.lengths > 1)
        rank = reading.rank[word & (reading.rank >= 0)]
        self._frequent += np.bincount(rank, minlength=len(self._frequent))
        points = tokens.points
        unknown = np.flatnonzero(word & (reading.zipf == 0))
        spelled = _texts(points, tokens.starts[unknown], tokens.ends[unknown])
        strange = Counter(text for text in spelled if _letter().search(text))
        number = strange.total()
        self._unknown += number
        self._words += int(np.count_nonzero(word & (reading.zipf > 0))) + number
        first = points[tokens.starts]
        inner = reading.capitals - (folded(first) != first)
        broken = np.flatnonzero(word & (reading.zipf > 0) & (inner > 0) & (reading.capitals < reading.lengths))
        strange.update(_texts(points, tokens.starts[broken], tokens.ends[broken]))
        for text, count in strange.items():
            self._count(text, count)
        self._mojibake += sum(_mojibake(text) for text in texts)

    def join(self, other: Census) -> None:
        """Add what another shard's census counted."""
        self._words += other._words
        self._unknown += other._unknown
        self._mojibake += other._mojibake
        self._frequent += other._frequent
        self._level = max(self._level, other._level)
        self._shrink()
        for text, count in other._suspects.items():
            self._keep(text, count, other._why[text])

    def damage(self) -> Damage:
        """What of all this looks damaged."""
        found = {text: count for text, count in self._suspects.items() if self._damaged(text, count)}
        return Damage(
            words=self._words,
            unknown=self._unknown,
            suspicious=min(self._words, sum(found.values()) << self._level),
            mojibake=self._mojibake,
            ranked=_rank(found.items()),
        )

    def _count(self, text: str, count: int) -> None:
        text = text[:_LONGEST]
        if text in self._suspects:
            self._suspects[text] += count
        elif _sampled(text, self._level) and (why := suspicion(text, self.language)):
            self._keep(text, count, why)

    def _keep(self, text: str, count: int, why: Suspicion) -> None:
        if _sampled(text, self._level):
            self._suspects[text] = self._suspects.get(text, 0) + count
            self._why[text] = why
            while len(self._suspects) > DISTINCT:
                self._level += 1
                self._shrink()

    def _shrink(self) -> None:
        self._suspects = {text: count for text, count in self._suspects.items() if _sampled(text, self._level)}
        self._why = {text: self._why[text] for text in self._suspects}

    def _damaged(self, text: str, count: int) -> bool:
        why = self._why[text]
        share = MISREAD if why.misread else SLIP
        return count < max((RECURRING, *(share * int(self._frequent[rank]) for rank in why.of)))


@cache
def _letter() -> re.Pattern[str]:
    return re.compile(f"[{letters.of('L', 'Nl', 'No')}]")


def _rank(found: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(found, key=lambda pair: (-pair[1], not pair[0].islower(), pair[0]))[:_EXAMPLES])


def _sampled(text: str, level: int) -> bool:
    return not crc32(text.encode("utf-8", "surrogatepass")) & ((1 << level) - 1)


def _texts(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> list[str]:
    """The tokens at ``starts``...``ends`` as strings."""
    if not len(starts):
        return []
    text = points.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")
    return [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _mojibake(text: str) -> int:
    if text.isascii():
        return 0
    return badness("\n".join(_foreign(text))) + text.count("\ufffd")


def _foreign(text: str) -> Iterator[str]:
    """What is not ASCII with what is around it, each character once."""
    end = 0
    for run in _NOT_ASCII.finditer(text):
        if run.end() > end:
            yield text[max(end, run.start() - _AROUND) : run.end() + _AROUND]
            end = run.end() + _AROUND
