"""What was bought, read again: an export's manifest and journal, and its shards in every format."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from random import Random
from typing import Any

import orjson
import pyarrow.parquet as pq
import zstandard

from fuzz.change import change
from fuzz.forms import document, varied
from fuzz.parties import PROVIDER, File, documents, folder
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.containers import Field, vary_fields, written
from fuzz.targets.corpora import MEMORY, is_json_lines, is_table, opens
from fuzz.targets.custody import only_texts
from oracle.corpus.exports import tfrecord
from oracle.corpus.exports.export import read_rows
from oracle.corpus.exports.format import ShardFile
from oracle.corpus.exports.formats import FORMATS
from oracle.corpus.exports.manifest import Export, Part, read_export
from oracle.corpus.exports.rows import Origin, Record, record_of
from oracle.corpus.exports.staging import JOURNAL, Staging
from oracle.errors import BadInput, MiaError

ORIGIN = Origin(PROVIDER.address, b"\x01" * 32, b"\x02" * 32, 7)


def _rows(source: Random) -> list[Record]:
    return [record_of(document, ORIGIN) for document in documents(source)]


def _shard(name: str, rows: list[Any]) -> bytes:
    out = io.BytesIO()
    writer = FORMATS[name].open(out, 0)
    for row in rows:
        writer.write(row)
    writer.finish()
    return out.getvalue()


def _row_varied(source: Random) -> tuple[Any, str]:
    """A row with one thing changed, of values that a writer takes."""
    changed = change(source, _rows(source)[0])
    return json.loads(spell(changed.value, sort=False)), changed.how


def _shard_varied(name: str, source: Random) -> Input:
    rows: list[Any] = _rows(source)
    for _ in range(20):
        try:
            rows[1], how = _row_varied(source)
            return Input(_shard(name, rows), how)
        except Exception:  # no writer writes this one: the next
            continue
    return Input(_shard(name, rows), "nothing")


def _lines_varied(source: Random) -> Input:
    made = varied(source, lambda source: orjson.dumps(_rows(source)[0]), sort=False)
    return Input(_shard("jsonl", _rows(source)) + made.data + b"\n", made.change)


def _example_varied(source: Random) -> Input:
    """A TFRecord, checksums and all, of an example whose protocol buffer has one thing changed."""
    row = _rows(source)[0]
    features = [Field(1, [Field(1, name.encode()), Field(2, [_feature(value)])]) for name, value in row.items()]
    fields = [Field(1, features)]
    how = vary_fields(source, fields)
    message = written(fields)
    length = tfrecord._LENGTH.pack(len(message))
    crc = tfrecord._CRC.pack
    head = length + crc(tfrecord.masked_crc(length))
    return Input(head + message + crc(tfrecord.masked_crc(message)), how)


def _feature(value: Any) -> Field:
    if isinstance(value, int):
        return Field(3, [Field(1, bytes([value]))])
    return Field(1, [Field(1, value.encode())])


def _tar_varied(source: Random) -> Input:
    """An archive whose second entry's JSON has one thing changed, or whose header has."""
    from oracle.corpus.exports.webdataset import BLOCK, header

    row = _rows(source)[0]
    made = varied(source, lambda _: orjson.dumps({name: value for name, value in row.items() if name != "text"}))
    text = row["text"].encode()
    name = source.choice(("00000-00000000.txt", "../x.txt", ".txt", "a.b.txt"))
    out = b""
    for entry, data in ((name, text), (name.replace(".txt", ".json"), made.data)):
        out += header(entry, len(data)) + data + bytes(-len(data) % BLOCK)
    return Input(out + bytes(2 * BLOCK), made.change)


def _reads(name: str) -> Callable[[bytes], object]:
    """Through the door of an export, whose manifest names this one shard."""
    shape = FORMATS[name]

    def parse(data: bytes) -> None:
        path = File(f"shards/{name}/shard{shape.suffix}").holding(data)
        export = Export("", "", "", (), {name: (ShardFile(path.name, len(data), "", 3),)})
        for found, _ in read_rows(path.parent.parent, export, name):
            only_texts(found)

    return parse


def _is_tar(data: bytes) -> bool:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            return bool(tar.getmembers())
    except (tarfile.TarError, EOFError, ValueError):
        return False


def _is_framed(data: bytes) -> bool:
    """TFRecord's frames, checksums and all."""
    source = io.BytesIO(data)
    try:
        while head := source.read(12):
            (size,) = tfrecord._LENGTH.unpack(tfrecord._checked(head, 8, "head"))
            tfrecord._checked(source.read(size + 4), size, "message")
    except (MiaError, OverflowError):
        return False
    return True


SYNTAX: dict[str, Callable[[bytes], bool]] = {
    "jsonl": is_json_lines,
    "jsonl.zst": opens(lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 26)),
    "csv": is_table(","),
    "parquet": opens(lambda data: pq.read_metadata(io.BytesIO(data))),
    "tfrecord": _is_framed,
    "webdataset": _is_tar,
}


def _target(name: str, vary: Callable[[Random], Input]) -> Target:
    def valid(source: Random) -> bytes:
        return _shard(name, _rows(source))

    return Target(f"export: {name}", valid, vary, SYNTAX[name], _reads(name), allowed=(BadInput,), memory=MEMORY)


# --- manifest and journal ---


def _manifest(source: Random) -> bytes:
    part = Part(PROVIDER.address, "0x" + "01" * 32, "0x" + "02" * 32, "0x" + "03" * 32, 7, 3, "04" * 32)
    files = {"jsonl": (ShardFile("0.jsonl", 10, "05" * 32, 3),)}
    return Export(sha256(source.randbytes(2)).hexdigest(), "title", "2026-01-01", (part,), files).to_bytes()


def _read_manifest(data: bytes) -> None:
    place = File("export/export.json").holding(data)
    found = read_export(place.parent)
    assert type(found.documents) is int
    assert all(type(value) in (str, int) for part in found.parts for value in asdict(part).values())
    for files in found.files.values():
        assert all(type(value) in (str, int) for file in files for value in asdict(file).values())


def _journal(source: Random) -> bytes:
    files = {"jsonl": asdict(ShardFile("0.jsonl", 3, sha256(source.randbytes(2)).hexdigest(), 1))}
    return orjson.dumps({"plan": "p", "shards": [files]})


def _read_journal(data: bytes) -> None:
    out = folder() / "bought"
    staging = folder() / f".{out.name}.partial"
    File(f"{staging.name}/jsonl/0.jsonl").holding(b"abc")
    File(f"{staging.name}/{JOURNAL}").holding(data)
    with Staging(out, "p") as kept:
        for shard in kept.shards:
            assert all(type(file.size) is int for file in shard.values())


TARGETS = (
    _target("jsonl", _lines_varied),
    _target("jsonl.zst", lambda source: _shard_varied("jsonl.zst", source)),
    _target("csv", lambda source: _shard_varied("csv", source)),
    _target("parquet", lambda source: _shard_varied("parquet", source)),
    _target("tfrecord", _example_varied),
    _target("webdataset", _tar_varied),
    document("export: manifest", _manifest, _read_manifest, allowed=(BadInput,)),
    document("export: journal", _journal, _read_journal),
)
