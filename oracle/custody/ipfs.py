"""A content store kept by an IPFS daemon (Kubo, or js-ipfs), reached over its HTTP interface.

The daemon is not trusted with anything but keeping blocks. Files are cut here and sent as a CAR, so that their content
ids are those of ``LocalStore`` whatever the daemon's importer would make of them; what comes back is hashed, leaf by
leaf. Pins are the daemon's own recursive pins; their names are small files of its MFS, so that all clients of a daemon
see the same.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import Final

from oracle.custody import car, unixfs
from oracle.custody import cid as cids
from oracle.custody.content import MAX_BLOCK, BlockStore, broken_pin, missing
from oracle.custody.daemon import Daemon, Refused, Silent
from oracle.custody.dagpb import Link
from oracle.custody.names import checked_name, is_name
from oracle.custody.unixfs import Block
from oracle.errors import CheckFailed, EnvironmentFailure

PINS: Final = "/mixed-mia/pins"
TIMEOUT: Final = 30.0
LONG_WORK: Final = 20
"""Taking a file in, pinning and collecting garbage may last this many time-outs."""

ALIVE: Final = 3.0
"""Seconds in which a daemon that is there says its version."""

STREAM: Final = "ipfs stream"
"""Name of the thread that receives a file."""

_NO_ROOT = cids.of(b"")  # a CAR names its root in front, and whoever streams does not know it yet
_ABSENT = ("not found", "could not find", "not exist", "no link named", "deadline exceeded", "timed out", "timeout")


class IpfsStore(BlockStore):
    """A content store at a daemon's address: a multiaddr, host:port or a URL. ``timeout`` in seconds, for a block."""

    def __init__(self, address: str, *, timeout: float = TIMEOUT) -> None:
        """``BadInput`` for what is no address; the daemon itself is asked nothing yet."""
        self._daemon = Daemon(address, timeout)
        self.place = f"the IPFS daemon at {self._daemon.address}"
        self._client = self._daemon.client

    def write(self, blocks: Iterable[Block]) -> None:
        body = _Sections(blocks)
        if body.last:
            with self._daemon.asking("take blocks in", patience=LONG_WORK) as how:
                how["opts"] = {"pin-roots": "false"}  # and no bound on the whole: a file may come slowly
                for _ in self._client.dag.imprt(body, stream=True, **how):
                    pass
        if body.failure is not None:
            raise body.failure
        if body.last and not self.has(body.last):
            raise EnvironmentFailure(
                f"{self.place} did not keep {body.last}", input=body.last, hint="see whether its disk is full"
            )

    def get(self, cid: str) -> bytes:
        cids.decode(cid)
        try:
            with self._daemon.asking(f"give {cid}", most=MAX_BLOCK + 1) as how:
                data = b"".join(self._client.block.get(cid, stream=True, **how))
        except (Refused, Silent) as error:
            raise self._lost(cid, error) from error
        return cids.check(cid, data, self.place)

    def size_of(self, cid: str) -> int | None:
        cids.decode(cid)
        try:
            with self._daemon.asking(f"say whether it holds {cid}") as how:
                size = self._client.block.stat(cid, offline=True, **how)["Size"]
        except (Refused, Silent) as error:
            self._lost(cid, error)
            return None
        if type(size) is not int or size < 0:
            hint = "see whether it is an IPFS daemon that answers there"
            raise EnvironmentFailure(f"{self.place} tells of no size of {cid}", input=cid, hint=hint)
        return size

    def read(self, cid: str, *, max_size: int, exact: bool = False) -> Iterator[bytes]:
        if not unixfs.is_node(cid):
            return super().read(cid, max_size=max_size, exact=exact)
        return self._streamed(cid, max_size, exact)

    def _streamed(self, cid: str, max_size: int, exact: bool) -> Iterator[bytes]:
        """The nodes come as blocks and are checked first; then the daemon streams the leaves, which is twice as fast.

        A leaf that is not what its node says is asked for as a block, which tells what is wrong with it.
        """
        stream = _Stream(self._daemon, cid, max_size)

        def leaf(link: Link) -> bytes:
            data = stream.take(link.size)
            return data if cids.of(data) == link.cid else self.get(link.cid)

        try:
            yield from unixfs.read(self.get, cid, max_size=max_size, exact=exact, leaf=leaf)
        finally:
            stream.close()

    def pin(self, cid: str, name: str, *, max_size: int = unixfs.MAX_FILE, exact: bool = False) -> None:
        path = f"{PINS}/{checked_name(name, 'a pin')}"
        self.require(cid, max_size=max_size, exact=exact)  # bounds first: the daemon's own recursion has none
        before = self.pins()
        with self._daemon.asking(f"pin {cid}", patience=LONG_WORK) as how:
            self._client.pin.add(cid, **how)
        with self._daemon.asking(f"note the pin {name}") as how:
            how["opts"]["parents"] = "true"
            note = io.BytesIO(cid.encode())
            self._client.files.write(path, note, create=True, truncate=True, **how)
        self._release(before.get(name), kept={**before, name: cid})

    def unpin(self, name: str) -> None:
        path = f"{PINS}/{checked_name(name, 'a pin')}"
        pins = self.pins()
        if name not in pins:
            return
        with self._daemon.asking(f"forget the pin {name}") as how:
            self._client.files.rm(path, **how)
        self._release(pins.pop(name), kept=pins)

    def pins(self) -> dict[str, str]:
        try:
            with self._daemon.asking("list the pins") as how:
                entries = self._client.files.ls(PINS, **how).as_json()["Entries"] or []
                names = sorted(str(entry["Name"]) for entry in entries)
        except Refused as error:
            if _absent(error):
                return {}
            raise
        return {name: self._note(name) for name in names if is_name(name)}

    def collect_garbage(self) -> int:
        for name, cid in self.pins().items():
            if not self._is_pinned(cid):
                raise broken_pin(name, f"{self.place} does not pin {cid}", cid)
        with self._daemon.asking("collect garbage", patience=LONG_WORK) as how:
            return sum("Key" in answer for answer in self._client.repo.gc(stream=True, **how))

    def _is_pinned(self, cid: str) -> bool:
        try:
            with self._daemon.asking(f"say whether it pins {cid}") as how:
                self._client.pin.ls(cid, type="recursive", **how)
        except Refused as error:
            if "not pinned" in str(error):
                return False
            raise
        return True

    def _note(self, name: str) -> str:
        with self._daemon.asking(f"read the pin {name}", most=1 << 10) as how:
            return bytes(self._client.files.read(f"{PINS}/{name}", **how)).decode("ascii", "replace")

    def _release(self, cid: str | None, kept: dict[str, str]) -> None:
        if cid is None or cid in kept.values():
            return
        try:
            with self._daemon.asking(f"unpin {cid}", patience=LONG_WORK) as how:
                self._client.pin.rm(cid, **how)
        except Refused as error:
            if "not pinned" not in str(error):
                raise

    def _lost(self, cid: str, error: Refused | Silent) -> CheckFailed:
        """What to say of a block that did not come: it is missing if the daemon is otherwise well."""
        if isinstance(error, Refused) and not _absent(error):
            raise error
        with self._daemon.asking("say its version", patience=min(1, ALIVE / self._daemon.timeout)) as how:
            self._client.version(**how)
        return missing(cid, f"{self.place}, nor came from elsewhere within {self._daemon.timeout:g} s")


class _Sections:
    """A CAR of blocks, as the file that the client uploads.

    When making blocks fails, the CAR just ends and ``failure`` says why: an upload broken off would leave js-ipfs with
    a lock that it never gives back.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self.last = ""
        self.failure: Exception | None = None
        self._blocks = iter(blocks)
        self._ready = [car.header(_NO_ROOT), self._next()]

    def read(self, _: int) -> bytes:
        """The next section: at most a leaf and what goes with it, which the client sends in one go."""
        return self._ready.pop(0) if self._ready else self._next()

    def _next(self) -> bytes:
        try:
            block = next(self._blocks)
        except StopIteration:
            return b""
        except Exception as error:
            self.failure = error
            return b""
        self.last = block.cid
        return car.section(block.cid, block.data)


class _Stream:
    """A file's bytes as the daemon sends them, received by a thread of their own: hashing takes no time from it.

    Once it fails it gives nothing more.
    """

    def __init__(self, daemon: Daemon, cid: str, most: int) -> None:
        self._daemon, self._cid, self._most = daemon, cid, most
        self._queue: Queue[bytes] = Queue(maxsize=16)
        self._ready: list[bytes] = []
        self._size = 0  # of what is ready
        self._ended = False
        self._unwanted = Event()
        self._thread: Thread | None = None

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; fewer when the stream failed."""
        if self._thread is None:
            self._thread = Thread(target=self._receive, name=STREAM, daemon=True)
            self._thread.start()
        while self._size < size and not self._ended:
            piece = self._queue.get()
            self._ready.append(piece)
            self._size += len(piece)
            self._ended = not piece
        whole = b"".join(self._ready)
        rest = whole[size:]
        self._ready, self._size = [rest], len(rest)
        return whole[:size]

    def close(self) -> None:
        """Let the thread end: at its next piece, or when the daemon's time is up."""
        self._unwanted.set()
        with suppress(Empty):
            while True:
                self._queue.get_nowait()

    def _receive(self) -> None:
        """Fill the queue. An empty piece ends it, whatever the reason: asking for the next block will tell."""
        try:
            with (
                suppress(EnvironmentFailure),
                self._daemon.asking(f"stream {self._cid}", most=self._most) as how,
                closing(self._daemon.client.cat(self._cid, stream=True, timeout=how["timeout"])) as pieces,
            ):
                for piece in pieces:
                    if self._unwanted.is_set():
                        return
                    self._queue.put(piece)
        finally:
            self._queue.put(b"")


def _absent(error: EnvironmentFailure) -> bool:
    return any(word in str(error) for word in _ABSENT)
