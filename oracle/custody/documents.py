"""The documents of a sealed data set as a salted Merkle tree: one can be opened to an auditor, the others stay closed.

Entry i of the tree is salt | canonical line, salt = HMAC-SHA256(salt key, i as uint64). Without the salt, whoever
guesses a document could confirm it from its neighbour's proof. The tree has the shape of RFC 6962 with the count in
its root, exactly as in :mod:`oracle.evidence.merkle`, and is built here in one pass and logarithmic memory.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import ValidationError

from oracle.corpus.canonical import parse_line
from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import merkle
from oracle.evidence.fields import Bytes32, Count, Record


def salt_key(key: bytes, context: Context, run: bytes) -> bytes:
    """The key that all salts of a data set come from: whoever has it may open any document."""
    return context.derive(key, "salts", run)


def salt(salt_key: bytes, index: int) -> bytes:
    """The salt of one document, 32 bytes."""
    return hmac.digest(salt_key, index.to_bytes(8, "big"), "sha256")


def leaves(salt_key: bytes, first: int, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Leaf hashes of consecutive canonical lines (without line feed), ``first`` being the index of the first."""
    for index, line in enumerate(lines, first):
        yield hashlib.sha256(b"\x00" + salt(salt_key, index) + line).digest()


class Tree:
    """Merkle tree over leaves that come one by one: keeps the roots of the full subtrees on the left, largest first."""

    def __init__(self) -> None:
        self.count = 0
        self._full: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        self.count += 1
        for _ in range((self.count & -self.count).bit_length() - 1):  # as many as the count has zeros at its end
            leaf = _node(self._full.pop(), leaf)
        self._full.append(leaf)

    def top(self) -> bytes:
        """RFC 6962's Merkle tree hash of what was added."""
        if not self._full:
            return hashlib.sha256(b"").digest()
        *left, node = self._full
        for subtree in reversed(left):
            node = _node(subtree, node)
        return node

    def root(self) -> bytes:
        """The document root: the count and the top."""
        return hashlib.sha256(b"\x02" + self.count.to_bytes(8, "big") + self.top()).digest()


class Opening(Record):
    """One document opened: ``document`` is its canonical line, ``path`` the siblings from the bottom up."""

    kind: Literal["mixed-mia/opening/1"] = "mixed-mia/opening/1"
    document_root: Bytes32
    index: Count
    count: Count
    salt: Bytes32
    document: str
    path: tuple[Bytes32, ...]


def read_opening(data: bytes) -> Opening:
    """Parse what ``Opening.to_bytes`` wrote; ``CheckFailed`` naming the field otherwise."""
    try:
        return Opening.model_validate_json(data)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "document"
        raise CheckFailed(f"not a proof of a document (at: {where})", input=where, hint="ask for it again") from error


def prove(salt_key: bytes, lines: Iterable[bytes], count: int, index: int) -> Opening:
    """Open document ``index`` (from 0) of the ``count`` canonical lines. One pass, logarithmic memory.

    Raises ``BadInput`` when there is no such document.
    """
    if not 0 <= index < count:
        raise BadInput(f"no document {index} among {count}", input=str(index), hint="indices start at 0")
    spans = _siblings(index, count)
    subtrees = {span: Tree() for span in sorted(spans, key=lambda span: span.start)}
    order = iter(subtrees.items())
    span, subtree = next(order, (range(count), Tree()))
    tree, found = Tree(), b""
    for at, line in enumerate(lines):
        (leaf,) = leaves(salt_key, at, [line])
        tree.add(leaf)
        if at == index:
            found = line
            continue
        if at >= span.stop:
            span, subtree = next(order, (range(at, count), Tree()))
        subtree.add(leaf)
    if tree.count != count:
        raise CheckFailed(f"{tree.count} documents, not {count}", input="documents", hint="fetch the data set again")
    return Opening(
        document_root=tree.root(),
        index=index,
        count=count,
        salt=salt(salt_key, index),
        document=found.decode(),
        path=tuple(subtrees[span].top() for span in spans),
    )


def verify(document_root: bytes, opening: Opening) -> Document:
    """The opened document; ``CheckFailed`` when it is not document ``opening.index`` of this root."""
    entry = opening.salt + opening.document.encode()
    proof = merkle.DocumentProof(opening.index, opening.count, opening.path)
    if not merkle.verify_document(document_root, entry, proof):
        raise CheckFailed(
            f"document {opening.index} is not what the document root 0x{document_root.hex()} promises",
            input=f"document {opening.index}",
            hint="ask for the proof again",
        )
    return document_of(opening.document.encode(), opening.index)


def document_of(line: bytes, index: int) -> Document:
    """The document of a canonical line that somebody else wrote; ``CheckFailed`` naming its index."""
    try:
        return parse_line(line)
    except BadInput as error:
        raise CheckFailed(f"document {index}: {error}", input=f"document {index}", hint="ask its provider") from error


def _siblings(index: int, count: int) -> list[range]:
    """The leaves below each sibling on the way from leaf ``index`` to the top, from the bottom up."""
    spans: list[range] = []
    start, stop = 0, count
    while stop - start > 1:
        split = start + (1 << (stop - start - 1).bit_length() - 1)
        if index < split:
            spans.append(range(split, stop))
            stop = split
        else:
            spans.append(range(start, split))
            start = split
    return spans[::-1]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
