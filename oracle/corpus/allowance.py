"""What an archive may come to: in proportion to its size, so that a small file cannot cost like a large one.

Scoring takes about half a second a MiB of text, 80 microseconds a document, and 60 bytes of memory for each byte of the
longest document. ``FREE`` and ``LONGEST`` keep an archive of up to ``SMALL`` bytes within ten seconds and 300 MiB; what
an archive has beyond that may grow ``MAX_RATIO`` times. Files that are not packed are what they are, and have no limit.
"""

from __future__ import annotations

import math

from oracle.errors import BadInput

MAX_DOCUMENT = 16 * 2**20  # bytes of any document; scoring takes up to 100 times as much memory
SMALL = 2**20  # bytes
FREE = 9 * 2**20  # bytes, documents at ``DOCUMENT`` each
LONGEST = 2 * 2**20  # bytes of one document
DOCUMENT = 112  # bytes that a document costs beside its text
MAX_RATIO = 100  # ten times what text compresses to: it is repeated text, or none


class BombError(Exception):
    """An archive comes to more than a corpus of its size could."""

    def __init__(self) -> None:
        super().__init__("comes to more than an archive of its size should: refused as a decompression bomb")


class Allowance:
    """How much is left of what an archive of ``size`` bytes (None: a file that is not packed, without limit) may come
    to; ``longest`` bounds one document.
    """

    def __init__(self, size: int | None) -> None:
        beyond = math.inf if size is None else MAX_RATIO * max(0, size - SMALL)
        self.longest = int(min(MAX_DOCUMENT, LONGEST + beyond))
        self._left = FREE + beyond

    def take(self, cost: int) -> None:
        """Raise BombError when ``cost`` bytes are more than is left."""
        self._left -= cost
        if self._left < 0:
            raise BombError


def too_long(place: str, limit: int) -> BadInput:
    """The error for a document of more than ``limit`` bytes."""
    hint = "split it into documents of a sensible length"
    if limit < MAX_DOCUMENT:
        hint += f", or give it unpacked: then {MAX_DOCUMENT // 2**20} MiB are allowed"
    return BadInput(f"{place} holds a document above {limit // 2**20} MiB", input=place, hint=hint)
