from dataclasses import replace

import pytest
from eth_abi.abi import decode

from oracle.custody.context import CONTEXT_TYPEHASH, NOWHERE, Context
from oracle.errors import BadInput

PROVIDER, MARKET = "0x" + "11" * 20, "0x" + "33" * 20
CONTEXT = Context(31337, MARKET, 5, PROVIDER, b"\x07" * 32)


def test_associated_data_are_abi_words() -> None:
    types = ["bytes32", "uint256", "address", "uint256", "address", "bytes32"]
    assert decode(types, CONTEXT.aad()) == (CONTEXT_TYPEHASH, 31337, MARKET, 5, PROVIDER, b"\x07" * 32)


def test_every_word_is_bound() -> None:
    others = [
        replace(CONTEXT, chain_id=1),
        replace(CONTEXT, market=PROVIDER),
        replace(CONTEXT, round=6),
        replace(CONTEXT, provider=MARKET),
        replace(CONTEXT, dataset=b"\x08" * 32),
    ]
    assert len({context.aad() for context in (CONTEXT, *others)}) == 6


def test_an_address_is_bound_whatever_its_spelling() -> None:
    mixed = "0x1563915e194D8CfBA1943570603F7606A3115508"
    assert replace(CONTEXT, provider=mixed).aad() == replace(CONTEXT, provider=mixed.lower()).aad()


def test_new_contexts_differ() -> None:
    assert Context.new() != Context.new()
    assert Context.new().market == Context.new().provider == NOWHERE


def test_derived_keys_differ_by_purpose_data_set_and_key() -> None:
    key, other = bytes(32), b"\x01" * 32
    derived = {
        CONTEXT.derive(key, "stream"),
        CONTEXT.derive(key, "salts"),
        CONTEXT.derive(other, "stream"),
        replace(CONTEXT, dataset=bytes(32)).derive(key, "stream"),
    }
    assert len(derived) == 4
    with pytest.raises(BadInput):
        CONTEXT.derive(b"short", "stream")
