"""An interrupted packing goes on under the same key, and never seals two different texts under it.

The file holds the key and, written and synced ahead of its publication, the tag of every ciphertext chunk: under one
key and nonce another text has another tag (all but one in 2**111). A second run that comes to the same chunks finds
them stored already; one that comes to another chunk stops before it gives it away, because two texts under one nonce
would tell each other. One process at a time works on a journal.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from oracle.custody.context import KEY_BYTES, Context
from oracle.custody.stream import TAG
from oracle.errors import BadInput, EnvironmentFailure
from oracle.evidence import canonical
from oracle.evidence.fields import Address, Bytes32, Count, Record

_AHEAD = 16  # chunks noted at once: one sync for 16 MiB


class TextChanged(BadInput):
    """The documents are not those of the interrupted run."""


class _Header(Record):
    kind: Literal["mixed-mia/packing/1"] = "mixed-mia/packing/1"
    chain_id: Count
    market: Address
    round: Count
    provider: Address
    dataset: Bytes32
    key: Bytes32

    def to_bytes(self) -> bytes:
        return canonical.dumps(self.model_dump(mode="json")) + b"\n"

    @property
    def context(self) -> Context:
        return Context(self.chain_id, self.market, self.round, self.provider, self.dataset)


class Journal:
    """An open journal: context and key of the packing that it is about."""

    def __init__(self, path: Path, handle: int, wanted: Context) -> None:
        self._path, self._handle = path, handle
        self._noted = b""
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
        return bool(self._noted)

    @property
    def empty(self) -> bool:
        """Whether no chunk was given out under this key, neither now nor earlier."""
        return os.fstat(self._handle).st_size <= len(self._header.to_bytes())

    def restart(self) -> None:
        """Forget the interrupted run: a new key for a new data set in the same place."""
        self._header = self._begin(self.context)

    def guard(self, sealed: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks, each noted before it is given out.

        Raises ``TextChanged`` for a chunk that is not the one noted by an earlier run.
        """
        ahead: list[bytes] = []
        for number, chunk in enumerate(sealed):
            tag, earlier = chunk[-TAG:], self._noted[number * TAG : (number + 1) * TAG]
            if earlier not in (b"", tag):
                raise TextChanged(
                    "the documents changed since the interrupted run", input=str(self._path), hint="begin anew"
                )
            if earlier:
                yield chunk
                continue
            os.write(self._handle, tag)
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

    def _read(self, wanted: Context) -> _Header | None:
        """What an earlier run for the same place left; None when there is nothing of the kind."""
        with os.fdopen(os.dup(self._handle), "rb") as file:
            line, noted = file.readline(), file.read()
        try:
            header = _Header.model_validate_json(line)
        except ValidationError:
            return None
        there = (wanted.chain_id, wanted.market.lower(), wanted.round, wanted.provider.lower())
        if (header.chain_id, header.market.lower(), header.round, header.provider.lower()) != there:
            return None
        self._noted = noted[: len(noted) // TAG * TAG]  # half a tag: nothing was published yet
        os.truncate(self._handle, len(line) + len(self._noted))
        os.lseek(self._handle, 0, os.SEEK_END)
        return header

    def _begin(self, wanted: Context) -> _Header:
        header = _Header(
            chain_id=wanted.chain_id,
            market=wanted.market,
            round=wanted.round,
            provider=wanted.provider,
            dataset=secrets.token_bytes(32),
            key=secrets.token_bytes(KEY_BYTES),
        )
        self._noted = b""
        os.truncate(self._handle, 0)
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.write(self._handle, header.to_bytes())
        os.fsync(self._handle)
        return header


@contextmanager
def open_journal(path: Path, context: Context) -> Iterator[Journal]:
    """The journal at ``path`` for a packing in this place (its data set apart), continued or begun.

    Raises ``BadInput`` when another process works on it, ``EnvironmentFailure`` when the disk does not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
