"""Amounts, fractions and durations as people write them, exactly, with units that cannot be mistaken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction as Rational
from typing import Annotated, Any

from pydantic import PlainValidator

from oracle.chain.terms import MIN_PHASE

WAD = 10**18
MAX_LENGTH = 100
"""Characters of a number: more are none that a chain holds."""
_NUMBER = re.compile(r"[0-9]+(_[0-9]+)*(\.[0-9]+)?")
_DURATION = re.compile(r"(?=.)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
_ETHER = {"ETH": 10**18, "gwei": 10**9, "wei": 1}


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of a token, by its symbol."""

    value: Decimal
    symbol: str

    def __str__(self) -> str:
        return f"{self.value} {self.symbol}"


def parse_number(text: str) -> Decimal:
    """``"12_500.00"``, with ASCII digits and nothing around them, exactly; ``ValueError`` for anything else."""
    if len(text) > MAX_LENGTH or not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:MAX_LENGTH]!r} is no number: write digits and at most one point, such as 12500.00")
    return Decimal(text.replace("_", ""))


def scaled(number: Decimal, decimals: int) -> int | None:
    """``number`` times ``10**decimals``, exactly (the arithmetic of ``Decimal`` rounds); None when that is not whole.

    Raises ``ValueError`` for what is infinite, no number, or beyond all bounds.
    """
    exponent = number.as_tuple().exponent
    if isinstance(exponent, str) or number.adjusted() > MAX_LENGTH:
        raise ValueError("it is beyond all bounds")
    if exponent < -4 * MAX_LENGTH:  # a few characters do not stand for gigabytes
        return None
    exact = Rational(number) * 10**decimals
    return int(exact) if exact.denominator == 1 else None


def parse_amount(text: str) -> Amount:
    """``"12500.00 DEMO"``; ``ValueError`` for anything else."""
    number, _, symbol = text.strip(" ").partition(" ")
    symbol = symbol.strip(" ")
    if len(number) > MAX_LENGTH or not _NUMBER.fullmatch(number) or not symbol or len(symbol.split()) > 1:
        raise ValueError(
            f"{text[:MAX_LENGTH]!r} is no amount: write a number, a space and the token's symbol, such as "
            '"12500.00 DEMO"'
        )
    return Amount(parse_number(number), symbol)


def _token_amount(value: Any) -> Amount:
    if isinstance(value, str):
        return parse_amount(value)
    raise ValueError('write an amount of the token, such as "0.01 DEMO"')


def _money(value: Any) -> Amount | int:
    if isinstance(value, str):
        return parse_amount(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return value
    raise ValueError('write an amount such as "12500.00 DEMO", or a whole number of money units')


def _wad(value: Any) -> int:
    try:
        number = parse_number(value.removeprefix("-")) if isinstance(value, str) and "." in value else value
    except ValueError:
        number = None
    if not isinstance(number, Decimal) or not number.is_finite():
        raise ValueError('write a fraction with a decimal point, such as "0.5"')
    if number.adjusted() > MAX_LENGTH or str(value).startswith("-"):
        raise ValueError(f"{value} is not between 0.0 and 18.0")
    whole = scaled(number, 18)
    if whole is None:
        raise ValueError(f"{value} has more than 18 decimals")
    if whole >= 1 << 64:
        raise ValueError(f"{value} is not between 0.0 and 18.0")
    return whole


def _part(value: Any) -> int:
    part = _wad(value)
    if part > WAD:
        raise ValueError(f"{value} is not between 0.0 and 1.0")
    return part


def _wei(value: Any) -> int:
    return _whole(_token_amount(value), _ETHER, 96)


def _shares(value: Any) -> int:
    return _whole(_token_amount(value), {"DST": 10**9}, 64)


def _whole(amount: Amount, units: dict[str, int], bits: int) -> int:
    if amount.symbol not in units:
        raise ValueError(f"{amount} is not in {' or '.join(units)}")
    exact = Rational(amount.value) * units[amount.symbol]
    if exact.denominator != 1 or exact >= 1 << bits:
        raise ValueError(f"{amount} is too large, or has too many decimals")
    return int(exact)


def _deadline(value: Any) -> int | datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a date and time needs its zone, such as 2030-01-31T18:00:00Z")
        return value
    return _duration(value, ", or a date and time with its zone")


def _duration(value: Any, otherwise: str = "") -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) and len(value) < MAX_LENGTH else None
    if not found:
        raise ValueError(f'write a duration such as "2h", "30m" or "7d"{otherwise}')
    seconds = sum(int(count or 0) * size for count, size in zip(found.groups(), (86_400, 3600, 60, 1), strict=True))
    if seconds < MIN_PHASE:
        raise ValueError(f"{value} is too short: every phase lasts ten minutes at least")
    if seconds >= 1 << 32:
        raise ValueError(f"{value} is too long: nothing lasts 136 years")
    return seconds


Fraction = Annotated[int, PlainValidator(_wad)]
"""WAD, from 0.0 to 18.0."""
Part = Annotated[int, PlainValidator(_part)]
"""WAD, from 0.0 to 1.0."""
Money = Annotated[Amount | int, PlainValidator(_money)]
"""An amount of the payment token, or money units."""
TokenAmount = Annotated[Amount, PlainValidator(_token_amount)]
Wei = Annotated[int, PlainValidator(_wei)]
Shares = Annotated[int, PlainValidator(_shares)]
"""DST units, nine decimals."""
Deadline = Annotated[int | datetime, PlainValidator(_deadline)]
"""Seconds after the deadline before, or a moment."""
Duration = Annotated[int, PlainValidator(_duration)]
"""Seconds."""
