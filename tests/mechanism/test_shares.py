"""DST: exact sums, floors and caps kept, one allocation and no other, splitting not subsidised."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.mechanism.integers import WAD, NegativeValue, NotAnInteger, ValueTooLarge
from oracle.mechanism.shares import (
    Allocation,
    AllocationRejected,
    CapsBelowSupply,
    FloorAboveCap,
    FloorsAboveSupply,
    LengthMismatch,
    Weighting,
    allocate,
    bounds,
    feasible_supply,
    scores,
    verify,
)

EVEN = Weighting(WAD, WAD, WAD)


@st.composite
def tables(draw: st.DrawFn, top: int, most: int) -> tuple[list[int], list[int], list[int], int]:
    """Scores, floors, caps and a supply for which an allocation exists."""
    number = st.integers(0, top)
    n = draw(st.integers(1, most))
    score = draw(st.lists(number, min_size=n, max_size=n))
    pairs = [sorted(draw(st.tuples(number, number))) for _ in range(n)]
    lo, hi = [p[0] for p in pairs], [p[1] for p in pairs]
    highest = sum(h if s else f for s, f, h in zip(score, lo, hi, strict=True))
    return score, lo, hi, draw(st.integers(sum(lo), highest))


def exact_amounts(score: list[int], lo: list[int], hi: list[int], supply: int) -> list[Fraction]:
    """Brute force: try every way of putting providers on floor, cap or in between until one is consistent."""
    for sides in product("lhb", repeat=len(score)):
        fixed = sum({"l": f, "h": h, "b": 0}[side] for side, f, h in zip(sides, lo, hi, strict=True))
        free = sum(s for side, s in zip(sides, score, strict=True) if side == "b")
        levels = [Fraction(supply - fixed, free)] if free else corner_levels(score, lo, hi)
        for level in levels:
            amounts = [min(max(level * s, Fraction(f)), Fraction(h)) for s, f, h in zip(score, lo, hi, strict=True)]
            if level >= 0 and sum(amounts) == supply:
                return amounts
    raise AssertionError("no level reaches the supply")


def corner_levels(score: list[int], lo: list[int], hi: list[int]) -> list[Fraction]:
    corners = [Fraction(c, s) for s, f, h in zip(score, lo, hi, strict=True) if s for c in (f, h)]
    return [Fraction(0), *corners]


@settings(max_examples=150, deadline=None)
@given(tables(top=12, most=4))
def test_amounts_are_the_water_filling_rounded_by_largest_remainder(
    table: tuple[list[int], list[int], list[int], int],
) -> None:
    score, lo, hi, supply = table
    exact = exact_amounts(*table)
    floors = [int(a) for a in exact]
    order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    for i in order[: supply - sum(floors)]:
        floors[i] += 1
    assert allocate(score, lo, hi, supply).amounts == tuple(floors)


@given(tables(top=2**64, most=12))
def test_sum_is_exact_and_every_amount_within_its_bounds(table: tuple[list[int], list[int], list[int], int]) -> None:
    score, lo, hi, supply = table
    allocation = allocate(*table)
    assert sum(allocation.amounts) == supply
    assert all(f <= a <= h for f, a, h in zip(lo, allocation.amounts, hi, strict=True))
    assert all(a == f for s, f, a in zip(score, lo, allocation.amounts, strict=True) if s == 0)
    verify(allocation, *table)


@given(tables(top=40, most=6), st.data())
def test_verify_rejects_every_moved_unit(
    table: tuple[list[int], list[int], list[int], int], data: st.DataObject
) -> None:
    allocation = allocate(*table)
    n = len(allocation.amounts)
    source, target = (data.draw(st.integers(0, n - 1)) for _ in range(2))
    moved = list(allocation.amounts)
    moved[source] -= 1
    if source != target:
        moved[target] += 1
    with pytest.raises(AllocationRejected):
        verify(Allocation(tuple(moved), allocation.level), *table)


@given(tables(top=40, most=6), st.fractions(0, 50))
def test_verify_accepts_another_level_only_with_the_same_unrounded_amounts(
    table: tuple[list[int], list[int], list[int], int], level: Fraction
) -> None:
    allocation = allocate(*table)
    score, lo, hi, supply = table
    at_level = [min(max(level * s, Fraction(f)), Fraction(h)) for s, f, h in zip(score, lo, hi, strict=True)]
    if sum(at_level) == supply:
        verify(Allocation(allocation.amounts, level), *table)
    else:
        with pytest.raises(AllocationRejected):
            verify(Allocation(allocation.amounts, level), *table)


def test_verify_rejects_the_wrong_length_and_a_negative_level() -> None:
    for wrong in (Allocation((10,), Fraction(5)), Allocation((5, 5), Fraction(-5))):
        with pytest.raises(AllocationRejected):
            verify(wrong, [1, 1], [0, 0], [10, 10], 10)


def test_ties_go_to_the_lower_index() -> None:
    assert allocate([1, 1, 1], [0] * 3, [9] * 3, 8).amounts == (3, 3, 2)
    assert allocate([0, 0], [1, 2], [5, 5], 3) == Allocation((1, 2), Fraction(0))
    assert allocate([], [], [], 0) == Allocation((), Fraction(0))


def test_infeasible_tables_are_named() -> None:
    with pytest.raises(FloorAboveCap, match="provider 1"):
        allocate([1, 1], [0, 3], [5, 2], 4)
    with pytest.raises(FloorsAboveSupply):
        allocate([1, 1], [3, 3], [5, 5], 5)
    with pytest.raises(CapsBelowSupply):
        allocate([1, 1], [0, 0], [5, 5], 11)
    with pytest.raises(CapsBelowSupply):
        allocate([1, 0], [0, 0], [5, 5], 6)
    with pytest.raises(LengthMismatch):
        allocate([1], [0, 0], [5, 5], 6)
    with pytest.raises(NegativeValue):
        allocate([-1], [0], [5], 5)
    with pytest.raises(NotAnInteger):
        allocate([0.5], [0], [5], 5)  # type: ignore[list-item]
    with pytest.raises(ValueTooLarge):
        allocate([1], [0], [5], 2**128)


def test_supply_shrinks_to_what_the_caps_let_through() -> None:
    assert feasible_supply([1, 1], [0, 0], [3, 3], 10) == 6
    assert feasible_supply([1, 0], [0, 1], [3, 3], 10) == 4
    assert feasible_supply([1, 1], [0, 0], [8, 8], 10) == 10


def test_scores_are_shares_and_zero_totals_drop_out() -> None:
    assert scores([1, 3], [WAD, WAD], [0, 0], EVEN) == (WAD // 2, 3 * WAD // 2)
    assert scores([1, 3], [WAD, WAD], [0, 0], EVEN, "literal") == (3 * WAD // 4, 5 * WAD // 4)
    assert scores([0, 0], [0, 0], [-5, 0], EVEN) == (0, 0)
    assert scores([1, 1], [0, 0], [-5, 3], Weighting(0, 0, WAD)) == (0, WAD)
    with pytest.raises(LengthMismatch):
        scores([1], [WAD], [], EVEN)
    with pytest.raises(NegativeValue, match="tokens of provider 0"):
        scores([-1], [WAD], [1], EVEN)
    with pytest.raises(NegativeValue, match="impact weight"):
        scores([1], [WAD], [1], Weighting(0, 0, -1))


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, WAD), st.integers(1, WAD), st.integers(0, WAD // 4))
def test_splitting_a_dataset_pays_at_most_the_rounding(half: int, rival: int, q: int, q_rival: int, floor: int) -> None:
    """Two halves of one quality get what the whole gets; with the paper's literal quality term they get more."""
    supply = 10**9

    def shares_of_first(tokens: list[int], quality: list[int]) -> int:
        lo, hi = bounds(tokens, supply, floor, WAD)
        score = scores(tokens, quality, [0] * len(tokens), Weighting(WAD, WAD, 0))
        return sum(allocate(score, lo, hi, supply).amounts[:-1])

    whole = shares_of_first([2 * half, rival], [q, q_rival])
    halves = shares_of_first([half, half, rival], [q, q, q_rival])
    assert abs(whole - halves) <= 3
    literal = [
        scores(t, s, [0] * len(t), Weighting(0, WAD, 0), "literal")[-1]
        for t, s in (([2 * half, rival], [q, q_rival]), ([half, half, rival], [q, q, q_rival]))
    ]
    assert literal[1] <= literal[0]


def test_bounds_scale_with_tokens() -> None:
    assert bounds([1, 3], 1000, WAD // 10, WAD // 2) == ((25, 75), (500, 500))
    assert bounds([0, 0], 1000, WAD // 10, WAD // 2) == ((0, 0), (500, 500))
    with pytest.raises(FloorAboveCap):
        bounds([1], 1000, WAD // 2, WAD // 10)
    with pytest.raises(NegativeValue):
        bounds([-1], 1000, 0, WAD)
