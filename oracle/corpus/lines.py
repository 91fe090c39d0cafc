"""Lines of text files and what JSON they hold: one object a line."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

import orjson

from oracle.corpus.allowance import Allowance, too_long
from oracle.corpus.encoding import MARK, Decoder, wide_encoding
from oracle.corpus.fields import NUMBERED, USED, repeated
from oracle.errors import BadInput

Record = tuple[int, dict[str, Any]]
"""A record and the number of the line where it ends."""

_HINT = "write one JSON object a line"
_USED = frozenset(USED)
_KEY = re.compile(rb'"(?:(?:%s)"\s*:|[a-z]{0,6}\\u00[67])' % "|".join(USED).encode())
"""What may be the key of a field that is used, be it spelt with escapes that no letter needs."""


def read_lines(
    stream: io.BufferedReader, place: str, repaired: Counter[str], allowance: Allowance
) -> Iterator[tuple[int, bytes]]:
    """Lines by number, each at most what one document may hold; where characters are wide, as UTF-8.

    Raises:
        BadInput: a line that is too long; names ``place`` and the line.
    """
    wide = wide_encoding(stream.peek(4)[:4])
    source: io.BufferedReader | io.TextIOWrapper = stream
    if wide:
        repaired[wide] += 1
        source = io.TextIOWrapper(stream, encoding=wide, newline="\n")
    for number in itertools.count(1):
        line = source.readline(allowance.longest + 1)
        if not line:
            return
        if len(line) > allowance.longest:
            raise too_long(f"{place}:{number}", allowance.longest)
        yield number, line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line


def json_records(
    stream: io.BufferedReader, place: str, repaired: Counter[str], allowance: Allowance
) -> Iterator[Record]:
    """The objects of JSON lines; byte order marks before a line and blank lines are passed over.

    Raises:
        BadInput: a line that is no JSON object, or has two values for a field that is used; names ``place`` and line.
    """
    decoder = Decoder(repaired)
    for number, line in read_lines(stream, place, repaired, allowance):
        if line.isspace():
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:  # no UTF-8, a byte order mark, or no JSON at all
            text = decoder.decode(line).lstrip(MARK)
            if not text.strip():
                continue
            line = text.encode("utf-8", "surrogatepass")
            record = _parsed(text, f"{place}:{number}")
        if not isinstance(record, dict):
            kind = "an array" if isinstance(record, list) else "a single value"
            hint = _HINT if number > 1 or kind != "an array" else f"{_HINT}: jq -c '.[]' FILE > FILE.jsonl"
            raise BadInput(f"{place}:{number} is not a JSON object but {kind}", input=f"{place}:{number}", hint=hint)
        if any(isinstance(record.get(field), float) for field in NUMBERED):
            record = _with_whole_numbers(line, record)
        keys = _KEY.findall(line)
        if len(keys) > 1 and len(keys) != len(record.keys() & _USED):
            _refuse_repeated(line, f"{place}:{number}")
        yield number, record


def _parsed(text: str, place: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:  # Python writes NaN, numbers beyond a double and halves of characters: fine where nobody uses them
            record = json.loads(text)
            for field in USED if isinstance(record, dict) else ():
                str(record.get(field)).encode()
        except (ValueError, RecursionError):
            _explain(text, place, error)
        return record


def _with_whole_numbers(line: bytes, record: dict[str, Any]) -> dict[str, Any]:
    """The record with whole numbers of any size as such, which orjson rounds to floats above 64 bits."""
    try:
        whole = json.loads(line)
    except RecursionError:  # deeper than Python follows; the float is refused
        return record
    return record | {field: whole[field] for field in NUMBERED if field in whole}


def _explain(text: str, place: str, error: orjson.JSONDecodeError) -> NoReturn:
    """Say what the line is, if it is no JSON object."""
    opening = text.lstrip()
    hint = _HINT
    if "surrogate" in str(error):
        hint = "half a character stands there, a lone surrogate: take it out, or put \\ufffd in its place"
    elif opening.startswith("["):
        hint += "; this looks like one JSON array over several lines: jq -c '.[]' FILE > FILE.jsonl"
    elif opening.startswith("{"):
        try:
            _, end = json.JSONDecoder().raw_decode(opening)
            if opening[end:].lstrip(MARK + " \t\r\n,").startswith("{"):
                hint += "; there are several on this one: jq -c . FILE > FILE.jsonl"
        except (ValueError, RecursionError):
            if not opening.rstrip().endswith("}"):
                hint += "; this looks like an object over several lines: jq -c . FILE > FILE.jsonl"
    raise BadInput(f"{place} is not JSON: {error}", input=place, hint=hint) from error


def _refuse_repeated(line: bytes, place: str) -> None:
    """Raise BadInput where the object of ``line`` has two values for a field that is used."""
    try:
        pairs = json.loads(line, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:  # another parser read it: then it has to be simpler
        raise BadInput(f"{place} is not JSON that every parser reads: {error}", input=place, hint=_HINT) from error
    counts = Counter(key for key, _ in pairs)
    for field in USED:
        if counts[field] > 1:
            raise repeated(place, field, "values")
