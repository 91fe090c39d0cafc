"""Files that are either there in full or not there: temporary name, fsync, rename."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from oracle.errors import EnvironmentFailure


def write_atomic(path: Path, data: bytes, *, private: bool = False) -> None:
    """Put ``data`` at ``path`` in one step, replacing what was there; as :func:`replacing`."""
    with replacing(path, private=private) as file:
        file.write(data)


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` in one step when the block ends well; ``private`` for its owner only.

    Folders are made as needed. Raises ``EnvironmentFailure`` naming the path when the disk is full or read-only;
    then, or when the block raises, the old file is untouched and no temporary file stays behind.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if not private:
                os.fchmod(file.fileno(), 0o644)
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


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is: without this a power cut may forget it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
