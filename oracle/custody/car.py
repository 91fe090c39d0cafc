"""CAR files, version 1: blocks one after another, with the one content id they make up in front.

Written and read as a stream; every block read is verified. Source: https://ipld.io/specs/transport/car/carv1/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from oracle.custody import cid as cids
from oracle.custody import varint
from oracle.custody.unixfs import LEAF_SIZE
from oracle.errors import BadInput, CheckFailed

# {"roots": [content id], "version": 1} in DAG-CBOR, which has one way to write it
_BEFORE_ROOT = b"\xa2\x65roots\x81\xd8\x2a\x58\x25\x00"
_AFTER_ROOT = b"\x67version\x01"
_HEADER_SIZE = len(_BEFORE_ROOT) + cids.BINARY_SIZE + len(_AFTER_ROOT)


def header(root: str) -> bytes:
    """What a CAR begins with."""
    return _section(_BEFORE_ROOT + cids.to_bytes(root) + _AFTER_ROOT)


def section(cid: str, data: bytes) -> bytes:
    """One block as it stands in a CAR."""
    return _section(cids.to_bytes(cid) + data)


def write(out: BinaryIO, root: str, blocks: Iterable[tuple[str, bytes]]) -> None:
    """Write blocks (content id, bytes) as one CAR."""
    out.write(header(root))
    for cid, data in blocks:
        out.write(section(cid, data))


def read(source: BinaryIO, name: str = "the CAR") -> tuple[str, Iterator[tuple[str, bytes]]]:
    """The root and the verified blocks (content id, bytes), read as they are asked for; holds one block.

    Raises ``CheckFailed`` naming the block when one is altered, cut short, above 1 MiB or of an unknown kind, and for
    a file that is no CARv1 with one root.
    """
    found = _next(source, name, _HEADER_SIZE) or b""
    root = found[len(_BEFORE_ROOT) : -len(_AFTER_ROOT)]
    if found != _BEFORE_ROOT + root + _AFTER_ROOT:
        raise CheckFailed(
            f"{name} does not begin as a CAR of version 1 with one root", input=name, hint="export it with mia store"
        )
    return _known(root, name), _blocks(source, name)


def _blocks(source: BinaryIO, name: str) -> Iterator[tuple[str, bytes]]:
    while (found := _next(source, name, cids.BINARY_SIZE + LEAF_SIZE)) is not None:
        cid = _known(found[: cids.BINARY_SIZE], name)
        yield cid, cids.check(cid, found[cids.BINARY_SIZE :], name)


def _known(raw: bytes, name: str) -> str:
    try:
        return cids.from_bytes(raw)
    except BadInput as error:
        raise CheckFailed(f"{name} holds what is {error}", input=error.input, hint=error.hint) from error


def _next(source: BinaryIO, name: str, most: int) -> bytes | None:
    """The next section without its length; None at the end of the file."""
    head = bytearray()
    while byte := source.read(1):
        head += byte
        if byte[0] < 0x80 or len(head) == varint.MAX_BYTES:
            break
    else:
        if not head:
            return None
    try:
        size, _ = varint.decode(bytes(head))
    except ValueError as error:
        raise _broken(name, str(error)) from error
    if size > most:
        raise _broken(name, f"a block of {size} bytes, and at most {most} are taken")
    data = source.read(size)
    while len(data) < size:
        more = source.read(size - len(data))
        if not more:
            raise _broken(name, "cut short")
        data += more
    return data


def _section(data: bytes) -> bytes:
    return varint.encode(len(data)) + data


def _broken(name: str, why: str) -> CheckFailed:
    return CheckFailed(f"{name} is broken: {why}", input=name, hint="ask for it again")
