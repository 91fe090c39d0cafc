"""One shard in every format at once: each file hashed while it is written, and in place only when it is whole."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from oracle.corpus.exports.disk import explained, part_of
from oracle.corpus.exports.format import Format, ShardFile
from oracle.corpus.exports.rows import Record

NAME = "documents-{:05d}{}"


class Shard:
    """Rows on their way to disk: ``write`` them, then ``finish`` or ``abandon``.

    Raises:
        EnvironmentFailure: the disk is full or broken; whoever catches it abandons the shard.
    """

    def __init__(self, folder: Path, number: int, formats: Sequence[Format]) -> None:
        self.rows = 0
        self._places = [
            (folder / format.name, Path(format.folder, NAME.format(number, format.suffix))) for format in formats
        ]
        self._files: list[_Hashed] = []
        self._writers = []
        for format, (root, path) in zip(formats, self._places, strict=True):
            with explained(root / path):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                self._files.append(_Hashed(part_of(root / path)))
                self._writers.append(format.open(self._files[-1], number))  # type: ignore[arg-type]

    def write(self, record: Record) -> None:
        """Add a row to every file."""
        for writer, file in zip(self._writers, self._files, strict=True):
            with explained(file.path):
                writer.write(record)
        self.rows += 1

    def finish(self) -> list[ShardFile]:
        """Complete the files, in the order of the formats, and put them in place."""
        found = []
        for writer, file, (root, path) in zip(self._writers, self._files, self._places, strict=True):
            with explained(root / path):
                writer.finish()
                file.settle()
            found.append(ShardFile(path.as_posix(), file.size, file.digest(), self.rows))
        for file, (root, path) in zip(self._files, self._places, strict=True):
            with explained(root / path):
                file.path.replace(root / path)
        return found

    def abandon(self) -> None:
        """Remove what was written."""
        for file in self._files:
            file.abandon()


class _Hashed(io.RawIOBase):
    """A file that knows the SHA-256 of what was written to it. Abandoned, it takes what writers still have to say."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.size = 0
        self._file = path.open("wb")
        self._sha256 = hashlib.sha256()
        self._abandoned = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        if not self._abandoned:
            self._file.write(view)
        self._sha256.update(view)
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        return self.size

    def settle(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._abandoned = True
        with suppress(OSError):  # closing flushes, and the disk may be full
            self._file.close()
        self.path.unlink(missing_ok=True)

    def digest(self) -> str:
        return self._sha256.hexdigest()
