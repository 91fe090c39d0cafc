"""A score comes back out of the transaction that revealed it, through whatever contract, and no junk with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from conftest import QUORUM, Scene, scored
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.chain.revealed import ARGUMENTS, SELECTOR, revealed_leaf
from oracle.custody.bidfile import Bid
from oracle.evidence import merkle
from oracle.evidence.leaf import ScoreLeaf

FORWARDER = "0x" + "f0" * 20
PASSES_ON = "0x6020358036038082600037600060008260006000600035" + "5af115601e57005b600080fd"
"""Calls the address in the first word of its input with what begins where the second word says."""


@dataclass
class Revealing:
    """A round in its reveal phase, with three scored bids that are sealed still."""

    scene: Scene
    round: int
    bids: list[Bid]
    leaves: list[ScoreLeaf]

    def proof(self, place: int) -> list[bytes]:
        return merkle.proof([leaf.hash() for leaf in self.leaves], self.leaves[place].hash())

    def data(self, place: int) -> bytes:
        """The call of a bid's reveal."""
        bid = self.bids[place]
        arguments = (self.round, self.leaves[place].as_tuple(), self.proof(place), bid.cost, bid.salt)
        return SELECTOR + encode(ARGUMENTS, arguments)

    def send(self, to: str, data: bytes) -> None:
        w3, sender = self.scene.w3, self.scene.providers[5]
        transaction = {"from": sender.address, "to": to, "data": "0x" + data.hex(), "gas": hex(2_000_000)}
        receipt = w3.eth.wait_for_transaction_receipt(self.scene.chain.request("eth_sendTransaction", transaction))
        assert receipt["status"] == 1

    def pass_on(self, place: int, before: bytes = b"", after: bytes = b"") -> None:
        """Reveal a bid through a contract, in a transaction that says other things too."""
        market = bytes.fromhex(self.scene.market.address[2:]).rjust(32, b"\0")
        start = (64 + len(before)).to_bytes(32, "big")
        self.send(FORWARDER, market + start + before + self.data(place) + after)

    def found(self, place: int) -> tuple[ScoreLeaf, list[bytes]] | None:
        return revealed_leaf(self.scene.market, self.round, self.bids[place].provider)


@pytest.fixture
def revealing(scene: Scene) -> Iterator[Revealing]:
    round = scene.open()
    bids = [scene.commit(round, provider, 1000 + n) for n, provider in enumerate(scene.providers[:3])]
    leaves = [scored(bid, 8000, 8000, 10**9) for bid in bids]
    scene.to(round, "commit_end")
    for operator in scene.operators:
        scene.observe(round, operator, keccak(text=operator.address))
    scene.to(round, "observe_end")
    scene.post_report(round, leaves, scene.operators[:QUORUM])
    scene.to(round, "challenge_end")
    scene.chain.request("anvil_setCode", FORWARDER, PASSES_ON)
    scene.chain.request("anvil_impersonateAccount", scene.providers[5].address)
    yield Revealing(scene, round, bids, leaves)


def test_nothing_is_found_before_the_reveal(revealing: Revealing) -> None:
    assert revealing.found(0) is None


def test_a_direct_reveal_says_leaf_and_proof(revealing: Revealing) -> None:
    scene = revealing.scene
    for place in (2, 0):
        scene.reveal(revealing.round, revealing.bids[place], revealing.leaves, scene.planner)
    for place in (0, 2):
        assert revealing.found(place) == (revealing.leaves[place], revealing.proof(place))
    assert revealing.found(1) is None
    assert revealed_leaf(scene.market, revealing.round, revealing.bids[0].provider.lower()) is not None


def test_a_reveal_that_a_contract_passed_on_says_them_too(revealing: Revealing) -> None:
    revealing.pass_on(1)
    assert revealing.found(1) == (revealing.leaves[1], revealing.proof(1))


@pytest.mark.parametrize("junk", ["cut", "status", "proof", "another's", "many"])
def test_what_only_looks_like_a_reveal_is_passed_over(revealing: Revealing, junk: str) -> None:
    """Whoever reveals chooses what else its transaction says."""
    own = revealing.data(1)
    false = {
        "cut": SELECTOR + bytes(31),
        "status": own[: 4 + 3 * 32] + b"\xff" * 32 + own[4 + 4 * 32 :],
        "proof": own[:-32] + bytes(32),
        "another's": revealing.data(2),
        "many": SELECTOR * 300,
    }[junk]
    revealing.pass_on(1, before=false, after=false)
    assert revealing.found(1) == (revealing.leaves[1], revealing.proof(1))


def test_a_reveal_inside_a_contract_is_not_made_up(revealing: Revealing) -> None:
    """The call is written in the contract's code: the transaction says nothing."""
    data, market = revealing.data(1), revealing.scene.market.address[2:]
    size = f"61{len(data):04x}"
    call = f"{size}61....6000396000600061{len(data):04x}6000600073{market}5af100"
    code = call.replace("....", f"{len(call) // 2:04x}") + data.hex()
    revealing.scene.chain.request("anvil_setCode", FORWARDER, "0x" + code)
    revealing.send(FORWARDER, b"")
    assert revealing.scene.market.reveals(revealing.round)[0].provider == revealing.bids[1].provider
    assert revealing.found(1) is None
