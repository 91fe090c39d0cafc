"""Records of Parquet and Arrow files, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from oracle.corpus.compressed import FREE, MAX_RATIO, DamagedStreamError
from oracle.errors import BadInput

_ROWS = 64
_BUFFER = 2**20


def parquet(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The records of a Parquet file, those of ``columns`` that it has.

    Raises:
        BadInput: it has no column "text".
        DamagedStreamError: it declares to be larger, decompressed, than a corpus could.
    """
    with pq.ParquetFile(path, buffer_size=_BUFFER) as file:
        present = _present(file.schema_arrow.names, columns, path)
        size = sum(file.metadata.row_group(at).total_byte_size for at in range(file.num_row_groups))
        if size > max(FREE, MAX_RATIO * path.stat().st_size):
            raise DamagedStreamError("decompresses to more than a corpus could: refused as a decompression bomb")
        for batch in file.iter_batches(batch_size=_ROWS, columns=present):
            yield from batch.to_pylist()


def arrow(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The records of an Arrow stream (as Hugging Face datasets are saved) or Arrow file (Feather).

    Raises:
        BadInput: it has no column "text".
    """
    with _batches(path) as (schema, batches):
        present = _present(schema.names, columns, path)
        for batch in batches:
            chosen = batch.select(present)
            for start in range(0, chosen.num_rows, _ROWS):
                yield from chosen.slice(start, _ROWS).to_pylist()


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
