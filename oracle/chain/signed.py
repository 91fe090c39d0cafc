"""Who signed a transaction: by its signature alone, whatever a node says of its sender."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.exceptions import BadSignature
from hexbytes import HexBytes
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from web3 import Web3
from web3.exceptions import TransactionNotFound

from oracle.errors import CheckFailed
from oracle.evidence.fields import Address

Number = Annotated[int, Field(strict=True, ge=0, lt=1 << 256)]
Word = Annotated[bytes, Field(strict=True, min_length=1, max_length=32)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class _Access(_Told):
    address: Address
    storage_keys: list[Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]]


class _Transaction(_Told):
    """A transaction with an access list (EIP-2930) or with London's fees (EIP-1559), as a node tells it."""

    type: Literal[1, 2]
    chain_id: Number
    nonce: Number
    gas: Number
    gas_price: Number | None = None
    max_fee_per_gas: Number | None = None
    max_priority_fee_per_gas: Number | None = None
    to: Address
    value: Number
    input: Annotated[bytes, Field(strict=True)]
    access_list: list[_Access]
    v: Annotated[int, Field(strict=True, ge=0, le=1)]
    r: Word
    s: Word

    def signer(self) -> str:
        """Whoever signed it; ``TypeError``, ``ValueError`` or ``BadSignature`` where nobody did."""
        fees = {"gas_price"} if self.type == 1 else {"max_fee_per_gas", "max_priority_fee_per_gas"}
        whole = {"type", "chain_id", "nonce", "gas", "to", "value", "access_list", "v", "r", "s", *fees}
        fields: dict[str, Any] = self.model_dump(include=whole, by_alias=True) | {"data": self.input}
        signer: str = Account.recover_transaction(TypedTransaction.from_dict(fields).encode())
        return signer


def require_signed_call(w3: Web3, name: bytes, *, chain_id: int, sender: str, to: str, data: bytes) -> None:
    """CheckFailed unless ``sender``'s key signed the transaction ``name``, and it calls ``to`` with ``data``.

    Also for a call that came through another contract, or in a transaction older than EIP-2930: they do not show it.
    """
    try:
        told = _Transaction.model_validate(dict(w3.eth.get_transaction(HexBytes(name))))
    except TransactionNotFound as error:
        raise _unsigned(sender, "the node does not have it") from error
    except ValidationError as error:
        raise _unsigned(sender, "its kind is not one that can be checked") from error
    if (told.chain_id, told.to, told.input) != (chain_id, to, data):
        raise _unsigned(sender, "it calls something else")
    try:
        signer = told.signer()
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
