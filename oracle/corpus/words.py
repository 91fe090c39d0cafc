"""Words as 64-bit hashes: what duplicates, shingles and vocabularies are compared by.

A word's hash is a polynomial of its folded code points modulo 2^64, mixed; it depends on the word alone. Whole texts
are hashed with a handful of array operations, from prefix sums, so memory is eight bytes a word and no strings exist.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.tokens import MARK, Tokens, folded, tokenize

_BASE = 0x9E3779B97F4A7C15  # odd, hence invertible modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)
_STEP = np.uint64(0xD1342543DE82EF95)
_TOGETHER = 2**13  # single words hashed at once: a dictionary at once would take 100 MB

Hashes = NDArray[np.uint64]


def word_hashes(text: str) -> Hashes:
    """(w,) hashes of the words of ``text`` in order; punctuation and symbols are left out, case is folded."""
    tokens = tokenize(text)
    words: Hashes = token_hashes(tokens)[tokens.kinds != MARK]
    return words


def token_hashes(tokens: Tokens) -> Hashes:
    """(t,) hashes of all tokens, punctuation included, case folded."""
    size = len(tokens.points)
    prefix = np.zeros(size + 1, dtype=np.uint64)
    np.cumsum((folded(tokens.points) + np.uint32(1)) * _powers(_BASE, size), dtype=np.uint64, out=prefix[1:])
    return mix((prefix[tokens.ends] - prefix[tokens.starts]) * _powers(_INVERSE, size)[tokens.starts])


def hash_words(words: list[str]) -> Hashes:
    """(n,) hashes of single words, the same as :func:`word_hashes` gives inside a text."""
    hashes = np.empty(len(words), dtype=np.uint64)
    for at in range(0, len(words), _TOGETHER):
        part = words[at : at + _TOGETHER]
        tokens = tokenize("\n".join(part))
        if len(tokens.starts) != len(part):
            raise ValueError("every entry must be exactly one token")
        hashes[at : at + len(part)] = token_hashes(tokens)
    return hashes


def shingles(words: Hashes, size: int) -> Hashes:
    """(max(0, w - size + 1),) hashes of every run of ``size`` words."""
    count = max(0, len(words) - size + 1)
    total = np.zeros(count, dtype=np.uint64)
    for offset in range(size):
        total = total * _STEP + words[offset : offset + count]
    return mix(total)


def sorted_distinct(parts: Sequence[Hashes]) -> Hashes:
    """The distinct values of all parts, ascending."""
    values = np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint64)
    return values[np.concatenate(([True], values[1:] != values[:-1]))] if len(values) else values


def mix(values: Hashes) -> Hashes:
    """SplitMix64's finalizer (Steele, Lea and Flood 2014): spreads every input bit over all output bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_tables: dict[int, Hashes] = {}


def _powers(base: int, size: int) -> Hashes:
    """base^0 ... base^(size-1) modulo 2^64, kept between calls and doubled as needed."""
    table = _tables.get(base, np.ones(1, dtype=np.uint64))
    while len(table) < size:
        table = np.concatenate((table, table * np.uint64(pow(base, len(table), 1 << 64))))
    _tables[base] = table
    return table[:size]
