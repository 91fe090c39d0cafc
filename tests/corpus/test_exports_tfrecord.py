"""TFRecord's framing against published numbers, and against damage."""

from __future__ import annotations

import struct
from pathlib import Path

import google_crc32c
import pytest

from oracle.corpus.exports.rows import COLUMNS, Record
from oracle.corpus.exports.tfrecord import TFRecord, decode_example, encode_example, masked_crc, read_tfrecord
from oracle.errors import BadInput

ROW: Record = {name: f"the {name}" for name in COLUMNS} | {"round": 1 << 40}

RFC_3720 = {  # section B.4
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
    bytes(range(31, -1, -1)): 0x113FDB5C,
    bytes.fromhex(
        "01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000"
    ): 0xD9963A56,
}


@pytest.mark.parametrize(("data", "crc"), RFC_3720.items())
def test_the_checksum_is_that_of_the_rfc(data: bytes, crc: int) -> None:
    assert google_crc32c.value(data) == crc
    rotated = int(f"{crc:032b}"[-15:] + f"{crc:032b}"[:-15], 2)
    assert masked_crc(data) == (rotated + 0xA282EAD8) % 2**32


def test_a_record_is_framed_as_tensorflow_frames_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.tfrecord"
    with path.open("wb") as file:
        writer = TFRecord(file, 0)
        writer.write(ROW)
        writer.write(ROW | {"text": ""})
        writer.finish()
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    assert struct.unpack("<I", data[8:12]) == (slow_masked_crc(data[:8]),)
    assert data[12 : 12 + size] == encode_example(ROW)
    assert struct.unpack("<I", data[12 + size : 16 + size]) == (slow_masked_crc(data[12 : 12 + size]),)
    assert list(read_tfrecord(path)) == [ROW, ROW | {"text": ""}]


def slow_masked_crc(data: bytes) -> int:
    """CRC-32C bit by bit (polynomial 0x1EDC6F41, reflected), masked."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def test_every_damage_is_seen(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole", tmp_path / "damaged"
    with whole.open("wb") as file:
        TFRecord(file, 0).write(ROW)
    data = whole.read_bytes()
    for at in range(1, len(data)):
        path.write_bytes(data[:at])
        with pytest.raises(BadInput, match="damaged"):
            list(read_tfrecord(path))
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(BadInput, match="damaged"):
            list(read_tfrecord(path))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x0a",
        b"\x0a\x00\x0a\x00",
        b"\x0a\x02\x0a\x00",
        b"\x08\x01",
        b"\xff" * 20,
        encode_example(ROW)[:-1],
        encode_example(dict.fromkeys(COLUMNS[1:], "x")),
    ],
)
def test_other_messages_are_refused(message: bytes) -> None:
    with pytest.raises(BadInput, match="this record"):
        decode_example(message, "this record")


def test_a_claim_of_a_terabyte_is_not_believed(tmp_path: Path) -> None:
    length = struct.pack("<Q", 1 << 40)
    path = tmp_path / "rows.tfrecord"
    path.write_bytes(length + struct.pack("<I", masked_crc(length)) + b"x")
    with pytest.raises(BadInput, match="claims"):
        list(read_tfrecord(path))
