"""Readers: JSON lines, Parquet, Arrow, CSV, plain text and folders of these, as a stream of documents.

Gzip and Zstandard are opened by name. Everything streams: memory is bounded by one document (``MAX_DOCUMENT`` bytes)
and decompression by ``MAX_RATIO``, so that a small file cannot become an endless one. Text that is not UTF-8 is decoded
as what it is (encoding.py), the whole of a text file alike, JSON lines and tables line by line.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import orjson
import pyarrow as pa

from oracle.corpus import columnar
from oracle.corpus.columnar import no_text
from oracle.corpus.compressed import MAX_RATIO, Bounded, DamagedStreamError, Readable, ZstdReader
from oracle.corpus.document import Document
from oracle.corpus.encoding import Decoder, refuse_binary, wide_encoding
from oracle.corpus.folders import document_files
from oracle.errors import BadInput

STDIN = Path("-")
"""JSON lines from the standard input."""
MAX_DOCUMENT = 16 * 2**20  # bytes; scoring takes up to 100 times as much memory, and 2 GiB is what it may take

_OPTIONAL = ("id", "source", "date", "lang", "licence")
_STATED = (str, type(None))  # a tuple: a union would be made anew for every field of every record
_JSONL = (".jsonl", ".ndjson", ".json")
_TEXT = (".txt", ".text", ".md", ".rst")
_TABLES = {".csv": ",", ".tsv": "\t"}
_COLUMNAR = {".parquet": columnar.parquet, ".arrow": columnar.arrow, ".feather": columnar.arrow}
_COMPRESSED = (".gz", ".zst")
_KNOWN = (
    "JSON lines (.jsonl), .parquet, .arrow, .csv, .tsv, .txt, .md, .rst; .gz and .zst of the text formats; folders of "
    "these, Hugging Face data sets among them"
)
_OPENING = 4096  # bytes in which a binary file shows

Record = tuple[str, dict[str, Any]]


class NoText(BadInput):
    """A corpus that can be read and holds no text."""


def read_documents(path: Path, *, limit: int | None = None, repaired: Counter[str] | None = None) -> Iterator[Document]:
    """Documents of a file or folder in file-name order, at most ``limit`` of them.

    Records need a ``text``; ``id``, ``source``, ``date``, ``lang`` and ``licence`` are optional strings and an id falls
    back to ``name:line``. A text file is one document. Records whose text is blank are passed over. ``repaired`` counts
    the lines and text files that were not UTF-8, by the encoding that they were taken for.

    Raises:
        NoText: there is no text in it.
        BadInput: nothing readable there, a binary file, wrong columns, or a damaged or endless archive;
            names the file and, where there is one, the line.
    """
    found = False
    decoded: Counter[str] = Counter() if repaired is None else repaired
    for document in itertools.islice(_documents(path, decoded), limit):
        found = True
        yield document
    if not found and limit != 0:
        raise NoText(f"{path} holds no text", input=str(path), hint="give at least one record with a non-empty text")


def _documents(path: Path, repaired: Counter[str]) -> Iterator[Document]:
    if path.is_dir():
        files = document_files(path, (file for file in path.rglob("*") if file.is_file() and _format(file)))
        if not files:
            raise BadInput(f"{path} holds no file that can be read", input=str(path), hint=f"readable are {_KNOWN}")
    elif path == STDIN:
        stream = cast(io.BufferedReader, sys.stdin.buffer)
        yield from _checked(path, _jsonl(stream, path, "stdin", repaired))
        return
    elif path.is_file():
        files = [path]
    else:
        raise BadInput(f"{path} does not exist", input=str(path), hint="check the path")
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        yield from _file(file, name, repaired)


def _format(path: Path) -> str:
    """The suffix that says what a file is, compression aside; empty when it is nothing we read."""
    suffix = Path(path.stem).suffix if path.suffix in _COMPRESSED else path.suffix
    known = suffix in (*_JSONL, *_TEXT, *_TABLES) or (suffix in _COLUMNAR and path.suffix == suffix)
    return suffix if known else ""


def _file(path: Path, name: str, repaired: Counter[str]) -> Iterator[Document]:
    kind = _format(path)
    if not kind:
        raise BadInput(f"{path} is of no readable kind", input=str(path), hint=f"readable are {_KNOWN}")
    with _explained(path):
        if kind in _COLUMNAR:
            records = enumerate(_COLUMNAR[kind](path, ("text", *_OPTIONAL)), 1)
            yield from _checked(path, ((f"{name}:{number}", record) for number, record in records))
            return
        with _open(path) as stream:
            refuse_binary(stream.peek(_OPENING)[:_OPENING], str(path))
            if kind in _TEXT:
                yield from _checked(path, _text(stream, path, name, repaired))
                return
            if kind in _JSONL:
                yield from _checked(path, _jsonl(stream, path, name, repaired))
                return
            decoder = Decoder(repaired)
            lines = ((number, _text_of(line, number, decoder)) for number, line in _lines(stream, path, repaired))
            yield from _checked(path, _table(lines, path, name, _TABLES[kind]))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what libraries say about a damaged file into what its owner can do about it."""
    hint = "the file is damaged or incomplete: copy or compress it again"
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, DamagedStreamError) as error:
        raise BadInput(f"{path}: {error}", input=str(path), hint=hint) from error
    except pa.ArrowException as error:
        raise BadInput(f"{path} cannot be read as Parquet or Arrow: {error}", input=str(path), hint=hint) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no valid {error.encoding}: {error.reason}", input=str(path), hint=hint) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}", input=str(path), hint="check it") from error


@contextmanager
def _open(path: Path) -> Iterator[io.BufferedReader]:
    with io.BufferedReader(path.open("rb", buffering=0), 2**20) as raw:
        if path.suffix not in _COMPRESSED:
            yield cast(io.BufferedReader, raw)
            return
        inner: Readable = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else ZstdReader(raw)
        yield io.BufferedReader(Bounded(inner, MAX_RATIO * path.stat().st_size), 2**20)


def _lines(stream: io.BufferedReader, path: Path, repaired: Counter[str]) -> Iterator[tuple[int, bytes | str]]:
    """Lines by number, each at most ``MAX_DOCUMENT`` bytes; where characters are wide, as text of that many."""
    wide = wide_encoding(stream.peek(4)[:4])
    if wide:
        repaired[wide] += 1
    source: io.BufferedReader | io.TextIOWrapper = stream
    if wide:
        source = io.TextIOWrapper(stream, encoding=wide, newline="\n")
    for number in itertools.count(1):
        line = source.readline(MAX_DOCUMENT + 1)
        if not line:
            return
        if len(line) > MAX_DOCUMENT:
            raise _too_long(f"{path}:{number}")
        yield number, line


def _text_of(line: bytes | str, number: int, decoder: Decoder) -> str:
    text = line if isinstance(line, str) else decoder.decode(line)
    return text.removeprefix("\ufeff") if number == 1 else text


def _too_long(place: str) -> BadInput:
    hint = "split it into documents of a sensible length"
    return BadInput(f"{place} holds a document above {MAX_DOCUMENT // 2**20} MiB", input=place, hint=hint)


def _jsonl(stream: io.BufferedReader, path: Path, name: str, repaired: Counter[str]) -> Iterator[Record]:
    decoder = Decoder(repaired)
    for number, line in _lines(stream, path, repaired):
        if line.isspace():
            continue
        place = f"{path}:{number}"
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:  # no UTF-8, a byte order mark, or no JSON at all
            text = _text_of(line, number, decoder)
            if not text.strip():
                continue
            try:
                record = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                hint = "write one JSON object a line"
                raise BadInput(f"{place} is not JSON: {error}", input=place, hint=hint) from error
        if not isinstance(record, dict):
            raise BadInput(f"{place} is not a JSON object", input=place, hint="write one JSON object a line")
        yield f"{name}:{number}", record


def _table(lines: Iterable[tuple[int, str]], path: Path, name: str, comma: str) -> Iterator[Record]:
    csv.field_size_limit(MAX_DOCUMENT)
    rows = csv.DictReader((line for _, line in lines), delimiter=comma, strict=True)
    try:
        for row in rows:
            yield f"{name}:{rows.line_num}", {str(key): value or None for key, value in row.items()}
    except csv.Error as error:
        place = f"{path}:{rows.reader.line_num}"
        raise BadInput(f"{place}: {error}", input=place, hint="quote fields as RFC 4180 says") from error


def _text(stream: io.BufferedReader, path: Path, name: str, repaired: Counter[str]) -> Iterator[Record]:
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise _too_long(str(path))
    wide = wide_encoding(data)
    if wide:
        repaired[wide] += 1
    text = data.decode(wide) if wide else Decoder(repaired).decode(data).removeprefix("\ufeff")
    yield f"{name}:1", {"text": text, "id": name}


def _checked(path: Path, records: Iterable[Record]) -> Iterator[Document]:
    for label, record in records:
        place = f"{path}:{label.rpartition(':')[2]}"
        if "text" not in record:
            raise no_text(place, list(record))
        for field in ("text", *_OPTIONAL):
            if not isinstance(record.get(field), _STATED):
                message = f"{place}: '{field}' is a {type(record[field]).__name__}, not a string"
                raise BadInput(message, input=place, hint=f"write '{field}' as a string")
        text = record["text"]
        if text and len(text) > MAX_DOCUMENT:
            raise _too_long(place)
        if text and text.strip():
            yield Document(
                id=record.get("id") or label,
                text=text,
                source=record.get("source"),
                date=record.get("date"),
                lang=record.get("lang"),
                licence=record.get("licence"),
            )
