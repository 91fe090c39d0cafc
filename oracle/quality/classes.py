"""Word classes: what the fluency model sees of a token - a frequent word as itself, any other by its shape.

Class 0...N-1 are the N frequent words, then come the shapes of ``SHAPES``: punctuation one by one, numbers, names,
identifiers, and plain words by ending. Classes are integers read off arrays; no string is made.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.tokens import MARK, folded
from oracle.corpus.words import Hashes, hash_words
from oracle.quality.reading import Reading

_MARKS = ".,;:?!()[]{}\"'`-–—/=<>#*|&%$@+_~^\\“”‘’"
_ENDINGS = (
    "ing",
    "ed",
    "ly",
    "tion",
    "ment",
    "ness",
    "ity",
    "al",
    "ic",
    "ous",
    "ive",
    "ble",
    "er",
    "est",
    "s",
    "e",
    "y",
)
SHAPES = (*_MARKS, "mark", "number", "letter", "capitals", "name", "mixed", "unknown", *_ENDINGS, "word")
"""Shapes in the order of their class numbers; from "unknown" on they are plain lower-case words."""


def classify(reading: Reading, frequent: tuple[str, ...]) -> NDArray[np.int16]:
    """(t,) class of every token of a text, given the words that are classes of their own."""
    shape = {name: np.int16(len(frequent) + at) for at, name in enumerate(SHAPES)}
    points, starts, ends = reading.tokens.points, reading.tokens.starts, reading.tokens.ends
    first, length, hashes = points[starts], reading.lengths, reading.hashes
    lower = folded(points) == points
    capital = ~lower[starts]
    capitals = _count(~lower, starts)
    digits = _count((points >= ord("0")) & (points <= ord("9")), starts)

    result = np.full(len(starts), shape["word"], dtype=np.int16)
    for name in reversed(_ENDINGS):
        result[_ends_with(points, starts, ends, name)] = shape[name]
    result[reading.zipf == 0] = shape["unknown"]
    result[capital] = shape["name"]
    result[(capitals == length) & (length > 1)] = shape["capitals"]
    result[(digits > 0) | ((capitals > capital) & (capitals < length))] = shape["mixed"]
    result[length == 1] = shape["letter"]
    result[digits == length] = shape["number"]
    table, order = _frequent(frequent)
    at = np.minimum(np.searchsorted(table, hashes), len(table) - 1)
    result = np.where(table[at] == hashes, order[at], result)
    marks = reading.tokens.kinds == MARK
    result[marks] = _mark_table(len(frequent))[np.minimum(first[marks], 0x2FFF)]
    return result


def _count(mask: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(t,) marked code points of every token; spaces after it carry no mark."""
    return np.add.reduceat(mask.astype(np.int64), starts) if len(starts) else np.zeros(0, dtype=np.int64)


def _ends_with(
    points: NDArray[np.uint32], starts: NDArray[np.int64], ends: NDArray[np.int64], ending: str
) -> NDArray[np.bool_]:
    match = ends - starts > len(ending)
    for back, letter in enumerate(reversed(ending), 1):
        match &= points[np.maximum(ends - back, 0)] == ord(letter)
    return match


@cache
def _frequent(words: tuple[str, ...]) -> tuple[Hashes, NDArray[np.int16]]:
    hashes = hash_words(list(words))
    order = np.argsort(hashes, kind="stable")
    return hashes[order], order.astype(np.int16)


@cache
def _mark_table(offset: int) -> NDArray[np.int16]:
    table = np.full(0x3000, offset + SHAPES.index("mark"), dtype=np.int16)
    for at, mark in enumerate(_MARKS):
        table[ord(mark)] = offset + at
    return table
