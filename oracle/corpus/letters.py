"""What letters and digits are, by one release of Unicode.

Python's own answers (``str.isalpha``, ``\\w``, ``\\d``) grow with Python; what scores depend on may not.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise

from unicodedata2 import category

_PLANES = 0x40000  # beyond are no letters and no digits


@cache
def of(*kinds: str) -> str:
    """The inside of a regular expression's brackets: all characters whose category begins with one of ``kinds``."""
    inside = [category(chr(point)).startswith(kinds) for point in range(_PLANES)]
    edges = [at for at, (left, right) in enumerate(pairwise([False, *inside, False])) if left != right]
    ranges = zip(edges[::2], edges[1::2], strict=True)
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(end - 1))}" for first, end in ranges)


@lru_cache(maxsize=1 << 12)
def is_letter(character: str) -> bool:
    """Whether one character is a letter."""
    return bool(category(character)[0] == "L")
