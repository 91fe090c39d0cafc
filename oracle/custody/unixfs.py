"""Files as blocks: the UnixFS profile unixfs-v1-2025 (IPIP-499), so that the same bytes have one content id everywhere.

Raw leaves of 1 MiB; nodes of at most 1,024 links, balanced: all leaves are equally deep. A file of one leaf is that
leaf, the empty file the empty leaf. Writing holds one leaf and one node a level. Reading takes any UnixFS file of
raw leaves, also a stranger's, within bounds on depth, width, size and number of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from oracle.custody import cid as cids
from oracle.custody import dagpb
from oracle.custody.dagpb import Link
from oracle.errors import CheckFailed

LEAF_SIZE: Final = 1 << 20
MAX_LINKS: Final = 1024
MAX_DEPTH: Final = 8
"""Node levels that are read: four of them hold a million gigabytes."""
LEAST_MEAN_LEAF: Final = 4096
"""A file cut finer than this on average is refused: a million one-byte leaves cost a reader what a terabyte would."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a file: ``size`` is how many bytes of the file lie in it and below it."""

    cid: str
    data: bytes
    size: int


def build(chunks: Iterable[bytes]) -> Iterator[Block]:
    """The blocks of the file that ``chunks`` add up to, children before parents: the last one is the root."""
    levels: list[list[Link]] = [[]]  # the links of the nodes still open, from the leaves up
    for leaf in leaves(chunks):
        yield (block := Block(cids.of(leaf), leaf, len(leaf)))
        levels[0].append(Link(block.cid, block.size, block.size))
        height = 0
        while len(levels[height]) == MAX_LINKS:
            yield _close(levels, height)
            height += 1
    height = 0
    while height < len(levels) - 1 or len(levels[height]) > 1:  # a single link at the top is the root
        if levels[height]:
            yield _close(levels, height)
        height += 1


def _close(levels: list[list[Link]], height: int) -> Block:
    """Make the node that is open at ``height`` and link it from the level above."""
    links, levels[height] = levels[height], []
    data = dagpb.encode(links)
    block = Block(cids.of(data, cids.DAG_PB), data, sum(link.size for link in links))
    if height + 1 == len(levels):
        levels.append([])
    levels[height + 1].append(Link(block.cid, block.size, len(data) + sum(link.total for link in links)))
    return block


def leaves(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """``chunks`` cut anew into leaves of 1 MiB, the last one shorter; one empty leaf when there are no bytes."""
    pending = bytearray()
    some = False
    for chunk in chunks:
        if not pending and len(chunk) == LEAF_SIZE:
            some = True
            yield bytes(chunk)
            continue
        view = memoryview(chunk)
        while len(view):
            taken = view[: LEAF_SIZE - len(pending)]
            pending += taken
            view = view[len(taken) :]
            if len(pending) == LEAF_SIZE:
                some = True
                yield bytes(pending)
                pending.clear()
    if pending or not some:
        yield bytes(pending)


def read(
    get: Callable[[str], bytes], cid: str, *, max_size: int, leaf: Callable[[Link], bytes] | None = None
) -> Iterator[bytes]:
    """The leaves of a file in order. ``get`` must return verified blocks; so must ``leaf``, if leaves come another way.

    Raises ``CheckFailed`` naming the block for what ``leaf_links`` refuses, and for a leaf of another size than its
    node says; ``BadInput`` when ``cid`` is no content id.
    """
    for link in leaf_links(get, cid, max_size=max_size):
        data = leaf(link) if leaf else get(link.cid)
        if len(data) != link.size and link.cid != cid:
            raise _refused(link.cid, f"{len(data)} bytes where the node above it says {link.size}")
        if len(data) > max_size:
            raise _refused(cid, f"{len(data)} bytes, and at most {max_size} are taken")
        yield data


def leaf_links(get: Callable[[str], bytes], cid: str, *, max_size: int) -> Iterator[Link]:
    """The links to a file's leaves, in order; repeated leaves come repeatedly. Only nodes are read.

    A file of one leaf has no node that tells its size: its link says 0. Raises ``CheckFailed`` naming the block that
    is no file node, whose sizes do not add up, or where the file goes beyond ``max_size`` bytes or the bounds of this
    module.
    """
    stack = [(Link(cid, 0, 0), 0)]
    budget = 1
    while stack:
        link, depth = stack.pop()
        budget -= 1
        if budget < 0:
            raise _refused(cid, f"cut finer than {LEAST_MEAN_LEAF} bytes a block")
        if not is_node(link.cid):
            if link.size > LEAF_SIZE:
                raise _refused(link.cid, f"a leaf of {link.size} bytes, and at most {LEAF_SIZE} are taken")
            yield link
            continue
        children = _children(link.cid, get(link.cid))
        size = sum(child.size for child in children)
        if depth == 0:
            if size > max_size:
                raise _refused(cid, f"{size} bytes, and at most {max_size} are taken")
            budget = MAX_LINKS + size // LEAST_MEAN_LEAF
        elif size != link.size:
            raise _refused(link.cid, f"{size} bytes where the node above it says {link.size}")
        stack.extend((child, _deeper(depth, link.cid)) for child in reversed(children))


def reachable(get: Callable[[str], bytes], cid: str) -> Iterator[str]:
    """The content ids of a file's blocks, each once, parents first; leaves are not read.

    Holds about 150 bytes a block. Raises ``CheckFailed`` as ``leaf_links``, sizes apart.
    """
    seen: set[str] = set()
    stack = [(cid, 0)]
    while stack:
        name, depth = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        if is_node(name):
            stack.extend((child.cid, _deeper(depth, name)) for child in reversed(_children(name, get(name))))


def is_node(cid: str) -> bool:
    """Whether the block holds links, and not bytes of a file."""
    return cids.decode(cid)[0] == cids.DAG_PB


def _deeper(depth: int, cid: str) -> int:
    if depth == MAX_DEPTH:
        raise _refused(cid, f"deeper than {MAX_DEPTH} levels of nodes")
    return depth + 1


def _children(cid: str, data: bytes) -> tuple[Link, ...]:
    try:
        links = dagpb.decode(data)
    except ValueError as error:
        raise _refused(cid, str(error)) from error
    if len(links) > MAX_LINKS:
        raise _refused(cid, f"{len(links)} links, and at most {MAX_LINKS} are taken")
    if not all(link.size for link in links):
        raise _refused(cid, "a link to nothing")
    return links


def _refused(cid: str, why: str) -> CheckFailed:
    return CheckFailed(f"content {cid} is refused: {why}", input=cid, hint="ask its author for a plain file")
