"""Names that may become files: of slots on the board, of pins in a store."""

from __future__ import annotations

import re

from oracle.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def is_name(text: str) -> bool:
    """Letters, digits, ``.``, ``_`` and ``-``, at most 200 of them; no dot or dash in front."""
    return _NAME.fullmatch(text) is not None


def checked_name(text: str, what: str) -> str:
    """``text``, if it is a name; ``BadInput`` otherwise. ``what`` it should name: "the board", "a pin"."""
    if not is_name(text):
        raise BadInput(
            f"not a name for {what}: {text[:80]!r}", input=text[:80], hint="letters, digits, '.', '_' and '-' only"
        )
    return text
