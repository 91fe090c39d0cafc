"""Bytes changed without regard to what they mean."""

from __future__ import annotations

from random import Random

from fuzz.target import Input

ODD = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\xff" * 9,
    b"\n",
    b'"',
    b"\\",
    b"{",
    b"[" * 300,
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\x1f\x8b",
)


def damage(source: Random, data: bytes, other: bytes) -> Input:
    """``data`` with a bit flipped, a piece put in, taken out, overwritten or repeated, its end cut off, or the rest of
    ``other`` behind it."""
    at, size = source.randrange(len(data) + 1), source.choice((1, 1, 2, 4, 16, 100))
    match source.randrange(8):
        case 0 | 1 if data:
            at = min(at, len(data) - 1)
            flipped = data[at] ^ 1 << source.randrange(8)
            return Input(data[:at] + bytes([flipped]) + data[at + 1 :], f"a bit of byte {at} flipped")
        case 2:
            piece = source.choice(ODD)
            return Input(data[:at] + piece + data[at:], f"{piece[:12]!r} put in at {at}")
        case 3:
            return Input(data[:at] + data[at + size :], f"{size} bytes taken out at {at}")
        case 4:
            return Input(data[:at] + source.randbytes(size) + data[at + size :], f"{size} bytes overwritten at {at}")
        case 5:
            return Input(data[:at] + data[at : at + size] * 2 + data[at + size :], f"{size} bytes repeated at {at}")
        case 6:
            return Input(data[:at], f"the first {at} bytes")
        case _:
            return Input(data[:at] + other[min(at, len(other)) :], f"another input from byte {at} on")
