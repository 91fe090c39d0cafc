"""Amounts on the command line are exact: whole numbers in ASCII digits, decimals of no more than the token has."""

from __future__ import annotations

import pytest
from conftest import Mia

from oracle.chain.token import Token
from oracle.cli.licence import _share
from oracle.cli.revenue import token_units
from oracle.errors import BadInput

TOKEN = Token("0x1563915e194D8CfBA1943570603F7606A3115508", "DEMO", 6)
ODD = ("٢٥", "２５", "+25", " 25", "2_5x", "1e3", "1,000", "0x10", "-1", "NaN", "inf", "", "9" * 200)


@pytest.mark.parametrize("value", [*ODD, "1.0", "2_5", "0", str(2**128)])
@pytest.mark.parametrize(
    ("command", "option"),
    [(("bid", "commit", 1, "corpus.jsonl", "--keystore", "k.json"), "--cost"), (("oracle", "stake"), "--amount")],
)
def test_options_take_whole_numbers(mia: Mia, command: tuple[object, ...], option: str, value: str) -> None:
    answer = mia(*command, f"{option}={value}")
    error = answer.document["error"]
    assert (answer.code, error["name"]) == (2, "UsageError")
    assert option in error["hint"] and repr(value) in error["hint"] and "whole number" in error["hint"]


@pytest.mark.parametrize("value", [*ODD, "0", "0.0", "0.0000001", "1." + "0" * 40 + "1", str(2**256)])
def test_revenue_is_paid_in_exact_amounts(value: str) -> None:
    with pytest.raises(BadInput) as failure:
        token_units(value, TOKEN)
    assert failure.value.input == value and repr(value) in str(failure.value) and "6 decimals" in failure.value.hint


def test_an_amount_with_more_digits_than_decimals_round_at_is_exact() -> None:
    assert token_units("1234567890123456789012345678901.000001", TOKEN) == 1234567890123456789012345678901000001
    assert token_units("2500.50", TOKEN) == 2_500_500_000


@pytest.mark.parametrize("value", [*ODD, "1.1", "0." + "0" * 40 + "1", "5e-2"])
def test_a_share_of_the_revenue_is_exact(value: str) -> None:
    with pytest.raises(BadInput) as failure:
        _share(value)
    assert failure.value.input == value


def test_shares_that_are_fractions() -> None:
    assert [_share(text) for text in ("0", "0.05", "1", "0.000000000000000001")] == [0, 5 * 10**16, 10**18, 1]
