"""CSV as RFC 4180 has it: a header, every field quoted (so that CR, LF and NUL stay what they are), CRLF, UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from oracle.corpus.exports.rows import COLUMNS, Record
from oracle.errors import BadInput

MAX_FIELD = 1 << 30  # characters; Python's own limit is 128 Ki


class Csv:
    """Writes lines of fields."""

    def __init__(self, file: BinaryIO, shard: int) -> None:
        self._file = file
        self._line(COLUMNS)

    def write(self, record: Record) -> None:
        self._line(map(str, record.values()))

    def finish(self) -> None:
        """There is nothing left."""

    def _line(self, fields: Iterable[str]) -> None:
        quoted = ('"' + field.replace('"', '""') + '"' for field in fields)
        self._file.write((",".join(quoted) + "\r\n").encode())


def read_csv(path: Path) -> Iterator[Record]:
    """Rows of a shard."""
    csv.field_size_limit(MAX_FIELD)
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text, strict=True)
        try:
            for row in rows:
                yield {**row, "round": int(row["round"])}
        except (csv.Error, ValueError, KeyError, TypeError) as error:
            place = f"{path}:{rows.line_num}"
            raise BadInput(f"{place} is no row of an export: {error}", input=place, hint="fetch it again") from error
