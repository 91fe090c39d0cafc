import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import Request, urlopen

import pytest
from conftest import Scene, scored
from eth_account import Account
from web3.types import RPCEndpoint, RPCResponse

from oracle.chain import reverts, transact
from oracle.chain.artifacts import load, names
from oracle.chain.client import connect
from oracle.chain.deploy import Deployment
from oracle.chain.rpc import Node
from oracle.chain.token import approve, erc20
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence.commitment import new_salt


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def test_every_error_of_the_contracts_has_words() -> None:
    known = set(reverts._BAD) | set(reverts._CHECKS)
    declared = {
        entry["name"]
        for name in ("DataMarket", "OracleCommittee")
        for entry in load(name).abi
        if entry["type"] == "error"
    }
    internal = {  # of the libraries inside: nothing that a client sends can raise them
        "Create2EmptyBytecode",
        "FailedDeployment",
        "InsufficientBalance",
        "InvalidShortString",
        "StringTooLong",
        "ReentrancyGuardReentrantCall",
        "CloneArgumentsTooLong",
    }
    assert declared - internal - known == set()
    assert "OracleCommittee" in names()


def test_a_reveal_outside_its_window_says_when_the_window_is(scene: Scene) -> None:
    round = scene.open()
    bid = scene.commit(round, scene.providers[0], 100)
    leaves = [scored(bid, 1, 1)]
    with pytest.raises(BadInput) as failure:
        scene.reveal(round, bid, leaves, scene.providers[0])
    assert "commit phase" in str(failure.value) and "reveal (20" in str(failure.value)
    assert failure.value.input == f"round {round}"
    scene.to(round, "settle_end")
    scene.call(scene.planner, "voidRound", round)
    scene.call(scene.planner, "claim", round, bid.provider)


def test_refusals_are_named_and_cost_nothing(scene: Scene) -> None:
    round, (honest, stranger, *_) = scene.open(), scene.providers
    bid = scene.commit(round, honest, 100)
    nonce = scene.w3.eth.get_transaction_count(stranger.address)
    with pytest.raises(BadInput, match="bond"):
        scene.call(stranger, "commit", round, bid.sealed(), bid.dataset_root, bid.manifest)
    with pytest.raises(BadInput, match="no such round"):
        scene.call(stranger, "refund", 10**6)
    with pytest.raises(BadInput, match="no bid"):
        scene.call(stranger, "reseal", round, bid.sealed())
    with pytest.raises(BadInput, match="not the planner"):
        scene.call(stranger, "open", scene.terms().as_tuple())
    with pytest.raises(BadInput, match="token refused the transfer"):
        terms = replace(scene.terms(), planner=stranger.address)
        scene.call(stranger, "open", terms.as_tuple())
    scene.to(round, "commit_end")
    with pytest.raises(BadInput, match=r"commit \(opening to 20"):
        scene.commit(round, stranger, 100)
    with pytest.raises(CheckFailed, match="not by"):
        scene.call(stranger, "observe", round, scene.operators[0].address, bytes(32), bytes(65))
    for operator in scene.operators[:2]:
        scene.observe(round, operator, b"\x01" * 32)
    with pytest.raises(BadInput, match="observed already"):
        scene.observe(round, scene.operators[0], b"\x02" * 32)
    scene.to(round, "observe_end")
    leaves = [scored(bid, 9000, 9000)]
    with pytest.raises(BadInput, match="fewer signatures"):
        scene.post_report(round, leaves, scene.operators[:2])
    with pytest.raises(BadInput, match="fewer signatures or observations"):
        scene.post_report(round, leaves, scene.operators)
    with pytest.raises(BadInput, match="ascending"):
        scene.post_report(round, leaves, scene.operators[::-1])
    assert scene.w3.eth.get_transaction_count(stranger.address) == nonce


def test_wrong_salt_wrong_leaf_and_second_reveal(scene: Scene) -> None:
    round, (first, second, *_) = scene.open(), scene.providers
    bids = [scene.commit(round, first, 100), scene.commit(round, second, 200)]
    scene.to(round, "commit_end")
    for operator in scene.operators:
        scene.observe(round, operator, b"\x01" * 32)
    scene.to(round, "observe_end")
    leaves = [scored(bid, 9000, 9000) for bid in bids]
    scene.post_report(round, leaves, scene.operators)
    with pytest.raises(BadInput, match="posted already"):
        scene.post_report(round, leaves, scene.operators)
    scene.to(round, "challenge_end")
    with pytest.raises(BadInput, match="sealed bid"):
        scene.reveal(round, bids[0].model_copy(update={"salt": new_salt()}), leaves, first)
    with pytest.raises(CheckFailed, match="not in the reported tree"):
        scene.reveal(round, bids[0], [scored(bids[0], 9001, 9000), leaves[1]], first)
    scene.reveal(round, bids[0], leaves, first)
    with pytest.raises(BadInput, match="open already"):
        scene.reveal(round, bids[0], leaves, first)
    scene.to(round, "reveal_end")
    with pytest.raises(CheckFailed, match="not those revealed"):
        scene.call(first, "settle", round, 0, (0, (1 << 256) - 1, 0, 0), 0, bytes(16 * 9))


def test_an_account_that_cannot_pay(scene: Scene) -> None:
    poor = Account.create()
    with pytest.raises(BadInput, match="may take") as failure:
        transact.send(scene.w3, poor, erc20(scene.w3, scene.token.address).functions.mint(poor.address, 1))
    assert failure.value.input == poor.address
    with pytest.raises(BadInput, match="smallest units of the payment token"):
        approve(scene.w3, poor, scene.token.address, scene.market.address, 1)


def test_an_unmined_transaction_is_named_and_not_sent_again(scene: Scene) -> None:
    sender = scene.providers[5]
    mint = erc20(scene.w3, scene.token.address).functions.mint(sender.address, 5)
    before = scene.balance(sender.address)
    scene.chain.request("evm_setAutomine", False)
    try:
        with pytest.raises(EnvironmentFailure, match="not mined") as failure:
            transact.send(scene.w3, sender, mint, patience=0.3)
        assert "0x" in failure.value.input and transact.receipt(scene.w3, failure.value.input) is None
    finally:
        scene.chain.request("evm_setAutomine", True)
        scene.chain.mine()
    found = transact.receipt(scene.w3, failure.value.input)
    assert found is not None and found["status"] == 1
    assert scene.balance(sender.address) == before + 5


class Breaking(BaseHTTPRequestHandler):
    """A way to the node on which the answer to every transaction is lost."""

    node: ClassVar[str]
    sent: ClassVar[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with urlopen(Request(self.node, body, {"Content-Type": "application/json"})) as answer:
            content = answer.read()
        if b"eth_sendRawTransaction" in body:
            type(self).sent += 1
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


def test_a_connection_that_breaks_while_sending(scene: Scene) -> None:
    Breaking.node, Breaking.sent = scene.chain.rpc, 0
    sender, before = scene.providers[7], scene.balance(scene.providers[7].address)
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        w3 = connect(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(EnvironmentFailure, match="was sent, but the connection broke") as failure:
            transact.send(w3, sender, erc20(w3, scene.token.address).functions.mint(sender.address, 7))
        server.shutdown()
    found = transact.receipt(scene.w3, failure.value.input)
    assert Breaking.sent == 1 and found is not None and scene.balance(sender.address) == before + 7


def test_two_writers_of_one_account_take_turns(scene: Scene) -> None:
    sender = scene.providers[6]
    nonce, before = scene.w3.eth.get_transaction_count(sender.address), scene.balance(sender.address)

    def mint(amount: int) -> int:
        w3 = connect(scene.chain.rpc)
        return int(
            transact.send(w3, sender, erc20(w3, scene.token.address).functions.mint(sender.address, amount))["status"]
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(mint, (1, 10, 100, 1000))) == [1] * 4
    assert scene.balance(sender.address) == before + 1111
    assert scene.w3.eth.get_transaction_count(sender.address) == nonce + 4


def test_a_call_that_fails_only_in_its_block_is_explained(scene: Scene) -> None:
    """Two claims of one bond in one block: both pass their simulation, one is refused."""
    round, (first, second, third, *_) = scene.open(), scene.providers
    scene.commit(round, first, 100)
    scene.to(round, "settle_end")
    claim = scene.market.contract.functions.claim(round, first.address)
    scene.chain.request("evm_setAutomine", False)
    try:
        with pytest.raises(EnvironmentFailure) as winner:
            transact.send(scene.w3, second, claim, patience=0.2)
        with pytest.raises(EnvironmentFailure) as loser:
            transact.send(scene.w3, third, claim, patience=0.2)
    finally:
        scene.chain.request("evm_setAutomine", True)
        scene.chain.mine()
    results = [transact.receipt(scene.w3, error.value.input) for error in (winner, loser)]
    assert sorted(result["status"] for result in results if result) == [0, 1]
    lost = next(result for result in results if result and result["status"] == 0)
    transaction = scene.w3.eth.get_transaction(lost["transactionHash"])
    asked = {"from": transaction["from"], "to": transaction["to"], "data": transaction["input"]}
    why = transact._why(scene.w3, asked, lost, "0x")  # type: ignore[arg-type]
    assert isinstance(why, BadInput) and "paid already" in str(why)


def test_a_dead_node() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(EnvironmentFailure) as failure:
        connect(url)
    assert failure.value.input == url and "running" in failure.value.hint


def test_the_wrong_chain_and_the_wrong_url(scene: Scene) -> None:
    with pytest.raises(BadInput, match="31337"):
        connect(scene.chain.rpc, chain_id=1)
    for url in ("", "localhost:8545", "ftp://x", "ws://127.0.0.1:1"):
        with pytest.raises(BadInput):
            connect(url)


def test_a_deployment_comes_back(scene: Scene, tmp_path: Path) -> None:
    market = scene.market
    deployment = Deployment(31337, market.address, market.committee.address, market.share_token.address, 2)
    deployment.save(tmp_path / "deployment.json")
    assert Deployment.load(tmp_path / "deployment.json") == deployment
    assert deployment.connect(scene.w3).address == market.address
    with pytest.raises(BadInput, match="chain 5"):
        replace(deployment, chain_id=5).connect(scene.w3)
    (tmp_path / "deployment.json").write_text("{}")
    with pytest.raises(BadInput):
        Deployment.load(tmp_path / "deployment.json")


def test_a_node_cannot_name_any_tip(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, sender = Node._ask, scene.planner

    def lying(node: Node, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == "eth_maxPriorityFeePerGas":
            return {"jsonrpc": "2.0", "id": 1, "result": hex(10**15)}
        return honest(node, method, params)

    before = scene.w3.eth.get_balance(sender.address)
    call = erc20(scene.w3, scene.token.address).functions.approve(scene.market.address, 1)
    monkeypatch.setattr(Node, "_ask", lying)
    with pytest.raises(EnvironmentFailure, match="names a tip of 1000000000000000 wei"):
        transact.send(scene.w3, sender, call)
    assert scene.w3.eth.get_balance(sender.address) == before
