import importlib
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.custody import bn254
from oracle.custody.bn254 import FIELD, GENERATOR, IDENTITY, ORDER, Point, Proof
from oracle.errors import CheckFailed

# affine formulas, another implementation than the one under test; after our own import, which minds its side effect
reference = importlib.import_module("py_ecc.bn128")
few = settings(max_examples=8, deadline=None)
scalars = st.integers(1, ORDER - 1)


def points() -> st.SearchStrategy[Point]:
    return scalars.map(lambda scalar: bn254.multiply(GENERATOR, scalar))


@few
@given(scalars, scalars)
def test_arithmetic_agrees_with_the_affine_formulas(left: int, right: int) -> None:
    one, two = reference.multiply(reference.G1, left), reference.multiply(reference.G1, right)
    assert bn254.multiply(GENERATOR, left) == (int(one[0]), int(one[1]))
    both = reference.add(one, two)
    assert bn254.add(_plain(one), _plain(two)) == (IDENTITY if both is None else _plain(both))


def _plain(point: tuple[Any, Any]) -> Point:
    return int(point[0]), int(point[1])


@few
@given(points())
def test_the_group_has_its_order_and_its_identity(point: Point) -> None:
    x, y = point
    assert bn254.multiply(point, ORDER) == bn254.multiply(point, 0) == IDENTITY
    assert bn254.multiply(point, 1) == bn254.multiply(point, ORDER + 1) == point
    assert bn254.add(point, IDENTITY) == bn254.add(IDENTITY, point) == point
    assert bn254.add(point, (x, FIELD - y)) == IDENTITY
    assert bn254.add(point, point) == bn254.multiply(point, 2)


def test_vectors_of_the_precompile() -> None:
    """2 * G and the sum of go-ethereum's test vectors for EIP-196 (chfast1)."""
    double = (
        0x030644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD3,
        0x15ED738C0E0A7C92E7845F96B2AE9C0A68A6A449E3538FC7FF3EBF7A5A18A2C4,
    )
    assert bn254.multiply(GENERATOR, 2) == double
    left = (
        0x18B18ACFB4C2C30276DB5411368E7185B311DD124691610C5D3B74034E093DC9,
        0x063C909C4720840CB5134CB9F59FA749755796819658D32EFC0D288198F37266,
    )
    right = (
        0x07C2B7F58A84BD6145F00C9C2BC0BB1A187F20FF2C92963A88019E7C6A014EED,
        0x06614E20C147E940F2D70DA3F74C9A17DF361706A4485C742BD6788478FA17D7,
    )
    assert bn254.add(left, right) == (
        0x2243525C5EFD4B9C3D3C45AC0CA3FE4DD85E830A4CE6B65FA1EEAEE202839703,
        0x301D1D33BE6DA8E509DF21CC35964723180EED7532537DB9AE5E7D48F195C915,
    )


@few
@given(points())
def test_points_have_one_spelling(point: Point) -> None:
    x, y = point
    assert bn254.decode(bn254.encode(point)) == point
    for bad in (
        (x + FIELD, y),
        (x, y + FIELD),
        (x, (y + 1) % FIELD),
        (y, x),
        (-x, y),
        IDENTITY,
        (0, FIELD),
        (FIELD, 0),
    ):
        assert not bn254.is_on_curve(bad)
        with pytest.raises(CheckFailed) as refused:
            bn254.require_point(bad, "their key")
        assert refused.value.input == "their key"


@pytest.mark.parametrize("data", [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64, bn254.words(1, 3)])
def test_what_is_no_point_is_refused(data: bytes) -> None:
    with pytest.raises(CheckFailed):
        bn254.decode(data)


@few
@given(scalars, st.binary(max_size=80))
def test_a_proof_of_knowledge_holds_for_its_statement_alone(secret: int, statement: bytes) -> None:
    image = bn254.multiply(GENERATOR, secret)
    proof = bn254.prove(secret, [GENERATOR], statement)
    assert bn254.verify(proof, [GENERATOR], [image], statement)
    assert not bn254.verify(proof, [GENERATOR], [image], statement + b"!")
    assert not bn254.verify(proof, [GENERATOR], [bn254.add(image, GENERATOR)], statement)
    assert bn254.prove(secret, [GENERATOR], statement) == proof, "the nonce is a function of secret and statement"


@few
@given(scalars, scalars, points(), st.integers(1, 9))
def test_an_equal_logarithm_cannot_be_claimed(secret: int, other: int, base: Point, off: int) -> None:
    bases = [GENERATOR, base]
    images = [bn254.multiply(one, secret) for one in bases]
    proof = bn254.prove(secret, bases, b"statement")
    assert bn254.verify(proof, bases, images, b"statement")
    forged = [images[0], bn254.add(images[1], bn254.multiply(GENERATOR, off))]
    assert not bn254.verify(proof, bases, forged, b"statement")
    assert not bn254.verify(bn254.prove(secret, bases, b"statement"), bases, forged, b"statement")
    if other != secret:
        assert not bn254.verify(bn254.prove(other, bases, b"statement"), bases, images, b"statement")


@few
@given(scalars, st.integers(0, ORDER - 1), st.integers(0, ORDER - 1))
def test_altered_proofs_fail(secret: int, challenge: int, response: int) -> None:
    image = bn254.multiply(GENERATOR, secret)
    good = bn254.prove(secret, [GENERATOR], b"statement")
    for bad in (
        Proof(challenge, response),
        Proof((good.challenge + 1) % ORDER, good.response),
        Proof(good.challenge, (good.response + 1) % ORDER),
        Proof(good.challenge + ORDER, good.response),
        Proof(-good.challenge, good.response),
    ):
        assert bad == good or not bn254.verify(bad, [GENERATOR], [image], b"statement")
    reduced = Proof(good.challenge, good.response + ORDER)
    assert bn254.verify(reduced, [GENERATOR], [image], b"statement"), "as the chain's multiplication sees it"


def test_two_statements_never_share_a_nonce() -> None:
    """Or the difference of two responses would tell the secret."""
    secret = bn254.random_scalar()
    image = bn254.multiply(GENERATOR, secret)
    commitments = set()
    for statement in (b"a", b"b", b"ab"):
        proof = bn254.prove(secret, [GENERATOR], statement)
        commitments.add(bn254.add(bn254.multiply(GENERATOR, proof.response), bn254.multiply(image, proof.challenge)))
    assert len(commitments) == 3


def test_foreign_json_of_great_depth_is_still_an_error() -> None:
    """The library behind the curve raises the recursion limit when it is imported, and the process would end."""
    program = "import json, oracle.custody.bn254\ntry: json.loads('[' * 200_000)\nexcept RecursionError: print('told')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "told\n"), ended.stderr


def test_random_scalars_are_in_range_and_differ() -> None:
    drawn = {bn254.random_scalar() for _ in range(100)}
    assert len(drawn) == 100 and all(0 < scalar < ORDER for scalar in drawn)
