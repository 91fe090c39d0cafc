"""Two Merkle trees: scores (keccak256, verified on chain) and documents (sha256, opened to auditors one by one).

*Score tree*: leaves sorted ascending, node = keccak256 of its two children in ascending order, an odd node moves up
unchanged. OpenZeppelin's ``MerkleProof`` verifies it.

*Document tree*: the shape of RFC 6962 (leaf = sha256(0x00 | entry), node = sha256(0x01 | left | right)), and over it
root = sha256(0x02 | count as uint64 | top). The count is inside because samples are drawn by index: whoever may choose
the count after the draw chooses the sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

from oracle.errors import BadInput

# --- scores ---


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes (``ScoreLeaf.hash()``, any order, at least one)."""
    return _levels(leaves)[-1][0]


def proof(leaves: Sequence[bytes], leaf: bytes) -> list[bytes]:
    """Siblings of ``leaf`` from the bottom up; ``BadInput`` when it is none of ``leaves``."""
    levels = _levels(leaves)
    if leaf not in levels[0]:
        raise BadInput("this score is not a leaf of the report", input="0x" + leaf.hex(), hint="check the scores")
    index, siblings = levels[0].index(leaf), []
    for level in levels[:-1]:
        if (index ^ 1) < len(level):
            siblings.append(level[index ^ 1])
        index //= 2
    return siblings


def verify(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """What ``MerkleProof.verify`` answers on chain."""
    node = leaf
    for sibling in proof:
        node = _pair(node, sibling)
    return node == root


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    if not leaves:
        raise BadInput("a score tree needs a leaf", input="scores", hint="a round without bids has no report")
    levels = [sorted(leaves)]
    while len(levels[-1]) > 1:
        level = levels[-1]
        above = [_pair(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        levels.append(above + level[len(above) * 2 :])
    return levels


def _pair(a: bytes, b: bytes) -> bytes:
    return keccak(a + b if a < b else b + a)


# --- documents ---


@dataclass(frozen=True, slots=True)
class DocumentProof:
    """Entry ``index`` of ``count`` is in the tree: siblings from the bottom up (RFC 6962, section 2.1.1)."""

    index: int
    count: int
    path: tuple[bytes, ...]


def document_root(entries: Iterable[bytes]) -> bytes:
    """Root over the entries in order. Reads them once and keeps 32 bytes of each."""
    leaves = [_document_leaf(entry) for entry in entries]
    return _document_top(len(leaves), _tree(leaves))


def document_proof(entries: Iterable[bytes], index: int) -> DocumentProof:
    """The proof that opens entry ``index`` (from 0)."""
    leaves = [_document_leaf(entry) for entry in entries]
    if not 0 <= index < len(leaves):
        raise BadInput(f"no document {index} among {len(leaves)}", input=str(index), hint="indices start at 0")
    return DocumentProof(index, len(leaves), tuple(_path(leaves, index)))


def verify_document(root: bytes, entry: bytes, proof: DocumentProof) -> bool:
    """Whether ``entry`` is the document the proof speaks of (RFC 9162, section 2.1.3.2)."""
    index, last, node = proof.index, proof.count - 1, _document_leaf(entry)
    if not 0 <= index <= last:
        return False
    for sibling in proof.path:
        if last == 0:
            return False
        if index % 2 or index == last:
            node = _node(sibling, node)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            node = _node(node, sibling)
        index, last = index // 2, last // 2
    return last == 0 and _document_top(proof.count, node) == root


def _document_leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _document_top(count: int, top: bytes) -> bytes:
    return hashlib.sha256(b"\x02" + count.to_bytes(8, "big") + top).digest()


def _tree(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962's MTH, level by level: moving an odd node up unchanged gives the same tree as its recursion."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        above = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2 :]
    return level[0]


def _path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*_path(leaves[:split], index), _tree(leaves[split:])]
    return [*_path(leaves[split:], index - split), _tree(leaves[:split])]
