"""The KeyExchange of a market: whose keys are registered, what was delivered, and the calls of either side.

Points, proofs and keys are those of :mod:`oracle.custody.delivery`; times are unix seconds. Every method may raise
``EnvironmentFailure`` when the node is away; calls raise what ``transact.send`` raises and return its receipt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.contract import Contract
from web3.types import EventData, TxReceipt

from oracle.chain.client import Market, contract
from oracle.chain.connection import Undecodable, member
from oracle.chain.logs import first_block, read_events
from oracle.chain.signed import require_signed_call
from oracle.chain.terms import ERA
from oracle.chain.transact import send
from oracle.custody import bn254, delivery
from oracle.custody.bn254 import Point, Proof
from oracle.custody.delivery import Delivery, Sale
from oracle.custody.keystore import Keys
from oracle.custody.wraps import require_recipient
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import encryption_key
from oracle.evidence.leaf import ScoreLeaf

DIGEST_BITS = 200
MADE_AS = 3
"""The market's nonce when its constructor makes the KeyExchange; the first is 1 (EIP-161)."""


class State(IntEnum):
    """What became of a winner's delivery, as ``IKeyExchange.State``."""

    NONE = 0
    DELIVERED = 1
    ACCEPTED = 2
    REVERSED = 3


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery as it stands. ``bounty``: an operator's; ``dispute_end``: it may be disputed before that second;
    ``transaction``: the hash of the one it came in."""

    state: State
    bounty: bool
    dispute_end: int
    delivery: Delivery
    block: int
    transaction: bytes


@dataclass(frozen=True, slots=True)
class SignedKey:
    """An X25519 key (32 bytes) and its owner's signature over it (65): :mod:`oracle.evidence.encryption_key`."""

    key: bytes
    signature: bytes


def exchange_of(market: str) -> str:
    """The address of a market's KeyExchange: the market's constructor makes it, as its third contract.

    Computed, since what a node named instead would get the deliveries: their readers the data, their senders nothing.
    """
    created = b"\xd6\x94" + bytes.fromhex(market[2:]) + bytes([MADE_AS])  # RLP of creator and nonce
    return to_checksum_address(keccak(created)[12:])


class Exchange:
    """Reads and calls of one market's KeyExchange."""

    def __init__(self, market: Market, *, from_block: int | None = None) -> None:
        """``from_block``: the block of the deployment; found by bisection when not given."""
        self.market = market
        self.contract: Contract = contract(market.w3, "KeyExchange", exchange_of(market.address))
        self._from_block = from_block

    # --- keys ---

    def encryption_key(self, owner: str) -> SignedKey | None:
        """The X25519 key that content keys are wrapped to for ``owner``; None before it registers one.

        As the node tells it: compare with ``encryption_key.require_owner`` before anything is wrapped to it.
        """
        key, r, vs = self.contract.functions.encryptionKeyOf(owner).call()
        return SignedKey(bytes(key), encryption_key.lengthened(r, vs)) if any(key) else None

    def delivery_key(self, owner: str) -> Point | None:
        """The bn254 key that goes into the terms of rounds which ``owner`` opens; None before it registers one."""
        found = bytes(self.contract.functions.deliveryKeyOf(owner).call())
        return self._point_behind(owner, found) if any(found) else None

    def planner_key(self, round: int) -> Point:
        """The key that the winners of a round deliver to; ``BadInput`` for a round without deliveries."""
        terms = self.market.terms(round)
        if not terms.deliver_end:
            raise BadInput(
                f"in round {round} nothing is delivered: rewards are claimed once it is settled",
                input=f"round {round}",
                hint="nothing is left to do",
            )
        return self._point_behind(terms.planner, terms.delivery_key)

    def register_encryption_key(self, account: LocalAccount, public: bytes) -> TxReceipt:
        """Register ``account``'s X25519 public key, 32 bytes, signed by it; ``BadInput`` for one of small order."""
        require_recipient(account.address, public)
        r, vs = encryption_key.shortened(encryption_key.sign_key(account, public))
        return self._send(account, self.contract.functions.registerEncryptionKey(public, r, vs))

    def register_delivery_key(self, account: LocalAccount, secret: int) -> TxReceipt:
        """Register the bn254 key of ``secret`` for ``account``, with the proof that it knows it."""
        proof = delivery.prove_possession(self.market.chain_id, self.contract.address, account.address, secret)
        public = bn254.multiply(bn254.GENERATOR, secret)
        return self._send(account, self.contract.functions.registerDeliveryKey(public, proof.challenge, proof.response))

    # --- deliveries ---

    def sale(self, round: int, provider: str) -> Sale:
        """What the hashes of a delivery are bound to."""
        return Sale(self.market.chain_id, self.contract.address, self.market.address, round, provider)

    def delivered(self, round: int, provider: str) -> Delivered | None:
        """The delivery that stands; None while there is none, also after an operator's was struck.

        Raises ``CheckFailed`` when the node's log has another one than the contract.
        """
        state, bounty, dispute_end, digest = self.contract.functions.deliveryOf(round, provider).call()
        if member(State, state) is State.NONE:
            return None
        if dispute_end >= ERA:
            raise Undecodable(
                f"the delivery for {provider} in round {round} is said to be disputable after the year 9999",
                input=provider,
                hint="use another RPC URL",
            )
        events = self._events("Delivered", HexBytes(round.to_bytes(32, "big")), _topic(provider))
        for event in reversed(events):
            made = _delivery(event["args"]["parcel"], provider)
            if self._digest(round, made) == digest:
                sender = self.contract.functions.delivererOf(round, provider).call() if bounty else provider
                made = replace(made, deliverer=sender)
                block, transaction = event["blockNumber"], bytes(event["transactionHash"])
                return Delivered(State(state), bounty, dispute_end, made, block, transaction)
        raise CheckFailed(
            f"the node's log does not have the delivery for {provider} in round {round}",
            input=provider,
            hint="use another RPC URL, one that keeps logs",
        )

    def opened(self, round: int, provider: str, keys: Keys) -> bytes:
        """The key that was delivered, 32 bytes; compare it with the manifest's commitment before you believe it.

        Raises ``BadInput`` when nothing was delivered, or to none of the planner's ``keys``.
        """
        found = self.require(round, provider)
        secret = keys.bn254_for(self.planner_key(round))
        return delivery.open_delivery(self.sale(round, provider), secret, found.delivery)

    def require(self, round: int, provider: str) -> Delivered:
        """As :meth:`delivered`; ``BadInput`` when there is nothing."""
        found = self.delivered(round, provider)
        if found is None:
            raise BadInput(
                f"nothing is delivered for {provider} in round {round}",
                input=provider,
                hint="is it a winner? if so, wait: see the round's deadlines",
            )
        return found

    def deliver(
        self,
        account: LocalAccount,
        round: int,
        provider: str,
        key: bytes,
        *,
        content_hash: bytes,
        key_commit: bytes,
    ) -> TxReceipt:
        """Deliver a winner's key, with the words of its data set root: its provider from the end of the settle phase
        on, from ``deliver_end`` on an operator as well, until ``bounty_end``.

        Neither here nor on chain is it looked at whether the provider won, or whether this is the key.
        """
        made = delivery.deliver(
            self.sale(round, provider),
            key,
            self.planner_key(round),
            deliverer=account.address,
            content_hash=content_hash,
            key_commit=key_commit,
        )
        return self.send_delivery(account, round, provider, made)

    def send_delivery(self, account: LocalAccount, round: int, provider: str, made: Delivery) -> TxReceipt:
        """Put a delivery on chain as it is."""
        return self._send(account, self.contract.functions.deliver(round, provider, _parcel(made)))

    def accept(self, account: LocalAccount, round: int, provider: str) -> TxReceipt:
        """The planner accepts before the window ends."""
        return self._send(account, self.contract.functions.accept(round, provider))

    def refute(
        self, account: LocalAccount, round: int, found: Delivered, leaf: ScoreLeaf, proof: list[bytes]
    ) -> TxReceipt:
        """The planner strikes a delivery that its sender did not make, or of other data than ``leaf`` attests.

        Tells nothing about any key. ``proof``: of the provider's leaf in the report.
        """
        key = self.market.terms(round).delivery_key
        call = self.contract.functions.refute(round, key, _parcel(found.delivery), leaf.as_tuple(), proof)
        return self._send(account, call)

    def require_sent(self, round: int, provider: str, found: Delivered) -> None:
        """CheckFailed unless a signature shows that the delivery is what its sender sent.

        A node that alters one has the planner publish, over a key that only seems wrong, what opens the right one.
        """
        sale, made = self.sale(round, provider), found.delivery
        data = self.contract.encode_abi("deliver", args=[round, provider, _parcel(made)])
        require_signed_call(
            self.market.w3,
            found.transaction,
            chain_id=sale.chain_id,
            sender=made.deliverer,
            to=sale.exchange,
            data=bytes.fromhex(data.removeprefix("0x")),
        )

    def dispute(
        self,
        account: LocalAccount,
        round: int,
        provider: str,
        secret: int,
        found: Delivered,
        *,
        bond: int = 0,
        trusting: bool = False,
    ) -> TxReceipt:
        """The planner, whose key is ``secret``, has a delivery opened by the contract.

        Over a good key that gives the data away, and costs the ``bond``: the round's challenge bond, wei. Without the
        bond the contract refuses to open a good key. What is good is measured by the words in the delivery: compare
        them first, and refute one of other data. Raises ``CheckFailed``, before anything is published, for a delivery
        that its sender did not make and, unless ``trusting`` the node, as :meth:`require_sent`.
        """
        if not trusting:
            self.require_sent(round, provider, found)
        shown = delivery.dispute(self.sale(round, provider), secret, found.delivery)
        public = bn254.multiply(bn254.GENERATOR, secret)
        opened = (public, _parcel(found.delivery), shown.shared, shown.proof.challenge, shown.proof.response)
        return self._send(account, self.contract.functions.dispute(round, provider, opened), bond)

    # --- inside ---

    def _point_behind(self, owner: str, hashed: bytes) -> Point:
        for event in self._events("DeliveryKeyRegistered", _topic(owner)):
            point = (event["args"]["x"], event["args"]["y"])
            if keccak(bn254.encode(point)) == hashed:
                return bn254.require_point(point, f"the delivery key of {owner}")
        raise CheckFailed(
            f"the node's log does not have the delivery key of {owner}", input=owner, hint="use another RPC URL"
        )

    def _digest(self, round: int, made: Delivery) -> int:
        """What the contract keeps of a delivery."""
        terms = self.market.terms(round)
        words = bn254.words(int(terms.planner, 16)) + terms.delivery_key + bn254.encode(made.point) + made.sealed_key
        words += bn254.words(made.proof.challenge, made.proof.response) + made.content_hash + made.key_commit
        return int.from_bytes(keccak(words), "big") % (1 << DIGEST_BITS)

    def _events(self, name: str, *topics: HexBytes) -> list[EventData]:
        if self._from_block is None:
            self._from_block = first_block(self.market.w3, self.contract.address)
        return read_events(self.contract, [name], topics, self._from_block)

    def _send(self, account: LocalAccount, call: Any, value: int = 0) -> TxReceipt:
        return send(self.market.w3, account, call, value)


def _topic(address: str) -> HexBytes:
    return HexBytes(int(address, 16).to_bytes(32, "big"))


def _parcel(made: Delivery) -> tuple[Point, bytes, int, int, bytes, bytes]:
    """``IKeyExchange.Parcel``."""
    proof = made.proof
    return made.point, made.sealed_key, proof.challenge, proof.response, made.content_hash, made.key_commit


def _delivery(parcel: Any, deliverer: str) -> Delivery:
    return Delivery(
        deliverer,
        (parcel["ephemeral"]["x"], parcel["ephemeral"]["y"]),
        bytes(parcel["sealedKey"]),
        Proof(parcel["challenge"], parcel["response"]),
        bytes(parcel["contentHash"]),
        bytes(parcel["keyCommit"]),
    )
