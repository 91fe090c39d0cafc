"""Which language a document is in, decided so that damaged text does not pass as a foreign tongue.

The supported languages are asked first: where most words of a piece are in a language's list, and they are plainly more
frequent in it than in the other three, nobody else is heard. Otherwise py3langid proposes. A language with a word list
must show it: more of the words must be in that list than in that of the best supported language. A script that those
are not written in speaks for itself. Everything else belongs to the best supported language, and is so tested; to
English where nothing shows itself. Only ``SUPPORTED`` have a model of fluency and damage; for the rest those abstain.
"""

from __future__ import annotations

import numpy as np
from langcodes import Language
from numpy.typing import NDArray

from oracle.corpus.plain import plain
from oracle.corpus.tokens import IDEOGRAPH, MARK
from oracle.errors import BadInput
from oracle.quality.language_model import codes, propose
from oracle.quality.lexicon import lexicon, list_name
from oracle.quality.reading import Batch, read_batch
from oracle.quality.tags import one_code

SUPPORTED = ("en", "de", "es", "fr")

_LOOKED_AT = 300  # words, from the middle of a document
_CHARACTERS = 2000  # of them, for py3langid
_PLAINLY = 0.7  # share of words in a supported language's small list above which nobody else is asked
_APART = 50  # by how many Zipf hundredths a word it must lead the others
_SHOWN = 0.25  # share of a document's words in the list of the language it claims
_LATIN = 0x24F
_GROUPED = {"wuu": "zh", "yue": "zh"}  # written alike
_FOREIGN_SCRIPT = 0.5  # share of words outside Latin script


def is_told_apart(code: str) -> bool:
    """Whether texts in the language of ``code`` are found to be in it: one of Latin letters needs a word list for that.

    Raises:
        BadInput: a language that is not among ``codes()``, whichever of its codes is given.
    """
    same = [known for known in codes() if one_code(known) == one_code(code)]
    if not same:
        raise BadInput("not a language that is found in texts", input=code, hint="give its code of ISO 639-1")
    return any(list_name(known, "small") or Language.get(known).maximize().script != "Latn" for known in same)


def identify(text: str) -> str:
    """ISO 639-1 code of the language of ``text``; "en" when nothing shows itself."""
    return codes()[int(identify_all(read_batch([text]))[0])]


def identify_all(batch: Batch) -> NDArray[np.uint8]:
    """(d,) places in ``codes()`` of the languages of a batch's texts."""
    tokens = batch.tokens
    points = tokens.points[tokens.starts]
    words = np.flatnonzero((tokens.kinds != MARK) & ~((points >= ord("0")) & (points <= ord("9"))))
    ends = np.searchsorted(words, batch.bounds)
    middle = (ends[:-1] + ends[1:]) // 2
    first = np.maximum(ends[:-1], middle - _LOOKED_AT // 2)
    sizes = np.minimum(ends[1:], middle + _LOOKED_AT // 2) - first
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    at = words[np.repeat(first - bounds[:-1], sizes) + np.arange(bounds[-1])]
    hashes, number = batch.hashes[at], np.maximum(sizes, 1)
    foreign = _sums((points[at] > _LATIN) | (tokens.kinds[at] == IDEOGRAPH), bounds) >= _FOREIGN_SCRIPT * number
    zipf = [lexicon(language).lookup(hashes) for language in SUPPORTED]
    often = np.stack([_sums(found, bounds) for found in zipf]) // number
    known = np.stack([_sums(found > 0, bounds) for found in zipf]) / number
    best = often.argmax(0)
    runner = np.partition(often, -2, axis=0)[-2]
    lead = known[best, np.arange(len(best))]
    plainly = (lead >= _PLAINLY) & (often.max(0) - runner >= _APART)
    places: NDArray[np.uint8] = np.array([codes().index(language) for language in SUPPORTED], dtype=np.uint8)[best]
    for text in np.flatnonzero(~plainly & (sizes > 0)).tolist():
        guess = _propose(batch.texts[text])
        shown = float(np.mean(lexicon(guess).lookup(hashes[bounds[text] : bounds[text + 1]]) > 0))
        if foreign[text] or (guess not in SUPPORTED and shown >= _SHOWN and shown > lead[text]):
            places[text] = codes().index(guess)
        elif guess != SUPPORTED[best[text]]:
            places[text] = codes().index("en")
    return places


def _sums(values: NDArray[np.bool_] | NDArray[np.int16], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    return total[bounds[1:]] - total[bounds[:-1]]


def _propose(text: str) -> str:
    start = max(0, (len(text) - _CHARACTERS) // 2)
    guess = propose(plain(text[start : start + _CHARACTERS]))
    return _GROUPED.get(guess, guess)
