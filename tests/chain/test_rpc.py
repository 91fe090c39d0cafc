"""Nodes as they are: they refuse ranges, limit rates, lag, and answer oddly. None of it is read as an answer."""

from __future__ import annotations

import gzip
import json
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from odd_node import CHAIN, Said, error, odd_node
from web3.exceptions import ContractLogicError, TransactionNotFound

from oracle.chain import rpc
from oracle.chain.client import Market, connect, contract
from oracle.chain.logs import read_logs
from oracle.errors import BadInput, EnvironmentFailure

ADDRESS = to_checksum_address("0x" + "5a" * 20)
TOPIC = "0x" + "07" * 32


def log(block: int) -> dict[str, Any]:
    return {
        "address": ADDRESS,
        "topics": [TOPIC],
        "data": "0x" + block.to_bytes(32, "big").hex(),
        "blockNumber": hex(block),
        "blockHash": "0x" + "0b" * 32,
        "transactionHash": "0x" + "0c" * 32,
        "transactionIndex": "0x0",
        "logIndex": "0x0",
        "removed": False,
    }


def blocks(params: list[Any]) -> tuple[int, int]:
    return int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)


def block(number: int) -> dict[str, Any]:
    return {"number": hex(number), "hash": "0x" + "0b" * 32, "timestamp": "0x1", "gasLimit": "0x1", "extraData": "0x"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("SHORT", 0.2), ("LIMITED", 0.6), ("LAGGING", 0.6), ("_FIRST_PAUSE", 0.01)):
        monkeypatch.setattr(rpc, name, seconds)


@pytest.mark.parametrize(
    "refusal",
    [
        error("at most 90 blocks, please", -32600, status=400),
        error("at most 90 blocks, please", -32600, status=413),
        error("range 900 exceeds limit of 90", -32602),
        error("query returned more than 10000 results", -32005),
        error("limit exceeded", -32005),
        error("block range is too wide", -32701, status=403),
        error("exceed maximum block range: 90", -32000),
        error("Log response size exceeded. this block range should work: [0x1, 0x5a]", -32602, status=400),
        error("invalid params", -32602, data={"payload": "range 900 is bigger than range limit 90"}),
        error("query timeout exceeded", -32002, status=503),
        Said(b"<html>413 Request Entity Too Large</html>", 413),
        Said(b"upstream request timeout", 504),
    ],
    ids=lambda said: str(said.body)[:60],
)
def test_a_range_that_a_node_refuses_is_made_smaller(refusal: Said) -> None:
    """As Alchemy, QuickNode, Infura, Cloudflare, Ankr, Tenderly, BNB Smart Chain and proxies refuse it."""

    def script(method: str, params: list[Any], before: int) -> Any:
        if method == "eth_getLogs":
            first, last = blocks(params)
            return refusal if last - first >= 90 else [log(number) for number in range(first, last + 1)]
        return None

    with odd_node(script) as node:
        found = list(read_logs(connect(node.url), ADDRESS, [HexBytes(TOPIC)], 11, 900))
    assert [entry["blockNumber"] for entry in found] == list(range(11, 901))


def test_an_answer_that_is_too_large_is_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "MAX_ANSWER", 20_000)

    def script(method: str, params: list[Any], before: int) -> Any:
        if method == "eth_getLogs":
            first, last = blocks(params)
            whole = {"jsonrpc": "2.0", "id": before + 1, "result": [log(n) for n in range(first, last + 1)]}
            return Said(gzip.compress(json.dumps(whole).encode()), headers={"content-encoding": "gzip"})
        return None

    with odd_node(script) as node:
        assert len(list(read_logs(connect(node.url), ADDRESS, [], 1, 100))) == 100


def test_silence_over_a_range_makes_it_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "TIMEOUT", 0.3)

    def script(method: str, params: list[Any], before: int) -> Any:
        if method == "eth_getLogs":
            first, last = blocks(params)
            time.sleep(0.5 if last - first >= 90 else 0)
            return []
        return None

    with odd_node(script) as node:
        assert list(read_logs(connect(node.url), ADDRESS, [], 1, 200)) == []


def test_one_block_that_is_refused_is_an_error_at_once() -> None:
    def script(method: str, params: list[Any], before: int) -> Any:
        return error("no logs today", status=400) if method == "eth_getLogs" else None

    with odd_node(script) as node:
        with pytest.raises(EnvironmentFailure, match=r"block 7, even alone.*no logs today"):
            list(read_logs(connect(node.url), ADDRESS, [], 7, 7))
        assert node.times("eth_getLogs") == 1


@pytest.mark.parametrize(
    "refusal",
    [
        Said(b"slow down", 429),
        Said(b"slow down", 429, {"Retry-After": "0"}),
        Said(b"", 429, {"Retry-After": "Wed, 01 Jan 2025 00:00:00 GMT"}),
        error("Your app has exceeded its compute units per second capacity", 429, status=429),
        error("project ID request rate exceeded", -32005),
        error("limit exceeded", -32005),
        error("25/second request limit reached", -32007),
        error("over rate limit", -32016),
        error("Too many requests", -32029, status=200),
        Said(b'{"message": "no capacity"}', 503, {"Retry-After": "0"}),
    ],
    ids=lambda said: f"{said.status} {said.headers} {said.body}"[:70],
)
def test_a_node_that_limits_rates_is_waited_for(refusal: Said) -> None:
    def script(method: str, params: list[Any], before: int) -> Any:
        return (refusal if before < 2 else "0x2a") if method == "eth_blockNumber" else None

    with odd_node(script) as node:
        assert connect(node.url).eth.block_number == 42
        assert node.times("eth_blockNumber") == 3


def test_how_long_is_the_nodes_to_say_and_ours_to_end() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    said = [Said(b"", 429, {"Retry-After": "1"}), Said(b"", 429, {"Retry-After": moment}), Said(b"", 429)]

    def script(method: str, params: list[Any], before: int) -> Any:
        return said[len(connections) - 1] if method == "eth_gasPrice" else None

    connections: list[Any] = []
    told = ("asks to wait 1 s", r"asks to wait 7\d\d\d s", r"HTTP 429\)")
    for waits, expected in zip(told, (1, 1, 5), strict=True):
        connections.append(waits)
        with odd_node(script) as node:
            with pytest.raises(EnvironmentFailure, match=f"127.0.0.1:{node.port} limits rates.*{waits}") as failure:
                connect(node.url).eth.gas_price  # noqa: B018
            assert "plan" in failure.value.hint
            assert 1 <= node.times("eth_gasPrice") <= 20 and node.times("eth_gasPrice") >= expected


def test_a_limited_transaction_is_sent_again_a_broken_one_is_not() -> None:
    sent = "0x" + "ab" * 32

    def script(method: str, params: list[Any], before: int) -> Any:
        if method != "eth_sendRawTransaction":
            return None
        if broken:
            return Said(b"", 502)
        return error("Too many requests", -32029) if before == 0 else sent

    for broken, times in ((False, 2), (True, 1)):
        with odd_node(script) as node:
            w3 = connect(node.url)
            if broken:
                with pytest.raises(EnvironmentFailure, match="HTTP 502"):
                    w3.eth.send_raw_transaction(b"\x02")
            else:
                assert w3.eth.send_raw_transaction(b"\x02") == HexBytes(sent)
            assert node.times("eth_sendRawTransaction") == times


class Behind:
    """A chain of 50 blocks on two machines: every other question goes to one that has ``head`` blocks."""

    def __init__(self, head: int, catches_up: bool, beyond: Said | None = None) -> None:
        self.head, self.catches_up, self.beyond, self.asked = head, catches_up, beyond, 0

    def __call__(self, method: str, params: list[Any], before: int) -> Any:
        self.asked += 1
        first = method == "eth_blockNumber" and before == 0
        head = 50 if first or (self.catches_up and self.asked > 5) else self.head
        if method == "eth_blockNumber":
            return hex(head)
        if method == "eth_getLogs":
            first, last = blocks(params)
            if last > head and self.beyond:
                return self.beyond
            return [log(number) for number in range(first, last + 1) if number <= head]
        if method == "eth_getBlockByNumber":
            number = head if params[0] == "latest" else int(params[0], 16)
            return block(number) if number <= head else Said({"result": None})
        if method == "eth_getCode":
            return "0x60" if int(params[1], 16) <= head else error("header not found")
        return None


@pytest.mark.parametrize(
    "beyond",
    [
        None,  # finds nothing
        error("block range extends beyond current head block: requested 50, head 47", -32602),
        error("block 50 is beyond the latest block 47 of this node, retry later"),
        error("One of the blocks specified in filter cannot be found: unknown block", status=400),
    ],
)
@pytest.mark.parametrize("catches_up", [True, False])
def test_logs_that_a_node_does_not_have_yet_are_not_no_logs(beyond: Said | None, catches_up: bool) -> None:
    with odd_node(Behind(47, catches_up, beyond)) as node:
        w3 = connect(node.url)
        last = w3.eth.block_number
        if catches_up:
            assert len(list(read_logs(w3, ADDRESS, [], 40, last))) == 11
        else:
            with pytest.raises(EnvironmentFailure, match=f"127.0.0.1:{node.port} lags.*block 50.*eth_getLogs"):
                list(read_logs(w3, ADDRESS, [], 40, last))


@pytest.mark.parametrize("catches_up", [True, False])
@pytest.mark.parametrize(
    "ask",
    [
        lambda w3: w3.eth.block_number,
        lambda w3: w3.eth.get_block("latest")["number"],
        lambda w3: w3.eth.get_block(50)["number"],
        lambda w3: len(w3.eth.get_code(ADDRESS, 50)) + 49,
    ],
)
def test_a_chain_does_not_go_backwards(ask: Any, catches_up: bool) -> None:
    with odd_node(Behind(47, catches_up)) as node:
        w3 = connect(node.url)
        assert w3.eth.block_number == 50
        if catches_up:
            assert ask(w3) == 50
        else:
            with pytest.raises(EnvironmentFailure, match="lags: it told of block 50") as failure:
                ask(w3)
            assert "caught up" in failure.value.hint


def test_a_receipt_tells_of_its_block() -> None:
    mined = {key: value for key, value in log(50).items() if key not in ("topics", "data", "logIndex", "address")}
    mined |= {"status": "0x1", "from": ADDRESS, "to": ADDRESS, "contractAddress": None, "gasUsed": "0x1", "logs": []}

    def script(method: str, params: list[Any], before: int) -> Any:
        return {"eth_getTransactionReceipt": mined, "eth_blockNumber": "0x31"}.get(method)

    with odd_node(script) as node:
        w3 = connect(node.url)
        assert w3.eth.get_transaction_receipt(HexBytes("0x" + "0c" * 32))["blockNumber"] == 50
        with pytest.raises(EnvironmentFailure, match="block 50"):
            w3.eth.block_number  # noqa: B018


@pytest.mark.parametrize(
    ("said", "tells"),
    [
        (Said(b"<html>Welcome</html>"), "no JSON"),
        (Said(b""), "nothing"),
        (Said(b"{}"), "neither a result nor an error"),
        (Said(b"5"), "no JSON-RPC answer"),
        (Said([{"jsonrpc": "2.0", "id": 0, "result": "0x1"}]), "a batch"),
        (Said({"id": 77, "result": "0x1"}), "another question"),
        (Said({"result": None}), "another form"),
        (Said({"result": 5}), "another form"),
        (Said({"result": "0x01"}), "another form"),
        (Said({"result": "0x" + "9" * 100_000}), "another form"),
        (Said({"result": "latest"}), "another form"),
        (Said({"error": "no"}), "neither a result nor an error"),
        (Said({"error": {"message": "no"}}), "an error without code"),
        (Said(b"\xff" * 9), "no JSON"),
        (Said(b"[" * 100_000), "no JSON"),
        (Said(b"no gzip", headers={"content-encoding": "gzip"}), "does not answer eth_blockNumber"),
        (Said(b"", 301, {"location": "https://me:k3yk3y@other.example/k3yk3y"}), "on to https://other.example "),
        (Said(b"Bad Gateway", 502), "HTTP 502"),
        (Said(b"<html>503</html>", 503), "HTTP 503"),
        (Said(b"", 504), "HTTP 504"),
        (Said(b"who are you?", 401), "HTTP 401"),
        (Said(b"", 404), "HTTP 404"),
        (Said(b"", 402), "HTTP 402"),
        (error("project k3yk3yk3y is unknown, see https://x.example/k3yk3yk3y", status=401), r"project \[hidden\] is"),
        (error("the method does not exist", -32601), "does not exist"),
        (error("out of order", data=None), "out of order"),
    ],
)
def test_odd_answers_name_node_and_method(said: Said, tells: str) -> None:
    def script(method: str, params: list[Any], before: int) -> Any:
        return said if method == "eth_blockNumber" else None

    with odd_node(script) as node:
        w3 = connect(f"{node.url}/v2/k3yk3yk3y")
        with pytest.raises(EnvironmentFailure, match=tells) as failure:
            w3.eth.block_number  # noqa: B018
        error = failure.value
        assert error.input == node.url and f"{node.url} " in str(error) and "eth_blockNumber" in str(error)
        assert error.hint and "k3yk3y" not in f"{error} {error.hint} {error.input}"


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("eth_getBlockByNumber", {"number": "0x5"}),
        ("eth_getBlockByNumber", None),
        ("eth_getBlockByNumber", block(5) | {"timestamp": 17}),
        ("eth_getLogs", [log(5) | {"topics": ["0x07"]}]),
        ("eth_getLogs", [log(5) | {"blockNumber": None}]),
        ("eth_getLogs", None),
        ("eth_getCode", "0x6"),
        ("eth_getTransactionReceipt", {"status": "0x1"}),
        ("eth_getTransactionCount", "0x"),
    ],
)
def test_results_of_another_form(method: str, result: Any) -> None:
    asks: dict[str, Any] = {
        "eth_getBlockByNumber": lambda w3: w3.eth.get_block("latest"),
        "eth_getLogs": lambda w3: list(read_logs(w3, ADDRESS, [], 5, 5)),
        "eth_getCode": lambda w3: w3.eth.get_code(ADDRESS),
        "eth_getTransactionReceipt": lambda w3: w3.eth.get_transaction_receipt(HexBytes("0x" + "0c" * 32)),
        "eth_getTransactionCount": lambda w3: w3.eth.get_transaction_count(ADDRESS),
    }
    with (
        odd_node(lambda asked, params, before: Said({"result": result}) if asked == method else None) as node,
        pytest.raises(EnvironmentFailure, match=f"127.0.0.1:{node.port} to {method}"),
    ):
        asks[method](connect(node.url))


def test_a_transaction_that_a_node_does_not_know() -> None:
    with odd_node(lambda method, *_: Said({"result": None}) if method == "eth_getTransactionByHash" else None) as node:
        with pytest.raises(TransactionNotFound) as failure:
            connect(node.url).eth.get_transaction(HexBytes("0x" + "0c" * 32))
        assert isinstance(failure.value, EnvironmentFailure) and failure.value.input == node.url
        assert "0x0c0c" in str(failure.value)


@pytest.mark.parametrize("data", ["0x", "0x1234", "0x" + "ff" * 32])
def test_what_is_no_answer_of_the_contract(data: str) -> None:
    with odd_node(lambda method, params, before: data if method == "eth_call" else None) as node:
        functions = contract(connect(node.url), "DataMarket", ADDRESS).functions
        with pytest.raises(EnvironmentFailure, match="not of its types"):
            functions.committee().call()


def test_a_contracts_refusal_stays_one_and_sends_nobody_anywhere() -> None:
    """A server that a contract names would be asked by web3 itself (EIP-3668)."""
    lookup = "0x556f1830" + "00" * 64
    for data in ("0x" + "12" * 4, lookup, "0x4e487b71" + "99" * 32, {"0xab": "revert"}):
        reverted = error("execution reverted", 3, data=data)
        with (
            odd_node(lambda method, params, before, said=reverted: said if method == "eth_call" else None) as node,
            pytest.raises(ContractLogicError),
        ):
            connect(node.url).eth.call({"to": ADDRESS})


def test_a_market_at_a_node_that_refuses_calls() -> None:
    def script(method: str, params: list[Any], before: int) -> Any:
        return {"eth_call": error("unauthorized", -32001), "eth_getCode": "0x60"}.get(method)

    with odd_node(script) as node, pytest.raises(EnvironmentFailure, match="refuses eth_call: unauthorized"):
        Market(connect(node.url), ADDRESS)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [
        "http://me:k3yk3yk3y@127.0.0.1:{port}/v3/k3yk3yk3y?apikey=k3yk3yk3y",
        "http://127.0.0.1:{port}/k3yk3yk3y",
        "http://localhost:{port}/?k3yk3yk3y#k3yk3yk3y",
        "https://127.0.0.1:{port}/k3yk3yk3y",
        "wss://me:k3yk3yk3y@rpc.example.org/k3yk3yk3y",
        "ws://127.0.0.1/k3yk3yk3y",
        "rpc.example.org/k3yk3yk3y",
        "/home/k3yk3yk3y/geth.ipc",
        "k3yk3yk3yk3yk3yk3yk3y",
        "http://me:k3yk3yk3y@:{port}/",
        "http:///k3yk3yk3y",
        "http://127.0.0.1:k3yk3yk3y/",
        "http://me:k3yk3yk3y%40127.0.0.1:{port}/",
        "http://[::1/k3yk3yk3y",
        "http://\udcff@127.0.0.1:{port}/k3yk3yk3y",
        "http://" + "a" * 70 + ".example/k3yk3yk3y",
    ],
)
def test_nothing_of_a_url_but_scheme_host_and_port_is_told(url: str) -> None:
    with pytest.raises((BadInput, EnvironmentFailure)) as failure:
        connect(url.format(port=free_port()))
    error = failure.value
    assert "k3yk3yk3y" not in f"{error} {error.input} {error.hint} {error!r}" and error.hint and error.input


def test_keys_are_sent_and_not_told_when_the_chain_is_another() -> None:
    with odd_node(lambda *_: None) as node:
        url = f"http://me:k3yk3yk3y@127.0.0.1:{node.port}/k3yk3yk3y"
        assert "k3yk3yk3y" not in f"{connect(url, chain_id=CHAIN).provider}"
        with pytest.raises(BadInput, match=f"^http://127.0.0.1:{node.port} is chain {CHAIN}, not 1$") as failure:
            connect(url, chain_id=1)
        assert failure.value.input == node.url


def test_libraries_quote_urls_which_is_why_theirs_is_not_told() -> None:
    with pytest.raises(requests.ConnectionError, match="k3yk3yk3y"):
        requests.post(f"http://127.0.0.1:{free_port()}/k3yk3yk3y", timeout=1)


def test_a_signed_transaction_of_unknown_fate_keeps_its_hash() -> None:
    """A gateway that breaks may have passed it on."""
    signed = Account.from_key(b"\x01" * 32).sign_transaction(
        {
            "to": ADDRESS,
            "value": 0,
            "gas": 21_000,
            "maxFeePerGas": 1,
            "maxPriorityFeePerGas": 1,
            "nonce": 0,
            "chainId": 1,
        }
    )
    with odd_node(lambda method, *_: Said(b"", 504) if method == "eth_sendRawTransaction" else None) as node:
        with pytest.raises(EnvironmentFailure, match="HTTP 504"):
            connect(node.url).eth.send_raw_transaction(signed.raw_transaction)
        assert node.times("eth_sendRawTransaction") == 1
