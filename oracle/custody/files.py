"""Files that are either there in full or not there: temporary name, fsync, rename. And small ones, read in bounds."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from oracle.custody import regular
from oracle.errors import BadInput, EnvironmentFailure, MiaError
from oracle.pipes import open_at_once

OWN_FILE, OWN_FOLDER = 0o600, 0o700
ANY_FILE, ANY_FOLDER = 0o666, 0o777  # less what the owner's umask takes away


def write_atomic(path: Path, data: bytes, *, private: bool = False) -> None:
    """Put ``data`` at ``path`` in one step, replacing what was there; as :func:`replacing`."""
    with replacing(path, private=private) as file:
        file.write(data)


def write_own(path: Path, data: bytes) -> None:
    """As :func:`write_atomic`, into a folder that others write to: a pipe or a link that was put there goes."""
    try:
        regular.clear(path)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write {path}: {error.strerror or error}", input=str(path), hint="check the folder's permissions"
        ) from error
    write_atomic(path, data)


def write_checked(path: Path, data: bytes, read: Callable[[Path], object], expected: object) -> None:
    """Put a private file that nobody can make again at ``path``: written beside it, read back, and only then in place.

    ``read`` opens the file beside and has to return ``expected``. Raises ``EnvironmentFailure`` when it does not, or
    when the disk fails; whatever was at ``path`` is still there then.
    """
    with replacing(path, private=True) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        cause: MiaError | None = None
        try:
            same = read(Path(file.name)) == expected
        except MiaError as error:
            same, cause = False, error
        if not same:
            raise EnvironmentFailure(
                f"{path} would not hold what was written", input=str(path), hint="use another disk"
            ) from cause


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` in one step when the block ends well; ``private`` for its owner only.

    Folders are made as needed, for their owner only where the file is. Raises ``BadInput``, before anything else, for
    what is no file's place, ``EnvironmentFailure`` naming the path when the disk is full or read-only; then, or when
    the block raises, the old file is untouched and no temporary file stays behind.
    """
    _require_replaceable(path)
    temporary: Path | None = None
    mode = OWN_FILE if private else ANY_FILE
    try:
        make_folder(path.parent, private=private)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            temporary = beside
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write {path}: {error.strerror or error}",
            input=str(path),
            hint="free some space, or choose a folder that you may write to",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _require_replaceable(path: Path) -> None:
    """``BadInput`` for a folder, a pipe, a link or a device: a file in its place would take it away from all others.

    Root, who may put one in the place of ``/dev/null``, would stop half of the machine.
    """
    try:
        found = os.lstat(path).st_mode
    except OSError:  # nothing is there, or its folder says below what is wrong
        return
    if not stat.S_ISREG(found):
        raise BadInput(
            f"{path} is no file that could be replaced", input=str(path), hint="give the path of a file, old or new"
        )


def make_folder(folder: Path, *, private: bool = False) -> None:
    """Make a folder and what is missing above it, all of them for their owner only if ``private``."""
    if not folder.is_dir():
        make_folder(folder.parent, private=private)
        folder.mkdir(mode=OWN_FOLDER if private else ANY_FOLDER, exist_ok=True)


def read_small(path: Path, what: str, *, most: int) -> bytes:
    """The bytes of a file, at most ``most`` of them. ``what`` it is called in messages: "bid file".

    Raises ``BadInput`` for a missing file, a folder or a longer file, ``EnvironmentFailure`` for one that cannot be
    read.
    """
    try:
        with open_at_once(path) as file:
            data = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(
            f"there is no {what} {path}", input=str(path), hint="check the path, or restore your copy"
        ) from error
    except IsADirectoryError as error:
        raise BadInput(f"{path} is a folder, no {what}", input=str(path), hint="check the path") from error
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot read {path}: {error.strerror or error}", input=str(path), hint="check its permissions"
        ) from error
    if len(data) > most:
        raise BadInput(f"{path} is no {what}: it is above {most} bytes", input=str(path), hint="check the path")
    return data


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is: without this a power cut may forget it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
