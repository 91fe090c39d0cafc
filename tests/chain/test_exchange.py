"""Keys against payment on the real contracts: every way a delivery can go, and who is paid in the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from conftest import QUORUM, WAD, Scene, scored
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from web3.types import RPCEndpoint, RPCResponse, TxReceipt

from oracle.chain import transact
from oracle.chain.client import Market
from oracle.chain.exchange import Exchange, State
from oracle.chain.rpc import Node
from oracle.chain.settlement import settle_auction
from oracle.custody import bn254, delivery
from oracle.custody.bidfile import Bid
from oracle.custody.bn254 import FIELD, GENERATOR, ORDER, Proof
from oracle.custody.delivery import Delivery
from oracle.custody.delivery import Dispute as Shown
from oracle.custody.keystore import KeyPair, Keys
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment, merkle
from oracle.evidence.encryption_key import require_owner, shortened, sign_key
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.mechanism import clearing

BURN = "0x000000000000000000000000000000000000dEaD"
HOUR = 3600


@dataclass(frozen=True)
class Sold:
    """A settled round: three winners, and a fourth whose root was copied from the first."""

    scene: Scene
    exchange: Exchange
    round: int
    planner_keys: Keys
    keys: dict[str, bytes]
    words: dict[str, dict[str, bytes]]
    leaves: list[ScoreLeaf]

    @property
    def winners(self) -> list[LocalAccount]:
        return self.scene.providers[:3]

    @property
    def secret(self) -> int:
        return self.planner_keys.bn254

    def deliver(self, winner: LocalAccount, key: bytes | None = None, *, by: LocalAccount | None = None) -> TxReceipt:
        """The winner's own key unless another is given; by the winner unless somebody else is."""
        chosen = self.keys[winner.address] if key is None else key
        return self.exchange.deliver(by or winner, self.round, winner.address, chosen, **self.words[winner.address])

    def opened(self, winner: LocalAccount) -> bytes:
        return self.exchange.opened(self.round, winner.address, self.planner_keys)

    def dispute(self, winner: LocalAccount, *, bond: int = 0) -> TxReceipt:
        found = self.exchange.require(self.round, winner.address)
        planner = self.scene.planner
        return self.exchange.dispute(planner, self.round, winner.address, self.secret, found, bond=bond)

    def refute(self, winner: LocalAccount, leaf: ScoreLeaf | None = None) -> TxReceipt:
        hashes = [one.hash() for one in self.leaves]
        (own,) = (one for one in self.leaves if one.provider == winner.address)
        found = self.exchange.require(self.round, winner.address)
        proof = merkle.proof(hashes, own.hash())
        return self.exchange.refute(self.scene.planner, self.round, found, leaf or own, proof)

    def state(self, winner: LocalAccount) -> State:
        found = self.exchange.delivered(self.round, winner.address)
        return State.NONE if found is None else found.state

    def claim(self, winner: LocalAccount) -> dict[str, int]:
        """Claim for a winner; what the token and the chain's coin gave to whom."""
        market, w3 = self.scene.market, self.scene.w3
        people = {"winner": winner.address, "planner": self.scene.planner.address}
        before = {name: self.scene.balance(address) for name, address in people.items()}
        bonds = {"winner": winner.address, "burned": BURN} | {
            f"operator{n}": operator.address for n, operator in enumerate(self.scene.operators)
        }
        coins = {name: w3.eth.get_balance(address) for name, address in bonds.items()}
        stranger = self.scene.providers[-1]
        transact.send(w3, stranger, market.contract.functions.claim(self.round, winner.address))
        paid = {name: self.scene.balance(address) - before[name] for name, address in people.items()}
        paid |= {f"bond to {name}": w3.eth.get_balance(address) - coins[name] for name, address in bonds.items()}
        return {name: amount for name, amount in paid.items() if amount}

    def due(self, winner: LocalAccount) -> int:
        """The cash part of a winner's reward, smallest units."""
        _, cash = self.scene.market.contract.functions.rewardOf(self.round, winner.address).call()
        return int(cash) * self.terms.money_unit

    @property
    def terms(self):  # type: ignore[no-untyped-def]
        return self.scene.market.terms(self.round)


@pytest.fixture(scope="module")
def settled(world: Scene) -> Iterator[Sold]:
    untouched = world.chain.snapshot()
    scene = replace(world, market=Market(world.w3, world.market.address, from_block=0), bids={})
    yield _sell(scene)
    world.chain.revert(untouched)


@pytest.fixture
def sold(settled: Sold) -> Iterator[Sold]:
    """The settled round for one test alone."""
    before = settled.scene.chain.snapshot()
    yield settled
    settled.scene.chain.revert(before)


def _sell(scene: Scene) -> Sold:
    market, exchange = scene.market, Exchange(scene.market)
    planner_keys = Keys(scene.planner.address, (KeyPair.random(),))
    exchange.register_delivery_key(scene.planner, planner_keys.bn254)
    last = scene.terms().settle_end + HOUR
    round = scene.open(
        deliver_end=last,
        bounty_end=last + HOUR,
        dispute_window=HOUR,
        delivery_key=keccak(bn254.encode(planner_keys.public.bn254)),
        liquidity=WAD * 7 // 10,
    )
    terms = market.terms(round)
    keys, words, leaves, bids = {}, {}, [], []
    for provider in scene.providers[:4]:
        keys[provider.address] = secrets.token_bytes(32)
        content = secrets.token_bytes(32)
        committed = commitment.key_commit(
            chain_id=market.chain_id,
            market=market.address,
            round=round,
            provider=provider.address,
            content_hash=content,
            key=keys[provider.address],
        )
        root = commitment.sealed_dataset_root(provider.address, content, committed)
        copied = len(bids) == 3
        bid = Bid(
            chain=market.chain_id,
            market=market.address,
            round=round,
            provider=provider.address,
            terms_hash=terms.hash(),
            dataset_root=bids[0].dataset_root if copied else root,
            manifest=bids[0].manifest if copied else secrets.token_bytes(32),
            cost=1000 + len(bids),
            salt=commitment.new_salt(),
        )
        scene.call(provider, "commit", round, bid.sealed(), bid.dataset_root, bid.manifest, value=terms.bid_bond)
        bids.append(bid)
        status = Status.UNAVAILABLE if copied else Status.SCORED  # its wraps open under the first one's address only
        words[provider.address] = {"content_hash": content, "key_commit": committed}
        leaves.append(scored(bid, 8000, 8000, 10**9, status))
    scene.to(round, "commit_end")
    for operator in scene.operators[:3]:  # the fourth does not attest
        scene.observe(round, operator, keccak(text=operator.address))
    scene.to(round, "observe_end")
    scene.post_report(round, leaves, scene.operators[:QUORUM])
    scene.to(round, "challenge_end")
    for bid in bids:
        scene.reveal(round, bid, leaves, scene.providers[0])
    scene.to(round, "reveal_end")
    records = [clearing.Bid(reveal.cost, reveal.weight) for reveal in market.reveals(round)]
    cash = terms.budget * terms.liquidity // WAD
    total = cash + terms.utility_pool * (WAD - terms.liquidity) // WAD
    outcome = clearing.clear(records, total, terms.reserve, terms.cap)
    list(settle_auction(market, scene.planner, round, 0, records, outcome.certificate, batch=100))
    assert [reward > 0 for reward in outcome.rewards] == [True, True, True, False]
    scene.to(round, "settle_end")
    return Sold(scene, exchange, round, planner_keys, keys, words, leaves)


# --- good keys ---


def test_a_good_key_is_paid_for_once_accepted(sold: Sold) -> None:
    first, second, _ = sold.winners
    due, bond = sold.due(first), sold.terms.bid_bond
    with pytest.raises(BadInput) as early:
        sold.claim(first)
    assert early.value.input == "NotAccepted"
    sold.deliver(first)
    sold.deliver(second)
    assert sold.opened(first) == sold.keys[first.address]
    sold.exchange.accept(sold.scene.planner, sold.round, first.address)
    assert (sold.state(first), sold.state(second)) == (State.ACCEPTED, State.DELIVERED)
    assert sold.claim(first) == {"winner": due, "bond to winner": bond}
    with pytest.raises(BadInput):
        sold.claim(second)


def test_a_silent_planner_has_accepted(sold: Sold) -> None:
    first = sold.winners[0]
    due = sold.due(first)
    sold.deliver(first)
    end = sold.exchange.require(sold.round, first.address).dispute_end
    sold.scene.chain.warp_to(end - 5)
    with pytest.raises(BadInput):
        sold.claim(first)
    sold.scene.chain.warp_to(end)
    assert sold.claim(first) == {"winner": due, "bond to winner": sold.terms.bid_bond}
    with pytest.raises(BadInput):
        sold.dispute(first)


def test_a_dispute_over_a_good_key_costs_the_planner_its_bond_and_publishes_the_key(sold: Sold) -> None:
    first = sold.winners[0]
    due, bond = sold.due(first), sold.terms.challenge_bond
    sold.deliver(first)
    with pytest.raises(BadInput) as unpaid:
        sold.dispute(first)
    assert unpaid.value.input == "WrongBond" and sold.state(first) is State.DELIVERED
    burned = sold.scene.w3.eth.get_balance(BURN)
    receipt = sold.dispute(first, bond=bond)
    assert sold.state(first) is State.ACCEPTED
    assert sold.scene.w3.eth.get_balance(BURN) - burned == bond
    (event,) = sold.exchange.contract.events.Disputed().process_receipt(receipt)
    assert event["args"]["good"]
    made = sold.exchange.require(sold.round, first.address).delivery
    shared = event["args"]["shared"]
    sale = sold.exchange.sale(sold.round, first.address)
    everybody = delivery.unmask(sale, made.sealed_key, (shared["x"], shared["y"]))
    assert everybody == sold.keys[first.address]
    assert sold.claim(first) == {"winner": due, "bond to winner": sold.terms.bid_bond}


# --- wrong keys ---


def test_a_wrong_key_gives_the_reward_back_and_leaves_the_others_theirs(sold: Sold) -> None:
    first, second, _ = sold.winners
    due, others = sold.due(first), sold.due(second)
    sold.deliver(first, secrets.token_bytes(32))
    sold.deliver(second)
    assert sold.opened(first) != sold.keys[first.address]
    sold.dispute(first)
    assert sold.state(first) is State.REVERSED
    assert sold.claim(first) == {"planner": due, "bond to burned": sold.terms.bid_bond}
    sold.exchange.accept(sold.scene.planner, sold.round, second.address)
    assert sold.claim(second) == {"winner": others, "bond to winner": sold.terms.bid_bond}
    with pytest.raises(BadInput):
        sold.deliver(first)


def test_the_key_of_another_winner_is_a_wrong_key(sold: Sold) -> None:
    first, second, _ = sold.winners
    sold.deliver(first, sold.keys[second.address])
    sold.dispute(first)
    assert sold.state(first) is State.REVERSED


def test_a_forged_shared_point_opens_nothing(sold: Sold) -> None:
    first = sold.winners[0]
    sold.deliver(first)
    made = sold.exchange.require(sold.round, first.address).delivery
    honest = delivery.dispute(sold.exchange.sale(sold.round, first.address), sold.secret, made)
    x, y = honest.shared
    forged = [
        (bn254.multiply(honest.shared, 2), honest.proof, "InvalidProof"),
        (honest.shared, Proof(honest.proof.challenge, honest.proof.response ^ 1), "InvalidProof"),
        (honest.shared, Proof(honest.proof.challenge + ORDER, honest.proof.response), "InvalidProof"),
        (bn254.IDENTITY, honest.proof, "NotOnCurve"),
        ((x, (y + 1) % FIELD), honest.proof, "NotOnCurve"),
        ((x + FIELD, y), honest.proof, "NotOnCurve"),
    ]
    for shared, proof, error in forged:
        with pytest.raises((BadInput, CheckFailed)) as refused:
            _dispute(sold, sold.scene.planner, first, made, Shown(shared, proof), sold.terms.challenge_bond)
        assert refused.value.input == error
    assert sold.state(first) is State.DELIVERED


def test_a_dispute_is_the_planners_and_over_what_was_delivered(sold: Sold) -> None:
    """Else a good key could be made to look bad."""
    first, second, _ = sold.winners
    sold.deliver(first)
    sold.deliver(second)
    made = sold.exchange.require(sold.round, first.address).delivery
    honest = delivery.dispute(sold.exchange.sale(sold.round, first.address), sold.secret, made)
    theirs = sold.words[second.address]
    cases = [
        (sold.scene.planner, first, replace(made, sealed_key=bytes(32))),
        (sold.scene.planner, first, replace(made, proof=honest.proof)),
        (sold.scene.planner, first, replace(made, content_hash=theirs["content_hash"])),
        (sold.scene.planner, first, replace(made, key_commit=theirs["key_commit"])),
        (sold.scene.planner, second, made),
        (second, first, made),
    ]
    for sender, winner, shown in cases:
        with pytest.raises(BadInput) as refused:
            _dispute(sold, sender, winner, shown, honest, 0)
        assert refused.value.input == "NotDelivered"


def _dispute(sold: Sold, sender: LocalAccount, winner: LocalAccount, made: Delivery, shown: Shown, bond: int) -> None:
    """Below the client, which would not send any of this."""
    proof = made.proof
    parcel = (made.point, made.sealed_key, proof.challenge, proof.response, made.content_hash, made.key_commit)
    public = sold.planner_keys.public.bn254
    opened = (public, parcel, shown.shared, shown.proof.challenge, shown.proof.response)
    call = sold.exchange.contract.functions.dispute(sold.round, winner.address, opened)
    transact.send(sold.scene.w3, sender, call, bond)


# --- points that are none, and points that are another's ---


@pytest.mark.parametrize("point", [(0, 0), (1, 3), (1 + FIELD, 2), (1, 2 + FIELD), (FIELD, 0)])
def test_no_delivery_on_an_improper_point(sold: Sold, point: bn254.Point) -> None:
    first = sold.winners[0]
    sale, words = sold.exchange.sale(sold.round, first.address), sold.words[first.address]
    made = delivery.deliver(sale, bytes(32), GENERATOR, deliverer=first.address, **words)
    with pytest.raises((BadInput, CheckFailed)) as refused:
        sold.exchange.send_delivery(first, sold.round, first.address, replace(made, point=point))
    assert refused.value.input == "NotOnCurve"
    call = sold.exchange.contract.functions.registerDeliveryKey(point, 1, 1)
    with pytest.raises((BadInput, CheckFailed)) as refused:
        transact.send(sold.scene.w3, first, call)
    assert refused.value.input == "NotOnCurve"


def test_a_disguised_copy_is_struck_without_opening_the_honest_delivery(sold: Sold) -> None:
    honest, thief, _ = sold.winners
    due = sold.due(thief)
    sold.deliver(honest)
    original = sold.exchange.require(sold.round, honest.address).delivery
    disguised = replace(
        original, point=bn254.multiply(original.point, 12_345), sealed_key=bytes(32), **sold.words[thief.address]
    )
    sold.exchange.send_delivery(thief, sold.round, thief.address, disguised)
    with pytest.raises(CheckFailed, match="own making"):
        sold.dispute(thief)
    sold.refute(thief)
    assert sold.state(thief) is State.REVERSED
    assert sold.claim(thief) == {"planner": due, "bond to burned": sold.terms.bid_bond}


@pytest.mark.parametrize("shift", [0, ORDER])
def test_a_delivery_of_ones_own_making_cannot_be_refuted(sold: Sold, shift: int) -> None:
    """Contract and client agree on every proof, however its response is spelt: else neither way would be open."""
    first = sold.winners[0]
    sale = sold.exchange.sale(sold.round, first.address)
    key, words = secrets.token_bytes(32), sold.words[first.address]
    made = delivery.deliver(sale, key, sold.planner_keys.public.bn254, deliverer=first.address, **words)
    made = replace(made, proof=Proof(made.proof.challenge, made.proof.response + shift))
    sold.exchange.send_delivery(first, sold.round, first.address, made)
    found = sold.exchange.require(sold.round, first.address)
    assert delivery.delivery_holds(sale, found.delivery)
    with pytest.raises((BadInput, CheckFailed)) as refused:
        sold.refute(first)
    assert refused.value.input == "Irrefutable"
    sold.dispute(first)
    assert sold.state(first) is State.REVERSED


def test_a_delivery_of_other_data_is_refuted_whatever_its_key(sold: Sold) -> None:
    """A key that opens something, under words of the cheat's own: a dispute would find it good."""
    first, second, _ = sold.winners
    market, key, content = sold.scene.market, secrets.token_bytes(32), secrets.token_bytes(32)
    place = {"chain_id": market.chain_id, "market": market.address, "round": sold.round, "provider": first.address}
    other = {"content_hash": content, "key_commit": commitment.key_commit(**place, content_hash=content, key=key)}
    sold.exchange.deliver(first, sold.round, first.address, key, **other)
    with pytest.raises(BadInput) as good:
        sold.dispute(first)
    assert good.value.input == "WrongBond"
    with pytest.raises((BadInput, CheckFailed)) as foreign:  # a leaf that is not in the report
        sold.refute(first, replace(sold.leaves[0], dataset_root=bytes(32)))
    assert foreign.value.input == "InvalidProof"
    sold.refute(first)
    assert sold.state(first) is State.REVERSED
    sold.deliver(second)
    with pytest.raises((BadInput, CheckFailed)):
        sold.refute(second)


def test_a_copied_root_is_paid_nothing(sold: Sold) -> None:
    """Whoever copied it can copy its words and even its key: operators saw that nothing opens under this address."""
    thief, first = sold.scene.providers[3], sold.winners[0]
    words = sold.words[first.address]
    sold.exchange.deliver(thief, sold.round, thief.address, sold.keys[first.address], **words)
    assert set(sold.claim(thief)) == {"bond to winner"}
    assert commitment.sealed_dataset_root(thief.address, *words.values()) != sold.leaves[0].dataset_root
    sold.scene.to(sold.round, "deliver_end")
    with pytest.raises(BadInput) as refused:
        sold.deliver(thief, by=sold.scene.operators[0])
    assert refused.value.input in ("NothingDue", "AlreadyDelivered")


# --- time ---


def test_an_operator_delivers_for_a_silent_winner_and_takes_its_bond(sold: Sold) -> None:
    silent, operators = sold.winners[0], sold.scene.operators
    due = sold.due(silent)
    with pytest.raises(BadInput) as early:
        sold.deliver(silent, by=operators[0])
    assert early.value.input == "NotDeliverer"
    sold.scene.to(sold.round, "deliver_end")
    for nobody in (operators[3], sold.winners[1], sold.scene.planner):  # who did not attest
        with pytest.raises(BadInput) as refused:
            sold.deliver(silent, by=nobody)
        assert refused.value.input in ("NotDeliverer", "NotAMember")
    sold.deliver(silent, by=operators[1])
    found = sold.exchange.require(sold.round, silent.address)
    assert found.bounty and found.delivery.deliverer == operators[1].address
    assert delivery.delivery_holds(sold.exchange.sale(sold.round, silent.address), found.delivery)
    assert sold.opened(silent) == sold.keys[silent.address]
    sold.exchange.accept(sold.scene.planner, sold.round, silent.address)
    assert sold.claim(silent) == {"winner": due, "bond to operator1": sold.terms.bid_bond}


def test_an_operators_wrong_key_is_struck_and_another_may_follow(sold: Sold) -> None:
    silent, operators = sold.winners[0], sold.scene.operators
    sold.scene.to(sold.round, "deliver_end")
    sold.deliver(silent, bytes(32), by=operators[0])
    sold.dispute(silent)
    assert sold.state(silent) is State.NONE
    sold.deliver(silent, by=operators[2])
    found = sold.exchange.require(sold.round, silent.address)
    assert found.delivery.deliverer == operators[2].address
    sold.exchange.accept(sold.scene.planner, sold.round, silent.address)
    assert "bond to operator2" in sold.claim(silent)


def test_a_late_winner_is_in_time_until_an_operator_is_faster(sold: Sold) -> None:
    first, second, _ = sold.winners
    sold.scene.to(sold.round, "deliver_end")
    sold.deliver(first)
    sold.deliver(second, by=sold.scene.operators[0])
    with pytest.raises(BadInput) as refused:
        sold.deliver(second)
    assert refused.value.input == "AlreadyDelivered"
    assert not sold.exchange.require(sold.round, first.address).bounty


def test_too_late_is_too_late_and_the_planner_keeps_the_reward(sold: Sold) -> None:
    first = sold.winners[0]
    due = sold.due(first)
    sold.scene.chain.warp_to(sold.terms.bounty_end - 5)
    with pytest.raises(BadInput):
        sold.claim(first)
    sold.scene.to(sold.round, "bounty_end")
    for somebody in (first, sold.scene.operators[0]):
        with pytest.raises(BadInput) as refused:
            sold.deliver(first, by=somebody)
        assert refused.value.input == "DeliveryClosed"
    assert sold.claim(first) == {"planner": due, "bond to burned": sold.terms.bid_bond}


def test_nobody_else_accepts_and_nothing_is_accepted_twice(sold: Sold) -> None:
    first, second, _ = sold.winners
    with pytest.raises(BadInput):
        sold.exchange.accept(sold.scene.planner, sold.round, first.address)
    sold.deliver(first)
    for attempt in (lambda: sold.exchange.accept(second, sold.round, first.address), lambda: sold.deliver(first)):
        with pytest.raises(BadInput):
            attempt()
    sold.exchange.accept(sold.scene.planner, sold.round, first.address)
    with pytest.raises(BadInput):
        sold.exchange.accept(sold.scene.planner, sold.round, first.address)
    with pytest.raises(BadInput):
        sold.dispute(first)


# --- keys ---


def test_keys_are_registered_with_proof_and_running_rounds_keep_theirs(sold: Sold) -> None:
    exchange, planner = sold.exchange, sold.scene.planner
    rotated = Keys(planner.address, (*sold.planner_keys.generations, KeyPair.random()))
    assert exchange.encryption_key(planner.address) is None
    exchange.register_encryption_key(planner, rotated.public.x25519)
    exchange.register_delivery_key(planner, rotated.bn254)
    signed = exchange.encryption_key(planner.address)
    assert signed is not None and signed.key == rotated.public.x25519
    require_owner(planner.address, signed.key, signed.signature)
    assert exchange.delivery_key(planner.address) == rotated.public.bn254
    assert exchange.planner_key(sold.round) == sold.planner_keys.public.bn254
    sold.deliver(sold.winners[0])
    assert exchange.opened(sold.round, sold.winners[0].address, rotated) == sold.keys[sold.winners[0].address]
    assert exchange.delivery_key(sold.winners[0].address) is None

    proof = delivery.prove_possession(sold.scene.market.chain_id, exchange.contract.address, planner.address, 7)
    call = exchange.contract.functions.registerDeliveryKey(
        bn254.multiply(GENERATOR, 7), proof.challenge, proof.response
    )
    with pytest.raises(CheckFailed) as stolen:  # the planner's proof, sent by somebody else
        transact.send(sold.scene.w3, sold.winners[0], call)
    assert stolen.value.input == "InvalidProof"
    transact.send(sold.scene.w3, planner, call)


def test_a_key_file_that_the_round_does_not_know_is_named(sold: Sold) -> None:
    sold.deliver(sold.winners[0])
    with pytest.raises(BadInput, match="no key of"):
        sold.exchange.opened(sold.round, sold.winners[0].address, Keys(sold.scene.planner.address, (KeyPair.random(),)))
    with pytest.raises(BadInput, match="nothing is delivered"):
        sold.opened(sold.winners[1])


def test_a_node_that_keeps_no_log_is_named(sold: Sold) -> None:
    sold.deliver(sold.winners[0])
    forgetful = Exchange(sold.scene.market, from_block=sold.scene.w3.eth.block_number + 1)
    with pytest.raises(CheckFailed, match="log"):
        forgetful.delivered(sold.round, sold.winners[0].address)
    with pytest.raises(CheckFailed, match="log"):
        forgetful.planner_key(sold.round)


@pytest.mark.parametrize("public", [bytes(32), (1).to_bytes(32, "little")], ids=["zero", "one"])
def test_a_key_of_small_order_is_not_registered(sold: Sold, public: bytes) -> None:
    planner = sold.scene.planner
    with pytest.raises(BadInput, match="small order") as refused:
        sold.exchange.register_encryption_key(planner, public)
    assert refused.value.input == planner.address
    assert sold.exchange.encryption_key(planner.address) is None


def test_whose_encryption_key_it_is_says_its_wallet(sold: Sold) -> None:
    planner, thief = sold.scene.planner, sold.winners[0]
    public = KeyPair.random().x25519_public
    register = sold.exchange.contract.functions.registerEncryptionKey
    foreign = shortened(sign_key(thief, public))
    with pytest.raises(CheckFailed) as refused:
        transact.send(sold.scene.w3, planner, register(public, *foreign))
    assert refused.value.input == "InvalidSignature"
    with pytest.raises(BadInput) as nothing:
        transact.send(sold.scene.w3, planner, register(bytes(32), *shortened(sign_key(planner, bytes(32)))))
    assert nothing.value.input == "ZeroKey"


# --- what a node may not make a planner publish ---


def test_an_altered_delivery_is_not_disputed(sold: Sold) -> None:
    """With one bit of C changed a good key looks wrong; S, published over it, would open the good one."""
    winner, planner = sold.winners[0], sold.scene.planner
    sold.deliver(winner)
    found = sold.exchange.require(sold.round, winner.address)
    sealed = bytes([found.delivery.sealed_key[0] ^ 1]) + found.delivery.sealed_key[1:]
    altered = replace(found, delivery=replace(found.delivery, sealed_key=sealed))
    before = sold.scene.w3.eth.get_transaction_count(planner.address)
    with pytest.raises(CheckFailed, match="no signature shows") as refused:
        sold.exchange.dispute(planner, sold.round, winner.address, sold.secret, altered)
    assert refused.value.input == winner.address
    assert sold.scene.w3.eth.get_transaction_count(planner.address) == before


def test_a_signature_is_not_taken_from_another_transaction(sold: Sold) -> None:
    """The call of one winner, in a transaction that another signed."""
    first, second = sold.winners[:2]
    sold.deliver(first)
    sold.deliver(second)
    found = sold.exchange.require(sold.round, first.address)
    elsewhere = replace(found, transaction=sold.exchange.require(sold.round, second.address).transaction)
    with pytest.raises(CheckFailed, match="something else"):
        sold.exchange.require_sent(sold.round, first.address, elsewhere)
    with pytest.raises(CheckFailed, match="does not have it"):
        sold.exchange.require_sent(sold.round, first.address, replace(found, transaction=bytes(32)))
    impostor = replace(found, delivery=replace(found.delivery, deliverer=second.address))
    with pytest.raises(CheckFailed, match="signed by"):
        sold.exchange.require_sent(sold.round, first.address, impostor)
    sold.exchange.require_sent(sold.round, first.address, found)


def test_a_node_cannot_name_another_exchange(sold: Sold, monkeypatch: pytest.MonkeyPatch) -> None:
    market, winner = sold.scene.market, sold.winners[0]
    there = market.contract.functions.exchange().call()
    asked = market.contract.encode_abi("exchange")
    honest = Node._ask

    def lying(node: Node, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == "eth_call" and params[0].get("data") == asked:
            return {"jsonrpc": "2.0", "id": 1, "result": "0x" + bytes.hex(bytes(12) + b"\x66" * 20)}
        return honest(node, method, params)

    monkeypatch.setattr(Node, "_ask", lying)
    assert market.contract.functions.exchange().call() == "0x" + "66" * 20
    exchange = Exchange(market)
    key, words = sold.keys[winner.address], sold.words[winner.address]
    sent = exchange.deliver(winner, sold.round, winner.address, key, **words)
    assert sent["to"] == there and sold.opened(winner) == key
