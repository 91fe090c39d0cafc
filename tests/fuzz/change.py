"""One thing changed in a JSON value: a type, a number, a text, a key, the length of a list, or the depth."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from fuzz.spelling import Raw, Twice, nested

NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 255, 256, 9_999, 10_000, 10_001, 2**31, 2**32, 2**53 - 1, -(2**53) + 1, 0.5, -0.5, 1e-300, 1.7e308),
    *map(Raw, ("9007199254740992", "18446744073709551615", "18446744073709551616", str(2**256 - 1), str(2**256))),
    *map(Raw, ("-0", "-0.0", "1e400", "-1e400", "NaN", "Infinity", "1E5", "1.0", "01", "9" * 5_000)),
)
TEXTS: tuple[str, ...] = (
    *(
        "",
        " ",
        "\x00",
        "a\nb",
        "\x1b[31m",
        "\u202eevil",
        "\u2066x\u2069",
        "\ufeff",
        "\ud800",
        "\udfff\ud800",
        "\U0010ffff",
    ),
    *("e\u0301" * 40, "ﷺ", "İ", "١٢٣", "²", "true", "null", "-", ".", "..", "../../etc/passwd", "/dev/null", "x" * 300),
    *(
        "0",
        "-0",
        "00",
        "-1",
        "+1",
        " 1",
        "1_000",
        "1e3",
        "1e400",
        "nan",
        "inf",
        "0x",
        "0x0",
        "9" * 5_000,
        "0." + "0" * 400,
    ),
    *(str(2**53), str(2**64 - 1), str(2**64), str(2**256 - 1), str(2**256), "0x" + "00" * 20, "0x" + "ff" * 32),
    *("2026-02-30", "9999-12-31", "0000-01-01", "%s%n{0}{x}", "[/red]", "é" * 50_000),
)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [None], {"": None}, [[]], {"kind": "x"})
DEPTHS = (2, 30, 300, 2_000, 100_000)
LONG = 3_000
"""Items of a list that was made long."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Changed:
    """The value, and what was done to it."""

    value: Any
    how: str


def change(source: Random, value: Any, other: Any = None) -> Changed:
    """A copy of ``value`` with one thing changed; ``other`` is a valid value of the same kind to take parts of.

    Every place is as likely as every other, those of ``value`` itself once in as many times as it has places.
    """
    value = copy.deepcopy(value)
    path = source.choice(_paths(value))
    old = _at(value, path)
    new, how = _one_thing(source, old, other)
    where = ".".join(map(str, path)) or "all of it"
    return Changed(_put(value, path, new), f"{where}: {how}")


def _paths(value: Any, before: Path = ()) -> list[Path]:
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [before, *(path for key, child in inner for path in _paths(child, (*before, key)))]


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _put(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    holder = _at(value, path[:-1])
    holder[path[-1]] = new
    return value


def _one_thing(source: Random, old: Any, other: Any) -> tuple[Any, str]:
    ways: list[Callable[[Random, Any], tuple[Any, str]]] = [_number, _text, _other_type, _deeper]
    if isinstance(old, dict):
        ways = [_other_type, _deeper, *[_keys] * 6]
    elif isinstance(old, list):
        ways = [_other_type, _deeper, *[_items] * 6]
    elif isinstance(old, str):
        ways += [_letters] * 4
    elif isinstance(old, int | float) and not isinstance(old, bool):
        ways += [_near] * 2
    if other is not None and source.random() < 0.1:
        return _foreign(source, other)
    return source.choice(ways)(source, old)


def _number(source: Random, _: Any) -> tuple[Any, str]:
    number = source.choice(NUMBERS)
    return number, f"the number {_short(number.text if isinstance(number, Raw) else number)}"


def _near(source: Random, old: Any) -> tuple[Any, str]:
    return (number := old + source.choice((-1, 1, 10))), f"{number} for {old}"


def _text(source: Random, _: Any) -> tuple[Any, str]:
    text = source.choice(TEXTS)
    return text, f"the text {_short(text)}"


def _other_type(source: Random, _: Any) -> tuple[Any, str]:
    return copy.deepcopy(found := source.choice(OTHERS)), f"{found!r} in its place"


def _deeper(source: Random, _: Any) -> tuple[Any, str]:
    depth = source.choice(DEPTHS)
    return nested(depth), f"{depth} lists in each other"


def _foreign(source: Random, other: Any) -> tuple[Any, str]:
    path = source.choice(_paths(other))
    return copy.deepcopy(_at(other, path)), f"what stands at {'.'.join(map(str, path)) or 'the top'} of another"


def _letters(source: Random, old: str) -> tuple[Any, str]:
    at = source.randrange(len(old) + 1)
    match source.randrange(7):
        case 0:
            return old[:at] + old[at + 1 :], f"no character {at}"
        case 1:
            return old + old[-1:], "its last character twice"
        case 2:
            return old.swapcase(), "other case"
        case 3:
            return old[:at] + (odd := source.choice("0aZ \n\x00é\u202e١")) + old[at + 1 :], f"{odd!r} as character {at}"
        case 4:
            return old * 2, "twice"
        case 5:
            return old[: at // 2], f"{at // 2} characters of it"
        case _:
            return source.choice((" ", "\n", "\t")) + old, "a blank in front"


def _keys(source: Random, old: dict[str, Any]) -> tuple[Any, str]:
    if not old:
        return {"x": 1}, "a key"
    key, second = source.choice(list(old)), source.choice(list(old))
    match source.randrange(6):
        case 0:
            return {name: value for name, value in old.items() if name != key}, f"no {key}"
        case 1:
            name = source.choice((*TEXTS[:20], "x", key.upper(), f"{key}_", "__class__"))
            return old | {name: source.choice((1, None, "x"))}, f"a key {_short(name)}"
        case 2:
            return {name + "s" * (name == key): value for name, value in old.items()}, f"{key} renamed"
        case 3:
            return Twice(old, key, source.choice((old[second], 1, "x"))), f"{key} twice"
        case 4:
            return old | {key: old[second], second: old[key]}, f"{key} and {second} exchanged"
        case _:
            return old | {f"key{number}": number for number in range(LONG)}, f"{LONG} keys more"


def _items(source: Random, old: list[Any]) -> tuple[Any, str]:
    if not old:
        return [source.choice((0, "x", None, []))], "an item"
    at = source.randrange(len(old))
    match source.randrange(6):
        case 0:
            return old[:at] + old[at + 1 :], f"no item {at}"
        case 1:
            return [*old[:at], old[at], *old[at:]], f"item {at} twice"
        case 2:
            return old[::-1], "the other way round"
        case 3:
            return (old * (LONG // len(old) + 1))[:LONG], f"{LONG} items"
        case 4:
            return [], "no items"
        case _:
            return [*old, source.choice((0, "x", None, [], {}))], "an item of another kind"


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}... ({len(text)} characters)"
