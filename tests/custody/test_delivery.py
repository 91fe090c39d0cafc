"""A delivered key opens for the planner alone, and no wrong key, forged point or borrowed delivery gets by."""

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.custody import bn254, delivery
from oracle.custody.bn254 import FIELD, GENERATOR, IDENTITY, ORDER, Proof
from oracle.custody.delivery import Sale
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import commitment

few = settings(max_examples=8, deadline=None)
keys = st.binary(min_size=32, max_size=32)
scalars = st.integers(1, ORDER - 1)

EXCHANGE, MARKET = "0x" + "0e" * 20, "0x" + "33" * 20
PROVIDER, OTHER, PLANNER = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "cc" * 20
SALE = Sale(31337, EXCHANGE, MARKET, 4, PROVIDER)
SECRET = 0x1234567890ABCDEF * 2**128 + 5
PUBLIC = bn254.multiply(GENERATOR, SECRET)
KEY = bytes(range(32))
WORDS = {"content_hash": b"\x01" * 32, "key_commit": b"\x02" * 32}
ELSEWHERE = (
    replace(SALE, chain_id=1),
    replace(SALE, exchange=MARKET),
    replace(SALE, market=EXCHANGE),
    replace(SALE, round=5),
    replace(SALE, provider=OTHER),
)


@few
@given(scalars, keys)
def test_what_is_delivered_opens_for_the_planner(secret: int, key: bytes) -> None:
    public = bn254.multiply(GENERATOR, secret)
    sent = delivery.deliver(SALE, key, public, deliverer=PROVIDER, **WORDS)
    assert delivery.delivery_holds(SALE, sent)
    assert delivery.open_delivery(SALE, secret, sent) == key
    assert delivery.open_delivery(SALE, secret % (ORDER - 1) + 1, sent) != key
    opened = delivery.dispute(SALE, secret, sent)
    assert delivery.dispute_holds(public, sent.point, opened)
    assert delivery.unmask(SALE, sent.sealed_key, opened.shared) == key, "a dispute gives the key to everybody"


@few
@given(scalars, scalars)
def test_a_forged_shared_point_has_no_proof(secret: int, other: int) -> None:
    public = bn254.multiply(GENERATOR, secret)
    sent = delivery.deliver(SALE, KEY, public, deliverer=PROVIDER, **WORDS)
    honest = delivery.dispute(SALE, secret, sent)
    forged = bn254.multiply(sent.point, other)
    if forged != honest.shared:
        assert not delivery.dispute_holds(public, sent.point, replace(honest, shared=forged))
        foreign = delivery.dispute(SALE, other, sent)
        assert delivery.dispute_holds(bn254.multiply(GENERATOR, other), sent.point, foreign)
        assert not delivery.dispute_holds(public, sent.point, foreign)
    again = delivery.deliver(SALE, KEY, public, deliverer=PROVIDER, **WORDS)
    assert not delivery.dispute_holds(public, again.point, honest), "nor does it serve for another delivery"


X, Y = PUBLIC
IMPROPER = [IDENTITY, (X, (Y + 1) % FIELD), (X + FIELD, Y), (X, Y + FIELD), (FIELD, 0), (0, FIELD), (1, 3)]


@pytest.mark.parametrize("bad", IMPROPER)
def test_improper_points_are_refused_everywhere(bad: bn254.Point) -> None:
    sent = delivery.deliver(SALE, KEY, PUBLIC, deliverer=PROVIDER, **WORDS)
    honest = delivery.dispute(SALE, SECRET, sent)
    broken = replace(sent, point=bad)
    with pytest.raises(CheckFailed):
        delivery.deliver(SALE, KEY, bad, deliverer=PROVIDER, **WORDS)
    with pytest.raises(CheckFailed, match="round 4"):
        delivery.open_delivery(SALE, SECRET, broken)
    with pytest.raises(CheckFailed):
        delivery.dispute(SALE, SECRET, broken)
    assert not delivery.delivery_holds(SALE, broken)
    assert not delivery.dispute_holds(bad, sent.point, honest)
    assert not delivery.dispute_holds(PUBLIC, bad, honest)
    assert not delivery.dispute_holds(PUBLIC, sent.point, replace(honest, shared=bad))
    assert not delivery.possesses(31337, EXCHANGE, PLANNER, bad, honest.proof)


def test_other_numbers_are_no_proof() -> None:
    sent = delivery.deliver(SALE, KEY, PUBLIC, deliverer=PROVIDER, **WORDS)
    honest = delivery.dispute(SALE, SECRET, sent)
    c, s = honest.proof.challenge, honest.proof.response
    for proof in (Proof(c + ORDER, s), Proof(c, -s), Proof(s, c), Proof(0, 0)):
        assert not delivery.dispute_holds(PUBLIC, sent.point, replace(honest, proof=proof))
    c, s = sent.proof.challenge, sent.proof.response
    for proof in (Proof(c + ORDER, s), Proof(c, -s), Proof(s, c), Proof(0, 0)):
        assert not delivery.delivery_holds(SALE, replace(sent, proof=proof))


@pytest.mark.parametrize("sale", ELSEWHERE)
def test_a_delivery_is_for_one_sale(sale: Sale) -> None:
    sent = delivery.deliver(SALE, KEY, PUBLIC, deliverer=PROVIDER, **WORDS)
    assert not delivery.delivery_holds(sale, sent)
    assert delivery.open_delivery(sale, SECRET, sent) != KEY


def test_nobody_delivers_what_another_made() -> None:
    """Copied out of the mempool, or hidden by a factor: who opened that in public would open the honest one as well."""
    honest = delivery.deliver(SALE, KEY, PUBLIC, deliverer=PROVIDER, **WORDS)
    theirs = replace(SALE, provider=OTHER)
    factor = 987_654_321
    shared = bn254.multiply(honest.point, SECRET)
    for copied in (
        replace(honest, deliverer=OTHER),
        replace(honest, deliverer=OTHER, point=bn254.multiply(honest.point, factor), sealed_key=bytes(32)),
        replace(honest, deliverer=OTHER, point=bn254.add(honest.point, GENERATOR), sealed_key=bytes(32)),
    ):
        assert not delivery.delivery_holds(theirs, copied)
        with pytest.raises(CheckFailed, match="own making"):
            delivery.dispute(theirs, SECRET, copied)
    leaked = bn254.multiply(bn254.multiply(honest.point, factor), SECRET)  # what an unguarded dispute would publish
    assert bn254.multiply(leaked, pow(factor, -1, ORDER)) == shared
    assert delivery.unmask(SALE, honest.sealed_key, shared) == KEY


@few
@given(scalars)
def test_possession_is_proven_for_one_owner_in_one_place(secret: int) -> None:
    public = bn254.multiply(GENERATOR, secret)
    proof = delivery.prove_possession(31337, EXCHANGE, PLANNER, secret)
    assert delivery.possesses(31337, EXCHANGE, PLANNER, public, proof)
    assert not delivery.possesses(1, EXCHANGE, PLANNER, public, proof)
    assert not delivery.possesses(31337, MARKET, PLANNER, public, proof)
    assert not delivery.possesses(31337, EXCHANGE, OTHER, public, proof)
    assert not delivery.possesses(31337, EXCHANGE, PLANNER, bn254.multiply(public, 2), proof)


def test_a_proof_of_one_kind_is_none_of_another() -> None:
    """Type hashes part them: else a registration could be turned into a delivery."""
    public = bn254.multiply(GENERATOR, SECRET)
    proof = delivery.prove_possession(31337, EXCHANGE, PROVIDER, SECRET)
    assert not delivery.delivery_holds(SALE, delivery.Delivery(PROVIDER, public, bytes(32), proof, **WORDS))


def test_the_same_key_is_never_masked_the_same_way_twice() -> None:
    sent = [delivery.deliver(SALE, KEY, PUBLIC, deliverer=PROVIDER, **WORDS) for _ in range(3)]
    assert len({one.point for one in sent}) == len({one.sealed_key for one in sent}) == 3


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(BadInput, match="32 bytes"):
        delivery.deliver(SALE, bytes(length), PUBLIC, deliverer=PROVIDER, **WORDS)


@few
@given(keys, keys)
def test_words_say_which_key_of_which_data(key: bytes, other: bytes) -> None:
    place = {"chain_id": SALE.chain_id, "market": MARKET, "round": SALE.round, "provider": PROVIDER}
    content = b"\x07" * 32
    committed = commitment.key_commit(**place, content_hash=content, key=key)
    sent = delivery.deliver(SALE, key, PUBLIC, deliverer=PROVIDER, content_hash=content, key_commit=committed)
    root = commitment.sealed_dataset_root(PROVIDER, content, committed)
    assert delivery.is_of(SALE, sent, root) and delivery.is_committed(SALE, sent, key)
    assert delivery.is_committed(SALE, sent, other) == (other == key)
    for sale in ELSEWHERE[2:] + ELSEWHERE[:1]:  # the exchange is the market's own: the commitment does not name it
        assert not delivery.is_committed(sale, sent, key)
    assert not delivery.is_of(replace(SALE, provider=OTHER), sent, root), "a copied root is another's"
    assert not delivery.is_of(SALE, replace(sent, content_hash=bytes(32)), root)


def test_the_mask_is_a_hash_of_plain_words() -> None:
    """Spelt out without the library that encodes: what any other implementation has to hash."""
    kind = (
        b"DeliveryMask(uint256 chainId,address exchange,address market,uint256 round,address provider,"
        b"uint256 sX,uint256 sY)"
    )
    words = (31337, int(EXCHANGE, 16), int(MARKET, 16), 4, int(PROVIDER, 16), *GENERATOR)
    assert delivery.mask(SALE, GENERATOR) == keccak(keccak(kind) + b"".join(word.to_bytes(32, "big") for word in words))


def test_messages_tell_no_secret() -> None:
    with pytest.raises(BadInput) as refused:
        delivery.deliver(SALE, b"\xab" * 31, PUBLIC, deliverer=PROVIDER, **WORDS)
    assert "abab" not in f"{refused.value} {refused.value.hint} {refused.value.input}"
