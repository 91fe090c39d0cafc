"""JSON lines, plain or as one Zstandard frame a shard: one object a line, UTF-8, columns in their order."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import zstandard

from oracle.corpus.allowance import Allowance
from oracle.corpus.compressed import Bounded, DamagedStreamError, ZstdReader
from oracle.corpus.exports.rows import Record
from oracle.errors import BadInput

LEVEL = 3


class JsonLines:
    """Writes lines."""

    def __init__(self, file: BinaryIO, shard: int) -> None:
        self._file = file

    def write(self, record: Record) -> None:
        self._file.write(orjson.dumps(record) + b"\n")

    def finish(self) -> None:
        """There is nothing left."""


class CompressedJsonLines:
    """Writes lines into a Zstandard frame with a checksum."""

    def __init__(self, file: BinaryIO, shard: int) -> None:
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._frame = compressor.stream_writer(file, closefd=False)

    def write(self, record: Record) -> None:
        self._frame.write(orjson.dumps(record) + b"\n")

    def finish(self) -> None:
        self._frame.close()  # type: ignore[no-untyped-call]


def read_lines(path: Path) -> Iterator[Record]:
    """Rows of a plain shard."""
    with path.open("rb") as file:
        yield from _parsed(file, path)


def read_compressed(path: Path) -> Iterator[Record]:
    """Rows of a compressed shard."""
    with path.open("rb") as file:
        try:
            # without limit: a shard is bounded when it is written, and its digest is known
            lines = io.BufferedReader(Bounded(ZstdReader(file), Allowance(None)), 1 << 20)
            yield from _parsed(cast(BinaryIO, lines), path)
        except DamagedStreamError as error:
            raise BadInput(f"{path} {error}", input=str(path), hint="fetch the data again") from error


def _parsed(lines: BinaryIO, path: Path) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            place = f"{path}:{number}"
            raise BadInput(f"{place} is not JSON: {error}", input=place, hint="fetch the data again") from error
