"""``export.json``: what an export holds, file by file and data set by data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from oracle.corpus.exports.format import STRICT, ShardFile
from oracle.errors import BadInput

FILE = "export.json"
KIND: Final = "mixed-mia/export/1"


@dataclass(frozen=True, slots=True)
class Part:
    """A data set in an export, hashes as 0x-hex. ``lines``: SHA-256 over its documents' canonical lines, each with its
    line feed, in order: whatever format they are read from, this is what they come to."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
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

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    plan: str
    title: str
    date: str
    parts: tuple[Part, ...]
    files: Mapping[str, tuple[ShardFile, ...]]
    kind: Literal["mixed-mia/export/1"] = KIND

    @property
    def documents(self) -> int:
        return sum(part.documents for part in self.parts)

    def to_bytes(self) -> bytes:
        """Readable JSON, keys sorted."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


_EXPORT = TypeAdapter(Export)


def read_export(folder: Path) -> Export:
    """The manifest of a published export.

    Raises:
        BadInput: ``folder`` is none.
    """
    place = folder / FILE
    try:
        return _EXPORT.validate_json(place.read_bytes())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise BadInput(f"{folder} is no export: {place.name}: {why}", input=str(folder), hint="see its path") from error


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of a value as JSON with sorted keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
