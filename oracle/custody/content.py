"""What every content store does, and the part of it that is the same in all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from oracle.custody import car, unixfs
from oracle.custody import cid as cids
from oracle.custody.unixfs import Block
from oracle.errors import BadInput, CheckFailed

MAX_BLOCK: Final = unixfs.LEAF_SIZE


@dataclass(frozen=True, slots=True)
class Content:
    """A stored file: its content id and its size in bytes."""

    cid: str
    size: int


class ContentStore(Protocol):
    """Blocks and files by content id. Wherever a ``cid`` is not one, ``BadInput``.

    What is stored stays until ``collect_garbage`` finds it neither pinned nor fresh. Every method ends: a folder
    answers at once, a daemon within its time-out. ``EnvironmentFailure`` when disk or daemon does not do its part.
    """

    def put(self, data: bytes) -> str:
        """Store one raw block of at most ``MAX_BLOCK`` bytes; its content id. Storing it again changes nothing."""

    def get(self, cid: str) -> bytes:
        """One block, verified; ``CheckFailed`` naming the content id when it is missing or altered."""

    def has(self, cid: str) -> bool:
        """Whether the store holds a block under this content id (not whether its bytes are right)."""

    def add(self, chunks: Iterable[bytes]) -> Content:
        """Store a file given in pieces of any size; holds a few MiB. The root is stored last: then the file is there.

        The content id depends on the bytes alone, not on the pieces or the store (``oracle.custody.unixfs``).
        """

    def read(self, cid: str, *, max_size: int) -> Iterator[bytes]:
        """The bytes of a file in pieces of at most 1 MiB, each verified before it is given out.

        ``CheckFailed`` naming the block when one is missing, altered or no part of a file, or when the file has more
        than ``max_size`` bytes (found before the first piece).
        """

    def pin(self, cid: str, name: str) -> None:
        """Keep a file, or a block, under a name; the name lets go of what it held.

        ``CheckFailed`` naming the block when part of it is missing; ``BadInput`` for what is no name.
        """

    def unpin(self, name: str) -> None:
        """Let go; nothing happens when there is no such pin."""

    def pins(self) -> dict[str, str]:
        """Content ids by name of the pin, sorted by name."""

    def export_car(self, cid: str, out: BinaryIO) -> None:
        """Write a file as CARv1, each block once; ``CheckFailed`` as ``read``."""

    def require(self, cid: str, root: bytes | None = None) -> None:
        """``CheckFailed`` naming the first block of a file that is missing; ``root``: its own, if not stored yet."""

        def get(name: str) -> bytes:
            return root if root is not None and name == cid else self.get(name)

        for name in unixfs.reachable(get, cid):
            if not (root is not None and name == cid) and not self.has(name):
                raise missing(name, "the store")

    def import_car(self, source: BinaryIO) -> str:
        """Store the file of a CARv1 and return its content id; the root is stored last, after all else is there.

        ``CheckFailed`` when a block is altered or missing, or is of a kind that files are not made of.
        """

    def collect_garbage(self) -> int:
        """Remove what no pin reaches; the number of blocks removed. ``CheckFailed``, and nothing is removed, when a
        pinned file is broken."""


class BlockStore(ABC):
    """Files over blocks: what a store needs is to ``write`` blocks and ``get`` them."""

    @abstractmethod
    def write(self, blocks: Iterable[Block]) -> None:
        """Store blocks in the order given. When ``blocks`` raises, those before it may stay; they are garbage."""

    @abstractmethod
    def get(self, cid: str) -> bytes:
        """One block, verified."""

    @abstractmethod
    def has(self, cid: str) -> bool:
        """Whether the block is there."""

    def put(self, data: bytes) -> str:
        if len(data) > MAX_BLOCK:
            raise BadInput(
                f"a block of {len(data)} bytes, at most {MAX_BLOCK} fit", input="block", hint="cut it into blocks"
            )
        block = Block(cids.of(data), data, len(data))
        self.write([block])
        return block.cid

    def add(self, chunks: Iterable[bytes]) -> Content:
        done: list[Content] = [Content("", 0)]

        def noted() -> Iterator[Block]:
            for block in unixfs.build(chunks):
                yield block
                done[0] = Content(block.cid, block.size)

        self.write(noted())
        return done[0]

    def read(self, cid: str, *, max_size: int) -> Iterator[bytes]:
        return unixfs.read(self.get, cid, max_size=max_size)

    def export_car(self, cid: str, out: BinaryIO) -> None:
        car.write(out, cid, ((name, self.get(name)) for name in unixfs.reachable(self.get, cid)))

    def require(self, cid: str, root: bytes | None = None) -> None:
        """``CheckFailed`` naming the first block of a file that is missing; ``root``: its own, if not stored yet."""

        def get(name: str) -> bytes:
            return root if root is not None and name == cid else self.get(name)

        for name in unixfs.reachable(get, cid):
            if not (root is not None and name == cid) and not self.has(name):
                raise missing(name, "the store")

    def import_car(self, source: BinaryIO) -> str:
        root, blocks = car.read(source, str(getattr(source, "name", "the CAR")))
        last: list[Block] = []

        def others() -> Iterator[Block]:
            for cid, data in blocks:
                block = Block(cid, data, len(data))
                if cid == root:
                    last[:] = [block]
                else:
                    yield block

        self.write(others())
        self.require(root, last[0].data if last else None)
        self.write(last)
        return root


def missing(cid: str, place: str) -> CheckFailed:
    return CheckFailed(f"content {cid} is not in {place}", input=cid, hint="ask its author to publish it again")


def broken_pin(name: str, why: str, cid: str) -> CheckFailed:
    return CheckFailed(
        f"nothing was removed, the pin {name} is broken: {why}", input=cid, hint="pin it anew, or unpin it"
    )
