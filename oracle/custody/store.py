"""What is kept by its hash (a content store) and what is kept by its name (the board of a round).

A store may be anybody's: every block that is read is hashed again.

A content id is CIDv1, codec raw, sha2-256, base32 (lower case) of one block of at most 1 MiB: what IPFS calls a raw
leaf under the profile unixfs-v1-2025. On chain only the 32-byte digest travels.

The board holds what peers exchange until there is a network. Nothing on it is trusted: readers check digests and
signatures.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Protocol

from oracle.custody.files import write_atomic
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure

MAX_BLOCK = 1 << 20
_PREFIX = bytes([0x01, 0x55, 0x12, 0x20])  # CID version 1, raw, sha2-256, 32 bytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def digest_to_cid(digest: bytes) -> str:
    """The content id of the block whose sha256 is ``digest`` (32 bytes)."""
    return "b" + base64.b32encode(_PREFIX + digest).decode().lower().rstrip("=")


def cid_to_digest(cid: str) -> bytes:
    """The sha256 of the block that ``cid`` names; ``BadInput`` for any other kind of content id."""
    try:
        raw = base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8)) if cid.startswith("b") else b""
    except ValueError:
        raw = b""
    if len(raw) != 36 or not raw.startswith(_PREFIX) or digest_to_cid(raw[4:]) != cid:
        raise BadInput(
            f"not a content id of a raw block: {cid[:80]!r}",
            input=cid[:80],
            hint="expected CIDv1, raw, sha2-256, base32: bafkrei...",
        )
    return raw[4:]


def block_cid(data: bytes) -> str:
    """The content id of one block."""
    return digest_to_cid(hashlib.sha256(data).digest())


class ContentStore(Protocol):
    """Blocks by content id."""

    def put(self, data: bytes) -> str:
        """Store one block of at most ``MAX_BLOCK`` bytes; its content id. Storing it again changes nothing."""

    def get(self, cid: str) -> bytes:
        """The block, verified; ``CheckFailed`` naming the content id when it is missing or altered."""

    def has(self, cid: str) -> bool:
        """Whether the store holds a block under this content id (not whether its bytes are right)."""


class LocalStore:
    """A folder of blocks, one file each: ``<folder>/blocks/<last two characters>/<content id>``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        if len(data) > MAX_BLOCK:
            raise BadInput(
                f"a block of {len(data)} bytes, at most {MAX_BLOCK} fit", input="block", hint="cut it into blocks"
            )
        cid = block_cid(data)
        path = self._path(cid)
        if not _holds(path, data):
            write_atomic(path, data)
        return cid

    def get(self, cid: str) -> bytes:
        path = self._path(cid)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BLOCK + 1)
        except FileNotFoundError as error:
            raise CheckFailed(
                f"content {cid} is not in the store {self.folder}", input=cid, hint="ask its author to publish it again"
            ) from error
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot read {path}: {error.strerror or error}", input=str(path), hint="check the store's folder"
            ) from error
        if block_cid(data) != cid:
            raise CheckFailed(
                f"content {cid} was altered: its bytes hash to {block_cid(data)}",
                input=cid,
                hint=f"remove {path} and fetch it again",
            )
        return data

    def has(self, cid: str) -> bool:
        return self._path(cid).is_file()

    def _path(self, cid: str) -> Path:
        cid_to_digest(cid)  # nothing but a content id may become a path
        return self.folder / "blocks" / cid[-2:] / cid


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False  # then writing it tells what is wrong


def open_store(address: str) -> ContentStore:
    """The store at ``local:FOLDER``; ``BadInput`` for any other address."""
    kind, _, place = address.partition(":")
    if kind != "local" or not place:
        raise BadInput(f"no such kind of store: {address!r}", input=address, hint="write local:FOLDER")
    return LocalStore(Path(place))


def round_key(chain_id: int, market: str, round: int) -> str:
    """The folder of a round: ``<chain>-<market, lower case>-<round>``."""
    return f"{chain_id}-{market.lower()}-{round}"


class Board:
    """Slots under ``<folder>/rounds/<round key>/<name>``; names are letters, digits, ``.``, ``_`` and ``-``.

    A slot keeps what was written last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def publish(self, key: str, name: str, data: bytes) -> None:
        """Write a slot in one step; ``EnvironmentFailure`` when the disk does not take it."""
        write_atomic(self._path(key, name), data)

    def read(self, key: str, name: str) -> bytes | None:
        """What the slot holds; None while nobody has written to it."""
        path = self._path(key, name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot read {path}: {error.strerror or error}", input=str(path), hint="check the board's folder"
            ) from error

    def list(self, key: str) -> tuple[str, ...]:
        """Names of the slots of a round, sorted; empty when nobody published anything."""
        folder = self.folder / "rounds" / _checked(key)
        try:
            return tuple(sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot read {folder}: {error.strerror or error}", input=str(folder), hint="check the board's folder"
            ) from error

    def _path(self, key: str, name: str) -> Path:
        return self.folder / "rounds" / _checked(key) / _checked(name)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadInput(f"not a name for the board: {name!r}", input=name, hint="letters, digits, '.', '_' and '-' only")
    return name
