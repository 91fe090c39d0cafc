"""Who and what the valid inputs speak of: accounts, documents, a data set that was sealed, a place in a market."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from eth_account import Account
from eth_account.signers.local import LocalAccount

from oracle.corpus.document import Document
from oracle.custody import cid as cids
from oracle.custody.content import BlockStore, missing
from oracle.custody.context import Context
from oracle.custody.keystore import KeyPair
from oracle.custody.sealed import Packed, pack
from oracle.custody.unixfs import MAX_FILE, Block

CHAIN = 31337
MARKET = Account.from_key(b"\x51" * 32).address
ROUND = 7
ACCOUNTS: list[LocalAccount] = [Account.from_key(bytes([number]) * 32) for number in range(1, 6)]
PROVIDER, PLANNER, OPERATOR = ACCOUNTS[:3]
READER = KeyPair(b"\x07" * 32, 7)
"""The operator's keys of custody."""
CONTEXT = Context(CHAIN, MARKET, ROUND, PROVIDER.address, b"\x33" * 32)
KEY = b"\x44" * 32
WORDS = [
    "The",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "13",
    "lazy",
    "dogs,",
    "ça",
    "va;",
    "naïve",
    "Grüße",
    "漢字",
    "—",
    "“quoted”",
    "\\",
    "\t",
]


class Memory(BlockStore):
    """A content store that forgets."""

    def __init__(self) -> None:
        self.blocks: dict[str, bytes] = {}

    def write(self, blocks: Iterable[Block]) -> None:
        self.blocks.update((block.cid, block.data) for block in blocks)

    def get(self, cid: str) -> bytes:
        cids.decode(cid)
        if cid not in self.blocks:
            raise missing(cid, "memory")
        return self.blocks[cid]

    def size_of(self, cid: str) -> int | None:
        cids.decode(cid)
        return len(self.blocks[cid]) if cid in self.blocks else None

    def pin(self, cid: str, name: str, *, max_size: int = MAX_FILE, exact: bool = False) -> None:
        self.require(cid, max_size=max_size, exact=exact)

    def unpin(self, name: str) -> None:
        """Nothing is kept."""

    def pins(self) -> dict[str, str]:
        return {}

    def collect_garbage(self) -> int:
        return 0


@cache
def folder() -> Path:
    """A folder of this process, for parsers of files."""
    return Path(_FOLDER.name)


_FOLDER = tempfile.TemporaryDirectory(prefix="mia-fuzz-")


@dataclass(frozen=True)
class File:
    """A parser of a file as one of bytes."""

    name: str

    def holding(self, data: bytes) -> Path:
        path = folder() / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


def sentence(source: Random) -> str:
    return " ".join(source.choices(WORDS, k=source.randint(3, 30)))


def documents(source: Random, count: int = 3) -> list[Document]:
    """A few documents with and without what their owner says of them."""
    return [
        Document(
            id=f"doc-{number}",
            text=sentence(source),
            source=source.choice((None, "https://example.org/a")),
            date=source.choice((None, "2020", "2021-03-04")),
            lang=source.choice((None, "en")),
            licence=source.choice((None, "CC-BY-4.0")),
        )
        for number in range(count)
    ]


@cache
def sealed() -> tuple[Memory, Packed]:
    """A sealed data set of three documents, in its store."""
    store = Memory()
    return store, pack(store, CONTEXT, documents(Random(1)), KEY)
