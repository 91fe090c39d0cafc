"""A text read once: its tokens, their hashes and how frequent each is in English - what every count starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.tokens import Tokens, tokenize
from oracle.corpus.words import Hashes, token_hashes
from oracle.quality.lexicon import english


@dataclass(frozen=True, slots=True)
class Reading:
    """``hashes`` (t,) and ``zipf`` (t,) belong to the t tokens; zipf in hundredths, 0 for words English lists lack."""

    text: str
    tokens: Tokens
    hashes: Hashes
    zipf: NDArray[np.int16]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(t,) code points of every token."""
        return self.tokens.ends - self.tokens.starts


def read(text: str) -> Reading:
    """Read ``text``."""
    tokens = tokenize(text)
    hashes = token_hashes(tokens)
    return Reading(text, tokens, hashes, english().lookup(hashes))
