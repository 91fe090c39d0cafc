"""Documents as people keep them: JSON lines, tables, text, archives."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import asdict
from random import Random

import orjson
import zstandard

from fuzz.change import change
from fuzz.damage import damage
from fuzz.forms import Parse, Valid, is_json, varied
from fuzz.parties import File, documents, sentence
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.custody import only_texts
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput

MEMORY = 330
"""MiB: 256 of an archive may always come out (oracle.corpus.compressed.FREE), whatever its size."""


def reads(name: str) -> Parse:
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


TARGETS = (
    Target("documents.jsonl", _lines, _lines_varied, is_json_lines, reads("x.jsonl"), allowed=(BadInput,)),
    Target("documents.csv", _table(","), _table_varied(","), is_table(","), reads("x.csv"), allowed=(BadInput,)),
    Target("documents.tsv", _table("\t"), _table_varied("\t"), is_table("\t"), reads("x.tsv"), allowed=(BadInput,)),
    Target("documents.txt", _text, _text_varied, lambda data: True, reads("x.txt"), allowed=(BadInput,), memory=128),
    Target(
        "documents.jsonl.gz",
        lambda source: _gzip(_lines(source)),
        lambda source: _packed(_gzip, source),
        opens(gzip.decompress),
        reads("x.jsonl.gz"),
        allowed=(BadInput,),
        memory=MEMORY,
        cost=3,
    ),
    Target(
        "documents.jsonl.zst",
        lambda source: _zstd(_lines(source)),
        lambda source: _packed(_zstd, source),
        opens(lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 26)),
        reads("x.jsonl.zst"),
        allowed=(BadInput,),
        memory=MEMORY,
        cost=3,
    ),
)
