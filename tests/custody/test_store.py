import contextlib
import hashlib
import io
import itertools
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oracle.custody.board import MAX_SLOT
from oracle.custody.store import (
    MAX_BLOCK,
    Board,
    LocalStore,
    block_cid,
    cid_to_digest,
    digest_to_cid,
    open_store,
    round_key,
)
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure


def test_content_ids_are_those_of_ipfs() -> None:
    # `ipfs add --cid-version=1 --raw-leaves` of "hello world" without a line feed
    assert block_cid(b"hello world") == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    digest = hashlib.sha256(b"x").digest()
    assert cid_to_digest(digest_to_cid(digest)) == digest


@pytest.mark.parametrize(
    "cid",
    [
        "",
        "b",
        "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o",  # version 0
        "bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",  # dag-cbor
        block_cid(b"x").upper(),
        block_cid(b"x") + "=",
        block_cid(b"x")[:-1],
        "../" + block_cid(b"x"),
        "bé",
    ],
)
def test_other_content_ids_are_refused(cid: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        LocalStore(tmp_path).get(cid)


def test_blocks_come_back_and_stay_single(tmp_path: Path) -> None:
    store = open_store(f"local:{tmp_path}")
    blocks = [b"", b"x", bytes(MAX_BLOCK)]
    for block in blocks * 2:
        assert store.get(store.put(block)) == block
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == len(blocks)
    assert store.has(block_cid(b"x")) and not store.has(block_cid(b"y"))


def test_missing_and_oversized(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with pytest.raises(CheckFailed) as missing:
        store.get(block_cid(b"never stored"))
    assert missing.value.input == block_cid(b"never stored")
    with pytest.raises(BadInput):
        store.put(bytes(MAX_BLOCK + 1))
    with pytest.raises(BadInput):
        open_store("ftp:there")


@pytest.mark.parametrize("damage", [b"tex", b"texT", b"text ", b"", bytes(MAX_BLOCK + 5)])
def test_an_altered_block_fails_by_name_and_is_healed_by_its_author(tmp_path: Path, damage: bytes) -> None:
    store = LocalStore(tmp_path)
    cid = store.put(b"text")
    (path,) = (path for path in tmp_path.rglob("bafkrei*"))
    path.write_bytes(damage)
    with pytest.raises(CheckFailed) as failure:
        store.get(cid)
    assert failure.value.input == cid
    store.put(b"text")
    assert store.get(cid) == b"text"


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", Path("/proc/1/nowhere")):
        with pytest.raises(EnvironmentFailure) as failure:
            LocalStore(place).put(b"text")
        assert str(place) in failure.value.input


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    board = Board(tmp_path)
    board.publish("1-0xab-0", "report", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFailure) as failure:
        board.publish("1-0xab-0", "report", b"new")
    assert "No space left" in str(failure.value)
    assert board.read("1-0xab-0", "report") == b"old"
    assert board.list("1-0xab-0") == ("report",) and len(list(tmp_path.rglob("*.part"))) == 0


def test_a_disk_that_runs_full_in_the_middle_publishes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves = [bytes([i]) * MAX_BLOCK for i in range(5)]
    store, calls, sync = LocalStore(tmp_path), itertools.count(), os.fsync

    def full(handle: int) -> None:
        if next(calls) == 6:
            raise OSError(28, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(EnvironmentFailure) as failure:
            store.add(leaves)
    assert "No space left" in str(failure.value)
    assert not list(tmp_path.rglob("bafybei*")) and not list(tmp_path.rglob("*.part"))
    content = store.add(leaves)
    assert b"".join(store.read(content.cid, max_size=content.size)) == b"".join(leaves)


def aged(folder: Path, seconds: float) -> None:
    """As if everything had been stored so long ago."""
    for path in (folder / "blocks").glob("*/*"):
        os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_what_is_fresh_outlives_garbage_collection_without_a_pin(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    old, again, pinned = store.put(b"old"), store.put(b"stored again"), store.put(b"pinned and let go")
    aged(tmp_path, 25 * 3600)
    new = store.put(b"new")
    assert store.put(b"stored again") == again
    store.pin(pinned, "name")
    store.unpin("name")
    assert store.collect_garbage() == 1
    assert [store.has(cid) for cid in (old, again, pinned, new)] == [False, True, True, True]


def test_garbage_collection_removes_leftovers_of_interrupted_writes(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, fresh=3600)
    cid = store.put(b"text")
    left = next((tmp_path / "blocks").iterdir()) / f".{cid}.x1.part"
    left.write_bytes(b"te")
    assert store.collect_garbage() == 0 and left.exists()
    aged(tmp_path, 7200)
    assert store.collect_garbage() == 1 and not left.exists()
    assert LocalStore(tmp_path / "nothing").collect_garbage() == 0


def test_nothing_is_removed_while_a_pinned_file_is_broken(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, fresh=0)
    root = store.add([bytes(MAX_BLOCK), b"end"]).cid
    store.pin(root, "kept")
    waste, lost = store.put(b"waste"), block_cid(b"end")
    (path,) = tmp_path.rglob(lost)
    path.unlink()
    with pytest.raises(CheckFailed) as failure:
        store.collect_garbage()
    assert lost in str(failure.value) and "kept" in str(failure.value)
    assert store.has(waste) and store.has(root)


def test_a_damaged_pin_stops_garbage_collection(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, fresh=0)
    store.pin(store.put(b"text"), "kept")
    (tmp_path / "pins" / "kept").write_bytes(b"\xffgarbage")
    with pytest.raises(CheckFailed) as failure:
        store.collect_garbage()
    assert "kept" in str(failure.value) and store.has(block_cid(b"text"))


def test_storing_and_pinning_go_on_while_garbage_is_collected(tmp_path: Path) -> None:
    """What a writer was told to be stored, and pinned, is there: whatever was collected meanwhile."""
    blocks = [f"block {i}".encode() for i in range(120)]
    collector, stop = LocalStore(tmp_path, fresh=0), threading.Event()
    wrong: list[Exception] = []
    for block in blocks:
        collector.put(block)

    def collect() -> None:
        while not stop.is_set():
            try:
                collector.collect_garbage()
            except CheckFailed:  # a pin whose file was collected before it was marked: it is taken back
                continue
            except Exception as error:
                wrong.append(error)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        writer = LocalStore(tmp_path)
        for number, block in enumerate(blocks):
            for _ in range(100):
                try:
                    writer.pin(writer.put(block), f"pin-{number}")
                    break
                except CheckFailed:  # collected between the two: store it again
                    continue
    finally:
        stop.set()
        thread.join()
    collector.collect_garbage()
    assert wrong == []
    assert [writer.get(block_cid(block)) for block in blocks] == blocks


def test_reading_holds_a_block_at_a_time(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    content = store.add(number.to_bytes(8, "big") * (MAX_BLOCK // 8) for number in range(64))
    tracemalloc.start()
    try:
        for _ in store.read(content.cid, max_size=content.size):
            pass
        store.export_car(content.cid, Nowhere())
        again = store.add(number.to_bytes(8, "big") * (MAX_BLOCK // 8) for number in range(64))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert again == content and peak < 8 * MAX_BLOCK


class Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)


def test_board_keeps_slots_apart(tmp_path: Path) -> None:
    board, key = Board(tmp_path), round_key(31337, "0xAB", 3)
    assert key == "31337-0xab-3" and board.list(key) == () and board.read(key, "a") is None
    board.publish(key, "b", b"1")
    board.publish(key, "a", b"2")
    board.publish(key, "a", b"3")
    board.publish(round_key(31337, "0xAB", 4), "c", b"4")
    assert board.list(key) == ("a", "b") and board.read(key, "a") == b"3"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "a\0b", "x" * 201])
def test_board_names_cannot_leave_the_board(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        Board(tmp_path).publish("1-0xab-0", name, b"")
    with pytest.raises(BadInput):
        Board(tmp_path).read(name, "report")


# --- what is no file ---


def put_pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def put_folder(path: Path) -> None:
    path.mkdir(parents=True)


def put_link(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/dev/zero")


def put_socket(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as one, contextlib.chdir(path.parent):
        one.bind(path.name)  # addresses of sockets are short


ODD = [put_pipe, put_folder, put_link, put_socket]


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file_is_no_slot(tmp_path: Path, odd: Callable[[Path], None]) -> None:
    odd(tmp_path / "rounds" / "1-0xab-0" / "wraps")
    board = Board(tmp_path)
    with pytest.raises(CheckFailed, match="slot wraps of 1-0xab-0 is refused: not a regular file") as failure:
        board.read("1-0xab-0", "wraps")
    assert failure.value.input == "wraps" and failure.value.hint


def test_a_slot_is_bounded(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.publish("1-0xab-0", "whole", bytes(MAX_SLOT))
    board.publish("1-0xab-0", "more", b"")
    os.truncate(tmp_path / "rounds" / "1-0xab-0" / "more", 1 << 40)  # a terabyte that takes no room
    assert len(board.read("1-0xab-0", "whole") or b"") == MAX_SLOT
    with pytest.raises(CheckFailed, match="slot more"):
        board.read("1-0xab-0", "more")


def test_a_board_is_listed_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.custody.board.MAX_SLOTS", 3)
    board = Board(tmp_path)
    for name in "abc":
        board.publish("1-0xab-0", name, b"")
    assert board.list("1-0xab-0") == ("a", "b", "c")
    board.publish("1-0xab-0", "d", b"")
    with pytest.raises(CheckFailed, match="more than 3 slots"):
        board.list("1-0xab-0")


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file_is_no_block(tmp_path: Path, odd: Callable[[Path], None]) -> None:
    store, cid = LocalStore(tmp_path, fresh=0), block_cid(b"a block")
    path = tmp_path / "blocks" / cid[-2:] / cid
    odd(path)
    assert not store.has(cid)
    for call in (
        lambda: store.get(cid),
        lambda: list(store.read(cid, max_size=100)),
        lambda: store.pin(cid, "odd"),
        lambda: store.export_car(cid, io.BytesIO()),
    ):
        with pytest.raises(CheckFailed, match="not a regular file") as failure:
            call()
        assert failure.value.input == cid
    if odd is not put_folder:
        assert store.put(b"a block") == cid and store.get(cid) == b"a block"  # it takes the place of what was there
    store.pin(store.put(b"another"), "kept")
    store.collect_garbage()
    assert store.pins().keys() == {"kept"}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file_is_no_pin(tmp_path: Path, odd: Callable[[Path], None]) -> None:
    store = LocalStore(tmp_path)
    cid = store.put(b"a block")
    odd(tmp_path / "pins" / "odd")
    for call in (store.pins, store.collect_garbage, lambda: store.pin(cid, "odd")):
        with pytest.raises(EnvironmentFailure, match="pins/odd: not a regular file"):
            call()


def test_a_pin_of_any_length_is_read_in_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "pins").mkdir(parents=True)
    with (tmp_path / "pins" / "long").open("wb") as file:
        file.truncate(1 << 40)
    assert len(store.pins()["long"]) <= 200
    with pytest.raises(CheckFailed, match="the pin long is broken"):
        store.collect_garbage()
