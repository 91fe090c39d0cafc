"""Every format gives back the very documents that went in, to our readers and to everybody else's."""

from __future__ import annotations

import csv
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import mlcroissant
import orjson
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
import pytest
import zstandard
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.corpus.exports.export import Lot, read_rows, write_export
from oracle.corpus.exports.formats import FORMATS
from oracle.corpus.exports.manifest import Export
from oracle.corpus.exports.rows import COLUMNS, Origin, Record, parse_record, record_of
from oracle.corpus.exports.webdataset import header
from oracle.errors import BadInput

PEERS = Path(__file__).resolve().parents[2] / ".cache" / "peers" / "bin" / "python"
SMALL = 6000  # bytes a shard: two or three rows

NASTY = [
    Document("", ""),
    Document("nul", "a\x00b\x00", source="\x00"),
    Document("lines", "one\r\ntwo\rthree\nfour\u2028five\x85six\r"),
    Document("quotes", '"he said ""no"", \'twice\', and, then; left\t"'),
    Document("escapes", "\\ud800 \\u0000 \\n {{x}} %s \\\\", source="\\"),
    Document("../../../etc/passwd", "climbs"),
    Document("/absolute/./path//", "roots"),
    Document("C:\\con\\aux.txt", "windows"),
    Document("идентификатор 🜁 \u202e", "не ASCII \U0001f9d1\u200d\U0001f33e \ufeff é e\u0301 ﷽", lang="ru"),
    Document(
        "nested", "meta", source=json.dumps({"a": [{"b": None, "c": '"'}], "d": {"e": "\n"}}), licence="", date=""
    ),
    Document("=cmd|' /C calc'!A0", "=1+1", lang="@SUM(1)", licence="-2", source="+3"),
    Document("x" * 3000, "a long id"),
    Document("spaces", "   leading and trailing \t "),
    Document("null", "null", source="null", date="NaN", lang="None", licence="N/A"),
    Document("twice", "the same id"),
    Document("twice", "the same id"),
    Document("bom", "\ufefftext"),
]

texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=60) | st.sampled_from(
    ["", "\r", "\r\n", "\n", '"', '""', "\x00", "\\ud800", ",", "\x1a", "\u2028", "\ufeff", "../x", "a.b.txt"]
)
documents = st.builds(
    Document, texts, texts, st.none() | texts, st.none() | texts, st.none() | texts, st.none() | texts
)
corpora = st.lists(documents, min_size=1, max_size=12)


def lot(corpus: list[Document], number: int = 1) -> Lot:
    origin = Origin("0x" + f"{number:02x}" * 20, bytes([number]) * 32, bytes([number + 100]) * 32, number)
    return Lot(origin, bytes(32), len(corpus), lambda: corpus)


def export_of(
    folder: Path, *corpora: list[Document], formats: tuple[str, ...] = ("all",), shard: int = SMALL
) -> Export:
    lots = [lot(corpus, number) for number, corpus in enumerate(corpora, 1)]
    return write_export(folder, lots, formats, title='A "title": \\ yes', date="2026-01-31", shard=shard)


def records(*corpora: list[Document]) -> list[Record]:
    return [record_of(document, lot(corpus, n).origin) for n, corpus in enumerate(corpora, 1) for document in corpus]


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, deadline=None)
@given(first=corpora, second=corpora)
def test_documents_come_back_as_they_were(format: str, first: list[Document], second: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        export = export_of(out, first, second, formats=(format,))
        rows = list(read_rows(out, export, format))
        assert [canonical_line(document) for document, _ in rows] == [canonical_line(d) for d in first + second]
        assert [origin.round for _, origin in rows] == [1] * len(first) + [2] * len(second)


@given(documents)
def test_a_row_has_one_spelling(document: Document) -> None:
    origin = lot([document]).origin
    record = record_of(document, origin)
    assert tuple(record) == COLUMNS
    assert parse_record(record, "row") == (document, origin)
    for name in COLUMNS:
        with pytest.raises(BadInput, match="row"):
            parse_record({key: value for key, value in record.items() if key != name}, "row")
    for name, value in (("meta", record["meta"] + " "), ("round", "1"), ("provider", "0x12"), ("licence", "ab")):
        with pytest.raises(BadInput):
            parse_record(record | {name: value}, "row")


# --- independent readers ---


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Export, list[Record]]:
    long = [Document("long", "déjà vu " * 400_000), Document("after", "short")]
    out = tmp_path_factory.mktemp("exports") / "out"
    export = export_of(out, NASTY, long, formats=("all",))
    return out, export, records(NASTY, long)


def read_with_csv(path: Path) -> Iterator[Record]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            yield row | {"round": int(row["round"])}


def read_with_json(path: Path) -> Iterator[Record]:
    yield from map(json.loads, path.read_bytes().decode().removesuffix("\n").split("\n"))


def read_with_zstandard(path: Path) -> Iterator[Record]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        yield from map(json.loads, stream.read().decode().removesuffix("\n").split("\n"))


def read_with_arrow(path: Path) -> Iterator[Record]:
    yield from pyarrow.parquet.read_table(path).to_pylist()


def read_with_tarfile(path: Path) -> Iterator[Record]:
    with tarfile.open(path) as tar:
        entries = tar.getmembers()
        for text, rest in zip(entries[::2], entries[1::2], strict=True):
            assert text.name.removesuffix(".txt") == rest.name.removesuffix(".json")
            assert text.name.replace("-", "").removesuffix(".txt").isdigit()  # nothing of the id gets into a path
            assert (text.mtime, text.uid, text.gid, text.uname) == (0, 0, 0, "")
            data, about = (file.read() for entry in (text, rest) if (file := tar.extractfile(entry)))
            yield {"text": data.decode(), **json.loads(about)}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 8**11 - 1])
def test_tar_headers_are_those_of_the_standard_library(size: int) -> None:
    entry = tarfile.TarInfo("00001-00000000.json")
    entry.size = size
    assert header(entry.name, size) == entry.tobuf(tarfile.USTAR_FORMAT)


def example_class() -> Callable[[], object]:
    """``tf.train.Example`` for Google's protobuf library, from its definition in tensorflow/core/example."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int, str]) -> descriptor_pb2.DescriptorProto:
        made = file.message_type.add(name=name)
        for title, number, kind, of in fields:
            label = field.LABEL_REPEATED if of in ("*", ".tensorflow.Features.FeatureEntry") else field.LABEL_OPTIONAL
            made.field.add(name=title, number=number, type=kind, label=label, type_name=of.strip("*") or None)
        return made

    message("BytesList", ("value", 1, field.TYPE_BYTES, "*"))
    message("Int64List", ("value", 1, field.TYPE_INT64, "*"))
    kinds = [("bytes_list", 1, ".tensorflow.BytesList"), ("int64_list", 3, ".tensorflow.Int64List")]
    message("Feature", *((name, number, field.TYPE_MESSAGE, of) for name, number, of in kinds))
    features = message("Features", ("feature", 1, field.TYPE_MESSAGE, ".tensorflow.Features.FeatureEntry"))
    entry = features.nested_type.add(name="FeatureEntry", options=descriptor_pb2.MessageOptions(map_entry=True))
    entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    entry.field.add(
        name="value", number=2, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL, type_name=".tensorflow.Feature"
    )
    message("Example", ("features", 1, field.TYPE_MESSAGE, ".tensorflow.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


def read_with_protobuf(path: Path) -> Iterator[Record]:
    kind, data, at = example_class(), path.read_bytes(), 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 8], "little")
        example = kind.FromString(data[at + 12 : at + 12 + size])  # type: ignore[attr-defined]
        found = example.features.feature
        texts = {name: found[name].bytes_list.value[0].decode() for name in COLUMNS if name != "round"}
        yield texts | {"round": found["round"].int64_list.value[0]}
        at += 16 + size


READERS = {
    "csv": read_with_csv,
    "jsonl": read_with_json,
    "jsonl.zst": read_with_zstandard,
    "parquet": read_with_arrow,
    "huggingface": read_with_arrow,
    "croissant": read_with_arrow,
    "webdataset": read_with_tarfile,
    "tfrecord": read_with_protobuf,
}


@pytest.mark.parametrize("format", FORMATS)
def test_others_read_the_same(format: str, nasty: tuple[Path, Export, list[Record]]) -> None:
    out, export, expected = nasty
    files = export.files[format]
    assert len(files) > 3
    found = [row for file in files for row in READERS[format](out / format / file.path)]
    assert [{name: row[name] for name in COLUMNS} for row in found] == expected


def test_arrow_reads_csv_and_json_lines(nasty: tuple[Path, Export, list[Record]]) -> None:
    out, export, expected = nasty
    strings = pyarrow.csv.ConvertOptions(
        column_types={name: pyarrow.int64() if name == "round" else pyarrow.string() for name in COLUMNS},
        strings_can_be_null=False,
    )
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    wide = pyarrow.csv.ReadOptions(block_size=1 << 26)
    tables = [
        pyarrow.csv.read_csv(out / "csv" / file.path, wide, options, strings).to_pylist()
        for file in export.files["csv"]
    ]
    assert [row for table in tables for row in table] == expected
    block = pyarrow.json.ReadOptions(block_size=1 << 26)
    tables = [pyarrow.json.read_json(out / "jsonl" / f.path, block).to_pylist() for f in export.files["jsonl"]]
    assert [row for table in tables for row in table] == expected


def test_shards_stay_small(nasty: tuple[Path, Export, list[Record]]) -> None:
    out, export, _ = nasty
    for file in export.files["webdataset"]:
        end = 1024  # of zeros close an archive
        assert file.rows == 1 or file.size <= SMALL + end
        assert (out / "webdataset" / file.path).stat().st_size == file.size


def test_mlcroissant_validates_and_reads(nasty: tuple[Path, Export, list[Record]]) -> None:
    out, _, expected = nasty
    dataset = mlcroissant.Dataset(jsonld=out / "croissant" / "croissant.json")
    assert dataset.metadata.issues.errors == set()
    assert dataset.metadata.issues.warnings == set()
    found = [{name: row[f"documents/{name}"] for name in COLUMNS} for row in dataset.records("documents")]
    plain = [
        {key: value.decode() if isinstance(value, bytes) else value for key, value in row.items()} for row in found
    ]
    assert sorted(plain, key=orjson.dumps) == sorted(expected, key=orjson.dumps)


@pytest.mark.skipif(not PEERS.exists(), reason="the peers' environment is not made: python scripts/peers.py")
def test_hugging_face_loads_the_folder_offline(nasty: tuple[Path, Export, list[Record]], tmp_path: Path) -> None:
    out, _, expected = nasty
    program = (
        "import json, sys, datasets\n"
        "found = datasets.load_dataset(sys.argv[1])\n"
        "assert list(found) == ['train'], found\n"
        "json.dump(found['train'].to_list(), open(sys.argv[2], 'w'))\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"), "PATH": "/usr/bin"}
    command = [str(PEERS), "-c", program, str(out / "huggingface"), str(tmp_path / "rows.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "rows.json").read_text()) == expected


def test_the_same_purchase_gives_the_same_bytes(nasty: tuple[Path, Export, list[Record]], tmp_path: Path) -> None:
    _, export, _ = nasty
    long = [Document("long", "déjà vu " * 400_000), Document("after", "short")]
    again = export_of(tmp_path / "again", NASTY, long)
    assert again == export
