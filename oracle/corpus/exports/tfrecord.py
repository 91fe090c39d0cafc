"""TFRecord: ``tf.train.Example`` messages in TensorFlow's framing. Nothing of TensorFlow is needed.

Framing (tensorflow/core/lib/io/record_writer.h): length as uint64, masked CRC of it, the message, masked CRC of that,
all little-endian; the CRC is CRC-32C (RFC 3720, B.4), masked = rotated right by 15 bits plus 0xa282ead8.

Message: ``Example{1: Features{1: map<string, Feature>}}``; ``Feature`` is ``{1: BytesList{1: bytes}}`` for texts and
``{3: Int64List{1: packed varints}}`` for ``round`` (protobuf's wire format).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from oracle.corpus.exports.rows import COLUMNS, MAX_ROUND, Record
from oracle.errors import BadInput

MAX_MESSAGE = 1 << 30  # bytes; a damaged length must not become an allocation
_MASK = 0xA282EAD8
_LENGTH, _CRC = struct.Struct("<Q"), struct.Struct("<I")
_DELIMITED = 2  # protobuf's wire type of anything with a length


class TFRecord:
    """Writes framed messages."""

    def __init__(self, file: BinaryIO, shard: int) -> None:
        self._file = file

    def write(self, record: Record) -> None:
        message = encode_example(record)
        length = _LENGTH.pack(len(message))
        self._file.write(length + _CRC.pack(masked_crc(length)))
        self._file.write(message)
        self._file.write(_CRC.pack(masked_crc(message)))

    def finish(self) -> None:
        """There is nothing left."""


def read_tfrecord(path: Path) -> Iterator[Record]:
    """Rows of a shard, their checksums verified."""
    with path.open("rb") as file:
        number = 0
        while head := file.read(_LENGTH.size + _CRC.size):
            number += 1
            place = f"record {number} of {path}"
            length = _checked(head, _LENGTH.size, place)
            (size,) = _LENGTH.unpack(length)
            if size > MAX_MESSAGE:
                raise _damaged(place, f"it claims {size} bytes")
            yield decode_example(_checked(file.read(size + _CRC.size), size, place), place)


def masked_crc(data: bytes) -> int:
    """The masked CRC-32C of ``data``, 32 bits."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def encode_example(record: Record) -> bytes:
    """A row as a ``tf.train.Example``, features in the order of the columns."""
    features = b""
    for name, value in record.items():
        if isinstance(value, int):
            feature = _field(3, _field(1, _varint(value)))
        else:
            feature = _field(1, _field(1, value.encode()))
        features += _field(1, _field(1, name.encode()) + _field(2, feature))
    return _field(1, features)


def decode_example(message: bytes, place: str) -> Record:
    """The row of a ``tf.train.Example`` with one value a feature; ``BadInput``, naming ``place``, for any other."""
    try:
        found: Record = {}
        for number, entry in _fields(_only(message, 1)):
            (_, name), (_, feature) = _fields(entry)
            ((kind, values),) = _fields(feature)
            value = _only(values, 1)
            if number != 1 or kind not in (1, 3):
                raise ValueError("a feature of another kind")
            found[name.decode()] = value.decode() if kind == 1 else _whole_varint(value)
        return {name: found[name] for name in COLUMNS}
    except (ValueError, IndexError, KeyError) as error:
        raise _damaged(place, f"it holds no row ({error})") from error


def _checked(data: bytes, size: int, place: str) -> bytes:
    if len(data) != size + _CRC.size:
        raise _damaged(place, "the file ends inside it")
    if _CRC.unpack(data[size:]) != (masked_crc(data[:size]),):
        raise _damaged(place, "its checksum is wrong")
    return data[:size]


def _damaged(place: str, why: str) -> BadInput:
    return BadInput(f"{place} is damaged: {why}", input=place, hint="fetch the data again")


# --- protobuf's wire format, as far as it is needed ---


def _varint(value: int) -> bytes:
    if not 0 <= value < MAX_ROUND:
        raise BadInput(f"{value} does not fit into 63 bits", input="round", hint="use another format")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | _DELIMITED]) + _varint(len(data)) + data


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number without end")


def _whole_varint(data: bytes) -> int:
    value, end = _read_varint(data, 0)
    if end != len(data):
        raise ValueError("several numbers")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        size, at = _read_varint(data, at)
        if key & 7 != _DELIMITED or at + size > len(data):
            raise ValueError("a field of another type, or cut off")
        yield key >> 3, data[at : at + size]
        at += size


def _only(data: bytes, number: int) -> bytes:
    ((found, value),) = _fields(data)
    if found != number:
        raise ValueError("another field")
    return value
