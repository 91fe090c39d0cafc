"""What every content store does, and the part of it that is the same in all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from oracle.custody import car, unixfs
from oracle.custody import cid as cids
from oracle.custody.unixfs import MAX_FILE, Block
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

    def read(self, cid: str, *, max_size: int, exact: bool = False) -> Iterator[bytes]:
        """The bytes of a file in pieces of at most 1 MiB, each verified before it is given out.

        ``CheckFailed`` naming the block when one is missing, altered or no part of a file, or when the file has more
        than ``max_size`` bytes (found before the first piece); with ``exact`` also when it has fewer, or is cut in
        another way than ``add`` cuts: the reader of a foreign file whose size is known asks for no block in vain.
        """

    def pin(self, cid: str, name: str, *, max_size: int = MAX_FILE, exact: bool = False) -> None:
        """Keep a file, or a block, under a name; the name lets go of what it held. A daemon fetches what is elsewhere.

        ``CheckFailed`` naming the block when part of it is missing, and as ``read`` for a file beyond the bounds, of
        which nothing is kept; ``BadInput`` for what is no name.
        """

    def unpin(self, name: str) -> None:
        """Let go; nothing happens when there is no such pin."""

    def pins(self) -> dict[str, str]:
        """Content ids by name of the pin, sorted by name."""

    def export_car(self, cid: str, out: BinaryIO) -> None:
        """Write a file as CARv1, each block once; ``CheckFailed`` as ``read``."""

    def import_car(self, source: BinaryIO) -> str:
        """Store the file of a CAR and return its content id; the root is stored last, after all else is there.

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
    def size_of(self, cid: str) -> int | None:
        """The bytes of a block that is here; None when it is not. Nothing is fetched or verified."""

    def has(self, cid: str) -> bool:
        return self.size_of(cid) is not None

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

    def read(self, cid: str, *, max_size: int, exact: bool = False) -> Iterator[bytes]:
        return unixfs.read(self.get, cid, max_size=max_size, exact=exact)

    def export_car(self, cid: str, out: BinaryIO) -> None:
        car.write(out, cid, self._blocks(cid))

    def _blocks(self, cid: str) -> Iterator[tuple[str, bytes]]:
        for link in unixfs.reachable(self.get, cid):
            data = self.get(link.cid)
            if not unixfs.is_node(link.cid):
                unixfs.check_leaf(link, len(data), root=cid, max_size=MAX_FILE)
            yield link.cid, data

    def require(self, cid: str, *, max_size: int = MAX_FILE, exact: bool = False, root: bytes | None = None) -> None:
        """``CheckFailed`` naming the first block of a file that cannot be had, or that does not fit.

        ``root``: the file's own block, when it is not stored yet. What is here is not read, nodes apart.
        """

        def get(name: str) -> bytes:
            return root if root is not None and name == cid else self.get(name)

        for link in unixfs.reachable(get, cid, max_size=max_size, exact=exact):
            if unixfs.is_node(link.cid):
                continue  # read by the walk itself
            size = self.size_of(link.cid) if root is None or link.cid != cid else len(root)
            if size is None:
                size = len(get(link.cid))
            unixfs.check_leaf(link, size, root=cid, max_size=max_size, exact=exact)

    def import_car(self, source: BinaryIO) -> str:
        root, blocks = car.read(source, str(getattr(source, "name", "the CAR")))
        last: list[Block] = []

        def others() -> Iterator[Block]:
            size = 0
            for number, (cid, data) in enumerate(blocks, 1):
                size += len(data)
                if number > unixfs.MAX_LINKS + size // unixfs.LEAST_MEAN_LEAF:
                    raise unixfs.too_fine(root)
                block = Block(cid, data, len(data))
                if cid == root:
                    last[:] = [block]
                else:
                    yield block

        self.write(others())
        self.require(root, root=last[0].data if last else None)
        self.write(last)
        return root


def missing(cid: str, place: str) -> CheckFailed:
    return CheckFailed(f"content {cid} is not in {place}", input=cid, hint="ask its author to publish it again")


def broken_pin(name: str, why: str, cid: str) -> CheckFailed:
    return CheckFailed(
        f"nothing was removed, the pin {name} is broken: {why}", input=cid, hint="pin it anew, or unpin it"
    )
