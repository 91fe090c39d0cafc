"""What every rule counts with: WAD fixed point, checked naturals, exact order of ratios."""

from __future__ import annotations

from collections.abc import Sequence

WAD = 10**18
MONEY_BITS = 128
"""Amounts of money, sums of weights and the reserve price are below 2**128."""


class MechanismError(ValueError):
    """Base of the mechanism's errors: an input is outside a rule's domain, or a claimed outcome is not the rule's."""


class NotAnInteger(MechanismError):
    """A number is not an ``int`` (floats and booleans are refused, they are never exact money)."""


class NegativeValue(MechanismError):
    """A number that counts something is below zero."""


class ValueTooLarge(MechanismError):
    """A number is at or above the bound under which no product overflows 256 bits on chain."""


class ZeroReward(MechanismError):
    """The reward budget is zero: there is nothing to auction."""


def natural(name: str, value: int, bits: int) -> int:
    """Return ``value`` if it is an integer in [0, 2**bits).

    Raises
    ------
    NotAnInteger, NegativeValue, ValueTooLarge
        Naming ``name`` and the value.
    """
    if type(value) is not int:
        raise NotAnInteger(f"{name} must be an integer, got {value!r}")
    if value < 0:
        raise NegativeValue(f"{name} must not be negative, got {value}")
    if value >> bits:
        raise ValueTooLarge(f"{name} must be below 2**{bits}, got {value}")
    return value


def naturals(name: str, values: Sequence[int], bits: int) -> None:
    """Check a whole column as `natural` does: one pass over all, and a second only to name the entry that fails."""
    if set(map(type, values)) <= {int} and not any(value >> bits for value in values):
        return  # a negative number shifts to -1 or below
    for i, value in enumerate(values):
        natural(f"{name} {i}", value, bits)


def ratio_key(numerator: int, denominator: int, bits: int) -> int:
    """Integer that orders ratios exactly: equal for equal ratios, smaller for smaller ones.

    Two different ratios with denominators below ``2**bits`` are more than ``2**(-2 * bits)`` apart, so their
    multiples by ``2**(2 * bits)`` differ by more than one and their floors differ in the same direction.
    """
    return (numerator << 2 * bits) // denominator
