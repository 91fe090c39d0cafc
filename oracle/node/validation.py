"""The validation sample: a pool committed by its document root, a beacon that draws, openings anybody can check.

The planner commits to the pool in the terms and keeps it to itself while bids are open; the hash of the first block
after the commit phase (the beacon) draws the round's sample; the planner then opens exactly the drawn documents with
RFC 6962 inclusion proofs. So neither the planner nor a friend can fit a dataset to the texts that score it
(SCORING.md, Gaming).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from oracle.chain.client import Market
from oracle.corpus.canonical import canonical_line, parse_line
from oracle.corpus.document import Document
from oracle.custody.store import Board, round_key
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import merkle
from oracle.evidence.fields import Bytes32, Count, Record
from oracle.node.pipeline import SampleSize

SLOT = "validation"
_DOMAIN = b"mixed-mia/validation-sample/1"


class OpenedDocument(Record):
    """One document of the sample: its index in the pool, its canonical line and its RFC 6962 path."""

    index: Count
    line: str
    path: tuple[Bytes32, ...]


class Opening(Record):
    """What the planner publishes after the commit phase, documents in the order they were drawn."""

    beacon: Bytes32
    documents: tuple[OpenedDocument, ...]


def pool_root(pool: Sequence[Document]) -> bytes:
    """``Terms.validationRoot``: RFC 6962 root over the canonical lines of the pool, in order."""
    return merkle.document_root(_lines(pool))


def draw(beacon: bytes, size: SampleSize) -> tuple[int, ...]:
    """Indices of the sample: ``size.sample`` different ones below ``size.pool``, a pure function of the beacon.

    Counter-mode SHA-256 with rejection of the biased tail, so every index is equally likely.
    """
    bound = (1 << 64) - (1 << 64) % size.pool
    drawn: list[int] = []
    seen: set[int] = set()
    counter = 0
    while len(drawn) < size.sample:
        block = hashlib.sha256(_DOMAIN + beacon + counter.to_bytes(8, "big")).digest()
        counter += 1
        value = int.from_bytes(block[:8], "big")
        index = value % size.pool
        if value < bound and index not in seen:
            seen.add(index)
            drawn.append(index)
    return tuple(drawn)


def open_sample(market: Market, round_id: int, pool: Sequence[Document], size: SampleSize, board: Board) -> Opening:
    """The planner's part: publish the drawn documents with their proofs on the round's board. Safe to repeat.

    Raises BadInput when ``pool`` is not the committed one, CheckFailed while the commit phase lasts.
    """
    lines = _lines(pool)
    root = merkle.document_root(lines)
    if len(lines) != size.pool or root != market.terms(round_id).validation_root:
        raise BadInput(
            f"this pool ({len(lines)} documents, root {root.hex()}) is not the one committed in the terms",
            input="validation pool",
            hint="give the very documents, in the same order, with which the round was opened",
        )
    beacon = market.beacon(round_id)
    opening = Opening(
        beacon=beacon,
        documents=tuple(
            OpenedDocument(index=index, line=lines[index].decode(), path=merkle.document_proof(lines, index).path)
            for index in draw(beacon, size)
        ),
    )
    key = round_key(market.chain_id, market.address, round_id)
    board.publish(key, SLOT, opening.to_bytes())
    return opening


def read_sample(market: Market, round_id: int, size: SampleSize, board: Board) -> tuple[Document, ...]:
    """The round's validation sample, each document proven against ``Terms.validationRoot``.

    Raises CheckFailed naming the first document that was not drawn, is missing or does not open.
    """
    raw = board.read(round_key(market.chain_id, market.address, round_id), SLOT)
    if raw is None:
        raise CheckFailed(
            f"the validation sample of round {round_id} is not open yet",
            input="validation sample",
            hint="the planner opens it after the commit phase",
        )
    opening = Opening.from_bytes(raw, name="the opened validation sample", hint="the planner opens it again")
    beacon = market.beacon(round_id)
    if opening.beacon != beacon or tuple(document.index for document in opening.documents) != draw(beacon, size):
        raise CheckFailed("the opened documents are not the ones the beacon draws", input="validation sample")
    root = market.terms(round_id).validation_root
    return tuple(_verified(document, root, size.pool) for document in opening.documents)


def _verified(opened: OpenedDocument, root: bytes, count: int) -> Document:
    name = f"validation document {opened.index}"
    line = opened.line.encode()
    if not merkle.verify_document(root, line, merkle.DocumentProof(opened.index, count, opened.path)):
        raise CheckFailed(f"{name} does not open to the validation root in the terms", input=name)
    try:
        return parse_line(line)
    except BadInput as error:  # the pool was committed with a line that no document is
        raise CheckFailed(f"{name}: {error}", input=name, hint="the round has no usable validation sample") from error


def _lines(documents: Sequence[Document]) -> list[bytes]:
    if not documents:
        raise BadInput("the validation pool is empty", input="validation pool", hint="give at least one document")
    return [canonical_line(document) for document in documents]
