"""Content of other people's stores: content ids, CARs, UnixFS nodes, integers of variable length."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from fuzz.damage import damage
from fuzz.parties import Memory, folder
from fuzz.target import Input, Target
from oracle.custody import car, unixfs, varint
from oracle.custody import cid as cids
from oracle.custody.local import LocalStore
from oracle.errors import BadInput, CheckFailed

LEAVES = (b"a" * 4096, b"b" * 5000, b"c" * 4096)
EDGES = (0, 1, 2, 127, 128, 4095, 4097, 1 << 20, (1 << 20) + 1, (1 << 32) - 1, 1 << 40, (1 << 63) - 1)

# --- content ids ---


def _cid(source: Random) -> bytes:
    return cids.encode(source.randbytes(32), source.choice((cids.RAW, cids.DAG_PB))).encode()


def _cid_varied(source: Random) -> Input:
    """Another word of a binary content id, written in base32 anew; or another base."""
    raw = bytearray(cids.to_bytes(_cid(source).decode()))
    at = source.choice((0, 1, 2, 3, source.randrange(36)))
    raw[at] = source.randrange(256)
    size = source.choice((0, 4, 35, 36, 36, 36, 37, 300))
    text = "b" + _base32(bytes(raw * 9)[:size])
    return Input(source.choice((text, text.upper(), text + "=")).encode(), f"byte {at} is {raw[at]}, {size} bytes")


def _base32(raw: bytes) -> str:
    import base64

    return base64.b32encode(raw).decode().lower().rstrip("=")


def _read_cid(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert cids.canonical(cids.canonical(text)) == cids.canonical(text)
    codec, digest = cids.decode(text)
    assert cids.encode(digest, codec) == text


def _is_ascii(data: bytes) -> bool:
    return data.isascii()


# --- protocol buffers, varied field by field ---


@dataclass
class Field:
    """``value``: a number, bytes, or fields."""

    number: int
    value: Any


def written(fields: list[Field]) -> bytes:
    out = b""
    for field in fields:
        if isinstance(field.value, int):
            out += varint.encode(field.number << 3) + varint.encode(field.value)
        else:
            data = field.value if isinstance(field.value, bytes) else written(field.value)
            out += varint.encode(field.number << 3 | 2) + varint.encode(len(data)) + data
    return out


def vary_fields(source: Random, fields: list[Field]) -> str:
    """Change one thing in fields or below them, in place; what was done."""
    if not fields:
        fields.append(Field(source.randrange(1, 9), source.choice(EDGES)))
        return "a field"
    at = source.randrange(len(fields))
    field = fields[at]
    inner = isinstance(field.value, list)
    if inner and source.random() < 0.6:
        return f"{field.number}: {vary_fields(source, field.value)}"
    match source.randrange(8):
        case 0:
            del fields[at]
            return f"no field {field.number}"
        case 1:
            fields.insert(at, Field(field.number, field.value))
            return f"field {field.number} twice"
        case 2:
            fields.reverse()
            return "the other way round"
        case 3:
            field.number = source.choice((0, 1, 2, 3, 4, 5, 7, 9, 1000, 1 << 29))
            return f"its number is {field.number}"
        case 4:
            field.value = source.choice((b"", b"\x00", b"x" * 300, written([Field(1, 2)])))
            return "other bytes"
        case 5:
            fields[at:at] = [field] * source.choice((1, 2, 1000, 5000))
            return "many of them"
        case _:
            field.value = source.choice(EDGES)
            return f"the number {field.value}"


# --- UnixFS ---


def _links(leaves: tuple[bytes, ...]) -> list[Field]:
    links = [Field(2, [Field(1, cids.to_bytes(cids.of(leaf))), Field(2, b""), Field(3, len(leaf))]) for leaf in leaves]
    return [*links, Field(1, [Field(1, 2), Field(3, sum(map(len, leaves))), *[Field(4, len(leaf)) for leaf in leaves]])]


def node_of(leaves: tuple[bytes, ...]) -> bytes:
    """The UnixFS node of a file of these leaves."""
    return written(_links(leaves))


def _node(source: Random) -> bytes:
    data = [block.data for block in unixfs.build([b"a" * (1 << 20), b"b" * source.randrange(1, 5_000)])]
    return source.choice((data[-1], node_of(LEAVES)))


def _node_varied(source: Random) -> Input:
    fields = _links(LEAVES)
    how = vary_fields(source, fields)
    return Input(written(fields), how)


@cache
def _store() -> Memory:
    store = Memory()
    for leaf in (*LEAVES, b"a" * (1 << 20)):
        store.put(leaf)
    return store


def _read_node(data: bytes) -> None:
    """A node at the top, then the same node under another one: sizes are compared there."""
    store = _store()
    cid = cids.of(data, cids.DAG_PB)
    store.blocks[cid] = data
    try:
        size = sum(map(len, store.read(cid, max_size=1 << 22)))
        above = written(
            [
                Field(2, [Field(1, cids.to_bytes(cid)), Field(3, 1)]),
                Field(1, [Field(1, 2), Field(3, size), Field(4, size)]),
            ]
        )
        top = cids.of(above, cids.DAG_PB)
        store.blocks[top] = above
        list(store.read(top, max_size=1 << 22))
        store.require(top)
    finally:
        del store.blocks[cid]


def _read_node_warm(data: bytes) -> None:
    """A valid node may name leaves that this store lacks."""
    try:
        _read_node(data)
    except CheckFailed as error:
        if "is not in" not in str(error):
            raise


def _is_fields(data: bytes) -> bool:
    """The wire format of protocol buffers, in any depth of it."""
    position = 0
    try:
        while position < len(data):
            key, position = varint.decode(data, position)
            size, position = varint.decode(data, position)
            position += size if key & 7 == 2 else 0
    except ValueError:
        return False
    return position == len(data)


# --- CAR ---


def _sections(source: Random) -> tuple[str, list[tuple[bytes, bytes]]]:
    blocks = list(unixfs.build([source.randbytes(1), *LEAVES] if source.random() < 0.5 else [b"ab"]))
    many = [(cids.to_bytes(cids.of(leaf)), leaf) for leaf in LEAVES]
    node = node_of(LEAVES)
    if source.random() < 0.5:
        return cids.of(node, cids.DAG_PB), [*many, (cids.to_bytes(cids.of(node, cids.DAG_PB)), node)]
    return blocks[-1].cid, [(cids.to_bytes(block.cid), block.data) for block in blocks]


def _car(source: Random) -> bytes:
    root, sections = _sections(source)
    return _car_of(car.header(root), sections)


def _car_of(header: bytes, sections: list[tuple[bytes, bytes]]) -> bytes:
    return header + b"".join(varint.encode(len(cid + data)) + cid + data for cid, data in sections)


def _car_varied(source: Random) -> Input:
    root, sections = _sections(source)
    header = car.header(root)
    at = source.randrange(len(sections))
    cid, data = sections[at]
    match source.randrange(9):
        case 0:
            del sections[at]
            how = f"no block {at}"
        case 1:
            sections.insert(at, sections[at])
            how = f"block {at} twice"
        case 2:
            sections.reverse()
            how = "the other way round"
        case 3:
            sections[at] = (cid, data + b"x")
            how = f"block {at} altered"
        case 4:
            codec = source.choice((0x55, 0x70, 0x71, 0x00))
            sections[at] = (bytes([1, codec, 0x12, 0x20]) + cid[4:], data)
            how = f"block {at} of codec {codec}"
        case 5:
            fields = _links(LEAVES)
            how = vary_fields(source, fields)
            node = written(fields)
            raw = cids.to_bytes(cids.of(node, cids.DAG_PB))
            sections, header = [*sections[:-1], (raw, node)], car.header(cids.from_bytes(raw))
        case 6:
            header = car.header(cids.from_bytes(sections[at][0]))
            how = f"block {at} as the root"
        case 7:
            size = source.choice((0, 36, 37, (1 << 20) + 37, 1 << 40, (1 << 63) - 1))
            return Input(_car_of(header, sections) + varint.encode(size), f"a section of {size} bytes at the end")
        case _:
            body = header[1:]
            at = source.randrange(len(body))
            body = body[:at] + source.choice((b"", b"\x00", b"\xff")) + body[at + 1 :]
            header, how = varint.encode(len(body)) + body, f"byte {at} of the header"
    return Input(_car_of(header, sections), how)


def _import_car(data: bytes) -> None:
    store = Memory()
    root = store.import_car(io.BytesIO(data))
    assert store.has(root)
    store.require(root)


def _is_sections(data: bytes) -> bool:
    """Sections with their lengths, to the end."""
    position = 0
    try:
        while position < len(data):
            size, position = varint.decode(data, position)
            position += size
    except ValueError:
        return False
    return position == len(data)


# --- integers and pins ---


def _varint(source: Random) -> bytes:
    return varint.encode(source.choice((*EDGES, source.randrange(1 << 63))))


def _varint_varied(source: Random) -> Input:
    data = bytes(source.choice((0x80, 0xFF)) for _ in range(source.randrange(12))) + source.choice(
        (b"\x00", b"\x01", b"")
    )
    return Input(data, f"{len(data)} bytes")


def _read_varint(data: bytes) -> None:
    value, end = varint.decode(data)
    assert varint.encode(value) == data[:end]


def _pin(data: bytes) -> None:
    """A pin of a store in a folder is a file with a content id in it."""
    store = LocalStore(folder() / "store")
    pin = folder() / "store" / "pins" / "theirs"
    pin.parent.mkdir(parents=True, exist_ok=True)
    pin.write_bytes(data)
    assert set(store.pins()) == {"theirs"}
    store.collect_garbage()


def _pin_warm(data: bytes) -> None:
    try:
        _pin(data)
    except CheckFailed as error:
        if "is not in the store" not in str(error):
            raise


def _damaged_too(source: Random) -> Input:
    return damage(source, _varint(source), _varint(source)) if source.random() < 0.5 else _varint_varied(source)


TARGETS = (
    Target("content id", _cid, _cid_varied, _is_ascii, _read_cid, allowed=(BadInput,)),
    Target("pin of a folder", _cid, _cid_varied, _is_ascii, _pin_warm, allowed=(CheckFailed,)),
    Target("UnixFS node", _node, _node_varied, _is_fields, _read_node_warm, allowed=(CheckFailed,)),
    Target("CAR", _car, _car_varied, _is_sections, _import_car, allowed=(CheckFailed,)),
    Target("varint", _varint, _damaged_too, lambda data: True, _read_varint, allowed=(ValueError,)),
)
