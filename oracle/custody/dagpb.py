"""The two protocol buffers of a file node: dag-pb (links) around UnixFS (sizes), both in their canonical byte order.

A file node here holds links only; bytes are in raw leaves. Sources: https://ipld.io/specs/codecs/dag-pb/spec and
https://specs.ipfs.tech/unixfs/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oracle.custody import cid as cids
from oracle.custody import varint
from oracle.errors import BadInput

_FILE = 2  # UnixFS Data.DataType
_OTHERS = {0: "bytes", 1: "a directory", 3: "metadata", 4: "a symbolic link", 5: "a part of a large directory"}
_VARINT, _BYTES = 0, 2  # wire types


@dataclass(frozen=True, slots=True)
class Link:
    """A child: ``size`` its bytes of file, ``total`` those of all its blocks (Tsize, which readers do not trust)."""

    cid: str
    size: int
    total: int


def encode(links: Sequence[Link]) -> bytes:
    """The block of a node over ``links``."""
    out = bytearray()
    for link in links:
        # an importer writes the empty name too, and the hash counts it
        out += _field(2, _field(1, cids.to_bytes(link.cid)) + _field(2, b"") + _number(3, link.total))
    sizes = b"".join(_number(4, link.size) for link in links)
    out += _field(1, _number(1, _FILE) + _number(3, sum(link.size for link in links)) + sizes)
    return bytes(out)


def decode(data: bytes) -> tuple[Link, ...]:
    """The links of a file node; ``ValueError`` saying what is wrong with any other block."""
    found: list[tuple[str, int]] = []
    file: bytes | None = None
    for number, value in _fields(data):
        if number == 2 and isinstance(value, bytes):
            found.append(_link(value))
        elif number == 1 and isinstance(value, bytes) and file is None:
            file = value
        else:
            raise ValueError("it is not dag-pb")
    sizes = _sizes(file or b"")
    if len(sizes) != len(found):
        raise ValueError(f"{len(found)} links and {len(sizes)} sizes")
    return tuple(Link(cid, size, total) for (cid, total), size in zip(found, sizes, strict=True))


def _link(data: bytes) -> tuple[str, int]:
    cid, total = b"", 0
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            cid = value
        elif number == 3 and isinstance(value, int):
            total = value
        elif number != 2:
            raise ValueError("a link is not dag-pb")
    try:
        return cids.from_bytes(cid), total
    except BadInput as error:
        raise ValueError(f"a link to what is {error}") from error


def _sizes(data: bytes) -> list[int]:
    kind, total, sizes = -1, 0, []
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and value:
            raise ValueError("bytes inside a node: only raw leaves are read")
        elif number == 3 and isinstance(value, int):
            total = value
        elif number == 4 and isinstance(value, int):
            sizes.append(value)
        elif kind == _FILE and number not in (2, 7, 8):  # 7 and 8: mode and time of a file, which mean nothing here
            raise ValueError("it is not a UnixFS file")
    if kind != _FILE:
        raise ValueError(f"it is {_OTHERS.get(kind, 'no node that is known')}, not a UnixFS file")
    if total != sum(sizes):
        raise ValueError(f"its parts add up to {sum(sizes)} bytes, not {total}")
    return sizes


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        key, position = varint.decode(data, position)
        value, position = varint.decode(data, position)
        if key & 7 == _VARINT:
            yield key >> 3, value
        elif key & 7 == _BYTES and position + value <= len(data):
            yield key >> 3, data[position : position + value]
            position += value
        else:
            raise ValueError("it is not a protocol buffer, or cut short")


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + varint.encode(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return bytes([number << 3 | _VARINT]) + varint.encode(value)
