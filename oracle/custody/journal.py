"""An interrupted packing goes on under the same key, and no two texts are ever sealed under one key and nonce.

The file holds the content key and, written and synced ahead of its publication, the tag of every ciphertext chunk:
under one key and nonce another text has another tag (all but one in 2**111). A second run that comes to the same chunks
finds them stored already; one that comes to another chunk stops before it gives it away. What a run seals beyond them
it seals under a fresh salt, which is noted and synced before the first such chunk: of two copies of a journal (a copied
folder, a backup that was restored, a cloned disk) each goes on under keys of its own. One process at a time works on a
journal.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from oracle.custody.context import KEY_BYTES, Context
from oracle.custody.segments import MAX_SEGMENTS, Segment
from oracle.custody.stream import TAG
from oracle.errors import BadInput, EnvironmentFailure
from oracle.evidence.fields import Address, Bytes32, Count, Record

MAX_NOTES = 1 << 21
"""Bytes of a journal after its header: the largest data set has 65,537 chunks, and few runs."""
_AHEAD = 16  # chunks noted at once: one sync for 16 MiB
_SALT, _TAG = b"S", b"T"  # what a note begins with: the salt of the chunks that follow, the tag of a chunk
_SIZES = {_SALT: 32, _TAG: TAG}


class TextChanged(BadInput):
    """The documents are not those of the interrupted run."""


class _Header(Record):
    kind: Literal["mixed-mia/packing/2"] = "mixed-mia/packing/2"
    chain_id: Count
    market: Address
    round: Count
    provider: Address
    dataset: Bytes32
    key: Bytes32

    @property
    def line(self) -> bytes:
        return self.to_bytes() + b"\n"

    @property
    def context(self) -> Context:
        return Context(self.chain_id, self.market, self.round, self.provider, self.dataset)


class Journal:
    """An open journal: context and key of the packing that it is about."""

    def __init__(self, path: Path, handle: int, wanted: Context) -> None:
        self._path, self._handle = path, handle
        self._tags = bytearray()
        self._segments: list[Segment] = []
        self._header = self._read(wanted) or self._begin(wanted)

    @property
    def context(self) -> Context:
        return self._header.context

    @property
    def key(self) -> bytes:
        return self._header.key

    @property
    def resumed(self) -> bool:
        """Whether an earlier run left chunks."""
        return bool(self._tags)

    @property
    def empty(self) -> bool:
        """Whether no chunk was given out under this key, neither now nor earlier."""
        return os.fstat(self._handle).st_size <= len(self._header.line)

    def restart(self) -> None:
        """Forget the interrupted run: a new key for a new data set in the same place."""
        self._header = self._begin(self.context)

    def segments(self) -> tuple[Segment, ...]:
        """What a run that begins now seals under: the salts of the chunks noted, and a fresh one for all after them."""
        return (*self._segments, Segment(first=len(self._tags) // TAG, salt=secrets.token_bytes(32)))

    def guard(self, sealed: Iterable[bytes], fresh: Segment) -> Iterator[bytes]:
        """The same chunks, each noted before it is given out; ``fresh``: the last of the segments they were sealed in.

        Raises ``TextChanged`` for a chunk that is not the one noted by an earlier run.
        """
        noted, ahead = bytes(self._tags), []
        for number, chunk in enumerate(sealed):
            tag, earlier = chunk[-TAG:], noted[number * TAG : (number + 1) * TAG]
            if earlier not in (b"", tag):
                raise TextChanged(
                    "the documents changed since the interrupted run", input=str(self._path), hint="begin anew"
                )
            if earlier:
                yield chunk
                continue
            if number == fresh.first:
                self._write(_SALT + fresh.salt)
                self._segments.append(fresh)
            self._write(_TAG + tag)
            self._tags += tag
            ahead.append(chunk)
            if len(ahead) == _AHEAD:
                os.fsync(self._handle)
                yield from ahead
                ahead.clear()
        os.fsync(self._handle)
        yield from ahead

    def discard(self) -> None:
        """Remove the journal: the data set is complete and its key kept elsewhere, or nothing of it was stored."""
        self._path.unlink()

    def _write(self, data: bytes) -> None:
        """Append to the file; a disk that takes a part of it is full."""
        if os.write(self._handle, data) != len(data):
            raise OSError("the disk is full")

    def _read(self, wanted: Context) -> _Header | None:
        """What an earlier run for the same place left; None when there is nothing of the kind, or too much of it."""
        with os.fdopen(os.dup(self._handle), "rb") as file:
            line, notes = file.readline(1 << 12), file.read(MAX_NOTES)
        try:
            header = _Header.model_validate_json(line)
        except ValidationError:
            return None
        there = (wanted.chain_id, wanted.market.lower(), wanted.round, wanted.provider.lower())
        if (header.chain_id, header.market.lower(), header.round, header.provider.lower()) != there:
            return None
        end = self._take(notes)
        if len(self._segments) >= MAX_SEGMENTS:
            return None
        os.truncate(self._handle, len(line) + end)
        os.lseek(self._handle, 0, os.SEEK_END)
        return header

    def _take(self, notes: bytes) -> int:
        """Read the notes up to the last whole chunk; where it ends. A salt that no chunk followed sealed nothing here,
        and half a note was written before anything was given out."""
        at = end = 0
        salt = b""
        while (size := _SIZES.get(notes[at : at + 1])) and at + 1 + size <= len(notes):
            kind, value = notes[at : at + 1], notes[at + 1 : at + 1 + size]
            at += 1 + size
            if kind == _SALT:
                salt = value
                continue
            if salt:
                self._segments.append(Segment(first=len(self._tags) // TAG, salt=salt))
                salt = b""
            if not self._segments:
                break  # a chunk without a salt: nothing that was written here
            self._tags += value
            end = at
        return end

    def _begin(self, wanted: Context) -> _Header:
        header = _Header(
            chain_id=wanted.chain_id,
            market=wanted.market,
            round=wanted.round,
            provider=wanted.provider,
            dataset=secrets.token_bytes(32),
            key=secrets.token_bytes(KEY_BYTES),
        )
        self._tags.clear()
        self._segments.clear()
        os.truncate(self._handle, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        self._write(header.line)
        os.fsync(self._handle)
        return header


@contextmanager
def open_journal(path: Path, context: Context) -> Iterator[Journal]:
    """The journal at ``path`` for a packing in this place (its data set apart), continued or begun.

    Raises ``BadInput`` when another process works on it, ``EnvironmentFailure`` when the disk does not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError("not a regular file")
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(handle).st_nlink:  # whoever had it finished this moment
                raise BlockingIOError
            yield Journal(path, handle, context)
        finally:
            os.close(handle)
    except BlockingIOError as error:
        raise BadInput(
            f"another process is packing into {path.parent}",
            input=str(path),
            hint="wait for it, or choose another folder",
        ) from error
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write {path}: {error.strerror or error}",
            input=str(path),
            hint="free some space, then run it again",
        ) from error
