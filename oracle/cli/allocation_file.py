"""The file of ``mia allocate``: a market as one JSON document, read into checked columns.

A file may hold a million bids: columns are checked as a whole, and searched only to name the bid that fails. Errors
are ``BadInput`` (what the document is) and ``MechanismError`` (what its numbers are); both name the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oracle.cli.exact_json import parse_json, read_text, whole, wholes
from oracle.cli.rows import (
    ConflictingFields,
    MissingField,
    WrongType,
    column,
    field,
    fields_of,
    groups,
    identifiers,
    known_object,
)
from oracle.errors import BadInput
from oracle.mechanism.clearing import COST_BITS, WEIGHT_BITS, Bid
from oracle.mechanism.integers import MONEY_BITS, WAD
from oracle.mechanism.liquidity import split
from oracle.mechanism.shares import Weighting
from oracle.mechanism.weights import weight

SCORE_BITS = 64
"""Scores, exponents, tokens, reputations and seeds are below 2**64."""
TERM_BITS = {
    **dict.fromkeys(("budget", "utility_pool", "reserve", "cap", "price"), MONEY_BITS),
    **dict.fromkeys(("eta", "gamma", "kappa", "seed"), SCORE_BITS),
    "liquidity": 256,  # its own bound is WAD, with an error of its own
}
COLUMNS = ("quality", "impact", "tokens", "reputation")
BID_FIELDS = ("id", "bid", "weight", *COLUMNS, "group")
DST_FIELDS = ("supply", "volume_weight", "quality_weight", "impact_weight", "floor", "cap")
TRANCHE_FIELDS = ("group", "share")


class ZeroBudget(BadInput):
    """Part of the rewards is to be cash, and the budget is zero."""


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """How DST are allocated."""

    supply: int
    """DST units."""
    weighting: Weighting
    floor: int
    """WAD of the supply, as the cap."""
    cap: int


@dataclass(frozen=True, slots=True)
class TrancheTerms:
    """What is set aside for an under-served group."""

    group: str
    share: int
    """WAD of the reward budget."""


@dataclass(frozen=True, slots=True)
class Market:
    """Bids and terms. Money is in money units; columns are by position."""

    ids: list[str]
    bids: list[Bid]
    columns: Mapping[str, list[int]]
    """Those of `COLUMNS` that the bids carry: quality and impact in WAD, tokens, reputation."""
    groups: list[str | None]
    budget: int
    utility_pool: int
    liquidity: int
    reserve: int | None
    cap: int | None
    price: int | None
    seed: int | None
    dst: ShareTerms | None
    tranche: TrancheTerms | None

    def column(self, name: str, needed_by: str) -> list[int]:
        """A column that something cannot do without. Raises MissingField."""
        if name not in self.columns:
            raise MissingField(f'{needed_by} needs "{name}" of every bid', hint=f'Give every bid a "{name}".')
        return self.columns[name]


def read_market(source: str) -> Market:
    """Read and check a file, or stdin for ``-``.

    Raises
    ------
    BadInput
        The file cannot be read (``NotJson``, ``DuplicateKey`` among others) or is no market: ``WrongType``,
        ``UnknownField``, ``MissingField``, ``ConflictingFields``, ``DuplicateId``, ``ZeroBudget``.
    MechanismError
        A number is none, is negative or too large; no power gives a weight.
    """
    document = known_object(parse_json(read_text(source), source), "the file", (*TERM_BITS, "bids", "dst", "tranche"))
    given = {name: value for name in TERM_BITS if (value := document.get(name)) is not None}
    terms = {name: whole(f'"{name}"', value, TERM_BITS[name]) for name, value in given.items()}
    budget, liquidity = field(terms, "budget", "the file"), terms.get("liquidity", WAD)
    if budget == 0 < liquidity:
        raise ZeroBudget("the budget is zero", hint="Give a budget, or a liquidity of 0 where all is paid in shares.")
    split(budget, terms.get("utility_pool", 0), liquidity)

    rows = field(document, "bids", "the file")
    names = fields_of(rows, BID_FIELDS)
    columns = {name: wholes(f'"{name}" of bid', column(rows, name), SCORE_BITS) for name in COLUMNS if name in names}
    costs = wholes('"bid" of bid', column(rows, "bid"), COST_BITS)
    return Market(
        ids=identifiers(rows),
        bids=list(map(Bid, costs, _weights(rows, names, columns, terms))),
        columns=columns,
        groups=groups(rows),
        budget=budget,
        utility_pool=terms.get("utility_pool", 0),
        liquidity=liquidity,
        reserve=terms.get("reserve"),
        cap=terms.get("cap"),
        price=terms.get("price"),
        seed=terms.get("seed"),
        dst=_dst(document.get("dst")),
        tranche=_tranche(document.get("tranche")),
    )


def _weights(rows: list[Any], names: set[str], columns: Mapping[str, list[int]], terms: Mapping[str, int]) -> list[int]:
    """The weights as given, or made of quality and impact."""
    scores = names & {"quality", "impact"}
    if not scores:
        return wholes('"weight" of bid', column(rows, "weight"), WEIGHT_BITS)
    if "weight" in names:
        raise ConflictingFields(
            "bids carry both a weight and the scores it is made of", hint="Keep weight, or quality and impact."
        )
    powers = terms.get("eta", WAD), terms.get("gamma", WAD), terms.get("kappa", 0)
    quality, impact = (field(columns, name, "a bid with scores") for name in ("quality", "impact"))
    return [weight(q, phi, *powers) for q, phi in zip(quality, impact, strict=True)]


def _dst(value: Any) -> ShareTerms | None:
    if value is None:
        return None
    fields = known_object(value, '"dst"', DST_FIELDS)
    supply, volume, quality, impact, floor, cap = (
        whole(f'"{name}" of dst', field(fields, name, '"dst"'), MONEY_BITS) for name in DST_FIELDS
    )
    return ShareTerms(supply, Weighting(volume, quality, impact), floor, cap)


def _tranche(value: Any) -> TrancheTerms | None:
    if value is None:
        return None
    fields = known_object(value, '"tranche"', TRANCHE_FIELDS)
    group, share = (field(fields, name, '"tranche"') for name in TRANCHE_FIELDS)
    if type(group) is not str:
        raise WrongType(f'"group" of tranche is not a text: {group!r}', hint="Name a group that bids name.")
    return TrancheTerms(group, whole('"share" of tranche', share, 256))
