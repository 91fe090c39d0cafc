"""Answers of a node: JSON-RPC over HTTP, from a server of our own that says what it is told to say."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from hexbytes import HexBytes
from web3 import Web3

from fuzz.forms import is_json, varied
from fuzz.parties import CHAIN, MARKET, OPERATOR
from fuzz.served import Server
from fuzz.spelling import spell
from fuzz.target import Input, Target
from oracle.chain import logs
from oracle.chain.client import connect
from oracle.chain.token import read_token
from oracle.errors import BadInput

HEAD = 7
"""The newest block of the chain that the server tells of."""
BLOCK = {
    "number": hex(HEAD),
    "hash": "0x" + "01" * 32,
    "parentHash": "0x" + "02" * 32,
    "timestamp": "0x65000000",
    "extraData": "0x",
    "gasLimit": "0x1c9c380",
    "gasUsed": "0x0",
    "baseFeePerGas": "0x7",
    "miner": OPERATOR.address,
    "transactions": [],
}
LOG = {
    "address": MARKET,
    "topics": ["0x" + "03" * 32, "0x" + "00" * 31 + "07"],
    "data": "0x" + "04" * 32,
    "blockNumber": hex(5),
    "blockHash": "0x" + "05" * 32,
    "transactionHash": "0x" + "06" * 32,
    "transactionIndex": "0x0",
    "logIndex": "0x0",
    "removed": False,
}
SYMBOL = "0x" + "00" * 31 + "20" + "00" * 31 + "04" + "44454d4f" + "00" * 28
RESULTS: dict[str, Any] = {
    "eth_chainId": hex(CHAIN),
    "eth_blockNumber": hex(HEAD),
    "eth_getCode": "0x60",
    "eth_getBlockByNumber": BLOCK,
    "eth_getLogs": [LOG, LOG],
    "eth_call": SYMBOL,
}


def _read_logs(w3: Web3) -> None:
    for log in logs.read_logs(w3, w3.to_checksum_address(MARKET), [HexBytes(b"\x03" * 32)], 1, HEAD):
        assert type(log["blockNumber"]) is int and isinstance(log["data"], bytes)


QUESTIONS: dict[str, Callable[[Web3], object]] = {
    "eth_chainId": lambda w3: w3.eth.chain_id,
    "eth_blockNumber": lambda w3: logs.first_block(w3, w3.to_checksum_address(MARKET)),
    "eth_getCode": lambda w3: logs.first_block(w3, w3.to_checksum_address(MARKET)),
    "eth_getBlockByNumber": lambda w3: logs.first_block_at(w3, 1, 1),
    "eth_getLogs": _read_logs,
    "eth_call": lambda w3: read_token(w3, MARKET),
}


@cache
def _node() -> Server:
    return Server(lambda path, body: (200, b""))


def _answer(method: str) -> bytes:
    return spell({"id": 0, "jsonrpc": "2.0", "result": RESULTS[method]})


def _valid(source: Random) -> bytes:
    """The method in the first line: one input is one answer."""
    method = source.choice([name for name in RESULTS if name != "eth_call"])
    return method.encode() + b"\n" + _answer(method)


def _varied(source: Random) -> Input:
    method = source.choice(list(RESULTS))
    made = varied(source, lambda _: _answer(method))
    return Input(method.encode() + b"\n" + made.data, f"{method}: {made.change}")


def _ask(data: bytes) -> None:
    line, _, body = data.partition(b"\n")
    method = line.decode("latin-1")
    if method not in QUESTIONS:
        raise BadInput("nobody asks that")

    def answer(_: str, asked: bytes) -> tuple[int, bytes]:
        """``method`` as the input has it; every other as an honest node does."""
        question = json.loads(asked)
        if question["method"] == method:
            return 200, body.replace(b'"id":0,', b'"id":%d,' % question["id"])  # an answer names its question
        return 200, spell({"jsonrpc": "2.0", "id": question["id"], "result": RESULTS[question["method"]]})

    node = _node()
    node.answer = answer
    QUESTIONS[method](connect(node.url))


def _is_answer(data: bytes) -> bool:
    return is_json(data.partition(b"\n")[2])


TARGETS = (Target("answer of a node", _valid, _varied, _is_answer, _ask),)
