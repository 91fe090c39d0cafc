"""WebDataset: tar shards in which a row is two entries, ``KEY.txt`` (the text) and ``KEY.json`` (its other columns).

Keys are the shard's and the row's number: ids are the provider's and would name any path. Entries carry no date, owner
or mode of this machine, so that the same rows give the same bytes.
"""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from oracle.corpus.exports.rows import COLUMNS, Record
from oracle.errors import BadInput

BLOCK = 512
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s167x")


class WebDataset:
    """Writes pairs of entries."""

    def __init__(self, file: BinaryIO, shard: int) -> None:
        self._file = file
        self._shard = shard
        self._rows = 0

    def write(self, record: Record) -> None:
        key = f"{self._shard:05d}-{self._rows:08d}"
        others = {name: value for name, value in record.items() if name != "text"}
        self._add(f"{key}.txt", record["text"].encode())
        self._add(f"{key}.json", orjson.dumps(others))
        self._rows += 1

    def finish(self) -> None:
        self._file.write(bytes(2 * BLOCK))  # the end of an archive

    def _add(self, name: str, data: bytes) -> None:
        self._file.write(header(name, len(data)) + data + bytes(-len(data) % BLOCK))


def header(name: str, size: int) -> bytes:
    """The header of a file in a ustar archive (POSIX.1-1988): ``name`` of at most 100 bytes, ``size`` below 8 GiB."""
    none, blank = b"0000000\0", b" " * 8
    date, magic = b"%011o\0" % 0, (b"ustar\0", b"00")
    fields = _HEADER.pack(
        name.encode(), b"0000644\0", none, none, b"%011o\0" % size, date, blank, b"0", b"", *magic, b"", b"", b"", b""
    )
    checksum = b"%06o\0 " % sum(fields)  # over a header in which the checksum's own place is blank
    return fields.replace(blank, checksum, 1)


def read_webdataset(path: Path) -> Iterator[Record]:
    """Rows of a shard."""
    try:
        with tarfile.open(path, "r:") as tar:
            pending: tuple[str, str] | None = None
            while entry := tar.next():
                tar.members.clear()  # type: ignore[attr-defined]  # it remembers every entry it ever saw
                key, _, suffix = entry.name.partition(".")
                content = tar.extractfile(entry)
                data = content.read() if content else b""
                if suffix == "txt" and pending is None:
                    pending = key, data.decode()
                elif suffix == "json" and pending and pending[0] == key:
                    others, pending = orjson.loads(data) | {"text": pending[1]}, None
                    yield {name: others[name] for name in COLUMNS}
                else:
                    raise ValueError(f"{entry.name} does not follow its text")
            if pending:
                raise ValueError(f"{pending[0]}.json is missing")
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no shard of an export: {error}", input=str(path), hint="fetch it again") from error
