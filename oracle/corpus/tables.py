"""Tables as text: CSV as RFC 4180 says, and TSV, which has no quotes.

Nothing of a row is lost: one with more cells than the header names is refused, shorter ones are filled up with nothing.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from oracle.corpus.allowance import Allowance
from oracle.corpus.encoding import MARK
from oracle.corpus.fields import USED, repeated
from oracle.corpus.lines import Record
from oracle.errors import BadInput

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_CSV_HINT = 'quote fields that hold commas, quotes or line breaks, as RFC 4180 says: "one, two"'
_CR_HINT = "its lines end in carriage returns alone: tr '\\r' '\\n' < FILE > FILE.csv; those inside a field need quotes"
_TSV_HINT = "a tab always ends a cell of a TSV file: replace those in texts by spaces, or write CSV with quotes"
_COMMAS = {
    ";": ("semicolons", "save it as CSV with commas: programs in countries that write 1,5 part columns by semicolons"),
    "\t": ("tabs", "name it .tsv"),
    "|": ("bars", "save it as CSV with commas"),
    ",": ("commas", "name it .csv"),
}

Row = tuple[int, list[str]]


def csv_records(lines: Iterable[str], place: str, allowance: Allowance) -> Iterator[Record]:
    """The records of a CSV file.

    Raises:
        BadInput: wrong quotes, two columns of one name, a row wider than the header or equal to it; names ``place``
            and line.
    """
    rest = iter(lines)
    first = next(rest, "")
    _refuse_other_comma(first, ",", place)
    return _records(_quoted(_chain(first, rest), place, ",", allowance), place, _CSV_HINT)


def tsv_records(lines: Iterable[str], place: str, allowance: Allowance) -> Iterator[Record]:
    """The records of a TSV file: a line is a record and a tab ends a cell, whatever quotes stand there (IANA
    text/tab-separated-values). What spreadsheets do is undone all the same: a cell in quotes that has doubled ones
    inside, and a file whose header is quoted, which is then CSV with tabs.

    Raises:
        BadInput: two columns of one name, a row wider than the header or equal to it; names ``place`` and line.
    """
    rest = iter(lines)
    first = next(rest, "")
    _refuse_other_comma(first, "\t", place)
    cells = first.lstrip(MARK).rstrip("\r\n").split("\t")
    if all(_QUOTED.fullmatch(cell) for cell in cells):
        rows = _quoted(_chain(first, rest), place, "\t", allowance)
    else:
        rows = _plain(_chain(first, rest))
    return _records(rows, place, _TSV_HINT)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _records(rows: Iterator[Row], place: str, hint: str) -> Iterator[Record]:
    _, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    counts = Counter(names)
    for field in USED:
        if counts[field] > 1:
            raise repeated(f"{place}:1", field, "columns")
    for number, row in rows:
        if not row:
            continue
        if any(row[len(names) :]):
            message = f"{place}:{number} has {len(row)} cells, the header {len(names)}"
            raise BadInput(message, input=f"{place}:{number}", hint=hint)
        if row == header:
            message = f"{place}:{number} is the header again: files were joined"
            raise BadInput(message, input=f"{place}:{number}", hint="remove that line, or give the files one by one")
        yield number, {name: value or None for name, value in zip_longest(names, row[: len(names)])}


def _refuse_other_comma(header: str, comma: str, place: str) -> None:
    """Raise BadInput for a header without "text" that would have it if columns were parted by another sign."""
    for sign, (name, hint) in _COMMAS.items():
        own, others = ([part.strip(f" \"'\r\n{MARK}") for part in header.split(each)] for each in (comma, sign))
        if "text" in others and "text" not in own:
            raise BadInput(f"{place}:1 parts its columns by {name}", input=f"{place}:1", hint=hint)


def _quoted(lines: Iterable[str], place: str, comma: str, allowance: Allowance) -> Iterator[Row]:
    csv.field_size_limit(allowance.longest)
    begins = True

    def unmarked() -> Iterator[str]:
        nonlocal begins
        for line in lines:
            given = line.lstrip(MARK) if begins else line
            begins = False
            yield given

    rows = csv.reader(unmarked(), delimiter=comma, strict=True)
    try:
        for row in rows:
            yield rows.line_num, row
            begins = True
    except csv.Error as error:
        at = f"{place}:{rows.line_num}"
        if "new-line character" in str(error):
            raise BadInput(f"{at}: a carriage return ends no line", input=at, hint=_CR_HINT) from error
        raise BadInput(f"{at}: {error}", input=at, hint=_CSV_HINT) from error


def _plain(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        cells = line.lstrip(MARK).rstrip("\r\n")
        yield number, [_unquoted(cell) for cell in cells.split("\t")] if cells else []


def _unquoted(cell: str) -> str:
    inner = cell[1:-1]
    return inner.replace('""', '"') if '""' in inner and _QUOTED.fullmatch(cell) else cell
