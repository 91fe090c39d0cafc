"""A corpus on disk: a sequence of documents that takes eight bytes of memory a document, however long they are."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
import orjson

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.corpus.scratch import Scratch

_CHUNK = 2**20


class Spool(Sequence[Document]):
    """Documents as canonical lines in a temporary file, deleted when the spool is closed or collected.

    Raises:
        EnvironmentFailure: the disk is full.
    """

    def __init__(self) -> None:
        self._lines = Scratch()
        self._ends = array("Q", [0])

    def append(self, document: Document) -> None:
        """Add a document at the end."""
        self._lines.append(canonical_line(document) + b"\n")
        self._ends.append(self._lines.size)

    def close(self) -> None:
        """Delete the file; the documents cannot be read any more."""
        self._lines.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, place: int) -> Document: ...
    @overload
    def __getitem__(self, place: slice) -> list[Document]: ...
    def __getitem__(self, place: int | slice) -> Document | list[Document]:
        places = range(len(self))[place]
        if isinstance(places, range):
            return [self[at] for at in places]
        return _parse(self.lines(range(places, places + 1)))

    def __iter__(self) -> Iterator[Document]:
        start = 0
        ends = np.frombuffer(self._ends, dtype=np.uint64).copy()
        while start < len(ends) - 1:
            stop = max(start + 1, int(np.searchsorted(ends, ends[start] + np.uint64(_CHUNK), "right")) - 1)
            for line in self.lines(range(start, stop)).splitlines():
                yield _parse(line)
            start = stop

    def lines(self, part: range) -> bytes:
        """The canonical lines of consecutive documents, each with its line feed."""
        start = self._ends[part.start]
        return self._lines.read(start, self._ends[part.stop] - start)

    def shards(self, size: int) -> list[range]:
        """The corpus in order, cut so that a document belongs to the shard of ``size`` bytes in which it begins."""
        starts = np.frombuffer(self._ends, dtype=np.uint64)[:-1] // np.uint64(size)
        edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(self)]
        return [range(a, b) for a, b in pairwise(edges) if a < b]


def gather(documents: Iterable[Document]) -> Spool:
    """The documents of a stream, on disk."""
    spool = Spool()
    for document in documents:
        spool.append(document)
    return spool


def _parse(line: bytes) -> Document:
    return Document(**orjson.loads(line))
