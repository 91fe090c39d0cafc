"""One spelling of every text: what is compared and counted, whatever characters it was written with.

Unicode knows many spellings of the same text: composed and decomposed letters, ligatures, full-width, mathematical and
enclosed letters, presentation forms. Two that Unicode calls compatible (form NFKC) are one text here. So are texts that
differ in characters nobody sees: format and tag characters, variation selectors, joiners, fillers, control characters
that are no white space. And so are two that Unicode tells apart but calls old and new spellings of one letter.

Python's own tables grow with Python; these are of one release of Unicode (``UNICODE``), by a package that is pinned.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray
from unicodedata2 import category, combining, decomposition, normalize, unidata_version

UNICODE = unidata_version
"""The release of Unicode that texts are read by."""

_UNSEEN = (  # what the property Default_Ignorable_Code_Point adds to the format characters, and a note without a head
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001d159\U000e0000-\U000e0fff"
)
_CONTROLS = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # less white space
_OLD = {  # letters that joiners spelled until they were encoded themselves: Malayalam chillus, the Bengali cut-off t
    "\u0d54": "\u0d2e\u0d4d",
    "\u0d55": "\u0d2f\u0d4d",
    "\u0d56": "\u0d34\u0d4d",
    "\u0d7a": "\u0d23\u0d4d",
    "\u0d7b": "\u0d28\u0d4d",
    "\u0d7c": "\u0d30\u0d4d",
    "\u0d7d": "\u0d32\u0d4d",
    "\u0d7e": "\u0d33\u0d4d",
    "\u0d7f": "\u0d15\u0d4d",
    "\u09ce": "\u09a4\u09cd",
}
_ASCII_CONTROLS = bytes(range(0x09)) + bytes(range(0x0E, 0x1C)) + b"\x7f"
_PLANES = 0x30000  # beyond are ideographs, and of what is left out the tags of plane 14
_FEW = 16  # characters that may each be replaced, before normalising all of a text is quicker

_SETTLED, _ALONE, _NEVER, _BESIDE, _ODD = range(5)
"""What a character asks for: nothing; its own spelling, wherever it stands; to be left out; a look at what stands
beside it; that too, and more than form NFKC does."""


def plain(text: str) -> str:
    """``text`` in its one spelling, case kept. Any string is fine, lone surrogates included; the result has no other.

    It may be longer: one character of three bytes stands for up to eighteen. Takes linear time, however many marks are
    heaped on one letter (the standard library's ``normalize`` sorts them in quadratic time).
    """
    if text.isascii():
        data = text.encode("ascii")
        seen = data.translate(None, _ASCII_CONTROLS)
        return text if len(seen) == len(data) else seen.decode("ascii")
    pattern, table = _odd()
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    points = points[points - np.uint32(0x20) > 0x7E - 0x20]  # less printable ASCII, which asks for nothing
    asked = table.take(points, mode="clip")
    worst = asked.max(initial=_SETTLED)
    if worst == _SETTLED:
        return text
    if worst < _BESIDE:
        found = set(points[asked != _SETTLED].tolist())
        if len(found) <= _FEW:  # an ellipsis or a hard space here and there, as most texts have
            for character in map(chr, found):
                text = text.replace(character, "" if pattern.match(character) else normalize("NFKC", character))
            return text
    if worst == _ODD or (asked == _NEVER).any():
        text = pattern.sub(lambda found: _OLD.get(found[0], ""), text)
    composed: str = normalize("NFKC", text)
    return composed


@cache
def _odd() -> tuple[re.Pattern[str], NDArray[np.uint8]]:
    """What is left out or spelled out before letters compose (a joiner between a letter and its mark would keep them
    apart); and for every code point what it asks for: most texts have nothing of the kind, and one look into a table is
    all that they cost.
    """
    characters = list(map(chr, range(_PLANES)))
    formats = "".join(character for character in characters[0x80:] if category(character) == "Cf")
    pattern = re.compile(f"[{_CONTROLS}{_UNSEEN}{re.escape(formats)}{''.join(_OLD)}]")
    pairs = (parts for parts in map(decomposition, characters) if parts and parts[0] != "<")
    joining = {int(last, 16) for parts in pairs for last in parts.split()[1:]}
    joining |= set(range(0x1161, 0x1200))  # vowels and tails of Korean syllables
    table = np.full(_PLANES + 1, _SETTLED, dtype=np.uint8)
    spelled: dict[int, str] = {}
    for point, character in enumerate(characters):
        if point in joining or combining(character):
            table[point] = _BESIDE
        elif (other := normalize("NFKC", character)) != character:
            table[point] = _BESIDE
            spelled[point] = other
    unseen = [ord(found[0]) for found in pattern.finditer("".join(characters))]
    table[unseen] = _NEVER
    table[[*map(ord, _OLD), _PLANES]] = _ODD
    alone = [point for point, other in spelled.items() if not table[list(map(ord, other))].any()]
    table[[point for point in alone if table[point] == _BESIDE]] = _ALONE
    return pattern, table
