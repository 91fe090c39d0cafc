"""A digest of a multiset: whatever the order, documents can be added and removed, and digests of unions are sums.

LtHash with 1,024 elements of 16 bits (Lewi, Kim, Maykov, Weis: Securing Update Propagation with Homomorphic Hashing,
IACR ePrint 2019/227: over 200 bits of collision resistance). Each document becomes a vector, SHAKE128 of its sha256
(128 bits, so that is the bound here), and the digest is the sum of the vectors modulo 2**16, element by element.

It hides nothing: whoever guesses all documents can confirm the guess. Published, it stands encrypted (sealed.py). The
same document counts as often as it occurs, modulo 65,536: the number of documents is kept beside the digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from oracle.errors import BadInput

ELEMENTS = 1024
STATE_BYTES = 2 * ELEMENTS
_DOMAIN = b"mixed-mia/lthash/1"
_AT_ONCE = 256  # documents whose vectors are summed in one step: half a megabyte
_ELEMENT = np.dtype("<u2")

Vector = npt.NDArray[np.uint16]


class LtHash:
    """The running digest; ``LtHash()`` is that of no documents."""

    def __init__(self, state: bytes = bytes(STATE_BYTES)) -> None:
        """Continue from 2,048 bytes; ``BadInput`` for any other length."""
        if len(state) != STATE_BYTES:
            raise BadInput(f"a digest of {len(state)} bytes", input="digest", hint=f"it has {STATE_BYTES}")
        self._state: Vector = np.frombuffer(state, dtype=_ELEMENT).astype(np.uint16)

    def add(self, lines: Iterable[bytes]) -> None:
        """Add documents, as canonical lines without line feed."""
        for vectors in _vectors(lines):
            self._state += vectors.sum(axis=0, dtype=np.uint16)

    def remove(self, lines: Iterable[bytes]) -> None:
        """Take documents out again."""
        for vectors in _vectors(lines):
            self._state -= vectors.sum(axis=0, dtype=np.uint16)

    def union(self, other: LtHash) -> LtHash:
        """The digest of both multisets together."""
        both = LtHash()
        both._state = self._state + other._state
        return both

    def to_bytes(self) -> bytes:
        """The state, 2,048 bytes, elements little-endian."""
        return self._state.astype(_ELEMENT).tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LtHash) and bool((self._state == other._state).all())

    __hash__ = None  # type: ignore[assignment]  # it changes


def _vectors(lines: Iterable[bytes]) -> Iterable[Vector]:
    """The vectors of the documents, a row each, some rows at a time."""
    pending = bytearray()
    for line in lines:
        pending += hashlib.shake_128(_DOMAIN + hashlib.sha256(line).digest()).digest(STATE_BYTES)
        if len(pending) == _AT_ONCE * STATE_BYTES:
            yield np.frombuffer(bytes(pending), dtype=_ELEMENT).reshape(-1, ELEMENTS)
            pending.clear()
    yield np.frombuffer(bytes(pending), dtype=_ELEMENT).reshape(-1, ELEMENTS)
