"""Fluency: does this read like English, or like its words in a bag?

Three integer counts decide, document by document:
  order     the mean pointwise mutual information of word classes across the spaces of the text, under bigram counts of
            a broad reference (``data/english.json.gz``); shuffled words, salad and keyword lists have none;
  grammar   the share of function words among plain words;
  rare      the share of plain words that a list of 300,000 does not know.
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

from oracle.corpus.tokens import Tokens
from oracle.quality.classes import SHAPES, classify
from oracle.quality.reading import Reading

UNIT = 256  # mutual information is counted in 1/256 bit
_LIMIT = 4 * UNIT

ORDER = (0.0, 0.35)  # bits: gate 0 at the first, 1 at the second; likewise below
GRAMMAR = (0.05, 0.18)
RARE = (0.50, 0.25)
TABLE = "english.json.gz"


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

    @property
    def gate(self) -> float:
        """The lowest of the three tests, in [0, 1]."""
        return min(_ramp(self.order, *ORDER), _ramp(self.grammar, *GRAMMAR), _ramp(self.rarity, *RARE))


@dataclass(frozen=True, slots=True)
class Table:
    """The reference: frequent words that are classes of their own, function words among them, bigram information."""

    frequent: tuple[str, ...]
    function: int
    information: NDArray[np.int16]


def count(reading: Reading) -> Counts:
    """The fluency counts of one text."""
    table = reference()
    kinds = classify(reading, table.frequent)
    left, right = junctions(reading.tokens, kinds)
    plain = (kinds < len(table.frequent)) | (kinds >= len(table.frequent) + SHAPES.index("unknown"))
    plain &= reading.lengths > 1
    return Counts(
        junctions=len(left),
        information=int(table.information[left, right].sum(dtype=np.int64)),
        plain=int(np.count_nonzero(plain)),
        function=int(np.count_nonzero(plain & (kinds < table.function))),
        rare=int(np.count_nonzero(plain & (kinds == len(table.frequent) + SHAPES.index("unknown")))),
    )


def junctions(tokens: Tokens, kinds: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Classes left and right of every gap of one or more spaces, line ends excepted."""
    gaps = tokens.starts[1:] - tokens.ends[:-1]
    lines = np.concatenate(([0], np.cumsum(tokens.points == ord("\n"))))
    spaced = (gaps > 0) & (lines[tokens.starts[1:]] == lines[tokens.ends[:-1]])
    return kinds[:-1][spaced], kinds[1:][spaced]


@cache
def reference() -> Table:
    """The packaged reference table."""
    raw = json.loads(gzip.decompress(table_bytes()))
    size = len(raw["frequent"]) + len(SHAPES)
    counts = np.zeros(size * size, dtype=np.int64)
    counts[np.cumsum(raw["gaps"])] = raw["counts"]
    return Table(tuple(raw["frequent"]), raw["function"], information(counts.reshape(size, size)))


def table_bytes() -> bytes:
    """The reference table's file, whose digest is part of the specification."""
    return files("oracle.quality").joinpath("data", TABLE).read_bytes()


def information(counts: NDArray[np.int64]) -> NDArray[np.int16]:
    """(k, k) pointwise mutual information in 1/256 bit, shrunk to 0 where counts are small, within 4 bits."""
    expected = counts.sum(1, keepdims=True) * (counts.sum(0, keepdims=True) / max(1, counts.sum()))
    bits = np.log2((counts + 1.0) / (expected + 1.0))
    units: NDArray[np.int16] = np.clip(np.rint(bits * UNIT), -_LIMIT, _LIMIT).astype(np.int16)
    return units


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))
