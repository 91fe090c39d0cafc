"""Content ids: CIDv1, sha2-256, codec raw (file bytes) or dag-pb (a node of links), written in base32, lower case.

One content has one text here, so that texts may be compared and become file names. Daemons answer in other text bases:
``canonical`` brings those home, ``same`` compares what they mean. On chain only digest and codec travel.
Source: https://github.com/multiformats/cid
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from oracle.errors import BadInput, CheckFailed

RAW: Final = 0x55
DAG_PB: Final = 0x70
BINARY_SIZE: Final = 36
"""Bytes of a binary content id: version, codec, hash function, hash size, 32 bytes of hash."""

_VERSION, _SHA2_256, _DIGEST_SIZE = 1, 0x12, 32
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LONGEST_TEXT = 100


def encode(digest: bytes, codec: int = RAW) -> str:
    """The content id of the block whose sha256 is ``digest`` (32 bytes)."""
    return _base32(bytes([_VERSION, codec, _SHA2_256, _DIGEST_SIZE]) + digest)


def decode(cid: str) -> tuple[int, bytes]:
    """Codec and digest; ``BadInput`` unless it is a content id of this project, in its one spelling."""
    raw = to_bytes(cid)
    return raw[1], raw[4:]


def raw_digest(cid: str) -> bytes:
    """The sha256 of the raw block that ``cid`` names; ``BadInput`` for any other kind of content id."""
    codec, digest = decode(cid)
    if codec != RAW:
        raise BadInput(f"not a content id of a raw block: {cid}", input=cid, hint="expected bafkrei...")
    return digest


def to_bytes(cid: str) -> bytes:
    """The binary form, 36 bytes; ``BadInput`` as ``decode``."""
    raw = _unbase32(cid[1:]) if cid.startswith("b") and len(cid) <= _LONGEST_TEXT else None
    if raw is None or not _supported(raw) or _base32(raw) != cid:
        raise _refused(cid)
    return raw


def from_bytes(raw: bytes) -> str:
    """The content id of a binary one; ``BadInput`` for another version, codec or hash."""
    if not _supported(raw):
        raise _refused(raw[:BINARY_SIZE].hex())
    return _base32(raw)


def of(data: bytes, codec: int = RAW) -> str:
    """The content id of one block."""
    return encode(hashlib.sha256(data).digest(), codec)


def check(cid: str, data: bytes, place: str) -> bytes:
    """``data``, if it is what ``cid`` names; ``CheckFailed`` naming the content id otherwise.

    ``place`` says where it was read.
    """
    if hashlib.sha256(data).digest() != decode(cid)[1]:
        raise CheckFailed(
            f"content {cid} was altered: what {place} holds does not hash to it",
            input=cid,
            hint="ask its author to publish it again",
        )
    return data


def canonical(text: str) -> str:
    """This project's spelling of a content id in base32 (either case) or base58btc; ``BadInput`` for other kinds."""
    raw: bytes | None = None
    if len(text) <= _LONGEST_TEXT:
        if text[:1] in ("b", "B"):
            raw = _unbase32(text[1:])
        elif text[:1] == "z":
            raw = _unbase58(text[1:])
    if raw is None or not _supported(raw):
        raise _refused(text)
    return _base32(raw)


def same(a: str, b: str) -> bool:
    """Whether two texts name the same content, whatever base each is written in."""
    return canonical(a) == canonical(b)


def _supported(raw: bytes) -> bool:
    return len(raw) == BINARY_SIZE and raw[0] == _VERSION and raw[1] in (RAW, DAG_PB) and raw[2:4] == b"\x12\x20"


def _base32(raw: bytes) -> str:
    return "b" + base64.b32encode(raw).decode().lower().rstrip("=")


def _unbase32(text: str) -> bytes | None:
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None


def _unbase58(text: str) -> bytes | None:
    number = 0
    for letter in text:
        if letter not in _BASE58:
            return None
        number = number * 58 + _BASE58.index(letter)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _refused(text: str) -> BadInput:
    return BadInput(
        f"not a content id that is used here: {text[:80]!r}",
        input=text[:80],
        hint="expected CIDv1, raw or dag-pb, sha2-256, base32: bafkrei... or bafybei...",
    )
