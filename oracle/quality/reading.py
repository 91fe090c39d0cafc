"""Texts read once: their tokens, their hashes and how frequent each is - what every count starts from.

Many texts are read together, so that short documents cost no more per word than long ones; what is counted of a text
does not depend on its company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.plain import plain
from oracle.corpus.tokens import Tokens, cut, folded
from oracle.corpus.words import Hashes, token_hashes
from oracle.quality.lexicon import lexicon


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts cut into tokens, with ``hashes`` (t,) and ``capitals`` (t,), how many letters are not small, of all tokens;
    text i has the tokens ``bounds[i]:bounds[i + 1]``.
    """

    texts: Sequence[str]
    tokens: Tokens
    hashes: Hashes
    capitals: NDArray[np.int32]
    bounds: NDArray[np.int64]

    def reading(self, language: str, chosen: NDArray[np.int64] | None = None) -> Reading:
        """The ``chosen`` texts (ascending numbers; None: all of them) as texts of ``language``."""
        tokens, hashes, capitals, bounds = self.tokens, self.hashes, self.capitals, self.bounds
        if chosen is not None and len(chosen) < len(self.texts):
            sizes = bounds[chosen + 1] - bounds[chosen]
            kept = np.zeros(len(self.texts), dtype=np.bool_)
            kept[chosen] = True
            mask = np.repeat(kept, np.diff(bounds))
            tokens = Tokens(tokens.points, tokens.starts[mask], tokens.ends[mask], tokens.kinds[mask])
            hashes, capitals, bounds = hashes[mask], capitals[mask], np.concatenate(([0], np.cumsum(sizes)))
        zipf, rank = lexicon(language, "large").find(hashes)
        return Reading(language, tokens, capitals, bounds, zipf, rank)


@dataclass(frozen=True, slots=True)
class Reading:
    """Texts of one language. ``zipf`` and ``rank`` (t,): how frequent the tokens are, in hundredths, 0 for words that
    the language's list lacks, and their rank among its frequent words, -1 for others; the rest as above.
    """

    language: str
    tokens: Tokens
    capitals: NDArray[np.int32]
    bounds: NDArray[np.int64]
    zipf: NDArray[np.int16]
    rank: NDArray[np.int32]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(t,) code points of every token."""
        return self.tokens.ends - self.tokens.starts

    def sums(self, values: NDArray[np.bool_] | NDArray[np.int16]) -> NDArray[np.int64]:
        """(d,) sums of ``values`` (t,) over the tokens of each text."""
        total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
        return total[self.bounds[1:]] - total[self.bounds[:-1]]


def read_batch(texts: Sequence[str]) -> Batch:
    """Read all ``texts`` together."""
    spelled = list(map(plain, texts))
    tokens = cut("\n".join(spelled))
    ends = np.cumsum([len(text) + 1 for text in spelled])
    bounds = np.concatenate(([0], np.searchsorted(tokens.starts, ends)))
    big = folded(tokens.points) != tokens.points
    return Batch(texts, tokens, token_hashes(tokens), count_in(big, tokens.starts, tokens.ends), bounds)


def count_in(mask: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int32]:
    """(s,) how often ``mask`` is true in each of the spans ``starts:ends``."""
    total = np.zeros(len(mask) + 1, dtype=np.int32)
    np.cumsum(mask, dtype=np.int32, out=total[1:])
    counts: NDArray[np.int32] = total[ends] - total[starts]
    return counts


def read(text: str, language: str = "en") -> Reading:
    """Read one ``text`` as a text of ``language``."""
    return read_batch([text]).reading(language)
