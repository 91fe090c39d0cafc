"""Records of Parquet and Arrow files, a few at a time, as text, whole numbers and days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from oracle.corpus.fields import DATED, NUMBERED, USED, no_text, repeated, wrong_type
from oracle.errors import BadInput

_ROWS = 8  # at once: a dictionary can make every row as long as a document may be
_BUFFER = 2**20

Rows = list[dict[str, Any]]


def rows(path: Path, place: str) -> Iterator[Rows]:
    """The records of a file, those of their columns that documents have; batch by batch.

    Raises:
        BadInput: it has no column "text", two of one name, or one of a type that no document has; names ``place``.
        pa.ArrowException, OSError, ValueError: the file is damaged.
    """
    read = _parquet if path.suffix.lower() == ".parquet" else _arrow
    for batch in read(path, place):
        yield batch.to_pylist()


def _parquet(path: Path, place: str) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            present = _present(file.schema_arrow, place)
            for batch in file.iter_batches(batch_size=_ROWS, columns=present, use_threads=False):
                yield _native(batch, present)
    except (pa.ArrowException, OSError) as error:
        if "decrypt" not in str(error):
            raise
        raise BadInput(f"{place} is encrypted", input=place, hint="write it again without encryption") from error


def _arrow(path: Path, place: str) -> Iterator[pa.RecordBatch]:
    """Of an Arrow stream (as Hugging Face datasets are saved) or an Arrow file (Feather)."""
    _refuse_other(path, place)
    with _batches(path) as (schema, batches):
        present = _present(schema, place)
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS):
                yield _native(batch.slice(start, _ROWS), present)


def _refuse_other(path: Path, place: str) -> None:
    """Raise where the first bytes are those of no Arrow file: of any four the library makes a length, and asks for as
    much memory."""
    with path.open("rb") as file:
        opening = file.read(8)
    if opening.startswith(b"FEA1"):
        hint = "write it again: pyarrow.feather.write_feather(pyarrow.feather.read_table(OLD), NEW)"
        raise BadInput(f"{place} is of the first version of Feather, which is not read", input=place, hint=hint)
    if opening.startswith(b"ARROW1"):
        return
    length = opening[4:8] if opening.startswith(b"\xff\xff\xff\xff") else opening[:4]
    if not 0 <= int.from_bytes(length, "little", signed=True) <= path.stat().st_size:
        hint = "give it the suffix of what it is, or write it again as Parquet"
        raise BadInput(f"{place} is neither an Arrow stream nor an Arrow file", input=place, hint=hint)


@contextmanager
def _batches(path: Path) -> Iterator[tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
    with pa.OSFile(str(path)) as source:
        if source.read(6) == b"ARROW1":
            with pa.ipc.open_file(source) as file:
                yield file.schema, (file.get_batch(at) for at in range(file.num_record_batches))
            return
        source.seek(0)
        with pa.ipc.open_stream(source) as stream:
            yield stream.schema, stream


def _present(schema: pa.Schema, place: str) -> Sequence[str]:
    names = schema.names
    if "text" not in names:
        raise no_text(place, names)
    present = [field for field in USED if field in names]
    for field in present:
        if names.count(field) > 1:
            raise repeated(place, field, "columns")
        kind = _kind(schema.field(field).type)
        if not (_is_text(kind) or types.is_null(kind) or _is_number(field, kind) or _is_day(field, kind)):
            raise wrong_type(place, field, f"column of type {kind}")
    return present


def _kind(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_number(field: str, kind: pa.DataType) -> bool:
    return field in NUMBERED and bool(types.is_integer(kind) or (types.is_decimal(kind) and kind.scale <= 0))


def _is_day(field: str, kind: pa.DataType) -> bool:
    return field == DATED and bool(types.is_date(kind) or types.is_timestamp(kind))


def _native(batch: pa.RecordBatch, present: Sequence[str]) -> pa.RecordBatch:
    """The columns ``present``: text, and in place of times their days (in UTC) and of numbers their digits, as text."""
    return pa.RecordBatch.from_arrays([_column(field, batch.column(field)) for field in present], list(present))


def _column(field: str, column: pa.Array) -> pa.Array:
    kind = _kind(column.type)
    if _is_text(kind) or types.is_null(kind):
        return column
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_day(field, kind):
        return pa.array([None if day is None else day.isoformat() for day in column.cast(pa.date32()).to_pylist()])
    return pa.array([None if number is None else str(int(Decimal(number))) for number in column.to_pylist()])
