"""Amounts, fractions and durations as people write them, exactly, with units that cannot be mistaken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import PlainValidator

from oracle.chain.terms import MIN_PHASE

WAD = 10**18
_NUMBER = re.compile(r"[0-9][0-9_]*(\.[0-9]+)?")
_DURATION = re.compile(r"(?=.)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_ETHER = {"ETH": 10**18, "gwei": 10**9, "wei": 1}


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of a token, by its symbol."""

    value: Decimal
    symbol: str

    def __str__(self) -> str:
        return f"{self.value} {self.symbol}"


def parse_amount(text: str) -> Amount:
    """``"12500.00 DEMO"``; ``ValueError`` for anything else."""
    number, _, symbol = text.strip().partition(" ")
    if not _NUMBER.fullmatch(number) or not symbol.strip() or " " in symbol.strip():
        raise ValueError(
            f'{text!r} is no amount: write a number, a space and the token\'s symbol, such as "12500.00 DEMO"'
        )
    return Amount(Decimal(number.replace("_", "")), symbol.strip())


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
        number = Decimal(value) if isinstance(value, str) and "." in value else value
    except InvalidOperation:
        number = None
    if not isinstance(number, Decimal) or not number.is_finite():
        raise ValueError('write a fraction with a decimal point, such as "0.5"')
    scaled = number * WAD
    if scaled != int(scaled):
        raise ValueError(f"{value} has more than 18 decimals")
    if not 0 <= scaled < 1 << 64:
        raise ValueError(f"{value} is not between 0.0 and 18.0")
    return int(scaled)


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
    scaled = amount.value * units[amount.symbol]
    if scaled != int(scaled) or scaled >= 1 << bits:
        raise ValueError(f"{amount} is too large, or has too many decimals")
    return int(scaled)


def _deadline(value: Any) -> int | datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a date and time needs its zone, such as 2030-01-31T18:00:00Z")
        return value
    return _duration(value, ", or a date and time with its zone")


def _duration(value: Any, otherwise: str = "") -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f'write a duration such as "2h", "30m" or "7d"{otherwise}')
    seconds = sum(int(count or 0) * size for count, size in zip(found.groups(), (86_400, 3600, 60, 1), strict=True))
    if seconds < MIN_PHASE:
        raise ValueError(f"{value} is too short: every phase lasts ten minutes at least")
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
