"""A transaction's signature says who sent it, whatever a node says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3.datastructures import AttributeDict

from oracle.chain.signed import require_signed_call
from oracle.errors import CheckFailed

SENDER: LocalAccount = Account.create()
EXCHANGE = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
DATA = bytes(range(68))
LONDON = {"type": 2, "maxFeePerGas": 3, "maxPriorityFeePerGas": 1}
BERLIN = {"type": 1, "gasPrice": 2}
LISTED = [{"address": EXCHANGE, "storageKeys": ["0x" + "01" * 32]}]
JUNK: list[Any] = [
    None,
    -1,
    7,
    1 << 256,
    "",
    "0x",
    b"",
    b"\xff" * 33,
    [],
    [1],
    [{}],
    [{"address": None}],
    {},
    1.5,
    "\ud800",
]


def told(fees: dict[str, Any], access: list[Any], **changes: Any) -> dict[str, Any]:
    """What a node answers for a transaction that was signed."""
    fields = {"chainId": 5, "nonce": 9, "gas": 90_000, "to": EXCHANGE, "value": 4, "accessList": access, **fees}
    signed = SENDER.sign_transaction(fields | {"data": DATA})
    word = {name: HexBytes(value.to_bytes(32, "big")) for name, value in (("r", signed.r), ("s", signed.s))}
    return fields | {"input": HexBytes(DATA), "v": signed.v, "from": SENDER.address, **word, **changes}


def check(transaction: dict[str, Any], sender: str = SENDER.address) -> None:
    node: Any = SimpleNamespace(eth=SimpleNamespace(get_transaction=lambda _: AttributeDict.recursive(transaction)))
    require_signed_call(node, bytes(32), chain_id=5, sender=sender, to=EXCHANGE, data=DATA)


@pytest.mark.parametrize("fees", [LONDON, BERLIN], ids=["london", "berlin"])
@pytest.mark.parametrize("access", [[], LISTED], ids=["plain", "access list"])
def test_its_senders_signature_is_enough(fees: dict[str, Any], access: list[Any]) -> None:
    check(told(fees, access))


@pytest.mark.parametrize(
    "change",
    [{"nonce": 10}, {"gas": 1}, {"value": 5}, {"accessList": []}, {"maxFeePerGas": 4}, {"v": 1}, {"type": 1}],
    ids=str,
)
def test_what_was_not_signed_is_not_believed(change: dict[str, Any]) -> None:
    changed = told(LONDON, LISTED)
    change = {"v": 1 - changed["v"]} if "v" in change else change
    with pytest.raises(CheckFailed, match="no signature shows") as refused:
        check(changed | change)
    assert refused.value.input == SENDER.address


@pytest.mark.parametrize("change", [{"to": "0x" + "11" * 20}, {"input": HexBytes(DATA[:-1])}, {"chainId": 6}], ids=str)
def test_another_call_shows_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(CheckFailed, match="something else"):
        check(told(LONDON, []) | change)


def test_the_sender_that_a_node_names_is_not_asked() -> None:
    other = Account.create().address
    with pytest.raises(CheckFailed, match=f"signed by {SENDER.address}"):
        check(told(LONDON, [], **{"from": other}), sender=other)


@pytest.mark.parametrize(
    "field", ["type", "chainId", "nonce", "gas", "to", "value", "accessList", "v", "r", "s", "input"]
)
def test_whatever_a_node_answers_is_named(field: str) -> None:
    good = told(LONDON, LISTED)
    for junk in JUNK:
        with pytest.raises(CheckFailed, match="no signature shows"):
            check(good | {field: junk})
    with pytest.raises(CheckFailed, match="no signature shows"):
        check({name: value for name, value in good.items() if name != field})
