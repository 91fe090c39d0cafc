"""Files as blocks: the UnixFS profile unixfs-v1-2025 (IPIP-499), so that the same bytes have one content id everywhere.

Raw leaves of 1 MiB; nodes of at most 1,024 links, balanced: all leaves are equally deep. A file of one leaf is that
leaf, the empty file the empty leaf. Writing holds one leaf and one node a level. Reading takes any UnixFS file of
raw leaves, also a stranger's, within bounds on depth, width, size and number of blocks; or, where the size is known,
the one shape that a file of this size has here.
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
MAX_NODE: Final = 1 << 17
"""Bytes of a node that are read: one of 1,024 links has some 65,000."""
MAX_FILE: Final = 1 << 37
"""Bytes of a file where nobody says fewer: more than any data set that is taken."""
MAX_DEPTH: Final = 8
"""Node levels that are read: four of them hold a million gigabytes."""
LEAST_MEAN_LEAF: Final = 4096
"""A file cut finer than this on average is refused: a million one-byte leaves cost a reader what a terabyte would."""


_ANOTHER_SHAPE = "not cut as this program cuts a file of its size"


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
    get: Callable[[str], bytes],
    cid: str,
    *,
    max_size: int,
    exact: bool = False,
    leaf: Callable[[Link], bytes] | None = None,
) -> Iterator[bytes]:
    """The leaves of a file in order. ``get`` must return verified blocks; so must ``leaf``, if leaves come another way.

    Raises ``CheckFailed`` naming the block for what ``leaf_links`` refuses, and for a leaf of another size than its
    node says; ``BadInput`` when ``cid`` is no content id.
    """
    for link in leaf_links(get, cid, max_size=max_size, exact=exact):
        data = leaf(link) if leaf else get(link.cid)
        check_leaf(link, len(data), root=cid, max_size=max_size, exact=exact)
        yield data


def check_leaf(link: Link, size: int, *, root: str, max_size: int, exact: bool = False) -> None:
    """``CheckFailed`` unless a leaf has as many bytes as its node says, or, being the whole file, as are taken."""
    if link.cid != root and size != link.size:
        raise _refused(link.cid, f"{size} bytes where the node above it says {link.size}")
    if link.cid == root:
        _check_size(link.cid, size, max_size, exact)


def leaf_links(get: Callable[[str], bytes], cid: str, *, max_size: int, exact: bool = False) -> Iterator[Link]:
    """The links to a file's leaves, in order; repeated leaves come repeatedly. Only nodes are read.

    A file of one leaf has no node that tells its size: its link says 0. Raises ``CheckFailed`` naming the block that
    is no file node, whose sizes do not add up, or where the file goes beyond ``max_size`` bytes or the bounds of this
    module; with ``exact`` also where it has fewer bytes, or another shape than ``build`` gives it.
    """
    for link, node in _walk(get, cid, max_size, exact, shared=False):
        if not node:
            yield link


def reachable(
    get: Callable[[str], bytes], cid: str, *, max_size: int = MAX_FILE, exact: bool = False
) -> Iterator[Link]:
    """Links to a file's blocks, each once, parents first; leaves are not read. The root's size is not known: 0.

    Holds about 150 bytes a block. Raises ``CheckFailed`` as ``leaf_links``: what this takes, that does not refuse.
    """
    for link, _ in _walk(get, cid, max_size, exact, shared=True):
        yield link


def _walk(
    get: Callable[[str], bytes], cid: str, max_size: int, exact: bool, *, shared: bool
) -> Iterator[tuple[Link, bool]]:
    """All links of a file from its root down, in order, and whether each is to a node; each once with ``shared``."""
    seen: dict[str, int] = {}
    levels = _levels(max_size)
    stack = [(Link(cid, 0, 0), 0)]
    budget = 1
    while stack:
        link, depth = stack.pop()
        budget -= 1
        if budget < 0:
            raise too_fine(cid)
        if shared and link.cid in seen:
            if link.size != seen[link.cid]:
                raise _refused(link.cid, f"{link.size} bytes in one place and {seen[link.cid]} in another")
            continue
        if shared:
            seen[link.cid] = link.size
        node = is_node(link.cid)
        if not node and link.size > LEAF_SIZE:
            raise _refused(link.cid, f"a leaf of {link.size} bytes, and at most {LEAF_SIZE} are taken")
        if exact and node != (depth < levels):
            raise _refused(link.cid, _ANOTHER_SHAPE)
        yield link, node
        if not node:
            continue
        children = _children(link.cid, get(link.cid))
        size = sum(child.size for child in children)
        if depth == 0:
            _check_size(cid, size, max_size, exact)
            budget = MAX_LINKS + size // LEAST_MEAN_LEAF
        elif size != link.size:
            raise _refused(link.cid, f"{size} bytes where the node above it says {link.size}")
        if exact and [child.size for child in children] != _cut(size, levels - depth):
            raise _refused(link.cid, _ANOTHER_SHAPE)
        stack.extend((child, _deeper(depth, link.cid)) for child in reversed(children))


def _levels(size: int) -> int:
    """Levels of nodes above the leaves of a file of ``size`` bytes."""
    levels, room = 0, LEAF_SIZE
    while room < size:
        levels, room = levels + 1, room * MAX_LINKS
    return levels


def _cut(size: int, level: int) -> list[int]:
    """What ``build`` puts below a node ``level`` levels above the leaves: full children, and the rest."""
    room = LEAF_SIZE * MAX_LINKS ** (level - 1)
    full, rest = divmod(size, room)
    return [room] * full + [rest] * (rest > 0)


def is_node(cid: str) -> bool:
    """Whether the block holds links, and not bytes of a file."""
    return cids.decode(cid)[0] == cids.DAG_PB


def _deeper(depth: int, cid: str) -> int:
    if depth == MAX_DEPTH:
        raise _refused(cid, f"deeper than {MAX_DEPTH} levels of nodes")
    return depth + 1


def _children(cid: str, data: bytes) -> tuple[Link, ...]:
    if len(data) > MAX_NODE:
        raise _refused(cid, f"a node of {len(data)} bytes, and at most {MAX_NODE} are taken")
    try:
        links = dagpb.decode(data)
    except ValueError as error:
        raise _refused(cid, str(error)) from error
    if len(links) > MAX_LINKS:
        raise _refused(cid, f"{len(links)} links, and at most {MAX_LINKS} are taken")
    if not all(link.size for link in links):
        raise _refused(cid, "a link to nothing")
    return links


def too_fine(cid: str) -> CheckFailed:
    return _refused(cid, f"cut finer than {LEAST_MEAN_LEAF} bytes a block")


def _check_size(cid: str, size: int, max_size: int, exact: bool) -> None:
    if size > max_size:
        raise _refused(cid, f"{size} bytes, and at most {max_size} are taken")
    if exact and size != max_size:
        raise _refused(cid, f"{size} bytes, not {max_size}")


def _refused(cid: str, why: str) -> CheckFailed:
    return CheckFailed(
        f"content {cid} is refused: {why}",
        input=cid,
        hint=f"its author adds the file again: {cids.ADD}",
    )
