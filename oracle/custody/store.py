"""Content stores: bytes kept by their hash, in a folder or by an IPFS daemon, under the same content ids.

A store may be anybody's: every block that is read is hashed again. This module is the door to the room: the rest of
the program imports stores, their ids and the board from here.
"""

from __future__ import annotations

from pathlib import Path

from oracle.custody.board import Board, round_key
from oracle.custody.cid import encode as digest_to_cid
from oracle.custody.cid import of as block_cid
from oracle.custody.cid import raw_digest as cid_to_digest
from oracle.custody.content import MAX_BLOCK, Content, ContentStore
from oracle.custody.local import LocalStore
from oracle.errors import BadInput

__all__ = [
    "MAX_BLOCK",
    "Board",
    "Content",
    "ContentStore",
    "LocalStore",
    "block_cid",
    "cid_to_digest",
    "digest_to_cid",
    "keep",
    "open_store",
    "round_key",
]


def open_store(address: str) -> ContentStore:
    """The store at ``local:FOLDER`` or ``ipfs:ADDRESS`` (multiaddr, host:port or URL); ``BadInput`` for others."""
    kind, _, place = address.partition(":")
    if kind == "local" and place:
        return LocalStore(Path(place))
    if kind == "ipfs" and place:
        from oracle.custody.ipfs import IpfsStore  # its client loads a web library, which a folder does without

        return IpfsStore(place)
    # what follows the kind may hold a password
    raise BadInput(
        f"no such kind of store: {kind[:20]!r}", input=kind[:20], hint="write local:FOLDER or ipfs:HOST:PORT"
    )


def keep(store: ContentStore, data: bytes, name: str) -> str:
    """Store one block and pin it, under ``name`` and its own content id, which is returned."""
    cid = store.put(data)
    store.pin(cid, f"{name}.{cid}")
    return cid
