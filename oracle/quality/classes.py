"""Word classes: what the fluency model sees of a token - a frequent word as itself, any other by its shape.

Class 0...N-1 are the N frequent words, then come the shapes of ``shapes``: punctuation one by one, numbers, names,
identifiers, and plain words by the endings of their language. Classes are integers read off arrays; no string is made.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.tokens import MARK, folded
from oracle.corpus.words import hash_words
from oracle.quality.lexicon import lexicon
from oracle.quality.reading import Reading, count_in

_MARKS = ".,;:?!()[]{}\"'`-–—/=<>#*|&%$@+_~^\\“”‘’"
_ENDINGS = {
    language: tuple(endings.split())
    for language, endings in {
        "en": "ing ed ly tion ment ness ity al ic ous ive ble er est s e y",
        "de": "ung ungen heit keit lich liche lichen ische ischen ige igen ende enden iert ieren "
        "en em er es et te e n s t",
        "fr": "tion tions ment ements ité eur euse eux able ique iste ant ante ants é ée és ées er ir "
        "ait aient ent ez e es s",
        "es": "ción ciones mente dad ado ada ados adas ido ida ando iendo able ico ica ar er ir ó aba "
        "ía án as os es a o e s",
    }.items()
}
_FORMS = (*_MARKS, "mark", "number", "letter", "capitals", "name", "mixed", "unknown")
UNKNOWN = len(_FORMS) - 1
"""From this shape on they are plain lower-case words: unknown ones, then by ending, then the rest."""


def shapes(language: str) -> tuple[str, ...]:
    """The shapes of ``language`` in the order of their class numbers."""
    return (*_FORMS, *_ENDINGS[language], "word")


def classify(reading: Reading, frequent: tuple[str, ...]) -> NDArray[np.int16]:
    """(t,) class of every token of a text, given the words that are classes of their own."""
    shape = {name: np.int16(len(frequent) + at) for at, name in enumerate(shapes(reading.language))}
    points, starts, ends = reading.tokens.points, reading.tokens.starts, reading.tokens.ends
    first, length, capitals = points[starts], reading.lengths, reading.capitals
    capital = folded(first) != first
    digits = count_in((points >= ord("0")) & (points <= ord("9")), starts, ends)

    result = np.full(len(starts), shape["word"], dtype=np.int16)
    result[reading.zipf == 0] = shape["unknown"]
    result[capital] = shape["name"]
    result[(capitals == length) & (length > 1)] = shape["capitals"]
    result[(digits > 0) | ((capitals > capital) & (capitals < length))] = shape["mixed"]
    result[length == 1] = shape["letter"]
    result[digits == length] = shape["number"]
    own = _by_rank(reading.language, frequent)[reading.rank]
    result = np.where(own >= 0, own, result)
    marks = reading.tokens.kinds == MARK
    result[marks] = _mark_table(len(frequent))[np.minimum(first[marks], 0x2FFF)]
    words = np.flatnonzero(result == shape["word"])
    result[words] = _endings(points, starts[words], ends[words], reading.language) + np.int16(len(frequent))
    return result


def _endings(
    points: NDArray[np.uint32], starts: NDArray[np.int64], ends: NDArray[np.int64], language: str
) -> NDArray[np.int16]:
    """(w,) shapes of plain words: of the first ending in the list that a word, being longer, has."""
    result = np.full(len(starts), len(shapes(language)) - 1, dtype=np.int16)
    last = [points[np.maximum(ends - back, 0)] for back in range(1, 1 + max(map(len, _ENDINGS[language])))]
    for at, ending in reversed(list(enumerate(_ENDINGS[language], len(_FORMS)))):
        match = ends - starts > len(ending)
        for letters, letter in zip(last, reversed(ending), strict=False):
            match &= letters == ord(letter)
        result[match] = at
    return result


@cache
def _by_rank(language: str, words: tuple[str, ...]) -> NDArray[np.int16]:
    """Class of a word by its rank in the lexicon, -1 (as for rank -1, the last entry) where it has none of its own."""
    words_of = lexicon(language, "large")
    table = np.full(words_of.frequent + 1, -1, dtype=np.int16)
    table[words_of.find(hash_words(list(words)))[1]] = np.arange(len(words), dtype=np.int16)
    return table


@cache
def _mark_table(offset: int) -> NDArray[np.int16]:
    table = np.full(0x3000, offset + len(_MARKS), dtype=np.int16)
    for at, mark in enumerate(_MARKS):
        table[ord(mark)] = offset + at
    return table
