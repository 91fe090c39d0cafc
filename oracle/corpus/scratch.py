"""Room on disk for what would not fit in memory: temporary files that grow and are read anywhere.

They lie in the folder that TMPDIR names, have no name of their own, and are gone when closed or collected, or when the
process ends, however it ends. Reads take no file position, so that iterators and forked processes can share a file.
What is on the disk is encrypted under a key that only this process has: the texts may be somebody's who lent them to be
scored, and the hashes of a text's words tell the text.
"""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import DTypeLike, NDArray

from oracle.errors import EnvironmentFailure


class Scratch:
    """Bytes on disk, ``size`` of them, under a random key (AES-256-CTR) that dies with the file.

    Raises:
        EnvironmentFailure: the disk is full or broken.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        with _explained():
            self._file = _temporary()
        self.size = 0
        self._flushed = 0

    def append(self, data: bytes | memoryview) -> None:
        """Write at the end."""
        with _explained():
            self._file.write(self._masked(self.size, data))
        self.size += len(data)

    def read(self, place: int, size: int) -> bytes:
        """``size`` bytes from ``place`` on, which must have been written."""
        parts, start = [], place
        with _explained():
            if self._flushed < self.size:
                self._file.flush()
                self._flushed = self.size
            while size:
                part = os.pread(self._file.fileno(), size, place)
                if not part:
                    raise OSError("a temporary file lost its end")
                parts.append(part)
                place += len(part)
                size -= len(part)
        return self._masked(start, b"".join(parts))

    def _masked(self, place: int, data: bytes | memoryview) -> bytes:
        """XOR with the key stream at ``place``: both ways the same."""
        block, skipped = divmod(place, 16)
        cipher = Cipher(AES256(self._key), CTR(block.to_bytes(16, "big"))).encryptor()
        cipher.update(bytes(skipped))
        return cipher.update(data)

    def close(self) -> None:
        """Give the room back; nothing can be read any more."""
        self._file.close()


class Column:
    """Numbers of one type on disk, in order of arrival; ``len`` of them, read by ``[start:stop]``."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._scratch = Scratch()

    def __len__(self) -> int:
        return self._scratch.size // self._dtype.itemsize

    def append(self, values: NDArray[Any]) -> None:
        """Add values at the end."""
        if len(values):
            self._scratch.append(np.ascontiguousarray(values, dtype=self._dtype).data.cast("B"))

    def __getitem__(self, part: slice) -> NDArray[Any]:
        start, stop, _ = part.indices(len(self))
        size = self._dtype.itemsize
        return np.frombuffer(self._scratch.read(start * size, max(0, stop - start) * size), dtype=self._dtype)

    def pieces(self, size: int) -> Iterator[NDArray[Any]]:
        """Everything in order, at most ``size`` values at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]


class Partitions:
    """Rows of ``width`` 64-bit numbers on disk, filed under small numbers, each file in order of arrival."""

    def __init__(self, count: int, width: int = 1) -> None:
        self._count = count
        self._width = width
        self._rows = Column(np.uint64)
        self._chunks: list[tuple[int, NDArray[np.int64]]] = []

    def __len__(self) -> int:
        return self._count

    def add(self, keys: NDArray[np.integer[Any]], *columns: NDArray[np.uint64]) -> None:
        """File one row per key; ``columns`` are the rows' ``width`` numbers."""
        ends = np.cumsum(np.bincount(keys, minlength=self._count))
        self._chunks.append((len(self._rows) // self._width, np.concatenate(([0], ends))))
        rows = np.stack(columns, axis=1)
        if (keys[1:] < keys[:-1]).any():
            rows = rows[np.argsort(keys.astype(np.min_scalar_type(self._count)), kind="stable")]
        self._rows.append(rows.reshape(-1))

    def read(self, key: int) -> tuple[NDArray[np.uint64], ...]:
        """The columns of all rows filed under ``key``."""
        width = self._width
        parts = [self._rows[(at + ends[key]) * width : (at + ends[key + 1]) * width] for at, ends in self._chunks]
        rows = np.concatenate(parts).reshape(-1, width) if parts else np.zeros((0, width), dtype=np.uint64)
        return tuple(rows.T)


def _temporary() -> BinaryIO:
    """A temporary file; where too many files are open, as many more are asked for as the system lets a process have."""
    try:
        return tempfile.TemporaryFile(prefix="mixed-mia-")
    except OSError as error:
        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if error.errno != errno.EMFILE or allowed == most:
            raise
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return tempfile.TemporaryFile(prefix="mixed-mia-")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = tempfile.gettempdir()
        message = f"no room for temporary files in {folder}: {error.strerror or error}"
        hint = "scoring takes some 60 bytes of disk a word: name a roomier folder in TMPDIR"
        raise EnvironmentFailure(message, input=folder, hint=hint) from error
