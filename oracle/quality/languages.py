"""Which language a document is in, decided so that damaged English does not pass as a foreign tongue.

py3langid proposes. A language with a word list must show it: more of the document's words must be in that list than in
the English one. A script that English is not written in speaks for itself. Everything else is treated as English, and
so tested. Only English has a model of fluency and corruption (``SUPPORTED``); for the rest those two abstain.
"""

from __future__ import annotations

import numpy as np
from py3langid import classify

from oracle.corpus.words import Hashes, word_hashes
from oracle.quality.lexicon import lexicon

SUPPORTED = frozenset({"en"})

_LOOKED_AT = 2000  # characters, from the middle of a document
_PLAINLY = 0.7  # share of words in the small English list above which nobody else is asked
_SHOWN = 0.25  # share of a document's words in the list of the language it claims
_LATIN = 0x24F
_FOREIGN_SCRIPT = 0.5  # share of letters outside Latin


def identify(text: str) -> str:
    """ISO 639-1 code of the language of ``text``; "en" when nothing else shows itself."""
    start = max(0, (len(text) - _LOOKED_AT) // 2)
    piece = text[start : start + _LOOKED_AT]
    words = word_hashes(piece)
    english = _known(words, "en")
    letters = [character for character in piece if character.isalpha()]
    if english >= _PLAINLY or not letters:
        return "en"
    guess: str = classify(piece)[0]
    if sum(ord(letter) > _LATIN for letter in letters) >= _FOREIGN_SCRIPT * len(letters):
        return guess
    shown = _known(words, guess)
    return guess if shown >= _SHOWN and shown > english else "en"


def _known(words: Hashes, language: str) -> float:
    return float(np.count_nonzero(lexicon(language).lookup(words)) / len(words)) if len(words) else 0.0
