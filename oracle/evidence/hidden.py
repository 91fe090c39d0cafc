"""Characters that a reader does not see, or that change what is seen: they move the cursor, turn the reading direction,
take no room, or look different from font to font. Whoever prints foreign text shows them; nobody signs them.

Hidden are all that Unicode calls Other (controls but line feed and tab, format characters, surrogates, private use,
unassigned), the line and paragraph separators, and what it calls default ignorable. Spaces of other widths are seen.
The two joiners are spelling where a script needs them (RFC 5892, A.1 and A.2) and hidden everywhere else.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER = "\u200c", "\u200d"
_VIRAMA = 9  # canonical combining class
_UNUSUAL = re.compile(r"[^\n\t -~]")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_IGNORED_MARKS = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


@dataclass(frozen=True, slots=True)
class Hidden:
    """A hidden character and its place: ``line`` and ``column`` in characters, both from 1."""

    character: str
    line: int
    column: int

    def __str__(self) -> str:
        name = unicodedata.name(self.character, "") or _NAMELESS.get(unicodedata.category(self.character), "unassigned")
        return f"line {self.line}, column {self.column}: U+{ord(self.character):04X} ({name})"


_NAMELESS = {"Cc": "control character", "Co": "private use", "Cs": "half a character"}


def visible(text: str) -> str:
    """``text`` with every hidden character as its escape: ``\\x1b``, ``\\u202e``, ``\\U000e0041``."""
    return _UNUSUAL.sub(lambda found: _escape(found[0]) if _is_hidden(text, found.start()) else found[0], text)


def first_hidden(text: str) -> Hidden | None:
    """The first hidden character of ``text``; None when all can be seen."""
    for found in _UNUSUAL.finditer(text):
        at = found.start()
        if _is_hidden(text, at):
            return Hidden(found[0], text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    return None


def _is_hidden(text: str, at: int) -> bool:
    character = text[at]
    if character in (ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER):
        return not _joins(text, at)
    if character in _FILLERS or _IGNORED_MARKS.match(character):
        return True
    return not character.isprintable() and unicodedata.category(character) != "Zs"


def _joins(text: str, at: int) -> bool:
    """After a virama both are spelling (scripts of India); between Arabic letters the non-joiner is (Persian)."""
    if at == 0:
        return False
    if unicodedata.combining(text[at - 1]) == _VIRAMA:
        return True
    around = text[at - 1], text[at + 1 : at + 2]
    return text[at] == ZERO_WIDTH_NON_JOINER and all(
        letter and unicodedata.bidirectional(letter) == "AL" for letter in around
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
