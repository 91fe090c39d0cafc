"""Handing a content key to the planner, so that a wrong key can be shown to be wrong. Twin of DeliveryProof.sol.

The planner's key is P = x * G. Whoever delivers draws r and publishes R = r * G and C = k xor mask(r * P); the planner
computes the same point as S = x * R and opens C. Should C open to another key than the committed one, the planner
publishes S with a proof that log_G P = log_R S: then everybody can open C.

A delivery carries a proof that its sender knows r. Without it the planner must not publish S: a cheat who delivers
u * R, taken from somebody else's honest delivery, would learn that one's S as S / u, and with it the key. Such a
delivery is refuted by its proof alone.

Every hash is keccak256 over ``abi.encode``. Keys are 32 bytes, addresses hex strings, points and proofs those of
:mod:`oracle.custody.bn254`, which says what may be asked of its arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from oracle.custody import bn254
from oracle.custody.bn254 import GENERATOR, Point, Proof
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment

POSSESSION_TYPEHASH = keccak(
    text="DeliveryKey(uint256 chainId,address exchange,address owner,uint256 keyX,uint256 keyY,uint256 aX,uint256 aY)"
)
DELIVERY_TYPEHASH = keccak(
    text="DeliveryProof(uint256 chainId,address exchange,address market,uint256 round,address provider,"
    "address deliverer,uint256 rX,uint256 rY,uint256 aX,uint256 aY)"
)
MASK_TYPEHASH = keccak(
    text="DeliveryMask(uint256 chainId,address exchange,address market,uint256 round,address provider,"
    "uint256 sX,uint256 sY)"
)
DISPUTE_TYPEHASH = keccak(
    text="DeliveryDispute(uint256 keyX,uint256 keyY,uint256 rX,uint256 rY,uint256 sX,uint256 sY,"
    "uint256 aX,uint256 aY,uint256 bX,uint256 bY)"
)
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Sale:
    """Whose key is delivered where: ``provider`` won in ``round`` of ``market``, whose KeyExchange is ``exchange``."""

    chain_id: int
    exchange: str
    market: str
    round: int
    provider: str

    @property
    def name(self) -> str:
        return f"the delivery for {self.provider} in round {self.round}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is published. ``point``: R; ``sealed_key``: C, 32 bytes; ``proof``: that ``deliverer`` knows r.

    ``content_hash`` and ``key_commit`` say which data set's key it is: the words of its root, 32 bytes each.
    """

    deliverer: str
    point: Point
    sealed_key: bytes
    proof: Proof
    content_hash: bytes
    key_commit: bytes


@dataclass(frozen=True, slots=True)
class Dispute:
    """What opens a delivery before everybody's eyes. ``shared``: S; ``proof``: that log_G P = log_R S."""

    shared: Point
    proof: Proof


def prove_possession(chain_id: int, exchange: str, owner: str, secret: int) -> Proof:
    """What registers the key of ``secret`` for ``owner``: nobody can register a key that it does not know."""
    public = bn254.multiply(GENERATOR, secret)
    return bn254.prove(secret, [GENERATOR], _possession(chain_id, exchange, owner, public))


def possesses(chain_id: int, exchange: str, owner: str, public: Point, proof: Proof) -> bool:
    """Whether ``proof`` registers ``public`` for ``owner``."""
    return bn254.is_on_curve(public) and bn254.verify(
        proof, [GENERATOR], [public], _possession(chain_id, exchange, owner, public)
    )


def deliver(
    sale: Sale, key: bytes, planner: Point, *, deliverer: str, content_hash: bytes, key_commit: bytes
) -> Delivery:
    """Mask ``key`` for the planner's public key, with a number that is used this once and forgotten.

    Whether ``key`` is the committed one is for the caller to check.

    Raises ``CheckFailed`` when ``planner`` is no proper point, ``BadInput`` for a key of another length.
    """
    if len(key) != KEY_BYTES:
        raise BadInput(f"a content key has {KEY_BYTES} bytes, not {len(key)}", input="key", hint="use the data's own")
    bn254.require_point(planner, "the planner's delivery key")
    once = bn254.random_scalar()
    point = bn254.multiply(GENERATOR, once)
    proof = bn254.prove(once, [GENERATOR], _delivery(sale, deliverer, point))
    sealed_key = _xor(key, mask(sale, bn254.multiply(planner, once)))
    return Delivery(deliverer, point, sealed_key, proof, content_hash, key_commit)


def delivery_holds(sale: Sale, delivery: Delivery) -> bool:
    """Whether the sender knows r. If not, refute the delivery by that, and never open it in public."""
    return bn254.is_on_curve(delivery.point) and bn254.verify(
        delivery.proof, [GENERATOR], [delivery.point], _delivery(sale, delivery.deliverer, delivery.point)
    )


def is_of(sale: Sale, delivery: Delivery, dataset_root: bytes) -> bool:
    """Whether the words of a delivery are those of this data set root. If not, refute it: its key opens other data."""
    return commitment.sealed_dataset_root(sale.provider, delivery.content_hash, delivery.key_commit) == dataset_root


def is_committed(sale: Sale, delivery: Delivery, key: bytes) -> bool:
    """Whether ``key`` is the one that the words of a delivery commit to: what the contract asks in a dispute."""
    found = commitment.key_commit(
        chain_id=sale.chain_id,
        market=sale.market,
        round=sale.round,
        provider=sale.provider,
        content_hash=delivery.content_hash,
        key=key,
    )
    return found == delivery.key_commit


def open_delivery(sale: Sale, secret: int, delivery: Delivery) -> bytes:
    """The key that was delivered, 32 bytes; whether it is the committed one is for the caller to check.

    Raises ``CheckFailed`` when R is no proper point.
    """
    bn254.require_point(delivery.point, sale.name)
    return unmask(sale, delivery.sealed_key, bn254.multiply(delivery.point, secret))


def dispute(sale: Sale, secret: int, delivery: Delivery) -> Dispute:
    """Open a delivery for everybody. Over a good key this gives the data away.

    Raises ``CheckFailed`` when R is no proper point, or nobody proved to know r: see the head of this module.
    """
    point = bn254.require_point(delivery.point, sale.name)
    if not delivery_holds(sale, delivery):
        raise CheckFailed(
            f"{sale.name} is not of its sender's own making: to open it could open somebody else's",
            input=sale.provider,
            hint="refute it by its proof",
        )
    public, shared = bn254.multiply(GENERATOR, secret), bn254.multiply(point, secret)
    return Dispute(shared, bn254.prove(secret, [GENERATOR, point], _dispute(public, point, shared)))


def dispute_holds(planner: Point, point: Point, opened: Dispute) -> bool:
    """Whether ``opened.shared`` is the point that planner and deliverer share."""
    return all(map(bn254.is_on_curve, (planner, point, opened.shared))) and bn254.verify(
        opened.proof, [GENERATOR, point], [planner, opened.shared], _dispute(planner, point, opened.shared)
    )


def unmask(sale: Sale, sealed_key: bytes, shared: Point) -> bytes:
    """C opened with the shared point."""
    return _xor(sealed_key, mask(sale, shared))


def mask(sale: Sale, shared: Point) -> bytes:
    """What a key is xored with, 32 bytes: a hash of the shared point and of what it is shared for."""
    return keccak(
        encode(
            ["bytes32", "uint256", "address", "address", "uint256", "address", "uint256", "uint256"],
            [MASK_TYPEHASH, sale.chain_id, sale.exchange, sale.market, sale.round, sale.provider, *shared],
        )
    )


def _possession(chain_id: int, exchange: str, owner: str, public: Point) -> bytes:
    return encode(
        ["bytes32", "uint256", "address", "address", "uint256", "uint256"],
        [POSSESSION_TYPEHASH, chain_id, exchange, owner, *public],
    )


def _delivery(sale: Sale, deliverer: str, point: Point) -> bytes:
    return encode(
        ["bytes32", "uint256", "address", "address", "uint256", "address", "address", "uint256", "uint256"],
        [
            DELIVERY_TYPEHASH,
            sale.chain_id,
            sale.exchange,
            sale.market,
            sale.round,
            sale.provider,
            deliverer,
            *point,
        ],
    )


def _dispute(public: Point, point: Point, shared: Point) -> bytes:
    return DISPUTE_TYPEHASH + b"".join(map(bn254.encode, (public, point, shared)))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))
