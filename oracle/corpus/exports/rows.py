"""One row of an export: a document, and where it was bought.

Seven columns, the same in every format: ``id``, ``text``, ``meta`` (JSON object of what the owner says of the document:
source, date, lang, licence, those that are stated), ``provider``, ``dataset_root``, ``licence`` (hash of the agreement
it was bought under) and ``round``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from oracle.corpus.document import Document
from oracle.errors import BadInput, CheckFailed

COLUMNS = ("id", "text", "meta", "provider", "dataset_root", "licence", "round")
MAX_ROUND = 1 << 63  # a row's round is a signed 64-bit number in Parquet and TFRecord
_STATED = ("source", "date", "lang", "licence")
_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
_HASH = re.compile(r"0x[0-9a-f]{64}")

Record = dict[str, Any]
"""A row as its columns: strings, and ``round`` an integer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from. ``dataset_root`` and ``licence`` are 32 bytes, ``provider`` is an address."""

    provider: str
    dataset_root: bytes
    licence: bytes
    round: int


def record_of(document: Document, origin: Origin) -> Record:
    """The columns of a row."""
    stated = {name: value for name in _STATED if (value := getattr(document, name)) is not None}
    return {
        "id": document.id,
        "text": document.text,
        "meta": orjson.dumps(stated, option=orjson.OPT_SORT_KEYS).decode(),
        "provider": origin.provider,
        "dataset_root": "0x" + origin.dataset_root.hex(),
        "licence": "0x" + origin.licence.hex(),
        "round": origin.round,
    }


def parse_record(record: Record, place: str) -> tuple[Document, Origin]:
    """The document and its origin.

    Raises:
        BadInput: naming ``place``, for anything but what :func:`record_of` makes.
    """
    try:
        if tuple(record) != COLUMNS or any(type(record[name]) is not str for name in COLUMNS[:-1]):
            raise ValueError(f"not the columns {', '.join(COLUMNS)}")
        stated = orjson.loads(record["meta"])
        document = Document(record["id"], record["text"], **stated)
        hashes = record["dataset_root"], record["licence"]
        if not _ADDRESS.fullmatch(record["provider"]) or not all(map(_HASH.fullmatch, hashes)):
            raise ValueError("provider, dataset_root or licence is malformed")
        dataset_root, licence = (bytes.fromhex(text[2:]) for text in hashes)
        origin = Origin(record["provider"], dataset_root, licence, record["round"])
        if type(origin.round) is not int or record_of(document, origin) != record:
            raise ValueError("a value has a second spelling")
    except (ValueError, TypeError, CheckFailed) as error:
        raise BadInput(f"{place} is no row of an export: {error}", input=place, hint="fetch the data again") from error
    return document, origin
