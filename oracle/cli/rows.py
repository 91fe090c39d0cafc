"""Rows of a table that people write: JSON objects whose fields are known, complete, and of the right kind.

A table may have a million rows, so it is looked at column by column, and searched only to name the row that fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import chain
from typing import Any

from oracle.errors import BadInput


class WrongType(BadInput):
    """A value is not the object, list or text that has to stand there."""


class UnknownField(BadInput):
    """A field that nobody knows: perhaps a misspelt one."""


class MissingField(BadInput):
    """A field that the market, or the rule asked for, needs."""


class ConflictingFields(BadInput):
    """Two fields that exclude each other."""


class DuplicateId(BadInput):
    """Two bids have the same id."""


def known_object(value: Any, what: str, known: Iterable[str]) -> dict[str, Any]:
    """A JSON object without unknown fields."""
    if type(value) is not dict:
        raise WrongType(f"{what} is not an object", hint=f"Write {what} as {{...}} with {', '.join(known)}.")
    for name in sorted(value.keys() - set(known)):
        raise _unknown(name, known, what)
    return value


def fields_of(rows: Any, known: Iterable[str]) -> set[str]:
    """The fields that rows have, all of them known. Raises WrongType for what is no list of objects, UnknownField."""
    if type(rows) is not list or not set(map(type, rows)) <= {dict}:
        raise WrongType("the bids are not a list of objects", hint='Write [{"id": "a", "bid": 1, "weight": 1}, ...].')
    names = set(chain.from_iterable(rows))
    for name in sorted(names.difference(known)):
        raise _unknown(name, known, f"bid {next(i for i, row in enumerate(rows) if name in row)}")
    return names


def field(values: Mapping[str, Any], name: str, what: str) -> Any:
    """A field that has to be there. Raises MissingField."""
    if name not in values:
        raise MissingField(f'{what} lacks "{name}"', hint=f'Add "{name}".')
    return values[name]


def column(rows: list[Any], name: str) -> list[Any]:
    """A field that every row has. Raises MissingField."""
    try:
        return [row[name] for row in rows]
    except KeyError as error:
        lacking = next(i for i, row in enumerate(rows) if name not in row)
        raise MissingField(f'bid {lacking} lacks "{name}"', hint=f'Give every bid a "{name}".') from error


def identifiers(rows: list[Any], name: str = "id") -> list[str]:
    """The column that tells rows apart. Raises MissingField, WrongType, DuplicateId."""
    found = _texts(name, column(rows, name))
    try:
        "".join(found).encode()
    except UnicodeEncodeError as error:
        raise WrongType("an id is half a character (a lone surrogate)", hint="Write ids in plain UTF-8.") from error
    if len(set(found)) != len(found):
        twice, _ = Counter(found).most_common(1)[0]
        raise DuplicateId(f"two bids have the id {twice!r}", hint="Give every bid an id of its own.")
    return found


def groups(rows: list[Any]) -> list[str | None]:
    """The group of every row, None where it names none. Raises WrongType."""
    found = [row.get("group") for row in rows]
    _texts("group", [group for group in found if group is not None])
    return found


def _texts(name: str, values: list[Any]) -> list[str]:
    for value in values:
        if type(value) is not str:
            raise WrongType(f'"{name}" is not a text: {value!r}', hint="Put it in quotes.")
    return values


def _unknown(name: str, known: Iterable[str], what: str) -> UnknownField:
    close = get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
    return UnknownField(f'nobody knows "{name}" in {what}', hint=hint)
