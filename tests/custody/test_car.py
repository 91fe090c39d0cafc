import io
import random

import pytest

from oracle.custody import car, unixfs
from oracle.custody import cid as cids
from oracle.custody.unixfs import Block
from oracle.errors import CheckFailed

ROOT = cids.of(b"hello world")


def a_car(root: str, blocks: list[Block]) -> bytes:
    out = io.BytesIO()
    car.write(out, root, ((block.cid, block.data) for block in blocks))
    return out.getvalue()


def all_of(data: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    root, blocks = car.read(io.BytesIO(data), "here")
    return root, list(blocks)


def test_the_format_byte_by_byte() -> None:
    written = a_car(ROOT, [Block(ROOT, b"hello world", 11)])
    # as `ipfs dag export` writes it: {"roots": [ROOT], "version": 1} in DAG-CBOR, then length, id, bytes
    header = bytes.fromhex("a265726f6f747381d82a582500") + cids.to_bytes(ROOT) + bytes.fromhex("6776657273696f6e01")
    assert written == bytes([len(header)]) + header + bytes([36 + 11]) + cids.to_bytes(ROOT) + b"hello world"
    assert len(header) == 58
    assert all_of(written) == (ROOT, [(ROOT, b"hello world")])


def test_files_come_back() -> None:
    blocks = list(unixfs.build([random.Random(1).randbytes(3_000_000)]))
    root, found = all_of(a_car(blocks[-1].cid, blocks))
    assert root == blocks[-1].cid and found == [(block.cid, block.data) for block in blocks]


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.data.read(min(size, 7))


def test_a_slow_pipe_is_read_to_its_end() -> None:
    blocks = list(unixfs.build([bytes(5000)]))
    _, found = car.read(Trickle(a_car(blocks[-1].cid, blocks)))
    assert list(found) == [(block.cid, block.data) for block in blocks]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a car at all",
        bytes.fromhex("0aa16776657273696f6e02") + bytes(100),  # CAR version 2
        b"\x3a" + bytes(58),
        b"\xff" * 20,
        bytes.fromhex("11a265726f6f7473806776657273696f6e01"),  # no root
    ],
)
def test_what_does_not_begin_as_a_car_is_refused(data: bytes) -> None:
    with pytest.raises(CheckFailed) as failure:
        all_of(data)
    assert "here" in str(failure.value)


def test_a_root_of_an_unknown_kind_is_refused() -> None:
    data = a_car(ROOT, []).replace(b"\x01\x55\x12\x20", b"\x01\x71\x12\x20")
    with pytest.raises(CheckFailed):
        all_of(data)


def test_blocks_of_unknown_kinds_and_great_sizes_are_refused_unread() -> None:
    start = car.header(ROOT)
    for codec in (0x71, 0x0129):
        with pytest.raises(CheckFailed):
            all_of(start + bytes([40, 1, codec & 0xFF, 0x12, 0x20]) + bytes(36))
    for size in (b"\x80\x80\x80\x80\x80\x80\x80\x80\x7f", b"\x80\x80\x41", b"\x80" * 9, b"\x00", b"\x05abcde"):
        with pytest.raises(CheckFailed):
            all_of(start + size + bytes(100))


def test_every_cut_and_every_flipped_bit_is_found() -> None:
    blocks = list(unixfs.build([b"some text"]))
    whole = a_car(ROOT, blocks)
    for end in range(len(whole)):
        if end != len(car.header(ROOT)):  # there it ends well, and the store finds the root missing
            with pytest.raises(CheckFailed):
                all_of(whole[:end])
    good = all_of(whole)
    for position in range(len(whole)):
        for bit in range(8):
            altered = bytearray(whole)
            altered[position] ^= 1 << bit
            try:
                found = all_of(bytes(altered))
            except CheckFailed:
                continue
            assert found[0] != good[0] and found[1] == good[1]  # another root: the store finds it missing
