"""Readers: JSON lines, Parquet, CSV, plain text and folders of these, as a stream of documents.

Gzip and Zstandard are opened by name. Everything streams: memory is bounded by one document (``MAX_DOCUMENT`` bytes)
and decompression by ``MAX_RATIO``, so that a small file cannot become an endless one.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from oracle.corpus.compressed import MAX_RATIO, Bounded, DamagedStreamError, Readable, ZstdReader
from oracle.corpus.document import Document
from oracle.errors import BadInput

MAX_DOCUMENT = 64 * 2**20

_OPTIONAL = ("id", "source", "date", "lang", "licence")
_JSONL = (".jsonl", ".ndjson", ".json")
_TEXT = (".txt", ".text", ".md", ".rst")
_TABLES = {".csv": ",", ".tsv": "\t"}
_COMPRESSED = (".gz", ".zst")
_KNOWN = "JSON lines (.jsonl), .parquet, .csv, .tsv, .txt, .md, .rst; .gz and .zst of all but Parquet; folders of these"


def read_documents(path: Path, *, limit: int | None = None) -> Iterator[Document]:
    """Documents of a file or folder in file-name order, at most ``limit`` of them.

    Records need a ``text``; ``id``, ``source``, ``date``, ``lang`` and ``licence`` are optional strings and an id falls
    back to ``name:line``. A text file is one document. Records whose text is blank are passed over.

    Raises:
        BadInput: nothing readable there, no text in it, wrong encoding or columns, or a damaged or endless archive;
            names the file and, where there is one, the line.
    """
    found = False
    for document in itertools.islice(_documents(path), limit):
        found = True
        yield document
    if not found and limit != 0:
        raise BadInput(f"{path} holds no text", input=str(path), hint="give at least one record with a non-empty text")


def _documents(path: Path) -> Iterator[Document]:
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if p.is_file() and _format(p) and not _hidden(p, path)]
        if not files:
            raise BadInput(f"{path} holds no file that can be read", input=str(path), hint=f"readable are {_KNOWN}")
    elif path.is_file():
        files = [path]
    else:
        raise BadInput(f"{path} does not exist", input=str(path), hint="check the path")
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        yield from _file(file, name)


def _hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)


def _format(path: Path) -> str:
    """The suffix that says what a file is, compression aside; empty when it is nothing we read."""
    suffix = Path(path.stem).suffix if path.suffix in _COMPRESSED else path.suffix
    known = suffix in (*_JSONL, *_TEXT, *_TABLES) or (suffix == ".parquet" and path.suffix == suffix)
    return suffix if known else ""


def _file(path: Path, name: str) -> Iterator[Document]:
    kind = _format(path)
    if not kind:
        raise BadInput(f"{path} is of no readable kind", input=str(path), hint=f"readable are {_KNOWN}")
    with _explained(path):
        if kind == ".parquet":
            yield from _checked(path, _parquet(path, name))
            return
        with _open(path) as stream:
            if kind in _JSONL:
                yield from _checked(path, _jsonl(stream, path, name))
            elif kind in _TABLES:
                yield from _checked(path, _table(stream, path, name, _TABLES[kind]))
            else:
                yield from _checked(path, _text(stream, path, name))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what libraries say about a damaged file into what its owner can do about it."""
    hint = "the file is damaged or incomplete: copy or compress it again"
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, DamagedStreamError) as error:
        raise BadInput(f"{path}: {error}", input=str(path), hint=hint) from error
    except pa.ArrowException as error:
        raise BadInput(f"{path} cannot be read as Parquet: {error}", input=str(path), hint=hint) from error
    except csv.Error as error:
        raise BadInput(f"{path}: {error}", input=str(path), hint="quote fields as RFC 4180 says") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}", input=str(path), hint="check it") from error


@contextmanager
def _open(path: Path) -> Iterator[io.BufferedReader]:
    with path.open("rb") as raw:
        if path.suffix not in _COMPRESSED:
            yield raw
            return
        inner: Readable = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else ZstdReader(raw)
        yield io.BufferedReader(Bounded(inner, MAX_RATIO * path.stat().st_size), 2**20)


def _lines(stream: io.BufferedReader, path: Path) -> Iterator[tuple[int, str]]:
    for number in itertools.count(1):
        line = stream.readline(MAX_DOCUMENT + 1)
        if not line:
            return
        if len(line) > MAX_DOCUMENT:
            raise _too_long(f"{path}:{number}")
        yield number, _decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, f"{path}:{number}")


def _decode(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{place} is not UTF-8 (byte 0x{data[error.start]:02x} at {error.start})"
        raise BadInput(message, input=place, hint="convert it, for example: iconv -f latin1 -t utf-8") from error


def _too_long(place: str) -> BadInput:
    hint = "split it into documents of a sensible length"
    return BadInput(f"{place} holds a document above {MAX_DOCUMENT // 2**20} MiB", input=place, hint=hint)


def _jsonl(stream: io.BufferedReader, path: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in _lines(stream, path):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadInput(f"{place} is not JSON: {error}", input=place, hint="write one JSON object a line") from error
        if not isinstance(record, dict):
            raise BadInput(f"{place} is not a JSON object", input=place, hint="write one JSON object a line")
        yield f"{name}:{number}", record


def _table(stream: io.BufferedReader, path: Path, name: str, comma: str) -> Iterator[tuple[str, dict[str, Any]]]:
    csv.field_size_limit(MAX_DOCUMENT)
    rows = csv.DictReader((line for _, line in _lines(stream, path)), delimiter=comma, strict=True)
    for row in rows:
        yield f"{name}:{rows.line_num}", {str(key): value or None for key, value in row.items()}


def _text(stream: io.BufferedReader, path: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise _too_long(str(path))
    yield f"{name}:1", {"text": _decode(data.removeprefix(b"\xef\xbb\xbf"), str(path)), "id": name}


def _parquet(path: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with pq.ParquetFile(path) as file:
        columns = [column for column in ("text", *_OPTIONAL) if column in file.schema_arrow.names]
        if "text" not in columns:
            raise _no_text(str(path), file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches(batch_size=64, columns=columns):
            for record in batch.to_pylist():
                number += 1
                yield f"{name}:{number}", record


def _no_text(place: str, columns: Iterable[str]) -> BadInput:
    found = ", ".join(sorted(columns)) or "nothing"
    return BadInput(f"{place} has no column 'text' (found: {found})", input=place, hint="name the column 'text'")


def _checked(path: Path, records: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Document]:
    for label, record in records:
        place = f"{path}:{label.rpartition(':')[2]}"
        if "text" not in record:
            raise _no_text(place, record)
        for field in ("text", *_OPTIONAL):
            if not isinstance(record.get(field), str | None):
                message = f"{place}: '{field}' is a {type(record[field]).__name__}, not a string"
                raise BadInput(message, input=place, hint=f"write '{field}' as a string")
        text = record["text"]
        if text and text.strip():
            yield Document(
                id=record.get("id") or label,
                text=text,
                source=record.get("source"),
                date=record.get("date"),
                lang=record.get("lang"),
                licence=record.get("licence"),
            )
