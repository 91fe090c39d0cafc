"""The header of a CAR: ``{"roots": [content ids], "version": 1}`` in DAG-CBOR, of which no more than this is read.

Source: https://ipld.io/specs/codecs/dag-cbor/spec/
"""

from __future__ import annotations

from typing import Any

from oracle.custody import cid as cids

_UNSIGNED, _BYTES, _TEXT, _LIST, _MAP, _TAG = 0, 2, 3, 4, 5, 6  # major types
_CONTENT_ID = 42
_DEEPEST = 3  # a content id in a list in a map


def encode(root: str) -> bytes:
    """The header of a CAR with this root, in its one spelling."""
    return b"\xa2\x65roots\x81\xd8\x2a\x58\x25\x00" + cids.to_bytes(root) + b"\x67version\x01"


def decode(data: bytes) -> tuple[int, list[bytes]]:
    """Version and roots (binary content ids); ``ValueError`` saying what is wrong with anything else."""
    found, end = _item(data, 0, 0)
    if end != len(data) or not isinstance(found, dict):
        raise ValueError("no header")
    version, roots = found.get("version"), found.get("roots", [])
    if not isinstance(version, int) or not isinstance(roots, list) or not all(isinstance(r, _Root) for r in roots):
        raise ValueError("a header without version and roots")
    return version, [root.raw for root in roots]


class _Root:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The item at ``at`` and where it ends."""
    kind, value, at = _head(data, at)
    if depth > _DEEPEST:
        raise ValueError("a header of many levels")
    if kind == _UNSIGNED:
        return value, at
    if kind in (_BYTES, _TEXT) and at + value <= len(data):
        raw = data[at : at + value]
        return raw if kind == _BYTES else raw.decode(), at + value
    if kind == _LIST:
        items = []
        for _ in range(value):
            item, at = _item(data, at, depth + 1)
            items.append(item)
        return items, at
    if kind == _MAP:
        pairs = {}
        for _ in range(value):
            key, at = _item(data, at, depth + 1)
            pairs[str(key)], at = _item(data, at, depth + 1)
        return pairs, at
    if kind == _TAG and value == _CONTENT_ID:
        raw, at = _item(data, at, depth + 1)
        if isinstance(raw, bytes) and raw[:1] == b"\x00":
            return _Root(raw[1:]), at
    raise ValueError("a header that is no DAG-CBOR, or cut short")


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type and argument of the item at ``at``, and where they end."""
    first = data[at : at + 1]
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(first[0] & 31, 0) if first else 0
    if not first or (first[0] & 31) > 27 or at + 1 + size > len(data):
        raise ValueError("a header that is no DAG-CBOR, or cut short")
    value = int.from_bytes(data[at + 1 : at + 1 + size], "big") if size else first[0] & 31
    return first[0] >> 5, value, at + 1 + size
