"""The text bases that content ids are written in: the first letter names the base.

Source: https://github.com/multiformats/multibase (its bases that are final or drafts, without the curiosities).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_BASE32 = _LETTERS + "234567"
_BASE64 = _LETTERS.upper() + _LETTERS + _DIGITS
BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class _Base:
    name: str
    letters: str
    cycle: int = 0
    """Letters that whole bytes are padded to with ``=``; 0: never padded."""


def _both(prefix: str, name: str, letters: str, cycle: int = 0) -> dict[str, _Base]:
    return {
        prefix: _Base(f"{name}, lower case", letters, cycle),
        prefix.upper(): _Base(f"{name}, upper case", letters.upper(), cycle),
    }


_BASES: Final = {
    **_both("f", "base16", _DIGITS + "abcdef"),
    **_both("b", "base32", _BASE32, 8),
    **_both("c", "base32", _BASE32, 8),
    **_both("v", "base32hex", _DIGITS + _LETTERS[:22], 8),
    **_both("t", "base32hex", _DIGITS + _LETTERS[:22], 8),
    "h": _Base("base32z", "ybndrfg8ejkmcpqxot1uwisza345h769"),
    **_both("k", "base36", _DIGITS + _LETTERS),
    "z": _Base("base58btc", BASE58),
    "Z": _Base("base58flickr", BASE58[:9] + BASE58[33:] + BASE58[9:33]),
    "m": _Base("base64", _BASE64 + "+/", 4),
    "M": _Base("base64", _BASE64 + "+/", 4),
    "u": _Base("base64url", _BASE64 + "-_", 4),
    "U": _Base("base64url", _BASE64 + "-_", 4),
}


def decode(text: str) -> bytes:
    """The bytes that a text with its base in front stands for; ``ValueError`` saying what is wrong with it.

    Padding may be there or not, whatever the letter in front says of it.
    """
    base = _BASES.get(text[:1])
    if base is None:
        raise ValueError(f"{text[:1]!r} in front names no base" if text else "nothing is written")
    letters = _unpadded(text[1:], base)
    number = 0
    for letter in letters:
        value = base.letters.find(letter)
        if value < 0:
            case = letter.swapcase() in base.letters and base.letters != base.letters.swapcase()
            raise ValueError(f"{letter!r} is no letter of {base.name}" + (": the case is wrong" if case else ""))
        number = number * len(base.letters) + value
    bits = len(letters) * (len(base.letters).bit_length() - 1)
    if len(base.letters) & len(base.letters) - 1:  # not a power of two: a content id begins with no zero byte
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
    number, spare = divmod(number, 1 << bits % 8)
    if spare or bits % 8 >= len(base.letters).bit_length() - 1:
        raise ValueError(f"{base.name} does not end after {len(letters)} letters like these: cut off, or one is wrong")
    return number.to_bytes(bits // 8, "big")


def _unpadded(text: str, base: _Base) -> str:
    letters = text.rstrip("=") if base.cycle else text
    if len(letters) < len(text) and (len(text) % base.cycle or len(text) - len(letters) >= base.cycle):
        raise ValueError(f"{len(text) - len(letters)} times '=' at the end of {base.name} is not its padding")
    return letters
