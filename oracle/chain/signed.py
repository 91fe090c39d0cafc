"""Who signed a transaction: by its signature alone, whatever a node says of its sender."""

from __future__ import annotations

from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.exceptions import BadSignature
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionNotFound

from oracle.errors import CheckFailed

_FIELDS = ("type", "chainId", "nonce", "gas", "to", "value", "accessList", "v", "r", "s")
_FEES = {1: ("gasPrice",), 2: ("maxFeePerGas", "maxPriorityFeePerGas")}


def require_signed_call(w3: Web3, name: bytes, *, chain_id: int, sender: str, to: str, data: bytes) -> None:
    """CheckFailed unless ``sender``'s key signed the transaction ``name``, and it calls ``to`` with ``data``.

    Also for a call that came through another contract, or in a transaction older than EIP-2930: they do not show it.
    """
    try:
        told: dict[str, Any] = dict(w3.eth.get_transaction(HexBytes(name)))
    except TransactionNotFound as error:
        raise _unsigned(sender, "the node does not have it") from error
    fees = _FEES.get(int(told.get("type", 0)))
    if fees is None or any(told.get(field) is None for field in (*_FIELDS, *fees)):
        raise _unsigned(sender, "its kind is not one that can be checked")
    if (told["chainId"], told["to"], bytes(told["input"])) != (chain_id, to, data):
        raise _unsigned(sender, "it calls something else")
    fields = {field: told[field] for field in (*_FIELDS, *fees)}
    fields["accessList"] = [dict(entry) for entry in told["accessList"]]
    try:
        signed = TypedTransaction.from_dict(fields | {"data": data})
        signer = Account.recover_transaction(signed.encode())
    except (BadSignature, TypeError, ValueError) as error:
        raise _unsigned(sender, "nobody signed it") from error
    if signer != sender:
        raise _unsigned(sender, f"it is signed by {signer}, or for something else")


def _unsigned(sender: str, why: str) -> CheckFailed:
    return CheckFailed(
        f"no signature shows that {sender} sent this: of the transaction that the node names, {why}",
        input=sender,
        hint="use another RPC URL; if a contract sent it, nothing is left but to trust the node: --trust-node",
    )
