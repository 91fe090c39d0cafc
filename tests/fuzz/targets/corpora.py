"""Documents as people keep them: JSON lines, tables, text, archives, Parquet, Arrow, folders of these."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from fuzz.change import change
from fuzz.damage import damage
from fuzz.forms import Parse, Valid, document, is_json, varied
from fuzz.parties import File, documents, folder, sentence
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.custody import only_texts
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput

MEMORY = 330
"""MiB: 256 of an archive may always come out (oracle.corpus.compressed.FREE), whatever its size."""


def _reads(name: str) -> Parse:
    def parse(data: bytes) -> None:
        for found in read_documents(File(f"corpus/{name}").holding(data)):
            only_texts(found)

    return parse


# --- lines ---


def _lines(source: Random) -> bytes:
    return b"".join(orjson.dumps(asdict(document)) + b"\n" for document in documents(source))


def _lines_varied(source: Random) -> Input:
    lines = _lines(source).splitlines()
    at = source.randrange(len(lines))
    made = varied(source, lambda _: lines[at])
    lines[at] = made.data
    return Input(b"\n".join(lines), f"line {at + 1}: {made.change}")


def is_json_lines(data: bytes) -> bool:
    return all(is_json(line) for line in data.split(b"\n") if line)


# --- tables ---


def _table(comma: str) -> Valid:
    return lambda source: table_of(list(asdict(documents(source)[0])), _rows(source), comma)


def _rows(source: Random) -> list[list[str]]:
    return [[value or "" for value in asdict(document).values()] for document in documents(source)]


def table_of(header: list[str], rows: list[list[str]], comma: str) -> bytes:
    if comma == "\t":  # no quotes there: a cell cannot hold what ends it
        cells = [[" ".join(cell.split()) for cell in row] for row in (header, *rows)]
        return "\n".join(map("\t".join, cells)).encode("utf-8", "surrogatepass")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=comma)
    writer.writerows([header, *rows])
    return out.getvalue().encode("utf-8", "surrogatepass")


def _table_varied(comma: str) -> Callable[[Random], Input]:
    def vary(source: Random) -> Input:
        header, rows = list(asdict(documents(source)[0])), _rows(source)
        changed = change(source, [header, *rows])
        cells = changed.value if isinstance(changed.value, list) else [[changed.value]]
        lines = [line if isinstance(line, list) else [line] for line in cells]
        texts = [
            [cell if isinstance(cell, str) else spell(cell).decode("utf-8", "replace") for cell in line]
            for line in lines
        ]
        try:
            return Input(table_of(texts[0] if texts else [], texts[1:], comma), changed.how)
        except csv.Error:
            return damage(source, _table(comma)(source), _table(comma)(source))

    return vary


def is_table(comma: str) -> Callable[[bytes], bool]:
    def syntax(data: bytes) -> bool:
        try:
            list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter=comma, strict=True))
        except (csv.Error, UnicodeDecodeError):
            return False
        return True

    return syntax


# --- text ---

CODECS = ("utf-8", "utf-16", "utf-32", "cp1252", "cp1251", "shift_jis", "utf-8-sig")


def _text(source: Random) -> bytes:
    return "\n".join(sentence(source) for _ in range(3)).encode(source.choice(CODECS), "replace")


def _text_varied(source: Random) -> Input:
    changed = change(source, [sentence(source) for _ in range(3)])
    lines = changed.value if isinstance(changed.value, list) else [changed.value]
    text = "\n".join(line if isinstance(line, str) else spell(line).decode("utf-8", "replace") for line in lines)
    codec = source.choice(CODECS)
    return Input(text.encode(codec, "replace"), f"{changed.how}, in {codec}")


# --- archives: what is inside is varied, then compressed ---


def _packed(pack: Callable[[bytes], bytes], source: Random) -> Input:
    made = _lines_varied(source)
    match source.randrange(100):
        case 0:
            return Input(pack(b"0" * source.choice((1 << 20, 30 << 20))), "a bomb of one long line")
        case 1:
            return Input(pack(b'{"text": ""}\n' * 200_000), "a bomb of empty documents")
        case number if number < 20:
            return Input(pack(_lines(source)) + pack(made.data), f"two of them, the second: {made.change}")
        case _:
            return Input(pack(made.data), made.change)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(data)


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def opens(unpack: Callable[[bytes], object]) -> Callable[[bytes], bool]:
    def syntax(data: bytes) -> bool:
        try:
            unpack(data)
        except Exception:  # whatever a library says of damaged bytes
            return False
        return True

    return syntax


# --- columns ---

TYPES = (
    *(pa.string(), pa.large_string(), pa.binary(), pa.int64(), pa.float64(), pa.bool_(), pa.null(), pa.date32()),
    *(pa.timestamp("us"), pa.list_(pa.string()), pa.struct([("text", pa.string())]), pa.decimal128(10, 2)),
    *(pa.dictionary(pa.int32(), pa.string()), pa.duration("s"), pa.time64("us"), pa.month_day_nano_interval()),
)
VALUES: dict[Any, Any] = {
    pa.int64(): (1, None),
    pa.float64(): (float("nan"), 1.5),
    pa.bool_(): (True, None),
    pa.date32(): (1 << 30, -(1 << 30)),
    pa.timestamp("us"): ((1 << 62), -(1 << 62)),
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


def _table_changed(source: Random) -> tuple[pa.Table, str]:
    """One column of another type, name or length of text; or none, or twice; or without rows."""
    arrays = _arrays(source)
    name = source.choice(list(arrays))
    match source.randrange(6):
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
        case _:
            kind = source.choice(TYPES)
            values = VALUES.get(kind, ("x", None) if kind != pa.null() else (None, None))
            try:
                arrays[name] = pa.array([values[0], values[1], values[0]], kind)
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                arrays[name] = pa.nulls(3, kind)
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


def _columnar(name: str, write: Callable[[pa.Table], bytes], read: Callable[[bytes], object]) -> Target:
    def vary(source: Random) -> Input:
        table, how = _table_changed(source)
        try:
            return Input(write(table), how)
        except (pa.ArrowException, ValueError, TypeError):
            return Input(write(pa.table(_arrays(source)).drop_columns(["text"])), "no column text")

    def syntax(data: bytes) -> bool:
        try:
            read(data)
        except Exception:  # whatever the library says of damaged bytes
            return False
        return True

    def valid(source: Random) -> bytes:
        return write(pa.table(_arrays(source)))

    return Target(name, valid, vary, syntax, _reads(f"x{name[name.rindex('.') :]}"), allowed=(BadInput,), memory=MEMORY)


# --- a folder that save_to_disk wrote ---


def _state(source: Random) -> bytes:
    return json.dumps({"_data_files": [{"filename": "data.arrow"}], "_fingerprint": f"{source.random()}"}).encode()


def _read_saved(data: bytes) -> None:
    place = folder() / "saved"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "data.arrow").write_bytes(_SAVED)
    (place / "dataset_info.json").write_text("{}")
    (place / "state.json").write_bytes(data)
    for found in read_documents(Path(place)):
        only_texts(found)


_SAVED = _arrow_of(pa.table(_arrays(Random(1))))

TARGETS = (
    Target("documents.jsonl", _lines, _lines_varied, is_json_lines, _reads("x.jsonl"), allowed=(BadInput,)),
    Target("documents.csv", _table(","), _table_varied(","), is_table(","), _reads("x.csv"), allowed=(BadInput,)),
    Target("documents.tsv", _table("\t"), _table_varied("\t"), is_table("\t"), _reads("x.tsv"), allowed=(BadInput,)),
    Target("documents.txt", _text, _text_varied, lambda data: True, _reads("x.txt"), allowed=(BadInput,), memory=128),
    Target(
        "documents.jsonl.gz",
        lambda source: _gzip(_lines(source)),
        lambda source: _packed(_gzip, source),
        opens(gzip.decompress),
        _reads("x.jsonl.gz"),
        allowed=(BadInput,),
        memory=MEMORY,
        cost=3,
    ),
    Target(
        "documents.jsonl.zst",
        lambda source: _zstd(_lines(source)),
        lambda source: _packed(_zstd, source),
        opens(lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 26)),
        _reads("x.jsonl.zst"),
        allowed=(BadInput,),
        memory=MEMORY,
        cost=3,
    ),
    _columnar("documents.parquet", _parquet_of, lambda data: pq.read_metadata(io.BytesIO(data))),
    _columnar("documents.arrow", _arrow_of, lambda data: pa.ipc.open_stream(data).schema),
    _columnar("documents.feather", _feather_of, lambda data: pa.ipc.open_file(data).schema),
    document("state.json", _state, _read_saved, allowed=(BadInput,), cost=8, deep=1_000),
)
