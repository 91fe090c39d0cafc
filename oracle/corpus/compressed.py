"""Compressed streams that end when they should: damage and bombs raise instead of reading short or for ever."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, cast

import zstandard

from oracle.corpus.allowance import Allowance

COMPRESSED = (".gz", ".zst")
_WINDOW = 2**27
_CHUNK = 2**18
_PIECE = 2**9  # bytes given to the library at once: it answers with all that they come to, at most 16 MiB


class Readable(Protocol):
    """Anything that gives bytes, b"" at its end."""

    def read(self, size: int = -1, /) -> bytes: ...


class DamagedStreamError(Exception):
    """A compressed stream is damaged."""


@contextmanager
def open_stream(path: Path, allowance: Allowance) -> Iterator[io.BufferedReader]:
    """The bytes of a file, unpacked where its name says that it is packed, and then at most ``allowance``.

    Raises:
        DamagedStreamError, zlib.error, gzip.BadGzipFile, EOFError: while reading, for a damaged file.
        BombError: while reading, when the allowance is spent.
    """
    with io.BufferedReader(path.open("rb", buffering=0), 2**20) as raw:
        if path.suffix.lower() not in COMPRESSED:
            yield cast(io.BufferedReader, raw)
            return
        inner: Readable = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else ZstdReader(raw)
        yield io.BufferedReader(Bounded(inner, allowance), 2**20)


class ZstdReader(io.RawIOBase):
    """Zstandard frames as a raw stream; unlike the library's own reader it notices a file that stops early."""

    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__()
        self._raw = raw
        self._frames = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._frame = self._frames.decompressobj()
        self._packed = memoryview(b"")
        self._pending = memoryview(b"")
        self._started = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, b"" at the end; ``size`` must be positive, as a buffered reader asks."""
        self._pending = self._pending or memoryview(self._unpacked())
        given, self._pending = self._pending[:size], self._pending[size:]
        return bytes(given)

    def _unpacked(self) -> bytearray:
        """The next bytes: ``_CHUNK``, and up to what one more piece comes to; none at the end."""
        found = bytearray()
        while len(found) < _CHUNK:
            self._packed = self._packed or memoryview(self._raw.read(_CHUNK))
            if not self._packed:
                if self._started and not self._frame.eof and not found:
                    raise DamagedStreamError("ends in the middle of a Zstandard frame")
                break
            if self._frame.eof:
                self._frame = self._frames.decompressobj()
            self._started = True
            piece = self._packed[:_PIECE]
            try:
                found += self._frame.decompress(piece)
            except zstandard.ZstdError as error:
                raise DamagedStreamError(f"damaged Zstandard data: {error}") from error
            self._packed = self._packed[len(piece) - len(self._frame.unused_data) :]
        return found


class Bounded(io.RawIOBase):
    """A stream that gives no more bytes than an allowance has left."""

    def __init__(self, inner: Readable, allowance: Allowance) -> None:
        super().__init__()
        self._inner = inner
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer)) or b""
        self._allowance.take(len(data))
        buffer[: len(data)] = data
        return len(data)
