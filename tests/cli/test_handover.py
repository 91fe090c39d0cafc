"""``mia delivery``: what a winner, a planner and an operator type, and what the commands refuse to do to them."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import pytest
from conftest import PASSWORD, Answer, Mia
from test_fetch import Sold, settled, sold  # noqa: F401  a settled round of sealed data sets; nobody has delivered

from oracle.chain.exchange import State
from oracle.cli.session import open_session
from oracle.custody import bn254, delivery
from oracle.custody.bidfile import Bid, write_bid
from oracle.custody.board import round_key
from oracle.custody.contentkey import ContentKey, read_key, write_key
from oracle.custody.keystore import create_keys
from oracle.custody.wraps import sign_wraps, wrap_key
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.node import exchange as peers
from oracle.node.folder import DataFolder
from oracle.node.signing import SigningKey

WORK = 2**12


@dataclass
class Hands:
    """The people of a settled round at their command lines."""

    sold: Sold
    mia: Mia
    folder: Path

    def address(self, name: str) -> str:
        return self.sold.accounts[name].address

    def run(self, who: str, *arguments: object) -> Answer:
        return self.mia("delivery", *arguments, *self.sold.world.key(who), *self.sold.world.here)

    def key_file(self, name: str, key: bytes | None = None) -> Path:
        packed, path = self.sold.packed[name], self.folder / f"{name}.key.json"
        write_key(path, ContentKey(manifest=packed.manifest.digest, key=key or packed.key))
        return path

    def bid(self, name: str, **changes: object) -> Bid:
        """What ``name`` bid, as its bid file says it."""
        manifest = self.sold.packed[name].manifest
        bid = Bid(
            chain=manifest.chain_id,
            market=manifest.market,
            round=self.sold.round,
            provider=manifest.provider,
            terms_hash=self.sold.world.market.terms(self.sold.round).hash(),
            dataset_root=manifest.dataset_root,
            manifest=manifest.digest,
            cost=1000,
            salt=bytes(32),
            content_key=self.sold.packed[name].key,
        )
        return bid.model_copy(update=changes)

    def bid_file(self, name: str, **changes: object) -> Path:
        path = self.folder / f"{name}-{secrets.token_hex(4)}.json"
        write_bid(path, self.bid(name, **changes), PASSWORD, work=WORK)
        return path

    def send(self, name: str, **changes: object) -> Answer:
        return self.run(name, "send", self.sold.round, "--bid-file", self.bid_file(name, **changes))

    def planner(self, command: str, name: str, *more: object) -> Answer:
        keys = self.sold.world.folder / "planner.keys.json"
        return self.run("planner", command, self.sold.round, self.address(name), "--keys", keys, *more)

    def status(self) -> dict[str, dict[str, object]]:
        answer = self.mia("delivery", "status", self.sold.round, *self.sold.world.here)
        assert answer.code == 0, answer.said
        names = {self.address(name): name for name in self.sold.packed}
        return {names[row["provider"]]: row for row in answer.document["deliveries"]}

    def state(self, name: str) -> State:
        found = self.sold.exchange.delivered(self.sold.round, self.address(name))
        return State.NONE if found is None else found.state


@pytest.fixture
def hands(sold: Sold, mia: Mia, tmp_path: Path) -> Iterator[Hands]:  # noqa: F811
    world, market = sold.world, sold.world.market
    session = open_session(world.chain.rpc, market.address, f"local:{world.folder / 'store'}")
    leaves = [
        ScoreLeaf(bid.provider, bid.dataset_root, Status.SCORED, 0, 8 * 10**17, 8 * 10**17, 1000, 0)
        for bid in market.commitments(sold.round)
    ]
    peers.publish_leaves(market, sold.round, leaves, session.board)
    yield Hands(sold, mia, tmp_path)


def test_a_key_changes_hands(hands: Hands) -> None:
    assert {row["state"] for row in hands.status().values()} == {"awaited"}
    sent = hands.send("anna")
    assert (sent.code, sent.document["sent"]) == (0, True), sent.said
    assert hands.send("anna").document == sent.document | {"sent": False, "transaction": None}
    row = hands.status()["anna"]
    assert (row["state"], row["deliverer"], row["claimed"]) == ("delivered", hands.address("anna"), False)

    out = hands.folder / "bought.json"
    taken = hands.planner("accept", "anna", "--out", out)
    assert (taken.code, taken.document["sent"], taken.document["key"]) == (0, True, str(out)), taken.said
    packed = hands.sold.packed["anna"]
    assert read_key(out.read_bytes(), name="bought").key == packed.key and out.stat().st_mode & 0o777 == 0o600
    for text in (json.dumps(taken.document), taken.said, json.dumps(sent.document), sent.said):
        assert packed.key.hex() not in text
    assert hands.status()["anna"]["state"] == "accepted"
    again = hands.planner("accept", "anna", "--out", hands.folder / "again.json")
    assert (again.code, again.document["sent"]) == (0, False)
    assert hands.planner("accept", "anna", "--out", out).code == 2


def test_the_bid_file_holds_the_key(hands: Hands) -> None:
    sold, packed = hands.sold, hands.sold.packed["bert"]  # noqa: F811
    keyless, elsewhere = hands.bid_file("bert", content_key=None), hands.bid_file("bert", round=9)
    for file in (keyless, elsewhere):
        refused = hands.run("bert", "send", sold.round, "--bid-file", file)
        assert (refused.code, refused.document["error"]["input"]) == (2, str(file))
    whole = hands.bid_file("bert")
    both = hands.run("bert", "send", sold.round, "--bid-file", whole, "--key", hands.key_file("bert"))
    assert (both.code, both.document["error"]["input"]) == (2, str(whole))
    assert hands.state("bert") is State.NONE
    assert hands.run("bert", "send", sold.round, "--bid-file", whole).code == 0
    assert hands.sold.exchange.opened(sold.round, hands.address("bert"), planner_keys(hands)) == packed.key


def test_a_bid_file_without_the_key_takes_it_from_another_file(hands: Hands) -> None:
    file = hands.bid_file("bert", content_key=None)
    foreign = hands.run("bert", "send", hands.sold.round, "--bid-file", file, "--key", hands.key_file("anna"))
    assert (foreign.code, foreign.document["error"]["input"]) == (2, str(hands.folder / "anna.key.json"))
    sent = hands.run("bert", "send", hands.sold.round, "--bid-file", file, "--key", hands.key_file("bert"))
    assert (sent.code, sent.document["sent"]) == (0, True), sent.said


def test_nothing_is_sent_without_the_terms_that_were_bid_under(hands: Hands) -> None:
    """A node that names other terms names another planner's key with them: it would get the data."""
    assert hands.run("anna", "send", hands.sold.round, "--key", hands.key_file("anna")).code == 2  # no terms at all
    other = hands.send("anna", terms_hash=bytes(32))
    assert (other.code, other.document["error"]["input"]) == (1, f"round {hands.sold.round}")
    assert "other terms" in other.said and hands.state("anna") is State.NONE


def test_a_bid_file_of_another_data_set_delivers_nothing(hands: Hands) -> None:
    old = hands.send("anna", dataset_root=bytes(32))
    assert (old.code, old.document["error"]["input"]) == (2, "bid file")
    assert hands.state("anna") is State.NONE


def planner_keys(hands: Hands):  # type: ignore[no-untyped-def]
    from oracle.custody.keystore import load_keys

    return load_keys(hands.sold.world.folder / "planner.keys.json", PASSWORD)


def test_a_wrong_key_is_not_sent(hands: Hands) -> None:
    """It would cost the bond and the reward."""
    wrong = hands.send("anna", content_key=bytes(range(32)))
    assert (wrong.code, wrong.document["error"]["name"]) == (1, "CheckFailed")
    assert hands.state("anna") is State.NONE


def test_who_did_not_win_or_is_no_provider_sends_nothing(hands: Hands) -> None:
    nobody = hands.run("operator0", "send", hands.sold.round, "--bid-file", hands.bid_file("anna"))
    assert nobody.code == 2
    early = hands.run("anna", "send", 1, "--bid-file", hands.bid_file("anna", round=1))  # round 1 was never played
    assert early.code in (1, 2)
    assert hands.state("anna") is State.NONE


def test_a_good_key_is_not_disputed(hands: Hands) -> None:
    hands.send("anna")
    refused = hands.planner("dispute", "anna")
    assert refused.code == 2 and "mia delivery accept" in refused.document["error"]["hint"]
    assert hands.state("anna") is State.DELIVERED


def test_a_wrong_key_is_not_accepted_but_struck(hands: Hands) -> None:
    hands.sold.deliver("anna", bytes(range(32)))
    out = hands.folder / "bought.json"
    refused = hands.planner("accept", "anna", "--out", out)
    assert refused.code == 1 and "mia delivery dispute" in refused.document["error"]["hint"]
    assert not out.exists() and hands.state("anna") is State.DELIVERED
    struck = hands.planner("dispute", "anna")
    assert (struck.code, struck.document["struck"]) == (0, "disputed"), struck.said
    assert hands.status()["anna"]["state"] == "reversed"


@pytest.mark.parametrize("cheat", ["disguised", "other data"])
def test_a_false_delivery_is_refuted_so_that_no_key_leaks(hands: Hands, cheat: str) -> None:
    sold, exchange = hands.sold, hands.sold.exchange  # noqa: F811
    hands.send("anna")
    honest = exchange.require(sold.round, hands.address("anna")).delivery
    thief, manifest = sold.accounts["bert"], sold.packed["bert"].manifest
    if cheat == "disguised":
        words = {"content_hash": manifest.content_hash, "key_commit": manifest.key_commit}
        point = bn254.multiply(honest.point, 77)
        exchange.send_delivery(thief, sold.round, thief.address, replace(honest, point=point, **words))
    else:
        made = delivery.deliver(
            exchange.sale(sold.round, thief.address),
            bytes(32),
            exchange.planner_key(sold.round),
            deliverer=thief.address,
            content_hash=bytes(32),
            key_commit=bytes(32),
        )
        exchange.send_delivery(thief, sold.round, thief.address, made)
    struck = hands.planner("dispute", "bert")
    assert (struck.code, struck.document["struck"]) == (0, "refuted"), struck.said
    assert hands.state("bert") is State.REVERSED and hands.state("anna") is State.DELIVERED


def test_an_operator_delivers_from_what_was_wrapped_to_it(hands: Hands) -> None:
    sold, name = hands.sold, "operator0"  # noqa: F811
    packed, owner, market = sold.packed["carl"], hands.address(name), sold.world.market
    file, folder = hands.folder / "operator.keys.json", hands.folder / "operator"
    keys = create_keys(file, owner, PASSWORD, work=WORK)
    bounty = ["bounty", sold.round, hands.address("carl"), "--keys", file, "--data-dir", folder]
    stranger = hands.run(name, *bounty)  # nothing says under which terms it scored
    assert (stranger.code, stranger.document["error"]["input"]) == (1, str(folder))
    commitments = market.state(sold.round).commitments
    key = SigningKey(market.chain_id, market.address, sold.round, "observation", owner, commitments)
    DataFolder(folder).signed.claim(key, bytes(32))
    nothing = hands.run(name, *bounty)
    assert (nothing.code, nothing.document["error"]["input"]) == (1, f"wraps-{hands.address('carl').lower()}")

    wrap = wrap_key(packed.manifest.context, packed.key, owner, keys.public.x25519)
    wraps = sign_wraps(sold.accounts["carl"], packed.manifest, [wrap])
    session = open_session(sold.world.chain.rpc, market.address, f"local:{sold.world.folder / 'store'}")
    round_name = round_key(market.chain_id, market.address, sold.round)
    session.board.publish(round_name, f"wraps-{hands.address('carl').lower()}", wraps.to_bytes())
    early = hands.run(name, *bounty)
    assert (early.code, early.document["error"]["input"]) == (2, "NotDeliverer")
    sold.world.chain.warp_to(market.terms(sold.round).deliver_end)
    done = hands.run(name, *bounty)
    assert (done.code, done.document["sent"]) == (0, True), done.said
    row = hands.status()["carl"]
    assert (row["state"], row["bounty"], row["deliverer"]) == ("delivered", True, owner)
    out = hands.folder / "bought.json"
    assert hands.planner("accept", "carl", "--out", out).code == 0
    assert read_key(out.read_bytes(), name="bought").key == packed.key


def test_a_false_delivery_is_refuted_whatever_lies_on_the_board(hands: Hands) -> None:
    """The leaf comes out of the reveal: a board that somebody overwrites must not stop a planner in its window."""
    sold, market = hands.sold, hands.sold.world.market  # noqa: F811
    board = open_session(sold.world.chain.rpc, market.address, f"local:{sold.world.folder / 'store'}").board
    report, round_name = market.report(sold.round), round_key(market.chain_id, market.address, sold.round)
    assert report is not None
    board.publish(round_name, f"leaves-{report.root.hex()}", b"junk")
    sold.deliver("anna", bytes(32))
    exchange = sold.exchange
    made = exchange.require(sold.round, hands.address("anna")).delivery
    thief = sold.accounts["bert"]
    exchange.send_delivery(thief, sold.round, thief.address, made)  # of anna's data, by bert
    struck = hands.planner("dispute", "bert")
    assert (struck.code, struck.document["struck"]) == (0, "refuted"), struck.said


def test_a_key_is_checked_and_struck_without_the_store(hands: Hands) -> None:
    """What a planner needs to defend its money is on chain: a provider cannot take its manifest away to prevent it."""
    hands.send("anna")
    hands.sold.deliver("bert", bytes(32))
    shutil.rmtree(hands.sold.world.folder / "store" / "blocks")
    assert hands.planner("accept", "anna", "--out", hands.folder / "bought.json").code == 0
    assert hands.planner("dispute", "bert").document["struck"] == "disputed"


def test_what_no_signature_shows_is_disputed_on_trust_alone(hands: Hands) -> None:
    """A wrong key in a transaction of the oldest kind, whose signature nothing here reads: the money is not lost."""
    sold, thief, market = hands.sold, hands.sold.accounts["bert"], hands.sold.world.market  # noqa: F811
    exchange, manifest = sold.exchange, sold.packed["bert"].manifest
    made = delivery.deliver(
        exchange.sale(sold.round, thief.address),
        bytes(32),
        exchange.planner_key(sold.round),
        deliverer=thief.address,
        content_hash=manifest.content_hash,
        key_commit=manifest.key_commit,
    )
    parcel = (made.point, made.sealed_key, *astuple(made.proof), made.content_hash, made.key_commit)
    old = {
        "chainId": market.chain_id,
        "nonce": market.w3.eth.get_transaction_count(thief.address),
        "gas": 300_000,
        "gasPrice": 2 * market.w3.eth.gas_price,
        "to": exchange.contract.address,
        "data": exchange.contract.encode_abi("deliver", args=[sold.round, thief.address, parcel]),
        "value": 0,
    }
    market.w3.eth.wait_for_transaction_receipt(
        market.w3.eth.send_raw_transaction(thief.sign_transaction(old).raw_transaction)
    )
    refused = hands.planner("dispute", "bert")
    assert refused.code == 1 and "--trust-node" in refused.document["error"]["hint"]
    assert hands.state("bert") is State.DELIVERED
    struck = hands.planner("dispute", "bert", "--trust-node")
    assert (struck.code, struck.document["struck"]) == (0, "disputed"), struck.said
    assert hands.state("bert") is State.REVERSED


def test_a_stranger_opens_nothing(hands: Hands) -> None:
    hands.send("anna")
    file = hands.folder / "eve.keys.json"
    create_keys(file, hands.address("bert"), PASSWORD, work=WORK)
    command = ["accept", hands.sold.round, hands.address("anna"), "--keys", file, "--out", hands.folder / "x.json"]
    refused = hands.run("bert", *command)
    assert refused.code == 2 and not (hands.folder / "x.json").exists()
    assert hands.planner("accept", "bert", "--out", hands.folder / "x.json").code == 2  # nothing delivered yet


def test_time_passes_and_says_so(hands: Hands) -> None:
    hands.send("anna")
    sold = hands.sold  # noqa: F811
    end = sold.exchange.require(sold.round, hands.address("anna")).dispute_end
    sold.world.chain.warp_to(max(end, sold.world.market.terms(sold.round).bounty_end))
    states = {name: row["state"] for name, row in hands.status().items()}
    assert states == {"anna": "accepted", "bert": "missing", "carl": "missing"}
    late = hands.send("bert")
    assert (late.code, late.document["error"]["input"]) == (2, "DeliveryClosed")


def test_a_round_without_deliveries_says_so(hands: Hands) -> None:
    answer = hands.mia("delivery", "status", 1, *hands.sold.world.here)
    assert answer.code == 2 and answer.document["error"]["input"] == "round 1"
