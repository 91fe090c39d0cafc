from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from oracle.corpus import compressed
from oracle.corpus.document import Document
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput

RECORDS = [
    {"id": "a", "text": "First text.", "source": "s", "date": "2020-01-02", "lang": "en", "licence": "CC0-1.0"},
    {"text": "Second text: ünïcode."},
]
EXPECTED = [
    Document("a", "First text.", "s", "2020-01-02", "en", "CC0-1.0"),
    Document("NAME:2", "Second text: ünïcode."),
]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS).encode()


def expected(name: str) -> list[Document]:
    return [EXPECTED[0], Document(f"{name}:2", EXPECTED[1].text)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.jsonl", LINES),
        ("c.jsonl", b"\xef\xbb\xbf" + LINES),
        ("c.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("c.jsonl.zst", zstandard.compress(LINES)),
        ("c.jsonl.zst", zstandard.compress(LINES[:10]) + zstandard.compress(LINES[10:])),
    ],
)
def test_json_lines_are_read_whatever_their_packing(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert list(read_documents(path)) == expected(name)


def test_parquet_and_csv_give_the_same_documents(tmp_path: Path) -> None:
    parquet, table = tmp_path / "c.parquet", tmp_path / "c.csv"
    columns = ("id", "text", "source", "date", "lang", "licence")
    pq.write_table(pa.table({c: [record.get(c) for record in RECORDS] for c in columns}), parquet)
    table.write_text(
        "id,text,source,date,lang,licence\na,First text.,s,2020-01-02,en,CC0-1.0\n,Second text: ünïcode.,,,,\n"
    )
    assert list(read_documents(parquet)) == expected("c.parquet")
    assert [document.text for document in read_documents(table)] == [document.text for document in EXPECTED]
    assert next(read_documents(table)) == EXPECTED[0]


def test_a_folder_is_read_in_name_order_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.txt").write_text("two")
    (tmp_path / "a.md").write_text("one")
    (tmp_path / ".hidden.txt").write_text("no")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    found = list(read_documents(tmp_path))
    assert [(document.id, document.text) for document in found] == [("a.md", "one"), ("b/two.txt", "two")]


def test_limit_stops_before_a_broken_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(LINES + b"{broken\n")
    assert len(list(read_documents(path, limit=2))) == 2
    with pytest.raises(BadInput, match=r"c\.jsonl:3 is not JSON"):
        list(read_documents(path))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("c.jsonl", b"", "holds no text"),
        ("c.jsonl", b'{"text": "  "}\n', "holds no text"),
        ("c.jsonl", b'{"text": "good"}\n{"body": "x"}\n', r"c\.jsonl:2 has no column 'text' \(found: body\)"),
        ("c.jsonl", b'{"text": 5}\n', r"c\.jsonl:1: 'text' is a int"),
        ("c.jsonl", b"[1]\n", r"c\.jsonl:1 is not a JSON object"),
        ("c.jsonl", b'{"text": "\\ud800"}\n', r"c\.jsonl:1 is not JSON"),
        ("c.csv", b"body,id\nx,1\n", r"c\.csv:2 has no column 'text'"),
        ("c.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00", "is a binary file"),
        ("c.txt", "no mark".encode("utf-16-le"), "is a binary file"),
        ("c.txt", b"\xff\xfea", "is no valid utf-16"),
        ("c.jsonl", LINES.decode().encode("utf-16")[:-1], "is no valid utf-16"),
        ("c.jsonl.gz", gzip.compress(bytes(range(256)) * 9, mtime=0), "is a binary file"),
        ("c.parquet", b"PAR1 nothing", "cannot be read as Parquet or Arrow"),
        ("c.jsonl.gz", gzip.compress(LINES, mtime=0)[:-12], r"c\.jsonl\.gz"),
        ("c.jsonl.gz", b"not gzip at all", r"c\.jsonl\.gz"),
        ("c.jsonl.zst", zstandard.compress(LINES * 99)[:-5], "middle of a Zstandard frame"),
        ("c.jsonl.zst", b"not zstandard", "damaged Zstandard"),
        ("c.exe", b"MZ", "no readable kind"),
    ],
)
def test_what_cannot_be_read_names_the_place_and_a_way_out(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInput, match=message) as caught:
        list(read_documents(path))
    assert str(path) in caught.value.input
    assert caught.value.hint


def test_a_parquet_file_without_text_says_what_it_found(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "c.parquet")
    with pytest.raises(BadInput, match=r"found: body"):
        list(read_documents(tmp_path / "c.parquet"))


def test_missing_and_empty_places(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        list(read_documents(tmp_path / "nowhere.jsonl"))
    with pytest.raises(BadInput, match="holds no file"):
        list(read_documents(tmp_path))


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "FREE", 2**16)
    monkeypatch.setattr("oracle.corpus.readers.MAX_RATIO", 10)
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "the same"}\n' * 10_000, mtime=0))
    with pytest.raises(BadInput, match="decompression bomb"):
        list(read_documents(path))


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.corpus.readers.MAX_DOCUMENT", 100)
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"text": "' + b"x" * 200 + b'"}\n')
    with pytest.raises(BadInput, match=r"c\.jsonl:1 holds a document above"):
        list(read_documents(path))
