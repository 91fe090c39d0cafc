"""What an operator keeps of unfinished work: sealed under one key, bound to what it is about.

Texts are somebody else's until they are bought, and so is all that was computed from them. Every sealing has 32 random
bytes of its own, from which, with what it is about, its key is derived: no key and nonce come twice, and what is about
something else does not open.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from oracle.custody import stream
from oracle.custody.context import NOWHERE, Context
from oracle.custody.segments import whole
from oracle.errors import CheckFailed

SALT = 32


class Sealing:
    """``key``: 32 bytes that only their owner has (:attr:`oracle.node.opening.Reader.checkpoint_key`)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, plain: bytes, about: str) -> Iterator[bytes]:
        """``plain`` encrypted (:mod:`oracle.custody.stream`), in pieces, the salt first."""
        salt = os.urandom(SALT)
        yield salt
        yield from stream.seal(self._key, _context(about), [plain], whole(salt), purpose="unfinished")

    def open(self, sealed: bytes, about: str) -> bytes | None:
        """What was sealed; None when it was altered, cut off, is about something else or of another key."""
        salt, rest = sealed[:SALT], sealed[SALT:]
        if len(salt) < SALT:
            return None
        try:
            return b"".join(stream.unseal(self._key, _context(about), [rest], whole(salt), purpose="unfinished"))
        except CheckFailed:
            return None


def _context(about: str) -> Context:
    return Context(0, NOWHERE, 0, NOWHERE, hashlib.sha256(about.encode()).digest())
