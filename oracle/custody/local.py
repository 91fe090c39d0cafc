"""The default store: a folder of blocks, one file each, and one file a pin.

```
blocks/<last two characters>/<content id>    a block; its time says when it was last stored or pinned
pins/<name>                                  the content id that is kept
```
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from oracle.custody import cid as cids
from oracle.custody import regular, unixfs
from oracle.custody.content import MAX_BLOCK, BlockStore, broken_pin, missing
from oracle.custody.files import write_own
from oracle.custody.names import checked_name, is_name
from oracle.custody.unixfs import Block
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure

FRESH: Final = 24 * 3600.0
"""Seconds for which a block outlives garbage collection without a pin: files are pinned once they are complete."""

_LONGEST_PIN = 200  # bytes that are read of one; a content id has 59
_WRITING = 3600.0  # seconds after which a temporary file is nobody's any more


class LocalStore(BlockStore):
    """A content store in a folder, made when first written to. ``fresh``: see ``FRESH``."""

    def __init__(self, folder: Path, *, fresh: float = FRESH) -> None:
        self.folder = folder
        self.fresh = fresh

    def write(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            path = self._path(block.cid)
            if not self._renewed(path, block.data):
                write_own(path, block.data)

    def get(self, cid: str) -> bytes:
        path = self._path(cid)
        try:
            data = regular.read(path, MAX_BLOCK + 1)
        except FileNotFoundError as error:
            raise missing(cid, f"the store {self.folder}") from error
        except regular.NotRegularError as error:
            raise CheckFailed(
                f"content {cid}: {path} is {error}", input=cid, hint="remove it, then store it again"
            ) from error
        except OSError as error:
            raise _unusable(path, error) from error
        return cids.check(cid, data, str(path))

    def size_of(self, cid: str) -> int | None:
        return regular.size(self._path(cid))

    def pin(self, cid: str, name: str, *, max_size: int = unixfs.MAX_FILE, exact: bool = False) -> None:
        path = self._pin(name)
        before = self._pinned(path)
        self.require(cid, max_size=max_size, exact=exact)
        # first the name, then the marks: a collection that did not see the name began before, and spares the marks
        write_own(path, cid.encode())
        try:
            self._mark(cid, time.time_ns())
        except CheckFailed:
            if before is None:
                self.unpin(name)
            else:
                write_own(path, before.encode())
            raise

    def _pinned(self, path: Path) -> str | None:
        """What a pin holds; None when there is no such pin."""
        try:
            return regular.read(path, _LONGEST_PIN).decode("ascii", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(path, error) from error

    def unpin(self, name: str) -> None:
        path = self._pin(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(path, error) from error

    def pins(self) -> dict[str, str]:
        folder = self.folder / "pins"
        found = {}
        try:
            paths = sorted(folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            raise _unusable(folder, error) from error
        for path in paths:
            cid = self._pinned(path) if is_name(path.name) else None
            if cid is not None:  # else it was let go of this moment
                found[path.name] = cid
        return found

    def collect_garbage(self) -> int:
        # marks are the blocks' own times: memory stays small, and whoever stores or pins meanwhile marks as well
        now = time.time_ns()
        for name, cid in self.pins().items():
            try:
                self._mark(cid, now)
            except (CheckFailed, BadInput) as error:
                raise broken_pin(name, str(error), cid) from error
        try:
            return sum(self._remove(path, now) for path in (self.folder / "blocks").glob("*/*"))
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def _mark(self, cid: str, now: int) -> None:
        """Give every block of a file the time ``now``; ``CheckFailed`` for the first that is missing."""
        for link in unixfs.reachable(self.get, cid):
            path = self._path(link.cid)
            try:
                with self._locked(fcntl.LOCK_SH):
                    os.utime(path, ns=(now, now), follow_symlinks=False)
            except FileNotFoundError as error:
                raise missing(link.cid, f"the store {self.folder}") from error
            except OSError as error:
                raise _unusable(path, error) from error

    def _remove(self, path: Path, now: int) -> bool:
        """Remove a block that is not fresh, or what an interrupted write left; whether it was a block."""
        unfinished = path.name.startswith(".")
        fresh = max(self.fresh, _WRITING) if unfinished else self.fresh
        with self._locked(fcntl.LOCK_EX), suppress(FileNotFoundError):  # a finished write takes its temporary file away
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) and found.st_mtime_ns < now - int(fresh * 1e9):
                path.unlink()
                return not unfinished
        return False

    def _renewed(self, path: Path, data: bytes) -> bool:
        """Whether ``path`` holds ``data`` already; then it is as fresh as if it had been written now."""
        try:
            if regular.size(path) != len(data):
                return False
            with self._locked(fcntl.LOCK_SH):
                os.utime(path)
            return regular.read(path, len(data) + 1) == data
        except OSError:
            return False  # then writing it tells what is wrong

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Hold the folder's lock: shared to renew a block, exclusive to look at its time and remove it."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, kind)
            yield
        finally:
            os.close(handle)

    def _path(self, cid: str) -> Path:
        cids.decode(cid)  # nothing but a content id may become a path
        return self.folder / "blocks" / cid[-2:] / cid

    def _pin(self, name: str) -> Path:
        return self.folder / "pins" / checked_name(name, "a pin")


def _unusable(path: Path, error: OSError) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot use {path}: {error.strerror or error}", input=str(path), hint="check the store's folder"
    )
