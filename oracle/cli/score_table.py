"""The score table of ``mia round simulate``: what providers asked and what their datasets were worth.

JSON (a list of objects, or an object with that list as "bids") or CSV with a header line. A score or weight is written
as a number from 0 to 1, or as a whole number of WAD above that; group is 1 for members of the diversity tranche.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle.cli.exact_json import DuplicateKey, parse_json, read_text, wholes
from oracle.cli.rows import ConflictingFields, column, field, fields_of, identifiers
from oracle.errors import BadInput
from oracle.mechanism.clearing import COST_BITS, WEIGHT_BITS, Bid
from oracle.mechanism.integers import WAD, naturals
from oracle.mechanism.weights import weight

FIELDS = ("provider", "id", "bid", "quality", "impact", "weight", "tokens", "group")
_NUMBER = re.compile(r"-?[0-9]{1,100}(\.[0-9]{1,100})?([eE][-+]?[0-9]{1,9})?")  # as JSON writes them
DIGITS = range(-100, 100)
"""Powers of ten in which a score may be written, so that a few characters do not stand for gigabytes."""


class NotAScore(BadInput):
    """A score or weight is no number, or has more decimals than WAD."""


class NotAGroup(BadInput):
    """A group is neither 0 nor 1."""


class NotATable(BadInput):
    """The text is no CSV: lines of different lengths, or quotes that do not close."""


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Columns by position; bids in money units, weights in WAD."""

    ids: list[str]
    bids: list[Bid]
    members: list[bool]
    """Whether each belongs to the diversity tranche."""
    tokens: list[int] | None


def read_scores(source: str, eta: int, gamma: int, kappa: int) -> ScoreTable:
    """Read a table (``-`` is stdin); quality and impact, where given, are weighed with the terms' eta, gamma, kappa.

    Raises
    ------
    BadInput
        The file cannot be read or is no such table: ``NotJson``, ``DuplicateKey``, ``NotATable``, ``WrongType``,
        ``UnknownField``, ``MissingField``, ``ConflictingFields``, ``DuplicateId``, ``NotAScore``, ``NotAGroup``.
    MechanismError
        A number is none, is negative or too large; the message names it.
    """
    text = read_text(source)
    rows = _from_json(text, source) if text.lstrip()[:1] in ("[", "{") else _from_csv(text)
    names = fields_of(rows, FIELDS)
    for either, other in (("weight", "quality"), ("provider", "id")):
        if {either, other} <= names:
            raise ConflictingFields(f'bids have "{either}" and "{other}"', hint="Keep one of the two.")
    costs = wholes('"bid" of bid', column(rows, "bid"), COST_BITS)
    if "weight" in names:
        weights = _scores(rows, "weight", WEIGHT_BITS)
    else:
        scores = zip(_scores(rows, "quality", 64), _scores(rows, "impact", 64), strict=True)
        weights = [weight(quality, impact, eta, gamma, kappa) for quality, impact in scores]
    return ScoreTable(
        ids=identifiers(rows, "provider" if "provider" in names else "id"),
        bids=list(map(Bid, costs, weights)),
        members=_members(rows),
        tokens=wholes('"tokens" of bid', column(rows, "tokens"), 64) if "tokens" in names else None,
    )


def _from_json(text: str, source: str) -> Any:
    document = parse_json(text, source)
    return field(document, "bids", "the table") if type(document) is dict else document


def _from_csv(text: str) -> list[dict[str, str]]:
    """Rows by the header's names; an empty cell is an absent field."""
    try:
        header, *lines = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except csv.Error as error:
        raise NotATable(f"the table is not CSV: {error}", hint="Quote cells with commas, and close quotes.") from error
    names = [name.strip() for name in header]
    if len(set(names)) != len(names):
        raise DuplicateKey(f"the header names a column twice: {', '.join(names)}", hint="Keep one of the two.")
    for number, line in enumerate(lines, start=2):
        if line and len(line) != len(names):
            raise NotATable(f"line {number} has {len(line)} cells, the header {len(names)}", hint="Complete the line.")
    return [
        {name: cell.strip() for name, cell in zip(names, line, strict=True) if cell.strip()} for line in lines if line
    ]


def _members(rows: list[Any]) -> list[bool]:
    groups = [str(row.get("group", 0)) for row in rows]
    for i, group in enumerate(groups):
        if group not in ("0", "1"):
            raise NotAGroup(f'"group" of bid {i} is {group!r}', hint="Write 1 for members of the tranche, else 0.")
    return [group == "1" for group in groups]


def _scores(rows: list[Any], name: str, bits: int) -> list[int]:
    """A column of scores or weights, WAD."""
    scores = [_wad(name, i, value) for i, value in enumerate(column(rows, name))]
    naturals(f'"{name}" of bid', scores, bits)
    return scores


def _wad(name: str, i: int, value: Any) -> int:
    number = (
        Decimal(value) if type(value) in (int, Decimal) or (type(value) is str and _NUMBER.fullmatch(value)) else None
    )
    if number is None or not number.is_finite() or number.as_tuple().exponent not in DIGITS:
        raise NotAScore(f'"{name}" of bid {i} is no score: {value!r}', hint="Write a number from 0 to 1, or WAD.")
    exact = Fraction(number)
    wad = exact if exact > 1 else exact * WAD
    if wad.denominator != 1:
        hint = "Write at most 18 decimals from 0 to 1, and whole WAD above."
        raise NotAScore(f'"{name}" of bid {i} is no whole number of WAD: {value}', hint=hint)
    return int(wad)
