"""``mia round simulate``: what other terms would have bought on a given score table, before any money is escrowed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from oracle.cli.output import emit
from oracle.cli.refusal import naming
from oracle.cli.score_table import ScoreTable, read_scores
from oracle.cli.session import Json
from oracle.errors import BadInput
from oracle.mechanism.clearing import Bid, Certificate, clear, price
from oracle.mechanism.integers import MONEY_BITS, WAD, natural
from oracle.mechanism.liquidity import cash_parts, split
from oracle.mechanism.tranche import clear_tranche

if TYPE_CHECKING:
    from oracle.chain.units import Amount

NEUTRALITY = (
    "Splitting one dataset over several identities is neutral only where its quality is homogeneous "
    "and while no clip of the impact binds."
)


class BadTerm(BadInput):
    """A value of the sweep that is no amount, or no fraction."""


class Variant(NamedTuple):
    """What is varied: money in money units (the reserve for a weight of 1.0), parts in WAD."""

    budget: int
    liquidity: int
    reserve: int
    cap: int
    tranche: int


Amounts = Annotated[
    list[str] | None, typer.Option(metavar="AMOUNT", help='Such as "12500.00 DEMO", or whole money units; repeat it.')
]
Parts = Annotated[list[str] | None, typer.Option(metavar="FRACTION", help='Such as "0.5"; repeat it.')]


def simulate(
    terms: Annotated[Path, typer.Argument(metavar="TERMS.toml", help="The terms; see `mia terms`.")],
    scores: Annotated[str, typer.Argument(metavar="SCORES", help="Score table, JSON or CSV; - is stdin.")],
    budget: Amounts = None,
    liquidity: Parts = None,
    reserve: Amounts = None,
    cap: Amounts = None,
    tranche: Parts = None,
    json: Json = False,
) -> None:
    """What a budget, a liquidity, a reserve price, a cap and a tranche would have bought on a score table.

    [dim]Example:[/] mia round simulate terms.toml scores.csv

    [dim]Example:[/] mia round simulate terms.toml scores.csv --cap "800.00 DEMO" --cap "900.00 DEMO"

    SCORES is a table with provider (or id), bid, and weight or both quality and
    impact of every dataset; with tokens, if you like, and group: 1 for members of
    the tranche. Bids are whole money units; scores and weights are numbers from 0
    to 1, or WAD above that.

    There is one line for each combination of the values given here; what is not
    given stays as in TERMS.
    """
    from oracle.chain.terms_file import load_terms

    wanted = load_terms(terms)
    money, powers = wanted.content.money, wanted.content.weights
    unit = money.money_unit

    def amounts(name: str, given: list[str] | None, default: Amount | int) -> list[int]:
        return [_units(f"--{name}", _amount(name, text), unit) for text in given or []] or [
            _units(f"{terms}: money.{name}", default, unit)
        ]

    def parts(name: str, given: list[str] | None, default: int) -> list[int]:
        return [_part(f"--{name}", text) for text in given or []] or [default]

    variants = [
        Variant(*values)
        for values in product(
            amounts("budget", budget, money.budget),
            parts("liquidity", liquidity, money.liquidity),
            amounts("reserve", reserve, money.reserve),
            amounts("cap", cap, money.cap),
            parts("tranche", tranche, wanted.content.bids.tranche),
        )
    ]
    pool = _units(f"{terms}: money.utility_pool", money.utility_pool, unit)
    with naming(str(terms)):
        budgets = [split(variant.budget, pool, variant.liquidity) for variant in variants]
    with naming(scores):
        table = read_scores(scores, powers.eta, powers.gamma, powers.kappa)
        rows = [bought(table, *row) for row in zip(variants, budgets, strict=True)]
    warnings = splitting_warnings(powers.gamma, powers.kappa)
    document = {"money_unit": str(unit), "bids": len(table.bids), "rows": rows, "warnings": warnings}
    emit(document, lambda console: _show(console, document, unit), as_json=json)


def bought(table: ScoreTable, variant: Variant, budget: tuple[int, int]) -> dict[str, Any]:
    """One line of the answer: amounts in money units and weights in WAD, as decimal strings.

    ``budget`` is (L, D). The price is for a weight of 1.0, rounded down; with a tranche, the main auction's.
    """
    cash, deferred = budget
    limits = variant.reserve, variant.cap
    reward, bids = cash + deferred, table.bids
    winners: tuple[int, ...]
    rewards: tuple[int, ...]
    if not variant.tranche:
        winners, rewards, certificate = clear(bids, reward, *limits)
        paid = _price(bids, certificate, reward, variant.reserve)
    else:
        both = clear_tranche(bids, table.members, variant.tranche, reward, *limits)
        winners, rewards = both.winners, both.rewards
        others = [bid for bid, member in zip(bids, table.members, strict=True) if not member]
        paid = _price(others, both.certificates.main, reward - both.group_reward, variant.reserve)
    spent = sum(rewards)
    row = {name: str(value) for name, value in variant._asdict().items()} | {
        "winners": len(winners),
        "weight": str(sum(bids[i].weight for i in winners)),
        "spent": str(spent),
        "cash": str(sum(cash_parts(rewards, cash, reward))),
        "shares": str(spent if deferred else 0),
        "unsold": str(reward - spent),
        "price": None if paid is None else str(paid),
    }
    return row | ({"tokens": str(sum(table.tokens[i] for i in winners))} if table.tokens else {})


def splitting_warnings(gamma: int, kappa: int) -> list[str]:
    """What a planner should know about providers that split a dataset over identities (`weights.weight`); WAD."""
    warnings = []
    if kappa > 0:
        warnings.append(f"kappa = {_decimal(kappa)} is above 0: two halves of a dataset weigh more than the whole.")
    if gamma < WAD:
        warnings.append(f"gamma = {_decimal(gamma)} is below 1: two halves of a dataset weigh more than the whole.")
    return [*warnings, NEUTRALITY]


def _price(bids: Sequence[Bid], certificate: Certificate, reward: int, reserve: int) -> int | None:
    """Money units for a weight of 1.0: the least of the budget's, the first loser's and the reserve price."""
    least = price(bids, certificate, reward, reserve) if certificate.winning_weight else None
    return None if least is None else int(least * WAD)


def _amount(name: str, text: str) -> Amount | int:
    from oracle.chain.units import parse_amount

    try:
        return int(text) if text.isascii() and text.isdecimal() else parse_amount(text)
    except ValueError as error:
        raise BadTerm(str(error), input=f"--{name}", hint="Or write a whole number of money units.") from error


def _units(name: str, amount: Amount | int, unit: Amount) -> int:
    """Money units of an amount."""
    if isinstance(amount, int):
        return natural(name, amount, MONEY_BITS)
    if amount.symbol != unit.symbol:
        raise BadTerm(f"{amount} is not in {unit.symbol}", input=name, hint=f"Write it in {unit.symbol}.")
    if not unit.value:
        raise BadTerm("a money unit of nothing", input=f"{name}, in {unit}", hint="Give money.money_unit a value.")
    units = Fraction(amount.value) / Fraction(unit.value)
    if units.denominator != 1:
        raise BadTerm(f"{amount} is no whole number of money units of {unit}", input=name, hint="Round it.")
    return int(units)


def _part(name: str, text: str) -> int:
    """A fraction from 0.0 to 1.0, WAD."""
    from pydantic import TypeAdapter, ValidationError

    from oracle.chain.units import Part

    try:
        return TypeAdapter(Part).validate_python(text)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise BadTerm(why, input=name, hint='Write a fraction from "0.0" to "1.0".') from error


def _decimal(wad: int) -> str:
    return f"{Decimal(wad).scaleb(-18).normalize():f}"


def _show(console: Console, document: dict[str, Any], unit: Amount) -> None:
    def money(units: str) -> str:
        return f"{int(units) * unit.value:,f}"

    table = Table(box=None, pad_edge=False)
    has_tokens = any("tokens" in row for row in document["rows"])
    terms, found = ("budget", "liquidity", "reserve", "cap", "tranche"), ("winners", "weight", "spent", "cash", "MUT")
    for heading in (*terms, *found, "unsold", "price", *(["tokens"] if has_tokens else [])):
        table.add_column(heading, justify="right")
    for row in document["rows"]:
        table.add_row(
            money(row["budget"]),
            _decimal(int(row["liquidity"])),
            money(row["reserve"]),
            money(row["cap"]),
            _decimal(int(row["tranche"])),
            f"{row['winners']:,}",
            f"{int(row['weight']) / WAD:.4f}",
            money(row["spent"]),
            money(row["cash"]),
            f"{int(row['shares']):,}",
            money(row["unsold"]),
            "–" if row["price"] is None else money(row["price"]),
            *([f"{int(row['tokens']):,}"] if has_tokens else []),
        )
    console.print(table)
    scale = f"amounts in {unit.symbol}, reserve and price for a weight of 1.0"
    console.print(f"{document['bids']:,} bids; {scale}", style="dim")
    for warning in document["warnings"]:
        console.print(warning, style="yellow")
