"""TOML as editors save it: with a byte order mark, with any line ends; what is no UTF-8 or no TOML names its line."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from oracle.corpus.encoding import wide_encoding
from oracle.errors import BadInput
from oracle.pipes import open_at_once

LARGEST = 1 << 20
"""Bytes of a file that a person writes."""
_SAVE = "save it as UTF-8"
_QUOTES = "“”„‟‘’‚‛«»\uff02\uff07"
_LINE = re.compile(r"\(at line (\d+), column \d+\)")


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a file; ``what`` it is, such as "terms file".

    Raises ``BadInput``, naming the file and where it can the line, for a file that is missing, a folder, too large, not
    in UTF-8 or not TOML.
    """
    name = str(path)
    try:
        with open_at_once(path) as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"cannot read the {what} {name}: {reason}", input=name, hint="check the path") from error
    if len(data) > LARGEST:
        raise BadInput(f"{name} is larger than 1 MiB, so it is no {what}", input=name, hint="check the path")
    return parse_toml(_text(data, name), name)


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The tables of ``text``, fractions as ``Decimal``; ``BadInput`` about the file ``name`` for what is not TOML."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{name} is not TOML: {error}", input=name, hint=_way_out(text, str(error))) from error
    except InvalidOperation as error:
        raise BadInput(f"{name} has a number beyond all bounds", input=name, hint="write a smaller one") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name} is not TOML: {error}", input=name, hint="check its longest value") from error


def _text(data: bytes, name: str) -> str:
    if codec := wide_encoding(data):
        raise BadInput(f"{name} is not UTF-8 but {codec.upper()}", input=name, hint=_SAVE)
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.count(b"\0") > len(data) // 4:
        raise BadInput(f"{name} is not UTF-8 but looks like UTF-16", input=name, hint=_SAVE)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise BadInput(f"{name} is not text: a NUL character (line {line})", input=name, hint=_SAVE)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{name} is not UTF-8 (line {line})", input=name, hint=_SAVE) from error


def _way_out(text: str, said: str) -> str:
    if "overwrite" in said or "twice" in said:
        return "give every table and every key once"
    found = _LINE.search(said)
    number = int(found[1]) if found else text.count("\n") + 1
    line = [*text.split("\n"), ""][number - 1]
    quote = next((sign for sign in line if sign in _QUOTES), None)
    if quote:
        return f'line {number} has the typographic quote {quote}: write the straight ones, "'
    odd = next((sign for sign in line if sign > "\x7f" and unicodedata.category(sign)[0] in "ZC"), None)
    if odd:
        return f"line {number} has the invisible character U+{ord(odd):04X}: write that line anew"
    return "texts and amounts stand in quotes"
