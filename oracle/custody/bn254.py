"""Points and proofs on bn254's G1, the curve whose addition and multiplication the EVM offers (EIP-196).

A point is a pair of coordinates below ``FIELD``; (0, 0) is the identity, as in EIP-196. Twin of Bn254.sol in what that
has; only here are points made and proofs found. The proofs say "I know the number that takes every base to its image"
without telling it: Schnorr's for one base, Chaum and Pedersen's for two (then the images have the same discrete
logarithm, DLEQ). Challenge c = keccak256(statement | commitments) mod ORDER; a proof is (c, s) with
s = a - c * secret, checked by commitment = s * base + c * image, which a contract does with the same words.

Not constant-time: Python's integers are not, nor is py_ecc. Scalars are blinded by a random multiple of the group
order, so that the sequence of doublings and additions differs each time for the same secret; what is left is acceptable
for a key that its owner's own machine uses once or twice a round, at nobody's request. Do not put it behind a service
that multiplies for strangers. bn254 offers about 100 bits of security.
"""

from __future__ import annotations

import hmac
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

from oracle.errors import CheckFailed

# Importing py_ecc raises Python's recursion limit to 100,000: then foreign JSON of great depth ends the process, where
# it would raise RecursionError. A multiplication here recurses once a bit, 318 times.
_limit = sys.getrecursionlimit()
from py_ecc.fields import optimized_bn128_FQ as FQ  # noqa: E402
from py_ecc.optimized_bn128 import optimized_curve as curve  # noqa: E402
from py_ecc.typing import Optimized_Point3D  # noqa: E402

sys.setrecursionlimit(_limit)

Point = tuple[int, int]

FIELD: int = curve.field_modulus
"""Of the coordinates."""
ORDER: int = curve.curve_order
"""Order of the group, a prime: every point but the identity generates it."""
GENERATOR: Point = (1, 2)
IDENTITY: Point = (0, 0)
BLINDING_BITS = 64


@dataclass(frozen=True, slots=True)
class Proof:
    """Challenge c and response s. Holds nothing secret."""

    challenge: int
    response: int


def random_scalar() -> int:
    """A secret number in 1..ORDER-1 from the system's source of randomness."""
    return secrets.randbelow(ORDER - 1) + 1


def is_on_curve(point: Point) -> bool:
    """Whether both coordinates are canonical and satisfy y^2 = x^3 + 3; the identity is not on it."""
    x, y = point
    return 0 <= x < FIELD and 0 <= y < FIELD and (y * y - x * x * x - 3) % FIELD == 0


def require_point(point: Point, name: str) -> Point:
    """``point`` itself; ``CheckFailed`` naming it when it is the identity, off the curve or spelt a second way."""
    if is_on_curve(point):
        return point
    why = "the identity" if point == IDENTITY else "not a point of bn254 in its one spelling"
    raise CheckFailed(f"{name} is {why}", input=name, hint="do not use it: ask for another one")


def multiply(point: Point, scalar: int) -> Point:
    """``scalar * point``; the scalar is taken modulo ``ORDER`` and blinded."""
    return _affine(curve.multiply(_projective(point), scalar % ORDER + ORDER * secrets.randbits(BLINDING_BITS)))


def add(left: Point, right: Point) -> Point:
    """``left + right``."""
    return _affine(curve.add(_projective(left), _projective(right)))


def combination(a: int, p: Point, b: int, q: Point) -> Point:
    """``a * p + b * q``."""
    return add(multiply(p, a), multiply(q, b))


def encode(point: Point) -> bytes:
    """Two big-endian words, 64 bytes: what EIP-196 reads and ``abi.encode`` writes."""
    return words(*point)


def decode(data: bytes, name: str = "point") -> Point:
    """The point of 64 bytes; ``CheckFailed`` naming it for anything but a proper point."""
    if len(data) != 64:
        raise CheckFailed(f"{name} has {len(data)} bytes, not 64", input=name, hint="two words, x and y")
    return require_point((int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")), name)


def words(*values: int) -> bytes:
    """Numbers below 2^256 as consecutive big-endian words: ``abi.encode`` of uint256."""
    return b"".join(value.to_bytes(32, "big") for value in values)


def prove(secret: int, bases: Sequence[Point], statement: bytes) -> Proof:
    """Prove knowledge of ``secret`` in 1..ORDER-1 such that every image is ``secret * base``.

    ``statement``: ``abi.encode`` of a type hash and of everything the proof is about, bases and images included, where
    they are not constants. The nonce is a function of secret and statement (as in RFC 6979), so that a broken source of
    randomness cannot make two proofs share one, which would tell the secret.
    """
    key = secret.to_bytes(32, "big")
    seed = hmac.digest(key, b"mixed-mia/nonce/1" + statement, "sha512")  # 512 bits: no bias modulo ORDER that matters
    nonce = int.from_bytes(seed, "big") % ORDER
    challenge = _challenge(statement, [multiply(base, nonce) for base in bases])
    return Proof(challenge, (nonce - challenge * secret) % ORDER)


def verify(proof: Proof, bases: Sequence[Point], images: Sequence[Point], statement: bytes) -> bool:
    """Whether ``proof`` holds. Bases and images must be proper points: see :func:`require_point`.

    Responses count modulo ``ORDER``, as the chain's multiplication takes them: both sides must agree on every proof.
    """
    commitments = [
        combination(proof.response, base, proof.challenge, image) for base, image in zip(bases, images, strict=True)
    ]
    return _challenge(statement, commitments) == proof.challenge


def _challenge(statement: bytes, commitments: Sequence[Point]) -> int:
    return int.from_bytes(keccak(statement + b"".join(map(encode, commitments))), "big") % ORDER


def _projective(point: Point) -> Optimized_Point3D[FQ]:
    if point == IDENTITY:
        return curve.Z1
    return FQ(point[0]), FQ(point[1]), FQ(1)


def _affine(point: Optimized_Point3D[FQ]) -> Point:
    if curve.is_inf(point):
        return IDENTITY
    x, y = curve.normalize(point)
    return int(x), int(y)
