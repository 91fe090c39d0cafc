"""File names as text: names are bytes, and not all of them are UTF-8 or fit on a line."""

from __future__ import annotations

import os
import re
from pathlib import Path

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def readable_name(path: Path | str) -> str:
    """The name as it can be printed and written as UTF-8: odd bytes, line breaks and control characters, those that
    change the direction of writing among them, are spelt ``\\xff`` or ``\\u202e``.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
