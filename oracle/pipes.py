"""Opening what somebody named: a pipe to which nobody writes would keep the program waiting for ever."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def open_at_once(path: Path) -> BinaryIO:
    """``path`` opened for reading. A pipe that has no writer at this moment is at its end; one that has is waited for.

    Raises ``OSError`` as ``open`` does, also for a socket.
    """
    return open(path, "rb", opener=_at_once)


def _at_once(name: str, flags: int) -> int:
    handle = os.open(name, flags | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    return handle
