"""Parquet with Zstandard pages; a row group holds some 8 MiB, so that neither side needs more memory than that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from oracle.corpus.exports.rows import COLUMNS, Record
from oracle.errors import BadInput

GROUP = 8 << 20  # characters
GROUP_ROWS = 1 << 14
_REPEATED = ["provider", "dataset_root", "licence"]
SCHEMA = pa.schema([pa.field(name, pa.int64() if name == "round" else pa.string(), False) for name in COLUMNS])


class Parquet:
    """Gathers a row group, then writes it."""

    def __init__(self, file: BinaryIO, shard: int) -> None:
        self._file = pq.ParquetWriter(file, SCHEMA, compression="zstd", use_dictionary=_REPEATED)
        self._rows: list[Record] = []
        self._characters = 0

    def write(self, record: Record) -> None:
        self._rows.append(record)
        self._characters += len(record["text"]) + len(record["id"]) + len(record["meta"])
        if self._characters >= GROUP or len(self._rows) >= GROUP_ROWS:
            self._flush()

    def finish(self) -> None:
        if self._rows:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write_batch(pa.RecordBatch.from_pylist(self._rows, SCHEMA))
        self._rows, self._characters = [], 0


def read_parquet(path: Path) -> Iterator[Record]:
    """Rows of a shard."""
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group).to_pylist()
    except pa.ArrowException as error:
        raise BadInput(f"{path} is no Parquet: {error}", input=str(path), hint="fetch the data again") from error
