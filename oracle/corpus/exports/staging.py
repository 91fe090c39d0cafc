"""Where an export grows: a hidden folder beside its place, which becomes it in one step.

``.NAME.partial`` keeps every finished shard and a journal of them, so that an interrupted run goes on; the folder NAME
is there in full or not at all. One process at a time works on it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import orjson
from pydantic import ConfigDict, TypeAdapter

from oracle.corpus.exports.disk import PART, explained, part_of
from oracle.corpus.exports.format import STRICT, ShardFile
from oracle.errors import BadInput

JOURNAL = ".journal.json"

Shards = list[dict[str, ShardFile]]
"""The finished shards in order, each a file per format."""


@dataclass(frozen=True, slots=True)
class _Journal:
    """What a run that did not end had finished."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    plan: str
    shards: Shards


_JOURNAL = TypeAdapter(_Journal)


class Staging:
    """The growing folder of one export, locked while it is open.

    Raises:
        BadInput: another process works on it, or its place is taken.
        EnvironmentFailure: the disk is full, broken or read-only.
    """

    def __init__(self, out: Path, plan: str) -> None:
        self.out = out
        self.folder = out.with_name(f".{out.name}.partial")
        self._plan = plan
        with explained(self.folder):
            if (out.is_dir() and any(out.iterdir())) or out.is_file():
                hint = "name another folder with --out, or move this one away"
                raise BadInput(f"{out} exists and holds something else", input=str(out), hint=hint)
            self.folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.folder, os.O_RDONLY)
        try:
            self._lock()
            self.shards = self._kept()
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def add(self, files: Mapping[str, ShardFile]) -> None:
        """Note a finished shard."""
        self.shards.append(dict(files))
        self.put(JOURNAL, orjson.dumps(asdict(_Journal(self._plan, self.shards))))

    def put(self, path: str, data: bytes) -> None:
        """A small file, whole or not at all."""
        place = self.folder / path
        part = part_of(place)
        with explained(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(place)

    def publish(self) -> None:
        """Make this the export: afterwards it is there, whatever happens to the machine."""
        with explained(self.out):
            (self.folder / JOURNAL).unlink(missing_ok=True)
            for folder in (path for path in (*self.folder.rglob("*"), self.folder) if path.is_dir()):
                _sync(folder)
            self.folder.rename(self.out)
            _sync(self.out.parent)

    def discard(self) -> None:
        """Forget everything: what was written came from something that failed a check."""
        shutil.rmtree(self.folder)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another process is writing {self.out}"
            raise BadInput(message, input=str(self.out), hint="wait for it, or name another folder") from error

    def _kept(self) -> Shards:
        """The shards of an earlier run with the same plan, up to the first that is not what it wrote."""
        with explained(self.folder):
            for part in self.folder.rglob(f"*{PART}"):
                part.unlink()
            try:
                journal = _JOURNAL.validate_json((self.folder / JOURNAL).read_bytes())
            except (FileNotFoundError, ValueError):  # or it is no journal: then nothing is known of what is there
                journal = _Journal("", [])
            kept: Shards = []
            if journal.plan == self._plan:
                for shard in journal.shards:
                    if any(self._size(name, file) != file.size for name, file in shard.items()):
                        break
                    kept.append(shard)
            if not kept:
                for path in self.folder.iterdir():
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            return kept

    def _size(self, name: str, file: ShardFile) -> int:
        path = self.folder / name / file.path
        return path.stat().st_size if path.is_file() else -1


def _sync(folder: Path) -> None:
    """A rename lasts once its folder does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
