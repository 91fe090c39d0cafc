"""Gopher's rules on repetition (Rae et al. 2021, arXiv 2112.11446, table A1): lines, paragraphs and word n-grams.

Most texts are far from the limits: cheap bounds decide them, and only the rest is counted out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.words import mix, shingles
from oracle.quality.filter_words import Words, among

DUPLICATE_LINES, DUPLICATE_LINE_CHARACTERS = 0.3, 0.2
TOP_NGRAMS = ((2, 0.20), (3, 0.18), (4, 0.16))
DUPLICATE_NGRAMS = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))
"""Limits for lines, for the most frequent n-gram, and for n-grams that were there before: shares of characters."""

_STEP = np.uint64(0xD1342543DE82EF95)


def repetition(text: str, words: Words) -> str:
    """The first of Gopher's rules on repetition that ``text`` breaks; "" where it keeps them all."""
    for name, parts in (("para", _paragraphs(text)), ("line", _lines(text))):
        again, characters = repeated(parts)
        if again / len(parts) > DUPLICATE_LINES:
            return f"dup_{name}_frac"
        if characters / len(text) > DUPLICATE_LINE_CHARACTERS:
            return f"dup_{name}_char_frac"
    return _top_ngrams(len(text), words) or _duplicate_ngrams(len(text), words)


def _paragraphs(text: str) -> list[str]:
    """Pieces between two and more line ends."""
    pieces = (piece.lstrip("\n") for piece in text.strip().split("\n\n"))
    return [piece for piece in pieces if piece] or [""]


def _lines(text: str) -> list[str]:
    """Pieces between line ends; an empty one where the text begins or ends with some."""
    lines = [line for line in text.split("\n") if line]
    return [""] * text.startswith("\n") + lines + [""] * text.endswith("\n")


def repeated(parts: list[str]) -> tuple[int, int]:
    """How many parts were there before, and their characters."""
    distinct = set(parts)
    return len(parts) - len(distinct), sum(map(len, parts)) - sum(map(len, distinct))


def _top_ngrams(size: int, words: Words) -> str:
    """Characters in the most frequent n-gram, its spaces included."""
    most = len(words.hashes)
    for n, limit in TOP_NGRAMS:
        lengths = _spans(words.lengths, n) + (n - 1)
        if not len(lengths) or most * int(lengths.max()) <= limit * size:
            continue  # an (n + 1)-gram is no more frequent than the n-grams in it
        keys = shingles(words.hashes, n)
        ordered = np.sort(keys)
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        counts = np.diff(starts, append=len(ordered))
        most = int(counts.max())
        if most * int(lengths.max()) <= limit * size:
            continue
        first = int(among(keys, ordered[starts[counts == most]]).argmax())
        if most * int(lengths[first]) / size > limit:
            return f"top_{n}_gram"
    return ""


def _duplicate_ngrams(size: int, words: Words) -> str:
    """Characters in n-grams that were there before, without overlaps."""
    shortest, longest = DUPLICATE_NGRAMS[0][0], DUPLICATE_NGRAMS[-1][0]
    keys = shingles(words.hashes, shortest)
    at = np.arange(len(keys))
    widest = int(_spans(words.lengths, min(longest, len(words.lengths))).max())
    for n, limit in DUPLICATE_NGRAMS:
        if n > shortest:  # only where the shorter one occurs more than once
            inside = at + n <= len(words.hashes)
            at = at[inside]
            keys = mix(keys[inside] * _STEP + words.hashes[at + n - 1])
        ordered = np.sort(keys)
        repeats = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(repeats) * widest <= DUPLICATE_NGRAMS[-1][1] * size:
            return ""  # longer ones repeat no more often
        chosen = among(keys, repeats)
        at, keys = at[chosen], keys[chosen]
        lengths = _spans(words.lengths, n)[at]
        if len(repeats) * int(lengths.max()) <= limit * size:
            continue
        if _seen_before(at.tolist(), keys.tolist(), lengths.tolist(), n) / size > limit:
            return f"duplicated_{n}_n_grams"
    return ""


def _seen_before(places: list[int], keys: list[int], lengths: list[int], n: int) -> int:
    """Characters of the n-grams met before, reading on behind each: a walk over those that occur more than once."""
    seen: set[int] = set()
    characters = free = 0
    for place, key, length in zip(places, keys, lengths, strict=True):
        if place < free:
            continue
        if key in seen:
            characters += length
            free = place + n
        else:
            seen.add(key)
    return characters


def _spans(lengths: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(max(0, w - n + 1),) characters in every run of ``n`` words."""
    sums = np.concatenate(([0], np.cumsum(lengths)))
    return sums[n:] - sums[:-n] if len(sums) > n else sums[:0]
