import bz2
import gzip
import hashlib
import io
import lzma
import random
import re
from pathlib import Path

import pytest
import zstandard

from oracle.custody import car, unixfs, varint
from oracle.custody import cid as cids
from oracle.custody.local import LocalStore
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
    for size in (b"\x80\x80\x80\x80\x80\x80\x80\x80\x7f", b"\x80\x80\x41", b"\x80" * 9, b"\x00x", b"\x05abcde"):
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


# --- of other programs ---

FILE = list(unixfs.build([random.Random(2).randbytes(1_500_000)]))
WHOLE = a_car(FILE[-1].cid, FILE)
FOUND = (FILE[-1].cid, [(block.cid, block.data) for block in FILE])


@pytest.mark.parametrize("count", [1, 2, 100, 70_000])
def test_zero_bytes_may_follow_the_last_block(count: int) -> None:
    assert all_of(WHOLE + bytes(count)) == FOUND
    for after in (b"x", car.section(FILE[0].cid, FILE[0].data), b"\x01"):
        for more in (b"", bytes(5)):
            with pytest.raises(CheckFailed, match="zero bytes, and more after them"):
                all_of(WHOLE + bytes(count) + after + more)


def version_2(inside: bytes, *, start: int = 51, size: int | None = None, index: bytes = b"") -> bytes:
    words = (start, len(inside) if size is None else size, start + len(inside) if index else 0)
    pragma = bytes.fromhex("0aa16776657273696f6e02")
    head = pragma + bytes(16) + b"".join(word.to_bytes(8, "little") for word in words)
    return head + bytes(max(0, start - len(head))) + inside + index


@pytest.mark.parametrize("start", [51, 64, 4096])
@pytest.mark.parametrize("index", [b"", b"\x81\x08 an index of any kind"])
def test_version_2_is_read_up_to_its_index(start: int, index: bytes) -> None:
    assert all_of(version_2(WHOLE, start=start, index=index)) == FOUND
    assert all_of(version_2(WHOLE + bytes(9), start=start, index=index)) == FOUND
    _, found = car.read(Trickle(version_2(WHOLE, start=start, index=index)))
    assert list(found) == FOUND[1]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (version_2(WHOLE, size=0), "did not finish"),
        (version_2(WHOLE, start=0), "did not finish"),
        (version_2(WHOLE, size=len(WHOLE) - 1), "cut short"),
        (version_2(WHOLE, size=10), "cut short"),
        (version_2(WHOLE)[:40], "cut short"),
        (version_2(b"")[:27] + (1 << 60).to_bytes(8, "little") * 2 + bytes(8) + WHOLE, "cut short"),
        (version_2(version_2(WHOLE)), "version 2"),
    ],
)
def test_a_version_2_that_is_not_whole(data: bytes, why: str) -> None:
    with pytest.raises(CheckFailed, match=why):
        all_of(data)


def cbor(raw: bytes) -> bytes:
    return b"\xd8\x2a\x58" + bytes([len(raw) + 1]) + b"\x00" + raw


def header_of(*roots: bytes, version: int = 1) -> bytes:
    head = b"\xa2\x65roots" + bytes([0x80 + len(roots)]) + b"".join(map(cbor, roots))
    head += b"\x67version" + bytes([version])
    return varint.encode(len(head)) + head


SHA256 = hashlib.sha256(b"x").digest()


@pytest.mark.parametrize("version_first", [False, True])
def test_a_root_of_version_0_is_read(version_first: bool) -> None:
    """Kubo's default names the root so, and the blocks too."""
    root = FILE[-1]
    old = cids.to_bytes(root.cid)[2:]
    head = header_of(old)
    if version_first:
        head = varint.encode(len(head) - 1) + b"\xa2\x67version\x01\x65roots\x81" + cbor(old)
    blocks = b"".join(car.section(block.cid, block.data) for block in FILE[:-1])
    assert all_of(head + blocks + varint.encode(34 + len(root.data)) + old + root.data) == FOUND
    assert all_of(head + blocks + car.section(root.cid, root.data)) == FOUND


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (gzip.compress(WHOLE), "gzip"),
        (zstandard.compress(WHOLE), "zstd"),
        (lzma.compress(WHOLE), "xz"),
        (bz2.compress(WHOLE), "bzip2"),
        (b"PK\x03\x04" + bytes(50), "ZIP"),
        (b"<!DOCTYPE html><title>504 Gateway Time-out</title>", "web page"),
        (b"\xef\xbb\xbf\n <html>", "web page"),
        (b'{"Message": "not found"}', "JSON"),
        (header_of(), "no roots"),
        (header_of(cids.to_bytes(ROOT), cids.to_bytes(FILE[-1].cid)), "2 roots"),
        (header_of(cids.to_bytes(ROOT), version=3), "version 3"),
        (header_of(b"\x01\x71\x12\x20" + SHA256), "dag-cbor"),
        (header_of(b"\x01\x55\x13\x40" + SHA256 * 2), "sha2-512"),
        (header_of(b"\x01\x55\xa0\xe4\x02\x20" + SHA256), "blake2b-256"),
        (header_of(b"\x01\x55\x00\x05hello"), "identity"),
        (header_of(cids.to_bytes(ROOT))[:30], "cut short"),
        (b"\x80\x80\x80\x80\x80\x80\x80\x80\x7f" + b"x" * 100, "at most"),
        (varint.encode(60_000) + b"\x81" * 60_000, "levels"),
        (varint.encode(60_000) + b"\x9b" + b"\xff" * 59_999, "header"),
        (varint.encode(11) + b"\xa2\x65roots\x80\x61v\x01", "version and roots"),
        (header_of(cids.to_bytes(ROOT)) + varint.encode(2 + 4) + b"\x01\x71\x12\x20xx", "dag-cbor"),
        (header_of(cids.to_bytes(ROOT)) + varint.encode(6 + 5) + b"\x01\x55\x00\x05hello" + b"ab", "identity"),
        (header_of(cids.to_bytes(ROOT)) + varint.encode(1 << 40), "1099511627776 bytes"),
    ],
)
def test_what_is_not_read_is_told_by_what_it_is(data: bytes, why: str) -> None:
    with pytest.raises(CheckFailed, match=re.escape(why)) as failure:
        all_of(data)
    assert failure.value.hint


def test_bytes_and_directories_in_nodes_are_refused_with_the_way_out(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for data, why in (
        (b"\n\x0b\x08\x02\x12\x05hello\x18\x05", "bytes inside a node"),
        (b"\n\x02\x08\x01", "a directory"),
        (b"\n\x02\x08\x04", "a symbolic link"),
    ):
        root = cids.of(data, cids.DAG_PB)
        with pytest.raises(CheckFailed, match=why) as failure:
            store.import_car(io.BytesIO(a_car(root, [Block(root, data, 5)])))
        assert "--raw-leaves" in failure.value.hint and not store.has(root)


def test_a_car_of_crumbs_is_given_up_early(tmp_path: Path) -> None:
    crumbs = [Block(cids.of(word), word, 4) for word in (n.to_bytes(4, "big") for n in range(24_000))]
    data = a_car(crumbs[0].cid, crumbs)
    assert len(data) < 1_000_000
    with pytest.raises(CheckFailed, match="finer"):
        LocalStore(tmp_path).import_car(io.BytesIO(data))
    assert len(list(tmp_path.rglob("baf*"))) <= 1024
