"""Which salt a chunk of a ciphertext was sealed under: every run of a packing that goes on has one of its own.

Two copies of an interrupted packing have the same content key and go on at the same chunk; what they seal from there on
is sealed under two keys, because the salt of a run is random and new. Salts are public.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oracle.evidence.fields import Bytes32, Count, Record

MAX_SEGMENTS: Final = 256
"""A packing that was interrupted more often is begun anew: manifests stay small."""


class Segment(Record):
    """``salt`` holds from chunk ``first`` on, up to the next segment."""

    first: Count
    salt: Bytes32


def whole(salt: bytes) -> tuple[Segment, ...]:
    """The segments of what was sealed in one run, under ``salt`` (32 bytes)."""
    return (Segment(first=0, salt=salt),)


def fit(segments: Sequence[Segment], chunks: int) -> bool:
    """Whether they are the segments of a ciphertext of so many chunks: in order, none of them empty, each with a salt
    of its own."""
    firsts = [segment.first for segment in segments]
    return (
        0 < len(firsts) <= MAX_SEGMENTS
        and firsts[0] == 0
        and all(before < after for before, after in zip(firsts, [*firsts[1:], chunks], strict=True))
        and len({segment.salt for segment in segments}) == len(segments)
    )
