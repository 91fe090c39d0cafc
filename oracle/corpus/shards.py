"""A corpus as one hash that does not depend on who computed which part, or in which order the parts came in.

The canonical order of a corpus is the order in which it is read; its cut into shards follows from the canonical lines
alone. Shards may be hashed anywhere and arrive in any order: the corpus' digest is a hash of theirs by position.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from oracle.corpus.spool import Spool
from oracle.errors import CheckFailed

SHARD = 8 * 2**20
"""Bytes of canonical lines, line feeds included, after which the next document opens a new shard."""
_TAG = b"mixed-mia/corpus/1"


def cut(corpus: Spool) -> list[range]:
    """The canonical shards of a corpus, as ranges of its documents."""
    return corpus.shards(SHARD)


def shard_digest(corpus: Spool, shard: range) -> bytes:
    """SHA-256 of a shard's canonical lines."""
    return hashlib.sha256(corpus.lines(shard)).digest()


def combine(count: int, arrived: Iterable[tuple[int, bytes]]) -> bytes:
    """The digest of a corpus of ``count`` shards from (position, shard digest), in whatever order they arrived.

    Raises:
        CheckFailed: a shard is missing, is none of the corpus, or arrived with two different digests.
    """
    digests: dict[int, bytes] = {}
    for position, digest in arrived:
        if digests.setdefault(position, digest) != digest:
            raise CheckFailed(f"shard {position} has two digests", input=str(position), hint="hash it once more")
    if set(digests) != set(range(count)):
        wrong = min(set(digests) ^ set(range(count)))
        raise CheckFailed(f"shard {wrong} of {count} is missing or strange", input=str(wrong), hint="hash all shards")
    tree = hashlib.sha256(_TAG + count.to_bytes(8, "big"))
    for position in range(count):
        tree.update(digests[position])
    return tree.digest()


def corpus_digest(corpus: Spool) -> bytes:
    """The digest of a whole corpus, computed here."""
    shards = cut(corpus)
    return combine(len(shards), ((at, shard_digest(corpus, shard)) for at, shard in enumerate(shards)))
