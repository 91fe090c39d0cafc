"""JSON read for money: no key twice, no number that is none, integers of any size, decimals as they are written."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

from oracle.corpus.encoding import unmarked
from oracle.errors import BadInput
from oracle.mechanism.integers import natural, naturals
from oracle.pipes import open_at_once

LARGEST = 1 << 28
"""Bytes of a file: a million bids have half of it."""

_WHOLE = re.compile(r"-?[0-9]{1,100}", re.ASCII)


class NotJson(BadInput):
    """The text is not JSON, or not in UTF-8."""


class DuplicateKey(BadInput):
    """An object has a key twice: readers disagree which of the two counts."""


def read_text(source: str) -> str:
    """A file, or stdin for ``-``. Raises BadInput when it cannot be read, NotJson when it is not UTF-8."""
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else open_at_once(Path(source)) as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise BadInput(f"{source} is above {LARGEST >> 20} MiB", input=source, hint="Give the file that you mean.")
        return unmarked(raw, source).decode()
    except OSError as error:
        why = f"cannot read {source}: {error.strerror}"
        raise BadInput(why, input=source, hint="Give a readable file, or - for stdin.") from error
    except UnicodeDecodeError as error:
        raise NotJson(f"{source} is not UTF-8: {error}", input=source, hint="Save it as UTF-8.") from error


def parse_json(text: str, source: str) -> Any:
    """The value of a JSON text; numbers with a point or an exponent are ``Decimal``. Raises NotJson, DuplicateKey."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for n, key in enumerate(keys) if key in keys[:n])
            raise DuplicateKey(f"an object has the key {twice!r} twice", input=source, hint="Keep one of the two.")
        return found

    def refused(constant: str) -> Any:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_float=Decimal, parse_constant=refused)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NotJson(f"{source} is not JSON: {error}", input=source, hint="Check it with a JSON tool.") from error


def whole(name: str, value: Any, bits: int) -> int:
    """A natural number below ``2**bits``, written as an integer or as a decimal string; errors as ``natural``."""
    return natural(name, _number(value), bits)


def wholes(name: str, values: Sequence[Any], bits: int) -> list[int]:
    """A column of them; errors as ``naturals``."""
    numbers = list(values) if set(map(type, values)) == {int} else list(map(_number, values))
    naturals(name, numbers, bits)
    return numbers


def _number(value: Any) -> Any:
    """The integer that a decimal string stands for; anything else is left for `natural` to refuse."""
    if type(value) is str and _WHOLE.fullmatch(value):
        return int(value)
    return str(value) if type(value) is Decimal else value
