"""CSV as RFC 4180 has it: a header, every field quoted (so that CR, LF and NUL stay what they are), CRLF, UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from oracle.corpus.exports.rows import COLUMNS, Record
from oracle.errors import BadInput

MAX_FIELD = 1 << 30  # characters; Python's own limit is 128 Ki


class Csv:
    """Writes lines of fields."""

    def __init__(self, file: BinaryIO, shard: int) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._rows = csv.DictWriter(self._text, COLUMNS, quoting=csv.QUOTE_ALL)
        self._rows.writeheader()

    def write(self, record: Record) -> None:
        self._rows.writerow(record)

    def finish(self) -> None:
        self._text.detach()


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
