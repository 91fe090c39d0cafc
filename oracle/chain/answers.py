"""What a node's answers have to look like, by method: foreign JSON becomes known fields, or is refused.

Quantities and data as the Ethereum JSON-RPC API writes them (https://ethereum.github.io/execution-apis): hexadecimal,
quantities without leading zeros. Fields that nobody here reads are left out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic takes that of the standard library from Python 3.12 on

Quantity = Annotated[str, Field(strict=True, pattern=r"\A0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})\z")]
Data = Annotated[str, Field(strict=True, pattern=r"\A0x([0-9a-fA-F]{2})*\z")]
Address = Annotated[str, Field(strict=True, pattern=r"\A0x[0-9a-fA-F]{40}\z")]
Hash = Annotated[str, Field(strict=True, pattern=r"\A0x[0-9a-fA-F]{64}\z")]


class Block(TypedDict):
    number: Quantity
    hash: Hash
    timestamp: Quantity
    gasLimit: Quantity
    baseFeePerGas: NotRequired[Quantity]


class Log(TypedDict):
    address: Address
    topics: Annotated[list[Hash], Field(max_length=4)]
    data: Data
    blockNumber: Quantity
    blockHash: Hash
    transactionHash: Hash
    transactionIndex: Quantity
    logIndex: Quantity


# the field `from` is a word of Python's own
Receipt = TypedDict(
    "Receipt",
    {
        "status": Literal["0x0", "0x1"],
        "blockNumber": Quantity,
        "blockHash": Hash,
        "transactionHash": Hash,
        "transactionIndex": Quantity,
        "from": Address,
        "to": NotRequired[Address | None],
        "contractAddress": NotRequired[Address | None],
        "gasUsed": Quantity,
        "effectiveGasPrice": NotRequired[Quantity],
        "logs": list[Log],
    },
)
Transaction = TypedDict(
    "Transaction",
    {
        "hash": Hash,
        "from": Address,
        "to": NotRequired[Address | None],
        "nonce": Quantity,
        "value": Quantity,
        "gas": Quantity,
        "input": Data,
        "blockNumber": NotRequired[Quantity | None],
        "blockHash": NotRequired[Hash | None],
    },
)

_TYPES: dict[str, Any] = {
    "eth_blockNumber": Quantity,
    "eth_call": Data,
    "eth_chainId": Quantity,
    "eth_estimateGas": Quantity,
    "eth_gasPrice": Quantity,
    "eth_getBalance": Quantity,
    "eth_getBlockByNumber": Block | None,
    "eth_getCode": Data,
    "eth_getLogs": list[Log],
    "eth_getTransactionByHash": Transaction | None,
    "eth_getTransactionCount": Quantity,
    "eth_getTransactionReceipt": Receipt | None,
    "eth_maxPriorityFeePerGas": Quantity,
    "eth_sendRawTransaction": Hash,
}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {method: TypeAdapter(type_) for method, type_ in _TYPES.items()}


def checked(method: str, result: Any) -> Any:
    """``result`` with the fields that are read; as it is for a method that nobody here asks for.

    Raises ``ValueError``, naming the first field that is missing or of another form.
    """
    adapter = _ADAPTERS.get(method)
    if adapter is None:
        return result
    try:
        return adapter.validate_python(result)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the result"
        raise ValueError(f"{place}: {first['msg']}") from error
