"""Unsigned variable-length integers (LEB128), as protocol buffers, CAR and content ids write them."""

from __future__ import annotations

MAX_BYTES = 9
"""Multiformats allow no more: 63 bits."""


def encode(value: int) -> bytes:
    """``value`` (not negative, below 2^63), seven bits a byte, lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(data: bytes, start: int = 0) -> tuple[int, int]:
    """The integer at ``start`` and where it ends; ``ValueError`` when it is cut short, too long or padded."""
    value = 0
    for index, byte in enumerate(data[start : start + MAX_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if index and not byte:
                raise ValueError("a padded integer")
            return value, start + index + 1
    raise ValueError("an integer without an end")
