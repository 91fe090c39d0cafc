"""CAR files: blocks one after another, with the one content id they make up in front.

Version 1 is written. Versions 1 and 2 are read, as a stream, with zero bytes after the last block, as Filecoin pads
them; every block read is verified. Sources: https://ipld.io/specs/transport/car/carv1/ and
https://ipld.io/specs/transport/car/carv2/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from oracle.custody import carheader, varint
from oracle.custody import cid as cids
from oracle.custody.unixfs import LEAF_SIZE
from oracle.errors import BadInput, CheckFailed

MAX_HEADER: Final = 1 << 16
_VERSION_2 = b"\x0a\xa1gversion\x02"  # where version 1 has its header; a header of 40 bytes follows
_PIECE = 1 << 16
_EXPORT = "export it with Kubo: ipfs dag export CID"
_OTHER_FILES = (
    (b"\x1f\x8b", "compressed with gzip", "unpack it first: gunzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first: zstd -d"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it first: xz -d"),
    (b"BZh", "compressed with bzip2", "unpack it first: bunzip2"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first: unzip"),
)


def header(root: str) -> bytes:
    """What a CAR begins with."""
    return _section(carheader.encode(root))


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
    a file that is no CAR with one root, saying what it is.
    """
    stream = _Stream(source, name)
    start = stream.peek(len(_VERSION_2))
    if start == _VERSION_2:
        stream.enter_version_2()
    else:
        _check_kind(start, name)
    return _root(stream), _blocks(stream)


def _root(stream: _Stream) -> str:
    name, found = stream.name, stream.section(MAX_HEADER)
    try:
        version, roots = carheader.decode(found or b"")
    except ValueError as error:
        raise CheckFailed(f"{name} does not begin as a CAR: {error}", input=name, hint=_EXPORT) from error
    if version != 1:
        raise CheckFailed(f"{name} is a CAR of version {version}", input=name, hint=f"in version 1, {_EXPORT}")
    if len(roots) != 1:
        raise CheckFailed(f"{name} has {len(roots) or 'no'} roots, and one is taken", input=name, hint=_EXPORT)
    try:
        return cids.from_bytes(roots[0])
    except BadInput as error:
        raise CheckFailed(f"{name} has a root that is {error}", input=error.input, hint=error.hint) from error


def _blocks(stream: _Stream) -> Iterator[tuple[str, bytes]]:
    while found := stream.section(cids.BINARY_SIZE + LEAF_SIZE):
        try:
            cid, size = cids.at_start(found)
        except BadInput as error:
            raise CheckFailed(f"{stream.name} holds what is {error}", input=error.input, hint=error.hint) from error
        yield cid, cids.check(cid, found[size:], stream.name)
    if found is not None:
        stream.nothing_more()


class _Stream:
    """The file as it is read: forward only, so that it may be a pipe."""

    def __init__(self, source: BinaryIO, name: str) -> None:
        self.name = name
        self._source = source
        self._ahead = b""
        self._left: int | None = None  # of the blocks, where the file says so

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer at the end of the file, which stay to be read."""
        while len(self._ahead) < size and (more := self._source.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def section(self, most: int) -> bytes | None:
        """The next section without its length: empty where zeros begin, None at the end."""
        head = bytearray()
        while byte := self._read(1):
            head += byte
            if byte[0] < 0x80 or len(head) == varint.MAX_BYTES:
                break
        else:
            if not head:
                return None
        try:
            size, _ = varint.decode(bytes(head))
        except ValueError as error:
            raise self._broken(str(error)) from error
        if size > most:
            raise self._broken(f"a block of {size} bytes, and at most {most} are taken")
        return self._exactly(size)

    def nothing_more(self) -> None:
        """``CheckFailed`` unless only zero bytes follow."""
        while more := self._read(_PIECE):
            if any(more):
                raise self._broken("zero bytes, and more after them")

    def enter_version_2(self) -> None:
        """Read up to the version 1 that lies inside, and no further than it goes."""
        head = self._exactly(len(_VERSION_2) + 40)
        start, size = (int.from_bytes(head[at : at + 8], "little") for at in (27, 35))
        if start < len(head) or not size:
            raise self._broken("a CAR of version 2 that its writer did not finish")
        skip = start - len(head)
        while skip:
            skip -= len(self._exactly(min(skip, _PIECE)))
        self._left = size

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = self._read(size - len(data))
            if not more:
                raise self._broken("cut short")
            data += more
        return bytes(data)

    def _read(self, most: int) -> bytes:
        most = most if self._left is None else min(most, self._left)
        if self._ahead:
            data, self._ahead = self._ahead[:most], self._ahead[most:]
        else:
            data = self._source.read(most) if most else b""
        if self._left is not None:
            self._left -= len(data)
        return data

    def _broken(self, why: str) -> CheckFailed:
        return CheckFailed(f"{self.name} is broken: {why}", input=self.name, hint="ask for it again")


def _check_kind(start: bytes, name: str) -> None:
    """``CheckFailed`` for a file that begins as something else that people have."""
    if not start:
        raise CheckFailed(f"{name} is empty", input=name, hint=_EXPORT)
    for magic, what, out in _OTHER_FILES:
        if start.startswith(magic):
            raise CheckFailed(f"{name} is {what}, not a CAR", input=name, hint=out)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"<", b"{") and text[1:2] < b"\x80":
        what = "a web page" if text[:1] == b"<" else "JSON"
        raise CheckFailed(f"{name} is {what}, not a CAR", input=name, hint="ask the gateway for it with ?format=car")


def _section(data: bytes) -> bytes:
    return varint.encode(len(data)) + data
