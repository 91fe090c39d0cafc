"""Allocation of DST: every scored provider's share of a fixed supply, between a floor and a cap.

The paper hands out DST by a weighted score of volume, quality and impact, clipped to a floor and a cap, without saying
how clipped amounts add up to the supply. Here they do, exactly: water-filling ``a_i = clamp(lambda * s_i, lo_i, hi_i)``
with one rational lambda, leftover units by largest remainder. DST carries votes and no money, and the allocation runs
over all *scored* providers, so no bid moves it; only winners mint theirs. There is no on-chain twin: the allocation is
part of every attested score leaf, and `verify` recomputes it in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from oracle.mechanism.integers import WAD, MechanismError, natural, ratio_key

AMOUNT_BITS = 128


class LengthMismatch(MechanismError):
    """Two columns of one table have different lengths."""


class FloorAboveCap(MechanismError):
    """A floor is above its cap."""


class FloorsAboveSupply(MechanismError):
    """The floors together are above the supply."""


class CapsBelowSupply(MechanismError):
    """The caps of providers with a score, and the floors of the others, together are below the supply."""


class AllocationRejected(MechanismError):
    """An allocation is not the one of its scores, floors, caps and supply."""


class Weighting(NamedTuple):
    """Weights of the three terms of a score, WAD."""

    volume: int
    quality: int
    impact: int


class Allocation(NamedTuple):
    """Result of `allocate`."""

    amounts: tuple[int, ...]
    """DST units by provider; they add up to the supply."""
    level: Fraction
    """lambda: units per unit of score at which the supply is used up."""


def scores(
    tokens: Sequence[int],
    quality: Sequence[int],
    impact: Sequence[int],
    weighting: Weighting,
    quality_term: Literal["tokens", "literal"] = "tokens",
) -> tuple[int, ...]:
    """Scores ``alpha * volume + beta * quality + gamma * impact``, WAD, each term a share of the market's total.

    Differs from the paper in the quality term: ``q_i / sum q`` pays for splitting a dataset in two, so the default is
    ``tokens_i * q_i`` over its sum; "literal" selects the paper's. A term whose total is zero drops out.

    Parameters
    ----------
    tokens
        Deduplicated tokens, below 2**64.
    quality
        WAD, below 2**64.
    impact
        WAD, or any other unit common to all; negative marginal gains count as 0.
    weighting
        alpha, beta, gamma; each below 2**64.
    quality_term
        "tokens" or "literal".

    Raises
    ------
    LengthMismatch
        The columns differ in length.
    NotAnInteger, NegativeValue, ValueTooLarge
        An entry is outside its range.
    """
    _same_length(tokens=tokens, quality=quality, impact=impact)
    for name, weight in zip(Weighting._fields, weighting, strict=True):
        natural(f"{name} weight", weight, 64)
    volume = [natural(f"tokens of provider {i}", t, 64) for i, t in enumerate(tokens)]
    merit = [natural(f"quality of provider {i}", q, 64) for i, q in enumerate(quality)]
    if quality_term == "tokens":
        merit = [t * q for t, q in zip(volume, merit, strict=True)]
    gain = [max(0, g) for g in impact]
    terms = zip(_portions(volume), _portions(merit), _portions(gain), strict=True)
    return tuple(sum(w * x for w, x in zip(weighting, row, strict=True)) // WAD for row in terms)


def bounds(tokens: Sequence[int], supply: int, floor: int, cap: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Floors and caps in DST units: ``floor`` of the supply scaled by the share of tokens, and ``cap`` of the supply.

    A floor per identity, as in the paper, would pay for splitting; scaled by tokens it does not.

    Parameters
    ----------
    tokens
        Deduplicated tokens, below 2**64.
    supply
        T, DST units, below 2**128.
    floor, cap
        WAD of the supply, ``floor <= cap <= WAD``. All floors together are at most ``floor``.

    Raises
    ------
    FloorAboveCap
        ``floor`` is above ``cap``.
    NotAnInteger, NegativeValue, ValueTooLarge
        An argument is outside its range.
    """
    natural("supply", supply, AMOUNT_BITS)
    natural("floor", floor, 64)
    natural("cap", cap, 64)
    if floor > cap:
        raise FloorAboveCap(f"the floor {floor} is above the cap {cap}")
    for i, count in enumerate(tokens):
        natural(f"tokens of provider {i}", count, 64)
    market = sum(tokens) or 1
    lo = tuple(supply * floor * count // (WAD * market) for count in tokens)
    return lo, (supply * cap // WAD,) * len(tokens)


def feasible_supply(scores: Sequence[int], lo: Sequence[int], hi: Sequence[int], supply: int) -> int:
    """The supply, or what the caps of those with a score let through where they are few: the rest stays unissued."""
    return min(supply, _highest_total(scores, lo, hi))


def allocate(scores: Sequence[int], lo: Sequence[int], hi: Sequence[int], supply: int) -> Allocation:
    """Water-filling: ``clamp(lambda * s_i, lo_i, hi_i)`` with the lambda at which the amounts add up to the supply.

    The total grows with lambda in straight pieces that change slope where a provider leaves its floor (lo_i / s_i) or
    reaches its cap (hi_i / s_i). Those points are walked in exact order until the supply lies on the piece. Fractions
    are rounded down and the units left over go to the largest fractions, ties to the lower index.

    Parameters
    ----------
    scores
        Non-negative integers in any common unit, below 2**128.
    lo, hi
        Floors and caps, DST units, ``lo_i <= hi_i < 2**128``.
    supply
        T, DST units, below 2**128.

    Raises
    ------
    FloorAboveCap, FloorsAboveSupply, CapsBelowSupply
        No allocation exists.
    LengthMismatch, NotAnInteger, NegativeValue, ValueTooLarge
        An argument is outside its range.
    """
    _check(scores, lo, hi, supply)
    level = _level(scores, lo, hi, supply)
    amounts = [_clamped_floor(level, *row) for row in zip(scores, lo, hi, strict=True)]
    by_remainder = sorted(range(len(scores)), key=lambda i: (-_remainder(level, scores[i], lo[i], hi[i]), i))
    for i in by_remainder[: supply - sum(amounts)]:
        amounts[i] += 1
    return Allocation(tuple(amounts), level)


def verify(allocation: Allocation, scores: Sequence[int], lo: Sequence[int], hi: Sequence[int], supply: int) -> None:
    """Check an allocation in one pass, without sorting.

    At the claimed lambda the unrounded amounts must add up to the supply; every amount must be its unrounded one
    rounded down or up; and no amount rounded up may have a smaller fraction (or, tied, a higher index) than one
    rounded down.

    Raises
    ------
    AllocationRejected
        One of these fails; the message names the provider.
    FloorAboveCap, FloorsAboveSupply, CapsBelowSupply, LengthMismatch, NotAnInteger, NegativeValue, ValueTooLarge
        As `allocate`.
    """
    _check(scores, lo, hi, supply)
    amounts, level = allocation
    if len(amounts) != len(scores) or level < 0:
        raise AllocationRejected(f"{len(amounts)} amounts at lambda {level} for {len(scores)} providers")
    remainders = left_over = 0
    last_up: tuple[int, int] | None = None
    first_down: tuple[int, int] | None = None
    for i, row in enumerate(zip(scores, lo, hi, strict=True)):
        remainder = _remainder(level, *row)
        extra = amounts[i] - _clamped_floor(level, *row)
        if extra not in (0, 1):
            raise AllocationRejected(f"provider {i} has {amounts[i]} units, {extra} off its unrounded amount")
        remainders += remainder
        left_over += extra
        rank = (-remainder, i)
        if extra:
            last_up = max(last_up or rank, rank)
        else:
            first_down = min(first_down or rank, rank)
    if sum(amounts) != supply or remainders != left_over * level.denominator:
        raise AllocationRejected(f"the amounts add up to {sum(amounts)} at lambda {level}, not to {supply}")
    if last_up and first_down and last_up > first_down:
        raise AllocationRejected(f"provider {last_up[1]} was rounded up before provider {first_down[1]}")


def _level(scores: Sequence[int], lo: Sequence[int], hi: Sequence[int], supply: int) -> Fraction:
    """lambda of `allocate`: where the unrounded amounts add up to ``supply``, which is feasible."""
    bits = max(scores, default=0).bit_length()
    corners = [(lo[i], s, s, -lo[i]) for i, s in enumerate(scores) if s] + [
        (hi[i], s, -s, hi[i]) for i, s in enumerate(scores) if s
    ]
    base, slope = sum(lo), 0  # total = base + slope * lambda on the current piece
    for units, score, slope_change, base_change in sorted(corners, key=lambda c: ratio_key(c[0], c[1], bits)):
        if base * score + slope * units >= supply * score:
            return Fraction(supply - base, slope) if slope else Fraction(units, score)
        base += base_change
        slope += slope_change
    return Fraction(0)  # nobody has a score: all amounts are floors


def _clamped_floor(level: Fraction, score: int, lo: int, hi: int) -> int:
    return min(max(score * level.numerator // level.denominator, lo), hi)


def _remainder(level: Fraction, score: int, lo: int, hi: int) -> int:
    """Numerator, over lambda's denominator, of the fraction of an amount that is not clamped; 0 for one that is."""
    product = score * level.numerator
    if lo * level.denominator < product < hi * level.denominator:
        return product % level.denominator
    return 0


def _portions(values: Sequence[int]) -> list[int]:
    """Each value's share of the sum, WAD, rounded down; zeros for a zero sum."""
    total = sum(values)
    return [value * WAD // total for value in values] if total else [0] * len(values)


def _highest_total(scores: Sequence[int], lo: Sequence[int], hi: Sequence[int]) -> int:
    """What the amounts add up to at the largest lambda: caps where there is a score, floors elsewhere."""
    return sum(h if s else f for s, f, h in zip(scores, lo, hi, strict=True))


def _same_length(**columns: Sequence[int]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise LengthMismatch(f"columns of different lengths: {lengths}")


def _check(scores: Sequence[int], lo: Sequence[int], hi: Sequence[int], supply: int) -> None:
    """The arguments are in range and an allocation exists."""
    _same_length(scores=scores, lo=lo, hi=hi)
    natural("supply", supply, AMOUNT_BITS)
    for i, (score, floor, cap) in enumerate(zip(scores, lo, hi, strict=True)):
        natural(f"score of provider {i}", score, AMOUNT_BITS)
        natural(f"floor of provider {i}", floor, AMOUNT_BITS)
        natural(f"cap of provider {i}", cap, AMOUNT_BITS)
        if floor > cap:
            raise FloorAboveCap(f"provider {i} has the floor {floor} above its cap {cap}")
    if sum(lo) > supply:
        raise FloorsAboveSupply(f"the floors add up to {sum(lo)}, above the supply {supply}")
    if _highest_total(scores, lo, hi) < supply:
        raise CapsBelowSupply(f"caps and floors reach {_highest_total(scores, lo, hi)} of the supply {supply}")
