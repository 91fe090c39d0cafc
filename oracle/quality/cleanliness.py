"""Cleanliness: how many words look damaged - by scanning, by a wrong encoding, by noise.

A word outside the dictionary is not yet an error: names, identifiers and terms are outside it too. It counts as likely
damage only when it shows it: digits inside letters, capitals inside a word that no identifier has, letter sequences
that English does not have, or one edit away from a frequent word without recurring as a term would.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from ftfy.badness import badness

from oracle.corpus.tokens import WORD
from oracle.corpus.words import hash_words
from oracle.quality.lexicon import FREQUENT, english, frequencies
from oracle.quality.reading import Reading

RECURRING = 3
"""A strange word seen this often, and not just as a frequent word's slip, is a term."""
SLIP = 0.02  # a slip stays below this share of the frequent word's own count
_TRIGRAM = 3  # dictionary words that must share a letter triple for it to be plausible
_EXAMPLES = 5

_IDENTIFIER = re.compile(
    r"_|^[A-Z]{2,}s?$|^[a-z]?[A-Z]{2,}[a-z]{0,2}$|^[A-Z]+\d+$|^\w?\d+\w{0,3}$|^[A-Za-z]{1,4}\d+\w?$"
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ASCII = re.compile(r"[A-Za-z0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
_NOT_ASCII = re.compile(r".{0,4}[^\x00-\x7f]+.{0,4}")


@dataclass(frozen=True, slots=True)
class Damage:
    """Integer counts of one provider's supported texts: words of two letters and more."""

    words: int
    unknown: int
    suspicious: int
    mojibake: int
    examples: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Likely damaged words per word; 0 without words."""
        return min(1.0, (self.suspicious + self.mojibake) / self.words) if self.words else 0.0

    @property
    def misses(self) -> float:
        """Words outside the dictionary per word, as the paper counts them; 0 without words."""
        return self.unknown / self.words if self.words else 0.0


class Census:
    """The words of one provider's texts (of a supported language), counted text by text."""

    def __init__(self) -> None:
        self._words = 0
        self._frequent: Counter[int] = Counter()
        self._strange: Counter[str] = Counter()
        self._mojibake = 0

    def add(self, reading: Reading) -> None:
        """Count one text."""
        word = (reading.tokens.kinds == WORD) & (reading.lengths > 1)
        values, counts = np.unique(reading.hashes[word & (reading.zipf >= FREQUENT)], return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            self._frequent[value] += count
        unknown = (reading.tokens.text(int(at)) for at in np.flatnonzero(word & (reading.zipf == 0)))
        before = self._strange.total()
        self._strange.update(spelled for spelled in unknown if _LETTER.search(spelled))
        self._words += int(np.count_nonzero(word & (reading.zipf > 0))) + self._strange.total() - before
        self._mojibake += badness("\n".join(_NOT_ASCII.findall(reading.text))) + reading.text.count("\ufffd")

    def damage(self) -> Damage:
        """What of all this looks damaged."""
        suspects = {word: count for word, count in self._strange.items() if _suspicious(word, count, self._frequent)}
        ranked = sorted(suspects, key=lambda word: (-suspects[word], not word.islower(), word))
        return Damage(
            words=self._words,
            unknown=self._strange.total(),
            suspicious=sum(suspects.values()),
            mojibake=self._mojibake,
            examples=tuple(ranked[:_EXAMPLES]),
        )


def _suspicious(word: str, count: int, frequent: Counter[int]) -> bool:
    """Whether an unknown ``word``, seen ``count`` times, is likely damage."""
    if not _ASCII.fullmatch(word) or _IDENTIFIER.search(word):
        return False
    if any(character.isdigit() for character in word) or not (word.islower() or word.istitle() or word.isupper()):
        return not all(_in_dictionary(part) for part in _PARTS.findall(word)) and count < RECURRING
    plain = word.lower()
    if not _plausible(plain):
        return count < RECURRING
    if not word.islower():
        return False  # a name: only impossible spellings count against it
    return any(count < max(RECURRING, SLIP * frequent[neighbour]) for neighbour in _neighbours(plain))


def _in_dictionary(part: str) -> bool:
    return len(part) <= 2 or part.lower() in frequencies("en", "large")


def _plausible(word: str) -> bool:
    marked = f"^{word}$"
    return all(marked[at : at + 3] in _trigrams() for at in range(len(marked) - 2))


@cache
def _trigrams() -> frozenset[str]:
    """Letter triples, word borders included, that at least ``_TRIGRAM`` words of the smaller list share."""
    counts: Counter[str] = Counter()
    for word in frequencies("en", "small"):
        if word.isascii() and word.isalpha():
            marked = f"^{word}$"
            counts.update({marked[at : at + 3] for at in range(len(marked) - 2)})
    return frozenset(triple for triple, count in counts.items() if count >= _TRIGRAM)


def _neighbours(word: str) -> Iterator[int]:
    """Hashes of frequent words one insertion, deletion, substitution or swap away (words of four letters and more)."""
    if len(word) >= 4:
        for form in {word, *_deletions(word)}:
            yield from (value for near, value in _deletion_index().get(form, ()) if _one_edit(word, near))


def _deletions(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


@cache
def _deletion_index() -> dict[str, tuple[tuple[str, int], ...]]:
    """Frequent words under all their forms with at most one letter deleted (SymSpell's index)."""
    words = [w for w in frequencies("en", "small") if len(w) >= 4 and w.isascii() and w.isalpha()]
    hashes = hash_words(words)
    frequent = english().lookup(hashes) >= FREQUENT
    index: dict[str, list[tuple[str, int]]] = {}
    for word, value, often in zip(words, hashes.tolist(), frequent.tolist(), strict=True):
        if often:
            for form in {word, *_deletions(word)}:
                index.setdefault(form, []).append((word, value))
    return {form: tuple(entries) for form, entries in index.items()}


def _one_edit(left: str, right: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours turns ``left`` into ``right``."""
    if abs(len(left) - len(right)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    a, b = left[at:], right[at:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
