"""What a format is: how a shard of rows is written to an open file and read back from a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, Protocol

from pydantic import ConfigDict

from oracle.corpus.exports.rows import Origin, Record

STRICT: Final = ConfigDict(extra="forbid", strict=True)
"""How files about an export are read back: no key is unknown, no value of another type."""


class ShardWriter(Protocol):
    """Takes the rows of one shard, in order; memory does not grow with their number."""

    def write(self, record: Record) -> None:
        """Add a row; the bytes may follow later."""

    def finish(self) -> None:
        """Write what is left. The file stays open: it is whoever opened it who closes it."""


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A written shard: its path below the format's folder, bytes, SHA-256 (hex) and number of rows."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    path: str
    size: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Bought:
    """What an export holds, for the files that describe it."""

    title: str
    date: str  # ISO 8601
    digest: str  # SHA-256 (hex) over what was bought
    origins: Sequence[tuple[Origin, int]]  # and the number of rows of each
    files: Sequence[ShardFile]

    @property
    def rows(self) -> int:
        return sum(count for _, count in self.origins)


@dataclass(frozen=True, slots=True)
class Format:
    """``open(file, shard number)`` makes a writer; ``read`` gives a shard's rows and raises ``BadInput`` for others.

    ``folder`` is where the shards lie in the format's own; ``describe`` makes the small files beside them.
    """

    name: str
    suffix: str
    open: Callable[[BinaryIO, int], ShardWriter]
    read: Callable[[Path], Iterator[Record]]
    folder: str = ""
    describe: Callable[[Bought], Mapping[str, bytes]] | None = None
