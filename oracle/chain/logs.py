"""Reading a contract's log in ranges that every node answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractEvent
from web3.exceptions import InvalidEventABI, LogTopicError, MismatchedABI, Web3RPCError
from web3.types import EventData, FilterParams, LogReceipt

from oracle.chain.rpc import Limited, TooSlow
from oracle.errors import EnvironmentFailure

RANGE = 10_000
"""Blocks asked for at once; halved where a node finds that too many."""


def read_logs(
    w3: Web3, address: ChecksumAddress, topics: Sequence[HexBytes | Sequence[HexBytes]], first: int, last: int
) -> Iterator[LogReceipt]:
    """Logs of ``address`` in blocks ``first`` to ``last`` inclusive, in order. A list among ``topics``: any of these.

    Raises ``EnvironmentFailure`` when the node refuses even a single block.
    """
    size = RANGE
    while first <= last:
        end = min(first + size - 1, last)
        span = end - first + 1
        query: FilterParams = {"address": address, "topics": list(topics), "fromBlock": first, "toBlock": end}
        try:
            found = w3.eth.get_logs(query)
        except Limited:
            raise  # fewer blocks would not help
        except Web3RPCError as error:
            if span == 1:
                raise EnvironmentFailure(
                    f"the node gives no logs of block {first}, even alone: {error}",
                    input=str(address),
                    hint="use another RPC URL",
                ) from error
            size = max(1, span // (16 if isinstance(error, TooSlow) else 2))
            continue
        yield from found
        first = end + 1


def read_events(contract: Contract, names: Sequence[str], topics: Sequence[HexBytes], first: int) -> list[EventData]:
    """The events ``names`` of ``contract`` from block ``first`` on, in order. ``topics``: their first indexed
    arguments.

    Raises ``EnvironmentFailure`` as ``read_logs`` does, and when the node gives what is none of them.
    """
    w3, place = contract.w3, to_checksum_address(contract.address)
    events = {HexBytes(event.topic): event for event in (contract.events[name]() for name in names)}
    found = read_logs(w3, place, [list(events), *topics], first, w3.eth.block_number)
    return [decoded(log, events) for log in found]


def decoded(log: LogReceipt, events: Mapping[HexBytes, ContractEvent]) -> EventData:
    """A log as that of ``events``, by their topics, which it is of; ``EnvironmentFailure`` when it is of none."""
    try:
        event: EventData = events[log["topics"][0]].process_log(log)
        return event
    except (KeyError, IndexError, LogTopicError, MismatchedABI, InvalidEventABI) as error:
        raise EnvironmentFailure(
            f"the node's log has what is no event of the contract {log['address']}",
            input=str(log["address"]),
            hint="use another RPC URL",
        ) from error


def first_block(w3: Web3, address: ChecksumAddress) -> int:
    """The block in which ``address`` got its code, by bisection; ``EnvironmentFailure`` where history is pruned."""
    low, high = 0, int(w3.eth.block_number)
    try:
        while low < high:
            middle = (low + high) // 2
            if w3.eth.get_code(address, middle):
                high = middle
            else:
                low = middle + 1
    except Web3RPCError as error:
        raise EnvironmentFailure(
            f"the node has no old state, so the first block of {address} cannot be found: {error}",
            input=str(address),
            hint="name the block of its deployment",
        ) from error
    return low


def first_block_at(w3: Web3, timestamp: int, after: int) -> int | None:
    """The first block from ``after`` on whose time is at least ``timestamp``; None when there is none yet."""
    low, high = after, int(w3.eth.block_number)
    if w3.eth.get_block(high)["timestamp"] < timestamp:
        return None
    while low < high:
        middle = (low + high) // 2
        if w3.eth.get_block(middle)["timestamp"] >= timestamp:
            high = middle
        else:
            low = middle + 1
    return low
