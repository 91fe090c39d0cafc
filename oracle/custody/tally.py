"""What one pass over documents tells: Merkle root, multiset digest, count, size. The hashing may be shared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.custody import documents as tree
from oracle.custody.lthash import LtHash
from oracle.errors import BadInput

Progress = Callable[[str, int, int], None]
MAX_LINE = 1 << 25
"""Bytes of a canonical line: what a reader of foreign content is ready to hold."""

_BATCH_BYTES, _BATCH_LINES = 1 << 21, 4096
_ALONE = 4  # batches hashed here before others are asked: starting processes takes a second
_LEAF = 32

_Hashes = tuple[bytes, bytes]


class Tally:
    """Takes canonical lines in order; ``close`` makes the sums final. Used as a context it leaves no process behind."""

    def __init__(self, salt_key: bytes, *, processes: int = 1) -> None:
        self.count = self.size = 0
        self._salt_key = salt_key
        self._tree, self._digest = tree.Tree(), LtHash()
        self._processes, self._batches = processes, 0
        self._pool: ProcessPoolExecutor | None = None
        self._running: deque[Future[_Hashes]] = deque()

    def add(self, lines: Sequence[bytes]) -> bytes:
        """Count consecutive lines; returns them joined by line feeds."""
        first, joined = self.count, b"\n".join(lines)
        self.count += len(lines)
        self.size += len(joined) + 1
        self._batches += 1
        if self._processes == 1 or self._batches <= _ALONE:
            self._take(_hashes(self._salt_key, first, lines))
        else:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(self._processes, mp_context=get_context("forkserver"))
            self._running.append(self._pool.submit(_hashes_of, self._salt_key, first, joined))
            if len(self._running) > 2 * self._processes:
                self._take(self._running.popleft().result())
        return joined

    def close(self) -> None:
        """Wait for what is still being hashed."""
        while self._running:
            self._take(self._running.popleft().result())

    @property
    def root(self) -> bytes:
        """The document root."""
        return self._tree.root()

    @property
    def digest(self) -> bytes:
        """The state of the multiset digest."""
        return self._digest.to_bytes()

    def _take(self, hashes: _Hashes) -> None:
        leaves, digest = hashes
        for start in range(0, len(leaves), _LEAF):
            self._tree.add(leaves[start : start + _LEAF])
        self._digest = self._digest.union(LtHash(digest))

    def __enter__(self) -> Tally:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def batches(documents: Iterable[Document]) -> Iterator[list[bytes]]:
    """The canonical lines of documents, some megabytes at a time.

    Raises ``BadInput`` naming a document that is too long or no Unicode.
    """
    lines: list[bytes] = []
    size = 0
    for document in documents:
        line = canonical_line(document)
        if len(line) > MAX_LINE:
            raise BadInput(
                f"document {document.id!r} takes {len(line)} bytes, at most {MAX_LINE} fit",
                input=document.id,
                hint="split it into documents of a sensible length",
            )
        lines.append(line)
        size += len(line)
        if size >= _BATCH_BYTES or len(lines) == _BATCH_LINES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _hashes(salt_key: bytes, first: int, lines: Sequence[bytes]) -> _Hashes:
    """Leaves and digest of consecutive lines."""
    digest = LtHash()
    digest.add(lines)
    return b"".join(tree.leaves(salt_key, first, lines)), digest.to_bytes()


def _hashes_of(salt_key: bytes, first: int, joined: bytes) -> _Hashes:
    """The same in another process: one string travels faster than many."""
    return _hashes(salt_key, first, joined.split(b"\n"))
