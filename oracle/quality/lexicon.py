"""Word lists by frequency (wordfreq), as sorted hash arrays: one lookup for a whole text.

Frequencies are on the Zipf scale in hundredths (600: once in a thousand words, 300: once in a million), 0 unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import wordfreq
from numpy.typing import NDArray

from oracle.corpus.tokens import tokenize
from oracle.corpus.words import Hashes, hash_words
from oracle.quality.tags import one_code

FREQUENT = 430
"""Zipf hundredths from which a word is one that a reader meets daily (about 5,000 words of a language)."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words of one language: sorted ``hashes`` (and the largest number as a sentinel), ``zipf`` in hundredths, ``rank``
    among the frequent words in the order of their hashes (-1 for others); ``frequent`` says how many those are.

    ``first`` maps the leading bits of a hash, ``64 - shift`` of them, to the first entry that can be it: hashes are
    spread evenly, so that a word is found after about one comparison.
    """

    hashes: Hashes
    zipf: NDArray[np.int16]
    rank: NDArray[np.int32]
    frequent: int
    first: NDArray[np.int32]
    shift: np.uint64

    def lookup(self, words: Hashes) -> NDArray[np.int16]:
        """(w,) Zipf hundredths of each word, 0 where unknown."""
        return self.find(words)[0]

    def find(self, words: Hashes) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        """(w,) Zipf hundredths (0 where unknown) and (w,) rank (-1 where not frequent) of each word."""
        at = self.first[words >> self.shift]
        behind = np.flatnonzero(self.hashes[at] < words)
        while len(behind):
            at[behind] += 1
            behind = behind[self.hashes[at[behind]] < words[behind]]
        at[self.hashes[at] != words] = len(self.hashes) - 1
        return self.zipf[at], self.rank[at]


@cache
def lexicon(language: str, size: str = "small") -> Lexicon:
    """The word list of ``language`` (ISO 639-1), "large" or "small"; empty where wordfreq has none."""
    words = frequencies(language, size)
    inside = frozenset(letter for letter in set("".join(words)) if len(tokenize(f"a{letter}a").starts) == 1)
    single = [word for word in words if word.isalpha() and (inside.issuperset(word) or len(tokenize(word).starts) == 1)]
    hashes = hash_words(single)
    shares = np.fromiter((words[word] for word in single), dtype=np.float64, count=len(single))
    zipf = np.rint(100 * (np.log10(shares) + 9)).astype(np.int16)
    order = np.argsort(hashes, kind="stable")
    hashes = np.append(hashes[order], ~np.uint64(0))
    zipf = np.append(zipf[order], np.int16(0))
    frequent = zipf >= FREQUENT
    rank = np.where(frequent, np.cumsum(frequent) - 1, -1).astype(np.int32)
    bits = len(hashes).bit_length() + 1
    first = np.searchsorted(hashes, np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)).astype(np.int32)
    return Lexicon(hashes, zipf, rank, int(np.count_nonzero(frequent)), first, np.uint64(64 - bits))


@cache
def frequencies(language: str, size: str) -> dict[str, float]:
    """wordfreq's list: word -> share of running text; empty where there is none."""
    name = list_name(language, size)
    if name is None:
        return {}
    words = wordfreq.get_frequency_dict(name, size)
    wordfreq.get_frequency_dict.cache_clear()  # it keeps every list twice, for good
    wordfreq.get_frequency_list.cache_clear()
    if language == "de":
        _add_eszett(words)
    return words


def list_name(language: str, size: str) -> str | None:
    """What wordfreq calls the list of ``language``: its own name, else one of the same macrolanguage ("nb" has the
    words of "no", "sh" those of "hr"); None where there is no list."""
    available = wordfreq.available_languages(size)
    if language in available:
        return language
    return next((name for name in sorted(available) if one_code(name) == one_code(language)), None)


def _add_eszett(words: dict[str, float]) -> None:
    """wordfreq folds ß to ss: both spellings of every word that it may have been."""
    spelled: dict[str, float] = {}
    for word, share in words.items():
        at = word.find("ss", 1)
        while at >= 0:
            spelled.setdefault(f"{word[:at]}ß{word[at + 2 :]}", share)
            at = word.find("ss", at + 1)
    for word, share in spelled.items():
        words.setdefault(word, share)
