"""Tokens without a model: the published unit in which corpora are counted, compared and paid.

Texts are counted in one spelling (:mod:`oracle.corpus.plain`), so that nobody gains or hides by another. A token is a
run of letters, digits, marks and underscores; or one character of a script written without spaces; or one punctuation
mark or symbol. Letters are what one pinned release of Unicode calls so, so that every Python version counts alike.
A combining mark belongs to what it stands on: it is part of a word, counts nothing on a symbol or on a character of a
script without spaces, and counts as a symbol where it stands on nothing, however many follow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from unicodedata2 import category, lookup, name

from oracle.corpus.plain import plain

SPACE, WORD, IDEOGRAPH, MARK, _ACCENT = range(5)

_PLANES = 0x40000  # those that have letters; beyond them everything is a symbol
_CASED = 0x20000  # no letter beyond has a case
_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue, Khmer
    (0x1A00, 0x1AAF),  # Buginese, Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0x1BC0, 0x1BFF),  # Batak
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),  # ideographs
    (0xA980, 0xA9FF),  # Javanese, Burmese
    (0xAA60, 0xAADF),  # Burmese, Tai Viet
    (0xF900, 0xFAFF),
    (0x116D0, 0x116FF),  # Burmese
    (0x11700, 0x1174F),  # Ahom
    (0x11EE0, 0x11F5F),  # Makasar, Kawi
    (0x16FE0, 0x18DFF),  # Tangut, Khitan
    (0x1AFF0, 0x1B2FF),  # kana, Nushu
    (0x20000, 0x3FFFF),
)
_BATCH = 2**17  # characters that are cut at once
_BLANK = 0x2800  # the Braille pattern without dots
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One text cut into tokens: ``points`` (n,) code points, ``starts``/``ends`` (t,) spans in it, ``kinds`` (t,)."""

    points: NDArray[np.uint32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    kinds: NDArray[np.uint8]

    def text(self, index: int) -> str:
        """Token ``index`` as a string."""
        return self.points[self.starts[index] : self.ends[index]].astype("<u4").tobytes().decode("utf-32-le")


def tokenize(text: str) -> Tokens:
    """Cut ``text`` into tokens, in order. Any string is fine, lone surrogates included."""
    return cut(plain(text))


def cut(text: str) -> Tokens:
    """Cut ``text`` that is plain already, or several with a line feed or a lone surrogate between."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)
    kinds = _classes().take(points, mode="clip")
    if kinds.max(initial=SPACE) == _ACCENT:
        kinds = _placed(kinds, kinds == _ACCENT)
    beside = np.zeros(len(kinds) + 2, dtype=np.bool_)  # what stands before the text and behind it is no word
    word = np.equal(kinds, WORD, out=beside[1:-1])
    starts = np.flatnonzero((kinds != SPACE) & ~(word & beside[:-2]))
    ends = starts + 1
    ends[word[starts]] = np.flatnonzero(word & ~beside[2:]) + 1
    return Tokens(points, starts, ends, kinds[starts])


def pieces(text: str) -> Iterator[Tokens]:
    """The tokens of a text of any length, a bounded number of characters at a time, cut at white space; where a
    hundred thousand characters have none, anywhere."""
    at = 0
    while len(text) - at > _BATCH:
        space = _SPACE.search(text, at + _BATCH // 2, at + _BATCH)
        end = space.end() if space else at + _BATCH
        yield tokenize(text[at:end])
        at = end
    yield tokenize(text[at:])


def count_tokens(text: str) -> int:
    """Number of tokens in ``text``."""
    return sum(len(tokens.starts) for tokens in pieces(text))


def folded(points: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Code points of plain text in lower case, one for one."""
    return np.where(points < _CASED, _folds()[np.minimum(points, _CASED - 1)], points)


def _placed(kinds: NDArray[np.uint8], accents: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """``kinds`` with every mark as what it stands on makes of it."""
    bases = np.where(accents, 0, np.arange(1, len(kinds) + 1))
    base = np.concatenate(([SPACE], kinds))[np.maximum.accumulate(bases)]
    first = accents & ~np.concatenate(([False], accents[:-1]))
    alone = np.where(first & (base == SPACE), MARK, SPACE)
    placed: NDArray[np.uint8] = np.where(accents, np.where(base == WORD, WORD, alone), kinds).astype(np.uint8)
    return placed


@cache
def _classes() -> NDArray[np.uint8]:
    table = np.full(_PLANES + 1, MARK, dtype=np.uint8)
    for point in range(_PLANES):
        kind = category(chr(point))
        if kind[0] == "M":
            table[point] = _ACCENT
        elif kind[0] in "LN" or kind == "Pc":
            table[point] = WORD
        elif kind[0] == "Z" or kind in ("Cc", "Cs"):
            table[point] = SPACE
    table[_BLANK] = SPACE
    for first, last in _WITHOUT_SPACES:
        block = table[first : last + 1]
        block[block == WORD] = IDEOGRAPH
    return table


@cache
def _folds() -> NDArray[np.uint32]:
    table = np.arange(_CASED, dtype=np.uint32)
    for point in range(_CASED):
        if category(chr(point))[0] == "L":
            table[point] = ord(_small(chr(point)))
    return table


def _small(letter: str) -> str:
    """A letter without case. What Python is too old to know, is looked up by name; names never change."""
    folded = letter.casefold()
    if len(folded) > 1:
        folded = letter.lower()[0]
    if folded == letter and category(letter) == "Lu":
        try:
            return str(lookup(name(letter).replace("CAPITAL", "SMALL")))
        except KeyError:
            return letter
    return folded
