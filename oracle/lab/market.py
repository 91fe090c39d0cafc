"""Reads and writes a market folder: a manifest, providers in the order of their commitments, the planner's texts."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput


class MarketProvider(NamedTuple):
    """One corpus for sale: its name, its file, and what the demo offers of it."""

    id: str
    path: Path
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class DemoMarket:
    """A market to play a round on. ``reference`` holds one sentence per document."""

    providers: tuple[MarketProvider, ...]
    seed: tuple[Document, ...]
    reference: tuple[Document, ...]
    validation: tuple[Document, ...]
    target: str


def load_market(folder: Path, sample: int | None = None) -> DemoMarket:
    """Read ``folder``: manifest.json, the providers' files it names, and {seed,reference,validation}.jsonl.gz.

    ``sample`` bounds the documents per provider (the planner's texts are read whole). Raises BadInput, naming the
    file, when something is missing or unreadable, or a file's SHA-256 is not the manifest's (where it gives one).
    """
    if sample is not None and sample < 1:
        raise BadInput(f"a sample of {sample} documents", input="sample", hint="give at least 1")
    manifest = _manifest(folder / "manifest.json")
    rows = manifest["providers"]
    digests = {row.get("file"): row.get("sha256") for row in (*rows, *manifest.get("sets", ()))}

    def read(name: str, limit: int | None = None) -> tuple[Document, ...]:
        path = folder / name
        if not path.is_file():
            raise BadInput("the market lacks a file", input=str(path), hint="complete the folder, or name another one")
        expected = digests.get(name)
        if expected is not None and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise BadInput("the file is not the one the manifest describes", input=str(path), hint="fetch it again")
        return tuple(read_documents(path, limit=limit))

    providers = tuple(MarketProvider(row["id"], folder / row["file"], read(row["file"], sample)) for row in rows)
    seed, reference, validation = (read(f"{name}.jsonl.gz") for name in ("seed", "reference", "validation"))
    return DemoMarket(providers, seed, reference, validation, str(manifest.get("target_domain", "")))


def write_corpus(folder: Path, name: str, documents: Iterable[Document]) -> dict[str, Any]:
    """Write ``folder/name``, gzip (mtime 0) JSON lines, and return what a manifest says of the file.

    The same documents make the same bytes. The file's folder must exist.
    """
    lines = [canonical_line(document) + b"\n" for document in documents]
    data = b"".join(lines)
    packed = gzip.compress(data, mtime=0)
    (folder / name).write_bytes(packed)
    return {
        "file": name,
        "records": len(lines),
        "raw_bytes": len(data),
        "gz_bytes": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest(),
    }


def _manifest(path: Path) -> dict[str, Any]:
    hint = "a market folder has a manifest.json that lists providers, each with an id and a file"
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read the market: {error.strerror}", input=str(path), hint=hint) from error
    except ValueError as error:
        raise BadInput(f"the manifest is not JSON: {error}", input=str(path), hint=hint) from error
    rows = manifest.get("providers") if isinstance(manifest, dict) else None
    if not rows or not all(isinstance(row, dict) and {"id", "file"} <= row.keys() for row in rows):
        raise BadInput("the manifest lists no providers", input=str(path), hint=hint)
    if len({row["id"] for row in rows}) < len(rows):
        raise BadInput("two providers have the same id", input=str(path), hint=hint)
    return manifest  # type: ignore[no-any-return]
