"""web3 on one node, with every error of its as an ``EnvironmentFailure``.

The errors are those of web3 as well: whoever expects one catches it by its name there, and one that nobody expects is
told like any other.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeVar, cast

from eth_abi.codec import ABICodec
from eth_abi.exceptions import DecodingError
from web3 import Web3, manager
from web3.exceptions import BadFunctionCallOutput, TransactionIndexingInProgress, TransactionNotFound, Web3RPCError

from oracle.chain.rpc import Node, Refused
from oracle.errors import EnvironmentFailure

Kind = TypeVar("Kind", bound=IntEnum)


class Undecodable(EnvironmentFailure, BadFunctionCallOutput):
    """What a contract is said to have answered is none of its answers."""


class Unknown(Refused, TransactionNotFound):
    """The node knows no such transaction."""


class Client(Web3):
    """A connection: requests and decoding raise ``EnvironmentFailure``, or what web3 makes of a contract's refusal."""

    class RequestManager(manager.RequestManager):
        def request_blocking(self, method: Any, params: Any, *formatters: Any, **named: Any) -> Any:
            node = cast(Node, self.provider)
            try:
                return super().request_blocking(method, params, *formatters, **named)
            except (TransactionIndexingInProgress, Refused):
                raise
            except TransactionNotFound as error:
                said = f"no transaction {params[0]}"
                hint = "wait until it has caught up, or use another RPC URL"
                raise Unknown(f"{node} knows {said}", said, input=node.name, hint=hint) from error
            except Web3RPCError as error:
                told: Any = error.rpc_response  # absent where web3 tells of something else than an error of the node's
                said = told["error"]["message"] if told else error.message
                raise node.refusal(str(method), said) from error

    def __init__(self, rpc: str) -> None:
        super().__init__(Node(rpc))
        self.codec = _Codec(self.codec._registry)


def member(kind: type[Kind], value: int) -> Kind:
    """What a contract means by a number that it answered; ``Undecodable`` for one that it cannot have answered."""
    try:
        return kind(value)
    except ValueError as error:
        raise Undecodable(
            f"a contract's answer is no {kind.__name__.lower()} ({value})",
            input="RPC",
            hint="is this the right chain and address? use another RPC URL",
        ) from error


class _Codec(ABICodec):
    def decode(self, types: Any, data: Any, strict: bool = True) -> tuple[Any, ...]:
        try:
            return super().decode(types, data, strict)
        except (DecodingError, UnicodeDecodeError, OverflowError) as error:
            raise Undecodable(
                f"a contract's answer is not of its types ({', '.join(types)})",
                input="RPC",
                hint="is this the right chain and address? use another RPC URL",
            ) from error
