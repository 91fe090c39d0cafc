"""Content ids: CIDv1, sha2-256, codec raw (file bytes) or dag-pb (a node of links), written in base32, lower case.

One content has one text here, so that texts may be compared and become file names. People and daemons write others,
in any base, of version 0, with ``ipfs://`` in front: ``canonical`` brings those home, ``same`` compares what they mean.
On chain only digest and codec travel.
Source: https://github.com/multiformats/cid
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from oracle.custody import multibase, varint
from oracle.errors import BadInput, CheckFailed

RAW: Final = 0x55
DAG_PB: Final = 0x70
BINARY_SIZE: Final = 36
"""Bytes of a binary content id: version, codec, hash function, hash size, 32 bytes of hash."""

_VERSION, _SHA2_256, _DIGEST_SIZE = 1, 0x12, 32
_VERSION_0_SIZE = 2 + _DIGEST_SIZE
_LONGEST_TEXT = 200
_CODECS = {
    RAW: "raw",
    DAG_PB: "dag-pb",
    0x51: "cbor",
    0x71: "dag-cbor",
    0x72: "libp2p-key",
    0x78: "git-raw",
    0x0129: "dag-json",
    0x0200: "json",
}
_HASHES = {
    0x00: "identity",
    0x11: "sha1",
    _SHA2_256: "sha2-256",
    0x13: "sha2-512",
    0x14: "sha3-512",
    0x16: "sha3-256",
    0x1B: "keccak-256",
    0x1E: "blake3",
    0x56: "dbl-sha2-256",
    0x1012: "sha2-256-trunc254-padded",
    0xB220: "blake2b-256",
    0xB240: "blake2b-512",
}
ADD: Final = "ipfs add --cid-version=1 --raw-leaves --hash=sha2-256 FILE"
"""How Kubo makes a file that is read here."""


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
    """The content id of a binary one; ``BadInput`` for another codec or hash. Version 0 is dag-pb of version 1."""
    cid, size = at_start(raw)
    if size != len(raw):
        raise _refused(raw.hex(), f"{len(raw) - size} bytes follow it")
    return cid


def at_start(data: bytes) -> tuple[str, int]:
    """The content id that ``data`` begin with and its length; ``BadInput`` as ``from_bytes``."""
    if data[:2] == bytes([_SHA2_256, _DIGEST_SIZE]) and len(data) >= _VERSION_0_SIZE:
        return encode(data[2:_VERSION_0_SIZE], DAG_PB), _VERSION_0_SIZE
    raw = data[:BINARY_SIZE]
    if not _supported(raw):
        raise _refused(raw.hex(), _kind(data))
    return _base32(raw), BINARY_SIZE


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
    """This project's spelling of a content id as people write it; ``BadInput`` saying what is wrong with it.

    In any base, with ``ipfs://`` or ``/ipfs/`` in front, with blanks around; ``Qm...`` is version 0.
    """
    bare = _bare(text.strip())
    if len(bare) > _LONGEST_TEXT:
        raise _refused(bare, f"{len(bare)} letters are too many")
    try:
        raw = multibase.decode("z" + bare if bare.startswith(("Qm", "1")) else bare)
    except ValueError as error:
        raise _refused(bare, str(error)) from error
    if bare.startswith("Qm") and (len(raw), raw[:1]) == (_VERSION_0_SIZE, bytes([_SHA2_256])):
        return from_bytes(raw)
    if bare.startswith("Qm"):
        raise _refused(bare, "it is no whole content id of version 0, which has 46 letters")
    if not _supported(raw):
        raise _refused(bare, _kind(raw))
    return _base32(raw)


def _bare(text: str) -> str:
    """A content id without what leads to it; ``BadInput`` where it is followed by a path, or is a name that changes."""
    head, _, rest = text.partition("://") if "://" in text else text.removeprefix("/").partition("/")
    if head.lower() not in ("ipfs", "ipns"):
        rest = text
    elif head.lower() == "ipns":
        raise BadInput(
            f"a name that may mean another content tomorrow: {text[:80]!r}",
            input=text[:80],
            hint="give the content id that it means now: ipfs resolve -r /ipns/NAME",
        )
    bare, *path = rest.rstrip("/").split("/")
    if path:
        raise BadInput(
            f"a path inside of a content: {text[:80]!r}",
            input=text[:80],
            hint="give the content id of the file: ipfs resolve -r /ipfs/CID/PATH",
        )
    return bare


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


def _kind(raw: bytes) -> str:
    """What a binary content id is, that is none of ours."""
    if raw[:1] == bytes([_SHA2_256]):
        return "a content id of version 0 is written Qm..., without a base in front"
    try:
        version, at = varint.decode(raw)
        codec, at = varint.decode(raw, at)
        hashed, at = varint.decode(raw, at)
        size, at = varint.decode(raw, at)
    except ValueError:
        return "it is cut off"
    if version != _VERSION:
        return f"it is of version {version}"
    if codec not in (RAW, DAG_PB):
        return f"it names a block of kind {_CODECS.get(codec, hex(codec))}, not raw or dag-pb"
    if hashed == 0:
        return "its bytes are in the id itself (identity), not hashed"
    if hashed != _SHA2_256:
        return f"it is hashed with {_HASHES.get(hashed, hex(hashed))}, not sha2-256"
    return f"it has a hash of {len(raw) - at} bytes and should have {_DIGEST_SIZE}" + (
        f", and says {size}" if size != _DIGEST_SIZE else ""
    )


def _refused(text: str, why: str = "it is not the one spelling of this project") -> BadInput:
    return BadInput(
        f"not a content id that is used here: {text[:80]!r}: {why}",
        input=text[:80],
        hint=f"expected CIDv1, raw or dag-pb, sha2-256, bafkrei... or bafybei...; Kubo gives it with {ADD}",
    )
