"""Files that replace others, and who may read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.custody.board import Board
from oracle.custody.files import read_small, replacing, write_atomic, write_checked
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure


@pytest.fixture(params=[0o022, 0o027, 0o077, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_private_files_and_the_folders_made_for_them_are_the_owners(tmp_path: Path, umask: int) -> None:
    write_atomic(tmp_path / "a" / "b" / "key.json", b"secret", private=True)
    assert mode(tmp_path / "a" / "b" / "key.json") == 0o600
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_other_files_are_for_whom_the_umask_lets(tmp_path: Path, umask: int) -> None:
    write_atomic(tmp_path / "open" / "file", b"")
    assert (mode(tmp_path / "open" / "file"), mode(tmp_path / "open")) == (0o666 & ~umask, 0o777 & ~umask)


def test_a_folder_that_was_there_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    write_atomic(tmp_path / "shared" / "key.json", b"secret", private=True)
    assert mode(tmp_path / "shared") == 0o755


def test_what_does_not_read_back_never_takes_the_place(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    write_checked(path, b"old", Path.read_bytes, b"old")

    def damaged(beside: Path) -> bytes:
        assert beside != path and beside.read_bytes() == b"new" and path.read_bytes() == b"old"
        raise CheckFailed("damaged")

    for read in (damaged, lambda beside: beside.read_bytes()[:2]):
        with pytest.raises(EnvironmentFailure, match="would not hold") as failure:
            write_checked(path, b"new", read, b"new")
        assert failure.value.input == str(path)
        assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"old")
    with pytest.raises(KeyError), replacing(tmp_path / "file") as file:
        file.write(b"new")
        raise KeyError
    assert (tmp_path / "file").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_small_files_are_read_in_bounds(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_small(tmp_path / "file", "note", most=5) == b"12345"
    for path, told in (
        (tmp_path / "file", "above 4 bytes"),
        (Path("/dev/zero"), "above 4 bytes"),
        (tmp_path, "is a folder"),
        (tmp_path / "none", "there is no note"),
        (tmp_path / "file" / "none", "there is no note"),
    ):
        with pytest.raises(BadInput, match=told) as refused:
            read_small(path, "note", most=4)
        assert refused.value.input == str(path)


def test_what_others_put_on_a_board_is_replaced_and_not_followed(tmp_path: Path) -> None:
    board, slot = Board(tmp_path), tmp_path / "rounds" / "1-0xab-1" / "wraps"
    slot.parent.mkdir(parents=True)
    (tmp_path / "own").write_bytes(b"mine")
    for plant in (os.mkfifo, lambda path: path.symlink_to(tmp_path / "own")):
        slot.unlink(missing_ok=True)
        plant(slot)
        board.publish("1-0xab-1", "wraps", b"shown")
        assert board.read("1-0xab-1", "wraps") == b"shown"
    assert (tmp_path / "own").read_bytes() == b"mine"
