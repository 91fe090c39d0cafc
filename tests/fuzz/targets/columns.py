"""Parquet, Arrow and Feather files, and folders that save_to_disk wrote: in their own process, and what it runs.

The project decodes such files in a process that it starts for each. So their door is fed twice: as it stands, a few
hundred times, and the code in that process ten thousand times, here, with the same limit of memory.
"""

from __future__ import annotations

import io
import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random
from traceback import extract_tb
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz.forms import Parse, document
from fuzz.parties import File, documents, folder
from fuzz.target import Input, Target
from fuzz.targets.corpora import MEMORY, opens, reads
from fuzz.targets.custody import only_texts
from oracle.corpus import confined, fields
from oracle.corpus.allowance import Allowance, BombError
from oracle.corpus.columnar import rows
from oracle.corpus.folders import document_files
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput

PROCESSES = 300
"""Inputs of a deep run where each starts a process (a third of a second of one core)."""

TYPES = (
    *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary(4), pa.null()),
    *(pa.int64(), pa.uint64(), pa.int8(), pa.float64(), pa.float16(), pa.bool_(), pa.date32(), pa.date64()),
    *(pa.timestamp("us"), pa.timestamp("ns", "Nowhere/Never"), pa.timestamp("s", "+23:59"), pa.timestamp("ms", "UTC")),
    *(pa.decimal128(10, 2), pa.decimal128(38, 0), pa.decimal128(9, -20), pa.decimal256(76, 0)),
    *(pa.list_(pa.string()), pa.map_(pa.string(), pa.string()), pa.struct([("text", pa.string())])),
    *(pa.dictionary(pa.int32(), kind) for kind in (pa.string(), pa.int64(), pa.timestamp("us"), pa.binary())),
    *(pa.duration("s"), pa.time64("us"), pa.month_day_nano_interval(), pa.run_end_encoded(pa.int32(), pa.string())),
)
NUMBERS = (1, None, 0, -1, 127, (1 << 63) - 1, (1 << 64) - 1, 10**37, 10**75)
TIMES = (0, None, 1 << 62, -(1 << 62), 253_402_300_800_000_000, -62_135_596_800_000_001, 19_000)
VALUES: dict[Any, Any] = {
    pa.float64(): (float("nan"), 1.5),
    pa.bool_(): (True, None),
    pa.date32(): (1 << 30, -(1 << 30)),
    pa.list_(pa.string()): (["x"], None),
    pa.struct([("text", pa.string())]): ({"text": "x"}, None),
    pa.binary(): (b"\xff\xfe", b"x"),
    pa.duration("s"): (1 << 62, 0),
    pa.time64("us"): (0, 86_400_000_000),
}


def _columns(source: Random) -> dict[str, list[str | None]]:
    found = [asdict(document) for document in documents(source)]
    return {name: [row[name] for row in found] for name in found[0]}


def _arrays(source: Random) -> dict[str, pa.Array]:
    return {name: pa.array(values, pa.string()) for name, values in _columns(source).items()}


def _values(source: Random, kind: pa.DataType) -> pa.Array:
    """Three values of a type; none where none of ours is of it."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    given = VALUES.get(inner, ("x", None, "2020-01-01", "xxxx"))
    if pa.types.is_integer(inner) or pa.types.is_decimal(inner):
        given = NUMBERS
    elif pa.types.is_timestamp(inner) or pa.types.is_date(inner):
        given = TIMES
    try:
        return pa.array(source.choices(given, k=3), inner).cast(kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.nulls(3, kind)


def _table_changed(source: Random) -> tuple[pa.Table, str]:
    """One column of another type, name or length of text; or none, or twice; or without rows."""
    arrays = _arrays(source)
    name = source.choice(list(arrays))
    match source.randrange(8):
        case 0:
            del arrays[name]
            return pa.table(arrays), f"no column {name}"
        case 1:
            names = [*arrays, name]
            return pa.Table.from_arrays([*arrays.values(), arrays[name]], names=names), f"{name} twice"
        case 2:
            return pa.table(arrays).slice(0, 0), "no rows"
        case 3:
            text = source.choice(("x" * 100_000, "\x00", "", " ", "\u202e", "é" * 1000))
            arrays[name] = pa.array([text] * 3)
            return pa.table(arrays), f"another {name}"
        case 4:
            arrays[name] = pa.array([b"\xff\xfe", b"ok", b"\xed\xa0\x80"], pa.binary()).view(pa.string())
            return pa.table(arrays), f"a {name} that is no UTF-8"
        case _:
            kind = source.choice(TYPES)
            arrays[name] = _values(source, kind)
            return pa.table(arrays), f"{name} is a {kind}"


def _parquet_of(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _arrow_of(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return bytes(out.getvalue())


def _feather_of(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return bytes(out.getvalue())


Write = Callable[[pa.Table], bytes]
Opens = Callable[[bytes], object]


def _columnar(name: str, write: Write, header: Opens, parse: Parse, **rest: Any) -> Target:
    def vary(source: Random) -> Input:
        table, how = _table_changed(source)
        try:
            return Input(write(table), how)
        except (pa.ArrowException, OSError, ValueError, TypeError):
            return Input(write(pa.table(_arrays(source)).drop_columns(["text"])), "no column text")

    def valid(source: Random) -> bytes:
        return write(pa.table(_arrays(source)))

    return Target(name, valid, vary, opens(header), parse, allowed=(BadInput,), memory=MEMORY, **rest)


def _decodes(name: str) -> Parse:
    """What the process of such a file does: its types, columns and values, and the documents made of them."""

    def parse(data: bytes) -> None:
        pa.set_memory_pool(pa.system_memory_pool())
        place, allowance = File(f"columns/{name}").holding(data), Allowance(len(data))
        with _as_in_its_process(len(data)):
            for batch in rows(place, name):
                for record in orjson.loads(orjson.dumps(batch)):
                    if found := fields.document(name, name, record, allowance):
                        only_texts(found)

    return parse


@contextmanager
def _as_in_its_process(size: int) -> Iterator[None]:
    """Its memory, and the same errors: what the library says of a file is the file's fault, what our code does not."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    (data,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line)
    most = 1024 * int(data) + confined.MEMORY + confined.MEMORY_RATIO * size
    resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    except BadInput:
        raise
    except (BombError, MemoryError) as error:
        raise BadInput("comes to more than it should") from error
    except Exception as error:
        if "pyarrow" not in extract_tb(error.__traceback__)[-1].filename:
            raise
        raise BadInput(f"the library: {error}").with_traceback(error.__traceback__) from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


# --- a folder that save_to_disk wrote ---


def _state(source: Random) -> bytes:
    return json.dumps({"_data_files": [{"filename": "data.arrow"}], "_fingerprint": f"{source.random()}"}).encode()


def _saved(data: bytes) -> Path:
    place = folder() / "saved"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "data.arrow").write_bytes(_SAVED)
    (place / "dataset_info.json").write_text("{}")
    (place / "state.json").write_bytes(data)
    return place


def _list_saved(data: bytes) -> None:
    found, _ = document_files(_saved(data), lambda path: path.suffix in (".arrow", ".json"))
    assert {path.name for path in found} <= {"data.arrow"}


def _read_saved(data: bytes) -> None:
    for found in read_documents(_saved(data)):
        only_texts(found)


_SAVED = _arrow_of(pa.table(_arrays(Random(1))))


def _both(name: str, write: Write, header: Opens) -> tuple[Target, Target]:
    suffix = name[name.rindex(".") :]
    return (
        # every input varied: of damaged bytes the library may die, which only the process survives
        _columnar(f"{name}, decoded", write, header, _decodes(f"x{suffix}"), varied=1.0),
        _columnar(f"{name}, a process each", write, header, reads(f"x{suffix}"), cost=24, deep=PROCESSES),
    )


TARGETS = (
    *_both("documents.parquet", _parquet_of, lambda data: pq.read_metadata(io.BytesIO(data))),
    *_both("documents.arrow", _arrow_of, lambda data: pa.ipc.open_stream(data).schema),
    *_both("documents.feather", _feather_of, lambda data: pa.ipc.open_file(data).schema),
    document("state.json", _state, _list_saved, allowed=(BadInput,)),
    document("state.json, a process each", _state, _read_saved, allowed=(BadInput,), cost=24, deep=PROCESSES),
)
