"""Records of Parquet and Arrow files, a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from oracle.corpus.compressed import FREE, MAX_RATIO, DamagedStreamError
from oracle.errors import BadInput

_ROWS = 8  # at once: a dictionary can make every row as long as a document may be
_BUFFER = 2**20


def parquet(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The records of a Parquet file, those of ``columns`` that it has.

    Raises:
        BadInput: it has no column "text".
        DamagedStreamError: it holds more text than a file of its size could.
    """
    with pq.ParquetFile(path, buffer_size=_BUFFER) as file:
        present = _present(file.schema_arrow.names, columns, path)
        yield from _bounded(file.iter_batches(batch_size=_ROWS, columns=present), path)


def arrow(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The records of an Arrow stream (as Hugging Face datasets are saved) or Arrow file (Feather).

    Raises:
        BadInput: it has no column "text".
        DamagedStreamError: it holds more text than a file of its size could.
    """
    with _batches(path) as (schema, batches):
        present = _present(schema.names, columns, path)
        chosen = (batch.select(present) for batch in batches)
        parts = (batch.slice(start, _ROWS) for batch in chosen for start in range(0, batch.num_rows, _ROWS))
        yield from _bounded(parts, path)


def _bounded(batches: Iterable[pa.RecordBatch], path: Path) -> Iterator[dict[str, Any]]:
    left = max(FREE, MAX_RATIO * path.stat().st_size)
    for batch in batches:
        records = batch.to_pylist()
        left -= sum(len(record["text"]) for record in records if isinstance(record["text"], str))
        if left < 0:
            raise DamagedStreamError("holds more text than a file of its size could: refused as a decompression bomb")
        yield from records


@contextmanager
def _batches(path: Path) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    with pa.OSFile(str(path)) as source:
        if source.read(6) == b"ARROW1":
            with pa.ipc.open_file(source) as file:
                yield file.schema, (file.get_batch(at) for at in range(file.num_record_batches))
            return
        source.seek(0)
        with pa.ipc.open_stream(source) as stream:
            yield stream.schema, iter(stream)


def _present(names: Sequence[str], columns: Sequence[str], path: Path) -> list[str]:
    if "text" not in names:
        raise no_text(str(path), names)
    return [column for column in columns if column in names]


def no_text(place: str, columns: Sequence[str]) -> BadInput:
    """The error for records that have other columns only."""
    found = ", ".join(sorted(columns)) or "nothing"
    return BadInput(f"{place} has no column 'text' (found: {found})", input=place, hint="name the column 'text'")
