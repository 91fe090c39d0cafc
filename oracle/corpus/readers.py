"""Readers: JSON lines, Parquet, Arrow, CSV, plain text and folders of these, as a stream of documents.

Gzip and Zstandard are opened by name. Everything streams: memory is bounded by one document (``MAX_DOCUMENT`` bytes),
and what archives come to by their size (allowance.py). Text that is not UTF-8 is decoded as what it is (encoding.py),
the whole of a text file alike, JSON lines and tables line by line.
"""

from __future__ import annotations

import gzip
import io
import itertools
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from oracle.corpus.allowance import Allowance, BombError, too_long
from oracle.corpus.compressed import COMPRESSED, DamagedStreamError, open_stream
from oracle.corpus.confined import confined_rows
from oracle.corpus.document import Document
from oracle.corpus.encoding import MARK, Decoder, refuse_binary, wide_encoding
from oracle.corpus.fields import document
from oracle.corpus.folders import PassedOver, document_files
from oracle.corpus.lines import Record, json_records, read_lines
from oracle.corpus.names import readable_name
from oracle.corpus.standins import require_target, stand_in
from oracle.corpus.tables import csv_records, tsv_records
from oracle.errors import BadInput

STDIN = Path("-")
"""JSON lines from the standard input."""

_JSONL = (".jsonl", ".ndjson", ".json")
_TEXT = (".txt", ".text", ".md", ".rst")
_TABLES = {".csv": csv_records, ".tsv": tsv_records}
_OPENING = 4096  # bytes in which a binary file, or one that stands for another, shows
_COLUMNAR = (".parquet", ".arrow", ".feather")
_KNOWN = (
    "JSON lines (.jsonl), .parquet, .arrow, .csv, .tsv, .txt, .md, .rst; .gz and .zst of the text formats; folders of "
    "these, Hugging Face data sets among them"
)
_MARKED = re.compile(f"^{MARK}+", re.M)


class NoText(BadInput):
    """A corpus that can be read and holds no text."""


def read_documents(
    path: Path,
    *,
    limit: int | None = None,
    repaired: Counter[str] | None = None,
    passed: list[PassedOver] | None = None,
) -> Iterator[Document]:
    """Documents of a file or folder in file-name order, at most ``limit`` of them.

    Records need a ``text``; ``id``, ``source``, ``date``, ``lang`` and ``licence`` are optional strings (fields.py says
    what else becomes one) and an id falls back to ``name:line``. A text file is one document. Records whose text is
    blank are passed over. ``repaired`` counts the lines and text files that were not UTF-8, by the encoding that they
    were taken for; ``passed`` gets what is in a folder and not read.

    Raises:
        NoText: there is no text in it.
        BadInput: nothing readable there, a binary file, wrong columns, or a damaged or endless archive;
            names the file and, where there is one, the line.
    """
    found = False
    decoded: Counter[str] = Counter() if repaired is None else repaired
    aside: list[PassedOver] = [] if passed is None else passed
    for each in itertools.islice(_documents(path, decoded, aside), limit):
        found = True
        yield each
    if not found and limit != 0:
        place = readable_name(path)
        raise NoText(f"{place} holds no text", input=place, hint="give at least one record with a non-empty text")


def _documents(path: Path, repaired: Counter[str], passed: list[PassedOver]) -> Iterator[Document]:
    place = readable_name(path)
    if path.is_dir():
        files, aside = document_files(path, lambda file: bool(_format(file)))
        passed += aside
        if not files:
            found = "; ".join(f"{each.files} {each.why}, such as {each.first}" for each in aside)
            hint = f"readable are {_KNOWN}" + (f"; there are {found}" if found else "")
            raise BadInput(f"{place} holds no file that can be read", input=place, hint=hint)
    elif path == STDIN:
        stream = cast(io.BufferedReader, sys.stdin.buffer)
        plain = Allowance(None)
        yield from _checked(json_records(stream, place, repaired, plain), place, "stdin", plain)
        return
    elif path.is_file():
        files = [path]
    else:
        require_target(path)
        raise BadInput(f"{place} does not exist", input=place, hint="check the path")
    packed = Allowance(sum(file.stat().st_size for file in files if _is_packed(file)))
    for file in files:
        name = readable_name(file.relative_to(path).as_posix() if path.is_dir() else file.name)
        yield from _file(file, name, repaired, packed if _is_packed(file) else Allowance(None))


def _format(path: Path) -> str:
    """The suffix that says what a file is, compression aside, in small letters; empty when it is nothing we read."""
    outer = path.suffix.lower()
    suffix = Path(path.stem).suffix.lower() if outer in COMPRESSED else outer
    known = suffix in (*_JSONL, *_TEXT, *_TABLES) or (suffix in _COLUMNAR and outer == suffix)
    return suffix if known else ""


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() in (*COMPRESSED, *_COLUMNAR)


def _file(path: Path, name: str, repaired: Counter[str], allowance: Allowance) -> Iterator[Document]:
    kind, place = _format(path), readable_name(path)
    if not kind:
        raise BadInput(f"{place} is of no readable kind", input=place, hint=f"readable are {_KNOWN}")
    with _explained(place):
        with path.open("rb") as raw:
            found = stand_in(raw.read(_OPENING), pages=kind not in _TEXT)
        if found:
            what, hint = found
            raise BadInput(f"{place} is {what}", input=place, hint=hint)
        if kind in _COLUMNAR:
            rows = enumerate(confined_rows(path, place, allowance), 1)
            yield from _checked(rows, place, name, allowance)
            return
        with open_stream(path, allowance) as stream:
            refuse_binary(stream.peek(_OPENING)[:_OPENING], place)
            if kind in _TEXT:
                text = _text(stream, place, repaired, allowance)
                yield from _checked([(1, {"text": text, "id": name})], place, name, allowance)
            elif kind in _JSONL:
                yield from _checked(json_records(stream, place, repaired, allowance), place, name, allowance)
            else:
                decoder = Decoder(repaired)
                lines = (decoder.decode(line) for _, line in read_lines(stream, place, repaired, allowance))
                yield from _checked(_TABLES[kind](lines, place, allowance), place, name, allowance)


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """Turn what libraries say about a damaged file into what its owner can do about it."""
    hint = "the file is damaged or incomplete: copy or compress it again"
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, DamagedStreamError) as error:
        raise BadInput(f"{place} {error}", input=place, hint=hint) from error
    except BombError as error:
        hint = "if it is yours, give it as plain JSON lines: they have no such limit"
        raise BadInput(f"{place} {error}", input=place, hint=hint) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{place} is no valid {error.encoding}: {error.reason}", input=place, hint=hint) from error
    except OSError as error:
        raise BadInput(f"{place} cannot be read: {error.strerror or error}", input=place, hint="check it") from error


def _text(stream: io.BufferedReader, place: str, repaired: Counter[str], allowance: Allowance) -> str:
    data = stream.read(allowance.longest + 1)
    if len(data) > allowance.longest:
        raise too_long(place, allowance.longest)
    wide = wide_encoding(data)
    if wide:
        repaired[wide] += 1
    return _MARKED.sub("", data.decode(wide) if wide else Decoder(repaired).decode(data))


def _checked(records: Iterable[Record], place: str, name: str, allowance: Allowance) -> Iterator[Document]:
    for number, record in records:
        found = document(f"{name}:{number}", f"{place}:{number}", record, allowance)
        if found is not None:
            yield found
