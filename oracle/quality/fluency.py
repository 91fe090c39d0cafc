"""Fluency: does this read like its language, or like its words in a bag?

Three integer counts decide, document by document:
  order     the mean pointwise mutual information of word classes across the spaces of the text, under bigram counts of
            a broad reference in its language (``data/``); shuffled words, salad and keyword lists have none;
  grammar   the share of function words among plain words;
  rare      the share of plain words that the language's list of 300,000 and more does not know.
Each becomes a number in [0, 1] by a ramp, and the lowest of them is the document's gate.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from oracle.quality.axis import QUANTA
from oracle.quality.classes import UNKNOWN, classify, shapes
from oracle.quality.reading import Reading

UNIT = 256  # mutual information is counted in 1/256 bit
_LIMIT = 4 * UNIT

Ramp = tuple[float, float]

ORDER: dict[str, Ramp] = {"en": (0.0, 0.35), "de": (-0.35, 0.15), "fr": (-0.3, 0.3), "es": (-0.3, 0.3)}
"""Bits a junction, by language: gate 0 at the first, 1 at the second; likewise below."""
GRAMMAR: dict[str, Ramp] = {"en": (0.05, 0.18), "de": (0.05, 0.18), "fr": (0.05, 0.18), "es": (0.05, 0.18)}
RARE: dict[str, Ramp] = {"en": (0.50, 0.25), "de": (0.50, 0.25), "fr": (0.50, 0.25), "es": (0.50, 0.25)}


@dataclass(frozen=True, slots=True)
class Counts:
    """Integer counts of one text; they add up over texts."""

    junctions: int = 0
    information: int = 0  # in 1/256 bit
    plain: int = 0
    function: int = 0
    rare: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.junctions + other.junctions,
            self.information + other.information,
            self.plain + other.plain,
            self.function + other.function,
            self.rare + other.rare,
        )

    @property
    def order(self) -> float:
        """Mean mutual information in bits a junction; 0 without junctions."""
        return self.information / (UNIT * self.junctions) if self.junctions else 0.0

    @property
    def grammar(self) -> float:
        """Share of function words among plain words; 0 without words."""
        return self.function / self.plain if self.plain else 0.0

    @property
    def rarity(self) -> float:
        """Share of unknown words among plain words; 1 without words."""
        return self.rare / self.plain if self.plain else 1.0

    def gate(self, language: str) -> int:
        """The lowest of the three tests for a text of ``language``, in quanta of 1e-4."""
        share = min(
            _ramp(self.order, *ORDER[language]),
            _ramp(self.grammar, *GRAMMAR[language]),
            _ramp(self.rarity, *RARE[language]),
        )
        return round(QUANTA * share)


@dataclass(frozen=True, slots=True)
class Table:
    """The reference: frequent words that are classes of their own, function words among them, bigram information."""

    frequent: tuple[str, ...]
    function: int
    information: NDArray[np.int16]


def count(reading: Reading) -> list[Counts]:
    """The fluency counts of every text."""
    table = reference(reading.language)
    words = len(table.frequent)
    kinds = classify(reading, table.frequent)
    gap = junctions(reading)
    bits = np.zeros(len(kinds), dtype=np.int16)
    left = np.flatnonzero(gap)
    bits[left] = table.information[kinds[left], kinds[left + 1]]
    plain = ((kinds < words) | (kinds >= words + UNKNOWN)) & (reading.lengths > 1)
    columns = (gap, bits, plain, plain & (kinds < table.function), plain & (kinds == words + UNKNOWN))
    return [Counts(*row) for row in zip(*(reading.sums(column).tolist() for column in columns), strict=True)]


def junctions(reading: Reading) -> NDArray[np.bool_]:
    """(t,) whether a gap of one or more spaces, and no line end, follows the token before the next one."""
    tokens = reading.tokens
    result = np.zeros(len(tokens.starts), dtype=np.bool_)
    lines = np.concatenate(([0], np.cumsum(tokens.points == ord("\n"), dtype=np.int32)))
    spaced = tokens.starts[1:] > tokens.ends[:-1]
    result[:-1] = spaced & (lines[tokens.starts[1:]] == lines[tokens.ends[:-1]])
    return result


@cache
def reference(language: str) -> Table:
    """The packaged reference table of a supported language."""
    raw = json.loads(gzip.decompress(table_bytes(language)))
    size = len(raw["frequent"]) + len(shapes(language))
    counts = np.zeros(size * size, dtype=np.int64)
    counts[np.cumsum(raw["gaps"])] = raw["counts"]
    return Table(tuple(raw["frequent"]), raw["function"], information(counts.reshape(size, size)))


def table_bytes(language: str) -> bytes:
    """The reference table's file, whose digest is part of the specification."""
    return files("oracle.quality").joinpath("data", f"{language}.json.gz").read_bytes()


def information(counts: NDArray[np.int64]) -> NDArray[np.int16]:
    """(k, k) pointwise mutual information in 1/256 bit, shrunk to 0 where counts are small, within 4 bits."""
    expected = counts.sum(1, keepdims=True) * (counts.sum(0, keepdims=True) / max(1, counts.sum()))
    bits = np.log2((counts + 1.0) / (expected + 1.0))
    units: NDArray[np.int16] = np.clip(np.rint(bits * UNIT), -_LIMIT, _LIMIT).astype(np.int16)
    return units


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))
