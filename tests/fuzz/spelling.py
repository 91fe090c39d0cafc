"""JSON written from values that no JSON library would write: keys twice, numbers as they stand, depth without end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import rfc8785


@dataclass(frozen=True)
class Raw:
    """Text that stands in the document as it is."""

    text: str


class Twice(dict[str, Any]):
    """An object in which one key stands a second time, with another value."""

    def __init__(self, values: dict[str, Any], key: str, second: Any) -> None:
        super().__init__(values)
        self.second = key, second


def nested(depth: int) -> Raw:
    """Lists in lists, ``depth`` of them: what recursion ends in."""
    return Raw("[" * depth + "]" * depth)


def spell(value: Any, *, sort: bool = True) -> bytes:
    """The value as RFC 8785 writes it, wherever it can: keys in order, no spaces; lone surrogates as three bytes.

    ``sort``: else keys stay where they are.
    """
    return _spell(value, sort).encode("utf-8", "surrogatepass")


def _spell(value: Any, sort: bool) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        pairs = list(value.items())
        if sort:
            pairs.sort(key=lambda pair: pair[0].encode("utf-16-be", "surrogatepass"))
        if isinstance(value, Twice):
            pairs.append(value.second)
        return "{" + ",".join(f"{_spell(key, sort)}:{_spell(inner, sort)}" for key, inner in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_spell(inner, sort) for inner in value) + "]"
    if isinstance(value, float):
        return rfc8785.dumps(value).decode()
    return json.dumps(value, ensure_ascii=False)
