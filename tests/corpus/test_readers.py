from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from oracle.corpus import allowance
from oracle.corpus.canonical import canonical_line
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


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "MAX_DOCUMENT", 100)
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"text": "' + b"x" * 200 + b'"}\n')
    with pytest.raises(BadInput, match=r"c\.jsonl:1 holds a document above"):
        list(read_documents(path))


def refusal(path: Path) -> BadInput:
    with pytest.raises(BadInput) as caught:
        list(read_documents(path))
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", "id,text\n1,fine\n2,He came, saw and left\n", "t.csv:3 has 3 cells, the header 2"),
        ("t.csv", 'text,id\n"two\nlines",1,more\n', "t.csv:3 has 3 cells"),
        ("t.tsv", "id\ttext\n1\tone\ttwo\n", "t.tsv:2 has 3 cells"),
        ("t.csv", "text,id,text\na,1,b\n", "t.csv:1 has two columns named 'text'"),
        ("t.tsv", "text\t text \na\tb\n", "t.tsv:1 has two columns named 'text'"),
        ("t.csv", "\ufeffid,text\n1,a\n\ufeffid,text\n2,b\n", "t.csv:3 is the header again"),
        ("t.tsv", "text\na\ntext\nb\n", "t.tsv:3 is the header again"),
        ("t.csv", "text\rone\rtwo\r", "t.csv:1: a carriage return ends no line"),
        ("t.csv", "Text,id\na,1\n", "no column 'text' (found: Text, id)"),
        ("t.jsonl", '{"text":"ok"}\n{"text":"a","id":"1","text":"b"}\n', "t.jsonl:2 has two values named 'text'"),
        ("t.jsonl", '{"text":"a","id":"1","id":"2"}\n', "t.jsonl:1 has two values named 'id'"),
        ("t.jsonl", '{"text":"a","t\\u0065xt" : "b"}\n', "t.jsonl:1 has two values named 'text'"),
    ],
)
def test_a_table_or_line_that_would_lose_text_is_refused(tmp_path: Path, name: str, data: str, message: str) -> None:
    (tmp_path / name).write_text(data, newline="")
    assert message in str(refusal(tmp_path / name))


def test_what_repeats_a_name_and_loses_nothing_is_read(tmp_path: Path) -> None:
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.csv"
    lines.write_text('{"text":"it says \\"text\\": twice","meta":{"text":1,"text":2},"n":1,"n":2}\n')
    table.write_text("note,text,note\nx,a text,y\nshort\n,filled,,,\n")
    assert [document.text for document in read_documents(lines)] == ['it says "text": twice']
    assert [document.text for document in read_documents(table)] == ["a text", "filled"]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, suffix: str) -> None:
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    assert "has two columns named 'text'" in str(refusal(path))


def test_a_quote_in_a_tsv_file_swallows_nothing(tmp_path: Path) -> None:
    plain, excel = tmp_path / "plain.tsv", tmp_path / "excel.tsv"
    plain.write_text('id\ttext\n1\t"Wait, she said\n2\t"Come in."\n3\t"a ""quoted"" word"\n')
    excel.write_text('"id"\t"text"\r\n"1"\t"two\nlines, a\ttab and ""quotes"""\r\n')
    assert [(document.id, document.text) for document in read_documents(plain)] == [
        ("1", '"Wait, she said'),
        ("2", '"Come in."'),
        ("3", 'a "quoted" word'),
    ]
    assert [(document.id, document.text) for document in read_documents(excel)] == [
        ("1", 'two\nlines, a\ttab and "quotes"')
    ]


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ('[{"text":"a"},{"text":"b"}]\n', "jq -c '.[]'"),
        ('[\n{"text":"a"},\n{"text":"b"}\n]\n', "jq -c '.[]'"),
        ('{\n"text":"a"\n}\n', "an object over several lines"),
        ('{"text":"a"}{"text":"b"}\n', "several on this one"),
        ('{"text":"a"}\ufeff{"text":"b"}\n', "several on this one"),
    ],
)
def test_json_that_is_not_one_object_a_line_says_how_to_make_it_so(tmp_path: Path, data: str, hint: str) -> None:
    (tmp_path / "c.json").write_text(data)
    assert hint in refusal(tmp_path / "c.json").hint


def test_numbers_that_json_has_not_are_fine_where_nobody_uses_them(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"text":"one","loss":NaN}\n{"loss":[-Infinity,{"x":Infinity}],"text":"NaN"}\n')
    assert [document.text for document in read_documents(path)] == ["one", "NaN"]
    path.write_text('{"text":"one"}\n{"text":NaN}\n')
    assert "c.jsonl:2: 'text' is a float" in str(refusal(path))
    path.write_text('{"text":"\\ud800","loss":NaN}\n')
    error = refusal(path)
    assert "c.jsonl:1 is not JSON" in str(error)
    assert "half a character" in error.hint
    path.write_text('{"text":"one","loss":-1e400,"user":"\\udc00"}\n{"text":"two","seed":' + "9" * 400 + "}\n")
    assert [document.text for document in read_documents(path)] == ["one", "two"]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("column", "spelt"),
    [
        ({"id": pa.array([7, 2**63], pa.uint64())}, ["7", str(2**63)]),
        ({"id": pa.array([7, None], pa.int8())}, ["7", "NAME:2"]),
        ({"id": pa.array([7, 8]).cast(pa.decimal128(20, 0))}, ["7", "8"]),
        ({"id": pa.array(["x", "x"]).dictionary_encode()}, ["x", "x"]),
        ({"id": pa.array(["x", "y"], pa.large_string())}, ["x", "y"]),
        ({"date": pa.array([17_000, None], pa.date32())}, ["2016-07-18", None]),
        ({"date": pa.array([17_000 * 86_400_000, None], pa.date64())}, ["2016-07-18", None]),
        ({"date": pa.array([17_000 * 86_400 * 10**9 + 1, -1], pa.timestamp("ns"))}, ["2016-07-18", "1969-12-31"]),
        ({"date": pa.array([17_000 * 86_400, 0], pa.timestamp("s", "Asia/Tokyo"))}, ["2016-07-18", "1970-01-01"]),
        ({"date": pa.array([None, None], pa.null())}, [None, None]),
    ],
)
def test_native_numbers_and_days_have_one_spelling(
    tmp_path: Path, suffix: str, column: dict[str, pa.Array], spelt: list[str | None]
) -> None:
    table = pa.table({"text": ["a", "b"], **column})
    path = tmp_path / f"c.{suffix}"
    if suffix == "parquet":
        pq.write_table(table, path, store_decimal_as_integer=True)
    else:
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    (field,) = column
    found = [getattr(document, field) for document in read_documents(path)]
    assert found == [None if value is None else value.replace("NAME", path.name) for value in spelt]


@pytest.mark.parametrize(
    "column",
    [
        {"id": pa.array([1.0])},
        {"id": pa.array([True])},
        {"id": pa.array([[1]])},
        {"date": pa.array([20160718])},
        {"date": pa.array([1], pa.time32("s"))},
        {"lang": pa.array([{"code": "en"}])},
        {"id": pa.array(["1.50"]).cast(pa.decimal128(5, 2))},
    ],
)
def test_a_column_of_another_type_is_refused_before_anything_is_read(
    tmp_path: Path, column: dict[str, pa.Array]
) -> None:
    pq.write_table(pa.table({"text": ["a"], **column}), tmp_path / "c.parquet")
    (field,) = column
    error = refusal(tmp_path / "c.parquet")
    assert f"c.parquet: '{field}' is a column of type" in str(error)
    assert f"write '{field}' as a string" in error.hint


def test_native_ids_of_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"text":"a","id":7}\n{"text":"b","id":"7"}\n{"text":"c","source":12}\n')
    assert [(document.id, document.source) for document in read_documents(path)] == [
        ("7", None),
        ("7", None),
        ("c.jsonl:3", "12"),
    ]
    path.write_text(f'{{"text":"a","id":{10**30}}}\n{{"text":"b","id":-{2**64},"x":1e400}}\n')
    assert [document.id for document in read_documents(path)] == [str(10**30), str(-(2**64))]
    path.write_text(f'{{"text":"a","id":{10**30},"x":{"[" * 1_000}{"]" * 1_000}}}\n')
    assert "'id' is a float" in str(refusal(path))
    for value in ("1.5", "1e30", "true", "[1]", "{}"):
        path.write_text(f'{{"text":"a","id":{value}}}\n')
        assert "c.jsonl:1: 'id' is a" in str(refusal(path))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"


@pytest.mark.parametrize(
    ("name", "data", "message", "hint"),
    [
        *(
            (f"c.{kind}", POINTER, "is a Git LFS pointer", "git lfs pull")
            for kind in ("jsonl", "csv", "txt", "parquet")
        ),
        ("c.jsonl.gz", POINTER, "is a Git LFS pointer", "git lfs pull"),
        ("c.arrow", b"/annex/objects/SHA256E-s9--00.arrow\n", "is a git-annex pointer", "git annex get"),
        ("c.jsonl", b"\n<!DOCTYPE html>\n<html></html>", "is a web page", "download"),
        ("c.parquet", b"<html><body>Log in</body></html>", "is a web page", "download"),
        ("c.csv.gz", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is a web page", "download"),
    ],
)
def test_what_stands_in_for_a_file_is_named(tmp_path: Path, name: str, data: bytes, message: str, hint: str) -> None:
    (tmp_path / name).write_bytes(data)
    error = refusal(tmp_path / name)
    assert message in str(error)
    assert hint in error.hint


def test_a_web_page_as_prose_and_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("<html>a page that somebody collected</html>")
    assert len(list(read_documents(tmp_path / "page.txt"))) == 1
    (tmp_path / "gone.csv").symlink_to(".git/annex/objects/aa/gone.csv")
    assert "git annex get" in refusal(tmp_path / "gone.csv").hint
    assert "is a link to" in str(refusal(tmp_path))


def test_names_that_cannot_be_printed_are_spelt_out(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", "line\nbreak\u202e.txt".encode(), b"esc\x1b.txt"):
        (tmp_path / os.fsdecode(name)).write_text("some text")
    documents = list(read_documents(tmp_path))
    assert [document.id for document in documents] == [r"caf\xe9.txt", r"esc\x1b.txt", r"line\nbreak\u202e.txt"]
    assert all(canonical_line(document) for document in documents)
    broken = tmp_path / os.fsdecode(b"\xff.jsonl")
    broken.write_text("{}\n")
    error = refusal(broken)
    assert rf"{tmp_path}/\xff.jsonl:1" in str(error)
    assert str(error).isprintable()
