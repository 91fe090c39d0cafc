"""Reading files in folders that others write to: a pipe would never end, a device never stop, a link lead away."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class NotRegularError(OSError):
    """A pipe, a device, a link or a folder where a file should be."""


def read(path: Path, most: int) -> bytes:
    """Up to ``most`` bytes of a file; ``NotRegularError`` for anything else, another ``OSError`` where it fails."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            raise NotRegularError("not a regular file") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotRegularError("not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(handle)


def clear(path: Path) -> None:
    """Remove a pipe, a link or a socket that somebody put in a file's place; ``OSError`` where that fails."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISFIFO(kind) or stat.S_ISLNK(kind) or stat.S_ISSOCK(kind):
        path.unlink(missing_ok=True)


def size(path: Path) -> int | None:
    """The bytes of a file; None where there is no regular file."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
