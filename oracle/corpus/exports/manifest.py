"""``export.json``: what an export holds, file by file and data set by data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from oracle.corpus.exports.format import ShardFile
from oracle.errors import BadInput

FILE = "export.json"
KIND = "mixed-mia/export/1"


@dataclass(frozen=True, slots=True)
class Part:
    """A data set in an export, hashes as 0x-hex. ``lines``: SHA-256 over its documents' canonical lines, each with its
    line feed, in order: whatever format they are read from, this is what they come to."""

    provider: str
    dataset_root: str
    document_root: str
    licence: str
    round: int
    documents: int
    lines: str


@dataclass(frozen=True, slots=True)
class Export:
    """``plan``: SHA-256 (hex) over what was asked for; ``files``: the shards of each format, in order."""

    plan: str
    title: str
    date: str
    parts: tuple[Part, ...]
    files: Mapping[str, tuple[ShardFile, ...]]

    @property
    def documents(self) -> int:
        return sum(part.documents for part in self.parts)

    def to_bytes(self) -> bytes:
        """Readable JSON, keys sorted."""
        return orjson.dumps({"kind": KIND, **asdict(self)}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def read_export(folder: Path) -> Export:
    """The manifest of a published export.

    Raises:
        BadInput: ``folder`` is none.
    """
    place = folder / FILE
    try:
        values: dict[str, Any] = orjson.loads(place.read_bytes())
        if values.pop("kind") != KIND:
            raise ValueError("of another kind")
        parts = tuple(Part(**part) for part in values.pop("parts"))
        files = {name: tuple(ShardFile(**file) for file in found) for name, found in values.pop("files").items()}
        return Export(parts=parts, files=files, **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"{folder} is no export: {place.name}: {why}", input=str(folder), hint="see its path") from error


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of a value as JSON with sorted keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
