"""Powers and weights: exact where they must be, close to the true power everywhere, named errors."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.mechanism.integers import WAD, NegativeValue, NotAnInteger, ValueTooLarge
from oracle.mechanism.weights import UndefinedLogarithm, exp_wad, ln_wad, pow_wad, weight

UINT64 = 2**64 - 1
SCORES = st.integers(0, UINT64)


def test_exact_exponents_in_order() -> None:
    assert pow_wad(0, 0) == pow_wad(7, 0) == WAD
    assert pow_wad(7, WAD) == 7
    assert pow_wad(0, WAD) == pow_wad(0, 1) == 0


def test_solady_documented_values() -> None:
    """Constants of Solady's own tests and documentation."""
    assert ln_wad(WAD) == 0
    assert ln_wad(10 * WAD) == 2302585092994045683
    assert ln_wad(2**255 - 1) == 135305999368893231589
    assert ln_wad(1) == -41446531673892822313
    assert exp_wad(0) == WAD
    assert exp_wad(WAD) == 2718281828459045235
    assert exp_wad(-41446531673892822313) == 0
    assert exp_wad(-41446531673892822312) == 1
    assert (
        exp_wad(135305999368893231588) == 57896044618658097650144101621524338577433870140581303254786265309376407432913
    )
    assert pow_wad(2 * WAD, WAD // 2) == 1414213562373095047


@given(st.integers(1, 2**64), st.integers(1, 4 * WAD))
def test_power_is_close_to_the_true_one(base: int, exponent: int) -> None:
    with localcontext(prec=80):
        true = (Decimal(base) / WAD) ** (Decimal(exponent) / WAD) * WAD
        # a unit of error in the logarithm is multiplied by the exponent, and the result is rounded
        assert abs(pow_wad(base, exponent) - true) <= true * (exponent // WAD + 3) / WAD + 1


@given(SCORES, SCORES, SCORES)
def test_unit_exponents_are_the_exact_product(quality: int, impact: int, kappa: int) -> None:
    assert weight(quality, impact, kappa=kappa) == quality * (impact + kappa) // WAD


@given(SCORES, SCORES, st.integers(0, 2 * WAD), st.integers(0, 2 * WAD), st.integers(1, 2**40))
def test_more_quality_or_impact_never_weighs_less(q: int, phi: int, eta: int, gamma: int, more: int) -> None:
    here = weight(q, phi, eta, gamma)
    assert weight(min(q + more, UINT64), phi, eta, gamma) >= here
    assert weight(q, min(phi + more, UINT64), eta, gamma) >= here


def test_square_root_of_the_paper() -> None:
    assert weight(WAD // 4, WAD // 4, WAD // 2, WAD // 2) == WAD // 4
    assert weight(0, WAD) == weight(WAD, 0) == 0
    assert weight(0, 0, 0, 0) == WAD


def test_errors_are_named() -> None:
    with pytest.raises(UndefinedLogarithm):
        ln_wad(0)
    with pytest.raises(ValueTooLarge):
        ln_wad(2**255)
    with pytest.raises(ValueTooLarge):
        exp_wad(135305999368893231589)
    with pytest.raises(ValueTooLarge):
        pow_wad(2**254, 2**60)
    with pytest.raises(ValueTooLarge):
        pow_wad(2, 2**254)
    with pytest.raises(NegativeValue, match="impact"):
        weight(WAD, -1)
    with pytest.raises(ValueTooLarge, match="eta"):
        weight(WAD, WAD, 2**64)
    with pytest.raises(NotAnInteger, match="quality"):
        weight(0.5, WAD)  # type: ignore[arg-type]
