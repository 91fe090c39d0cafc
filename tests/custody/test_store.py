import hashlib
import os
from pathlib import Path

import pytest

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
