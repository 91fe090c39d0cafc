import hashlib

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oracle.errors import BadInput
from oracle.evidence import merkle
from oracle.evidence.leaf import ScoreLeaf, Status

LEAVES = [keccak(text=str(i)) for i in range(70)]


def rfc6962(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as its recursion is written."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = max(1 << i for i in range(32) if 1 << i < len(entries))
    return hashlib.sha256(b"\x01" + rfc6962(entries[:split]) + rfc6962(entries[split:])).digest()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 33, 70])
def test_every_score_verifies_and_a_changed_one_does_not(size: int) -> None:
    leaves = LEAVES[:size]
    root = merkle.root(leaves)
    assert root == merkle.root(leaves[::-1])
    for leaf in leaves:
        proof = merkle.proof(leaves, leaf)
        assert merkle.verify(root, leaf, proof)
        assert not merkle.verify(root, keccak(leaf), proof)
        assert not proof or not merkle.verify(root, leaf, proof[:-1])


def test_three_leaves_by_hand() -> None:
    a, b, c = sorted(LEAVES[:3])
    pair = keccak(min(a, b) + max(a, b))
    assert merkle.root([c, a, b]) == keccak(min(pair, c) + max(pair, c))


def test_score_tree_refuses_nothing_and_strangers() -> None:
    with pytest.raises(BadInput):
        merkle.root([])
    with pytest.raises(BadInput):
        merkle.proof(LEAVES[:3], LEAVES[4])


def test_a_leaf_is_bound_to_each_of_its_fields() -> None:
    fields = ("0x" + "11" * 20, b"\x01" * 32, Status.SCORED, 0, 1, 2, 3, 4)
    others = ("0x" + "12" * 20, b"\x02" * 32, Status.EMPTY, 1, 5, 6, 7, 8)
    hashes = {ScoreLeaf(*fields).hash()}
    for i, other in enumerate(others):
        hashes.add(ScoreLeaf(*fields[:i], other, *fields[i + 1 :]).hash())  # type: ignore[arg-type]
    assert len(hashes) == 9


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_document_root_is_rfc_6962_with_the_count_on_top(entries: list[bytes]) -> None:
    top = hashlib.sha256(b"\x02" + len(entries).to_bytes(8, "big") + rfc6962(entries)).digest()
    assert merkle.document_root(iter(entries)) == top


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 8, 13, 32, 33])
def test_every_document_opens_at_its_own_place_only(count: int) -> None:
    entries = [str(i).encode() for i in range(count)]
    root = merkle.document_root(entries)
    for index, entry in enumerate(entries):
        proof = merkle.document_proof(entries, index)
        assert merkle.verify_document(root, entry, proof)
        assert not merkle.verify_document(root, entry + b"!", proof)
        assert not merkle.verify_document(root, entry, merkle.DocumentProof(index, count + 1, proof.path))
        assert not merkle.verify_document(root, entry, merkle.DocumentProof(index, count, (*proof.path, bytes(32))))
        for wrong in range(-1, count + 1):
            moved = merkle.DocumentProof(wrong, count, proof.path)
            assert merkle.verify_document(root, entry, moved) == (wrong == index)


def test_no_document_outside_the_tree() -> None:
    with pytest.raises(BadInput):
        merkle.document_proof([b"a"], 1)
