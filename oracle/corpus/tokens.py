"""Tokens without a model: the published unit in which corpora are counted, compared and paid.

A token is a run of letters, digits, marks and underscores; or one character of a script written without spaces
(Chinese, Japanese, Thai, Lao, Khmer, Burmese); or one punctuation mark or symbol. Classes come from the Unicode 3.2
database frozen in the standard library, so that every Python version counts alike; characters that are younger count
as symbols. Invisible format characters (soft hyphen, zero-width space) count nothing and join nothing apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from unicodedata import normalize, ucd_3_2_0

import numpy as np
from numpy.typing import NDArray

SPACE, WORD, IDEOGRAPH, MARK, IGNORED = range(5)

_PLANES = 0x30000  # the planes that Unicode 3.2 assigns text to; beyond them everything is a symbol
_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),
    (0x20000, 0x2FFFF),
)


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
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)
    kinds = _classes()[np.minimum(points, _PLANES)]
    visible = kinds != IGNORED
    if not visible.all():
        points, kinds = points[visible], kinds[visible]
    word = kinds == WORD
    before = np.concatenate(([False], word[:-1])) if len(word) else word
    starts = np.flatnonzero((kinds != SPACE) & ~(word & before))
    ends = starts + 1
    edges = np.flatnonzero(np.diff(np.concatenate((word, [False])).astype(np.int8)) == -1) + 1
    ends[word[starts]] = edges
    return Tokens(points, starts, ends, kinds[starts])


def count_tokens(text: str) -> int:
    """Number of tokens in ``text``."""
    return len(tokenize(text).starts)


def folded(points: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Code points in lower case and compatibility form (full-width letters to plain ones), one for one."""
    return _folds()[np.minimum(points, 0xFFFF)] + np.where(points > 0xFFFF, points - np.uint32(0xFFFF), np.uint32(0))


@cache
def _classes() -> NDArray[np.uint8]:
    table = np.full(_PLANES + 1, MARK, dtype=np.uint8)
    for point in range(_PLANES):
        category = ucd_3_2_0.category(chr(point))
        if category[0] in "LMN" or category == "Pc":
            table[point] = WORD
        elif category[0] == "Z" or category in ("Cc", "Cs"):
            table[point] = SPACE
        elif category == "Cf":
            table[point] = IGNORED
    table[[0x00AD, 0x200B]] = IGNORED  # soft hyphen and zero-width space, which Unicode 3.2 called otherwise
    for first, last in _WITHOUT_SPACES:
        block = table[first : last + 1]
        block[block == WORD] = IDEOGRAPH
        marks = [p for p in range(first, last + 1) if ucd_3_2_0.category(chr(p))[0] == "M"]
        table[marks] = IGNORED
    return table


@cache
def _folds() -> NDArray[np.uint32]:
    table = np.arange(0x10000, dtype=np.uint32)
    for point in range(0x10000):
        plain = normalize("NFKC", chr(point)).lower()
        if len(plain) == 1:
            table[point] = ord(plain)
    return table
