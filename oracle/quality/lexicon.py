"""Word lists by frequency (wordfreq), as sorted hash arrays: one lookup for a whole text.

Frequencies are on the Zipf scale in hundredths (600: once in a thousand words, 300: once in a million), 0 unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import wordfreq
from numpy.typing import NDArray

from oracle.corpus.words import Hashes, hash_words

FREQUENT = 430
"""Zipf hundredths from which a word is one that a reader meets daily (about 5,000 English words)."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words of one language: sorted hashes with their Zipf frequency in hundredths."""

    hashes: Hashes
    zipf: NDArray[np.int16]

    def lookup(self, words: Hashes) -> NDArray[np.int16]:
        """(w,) Zipf hundredths of each word, 0 where unknown."""
        if not len(self.hashes):
            return np.zeros(len(words), dtype=np.int16)
        at = np.minimum(np.searchsorted(self.hashes, words), len(self.hashes) - 1)
        return np.where(self.hashes[at] == words, self.zipf[at], np.int16(0))


@cache
def lexicon(language: str, size: str = "small") -> Lexicon:
    """The word list of ``language`` (ISO 639-1); empty where wordfreq has none."""
    return _lexicon(frequencies(language, size))


@cache
def english() -> Lexicon:
    """The large English list (some 300,000 words)."""
    return lexicon("en", "large")


@cache
def frequencies(language: str, size: str) -> dict[str, float]:
    """wordfreq's list: word -> share of running text; empty where there is none."""
    if language not in wordfreq.available_languages(size):
        return {}
    return wordfreq.get_frequency_dict(language, size)


def _lexicon(words: dict[str, float]) -> Lexicon:
    plain = [word for word in words if word.isalpha()]
    pairs = [word for word in plain if _one_token(word)]
    hashes = hash_words(pairs)
    zipf = np.array([round(100 * wordfreq.freq_to_zipf(words[word])) for word in pairs], dtype=np.int16)
    order = np.argsort(hashes, kind="stable")
    return Lexicon(hashes[order], zipf[order])


def _one_token(word: str) -> bool:
    """Scripts written without spaces are single characters to the tokenizer: their longer words cannot be looked up."""
    return len(word) == 1 or word.isascii() or ord(max(word)) < 0x0E00
