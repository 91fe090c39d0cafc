"""Compressed streams that end when they should: damage and bombs raise instead of reading short or for ever."""

from __future__ import annotations

import io
from typing import IO, Protocol

import zstandard

MAX_RATIO = 1000  # DEFLATE itself cannot exceed 1032 to 1
FREE = 256 * 2**20  # bytes; this much may always come out, whatever the ratio
_WINDOW = 2**27
_CHUNK = 2**18


class Readable(Protocol):
    """Anything that gives bytes, b"" at its end."""

    def read(self, size: int = -1, /) -> bytes: ...


class DamagedStreamError(Exception):
    """A compressed stream is damaged, or larger than anything honest."""


class ZstdReader(io.RawIOBase):
    """Zstandard frames as a raw stream; unlike the library's own reader it notices a file that stops early."""

    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__()
        self._raw = raw
        self._frames = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._frame = self._frames.decompressobj()
        self._pending = b""
        self._started = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, b"" at the end; ``size`` must be positive, as a buffered reader asks."""
        while not self._pending:
            data = self._frame.unused_data if self._frame.eof else b""
            data = data or self._raw.read(_CHUNK)
            if not data:
                if self._started and not self._frame.eof:
                    raise DamagedStreamError("ends in the middle of a Zstandard frame")
                return b""
            if self._frame.eof:
                self._frame = self._frames.decompressobj()
            self._started = True
            try:
                self._pending = self._frame.decompress(data)
            except zstandard.ZstdError as error:
                raise DamagedStreamError(f"damaged Zstandard data: {error}") from error
        piece, self._pending = self._pending[:size], self._pending[size:]
        return piece


class Bounded(io.RawIOBase):
    """A stream that refuses to give more than ``limit`` bytes (or 256 MiB, whichever is more)."""

    def __init__(self, inner: Readable, limit: int) -> None:
        super().__init__()
        self._inner = inner
        self._left = max(limit, FREE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer)) or b""
        self._left -= len(data)
        if self._left < 0:
            raise DamagedStreamError("decompresses to more than a corpus could: refused as a decompression bomb")
        buffer[: len(data)] = data
        return len(data)
