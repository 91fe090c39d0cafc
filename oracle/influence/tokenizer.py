"""Tokenizers as JSON, the format of the ``tokenizers`` library."""

from __future__ import annotations

import json
from typing import Any

from tokenizers import Tokenizer


def read_tokenizer(text: str) -> Tokenizer:
    """The tokenizer that ``text`` describes; any exception where it describes none.

    A key that stands there twice is refused here: of it the library says what is no text, which ends the process.
    """
    json.loads(text, object_pairs_hook=_unique)
    return Tokenizer.from_str(text)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key of the tokenizer stands there twice")
