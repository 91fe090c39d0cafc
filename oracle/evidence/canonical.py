"""Canonical JSON: one byte string for one value, so that evidence can be hashed (RFC 8785, JCS).

Integers beyond 2**53 - 1 have no canonical form there; evidence writes them as decimal strings.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from oracle.errors import BadInput, CheckFailed

MAX_DEPTH = 64
"""Lists and objects inside each other: whoever goes through a foreign value needs no more room than for these."""


def dumps(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a JSON value; ``BadInput`` above ``MAX_DEPTH`` or for what RFC 8785 cannot write."""
    if _deeper_than(value, MAX_DEPTH):
        raise BadInput(
            f"no canonical JSON for this value: nested more than {MAX_DEPTH} deep",
            input=type(value).__name__,
            hint="write it flatter",
        )
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise BadInput(
            f"no canonical JSON for this value: {error}",
            input=type(value).__name__,
            hint="write integers beyond 2**53 - 1 as decimal strings; no NaN, no infinity",
        ) from error


def digest(value: Any) -> bytes:
    """sha256 of ``dumps(value)``, 32 bytes: also the digest of its content id when it is stored."""
    return hashlib.sha256(dumps(value)).digest()


def loads(data: bytes, *, name: str) -> Any:
    """Parse bytes that must be canonical already; ``CheckFailed`` naming ``name`` when they are not.

    Refusing a second spelling of the same value keeps "same content" and "same hash" the same thing.
    """
    try:
        value = json.loads(data)
        canonical = dumps(value) == data
    except (ValueError, RecursionError, BadInput) as error:
        raise CheckFailed(f"{name} is not JSON: {error}", input=name, hint="fetch it again from its author") from error
    if not canonical:
        raise CheckFailed(f"{name} is not canonical JSON (RFC 8785)", input=name, hint="fetch it again from its author")
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    inside = [value]
    for _ in range(levels + 1):
        inside = [
            child
            for holder in inside
            if isinstance(holder, dict | list | tuple)
            for child in (holder.values() if isinstance(holder, dict) else holder)
        ]
        if not inside:
            return False
    return True
