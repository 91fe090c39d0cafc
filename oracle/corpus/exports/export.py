"""Writing an export: one pass over what was bought, all formats at once, published in one step.

Shards are cut by what the documents weigh, alike in every format. Documents are read from where they were bought even
when their shard is written already: only then is it known that they still are what was bought.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.corpus.exports import manifest
from oracle.corpus.exports.format import Bought, Format
from oracle.corpus.exports.formats import FORMATS, chosen
from oracle.corpus.exports.manifest import Export, Part, digest_of, read_export
from oracle.corpus.exports.rows import Origin, parse_record, record_of
from oracle.corpus.exports.shard import Shard
from oracle.corpus.exports.staging import Staging
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure, MiaError

SHARD = 256 << 20
"""Bytes of documents in a shard, some overhead of its rows included; a longer document has a shard of its own."""
ROW = 2048  # bytes that a row takes beside its document where it takes most: two entries of a tar
_EVERY = 1000  # documents between two reports of progress

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Lot:
    """A data set that was bought: ``read`` gives its documents, ``documents`` of them, and may be called again.

    ``document_root`` (32 bytes) is what ``read`` verifies them against; an error it raises ends the export.
    """

    origin: Origin
    document_root: bytes
    documents: int
    read: Callable[[], Iterable[Document]]


def write_export(
    out: Path,
    lots: Sequence[Lot],
    formats: Sequence[str],
    *,
    title: str,
    date: str,
    attachments: Mapping[str, bytes] | None = None,
    shard: int = SHARD,
    check: bool = True,
    progress: Progress | None = None,
) -> Export:
    """Write ``lots``, in order, as the folder ``out`` with a folder for each format; with ``check`` read all back.

    ``attachments`` are small files by path. Run again after an interruption, it goes on; where it is there already,
    nothing is written. Memory holds one row group, whatever the size.

    Raises:
        BadInput: no lots, two of one data set, an unknown format, or ``out`` is something else already.
        CheckFailed: a lot has another number of documents than it says, or a file does not read back.
        EnvironmentFailure: the disk is full or broken. What was finished is kept, beside ``out``.
    """
    wanted = chosen(formats)
    tell = progress or (lambda stage, done, total: None)
    plan = _plan(lots, wanted, title, date, shard)
    if (out / manifest.FILE).is_file():
        return _already(out, plan)
    with Staging(out, plan) as staging:
        try:
            parts = _fill(staging, lots, wanted, shard, tell)
            files = {format.name: tuple(done[format.name] for done in staging.shards) for format in wanted}
            export = Export(plan, title, date, parts, files)
            for format in wanted:
                if format.describe:
                    bought = Bought(
                        title, date, plan, [(lot.origin, lot.documents) for lot in lots], files[format.name]
                    )
                    for name, data in format.describe(bought).items():
                        staging.put(f"{format.name}/{name}", data)
            for path, data in (attachments or {}).items():
                staging.put(path, data)
            staging.put(manifest.FILE, export.to_bytes())
            if check:
                verify_export(staging.folder, export, progress=tell)
            staging.publish()
        except EnvironmentFailure:
            raise
        except MiaError:
            staging.discard()
            raise
    return export


def read_rows(folder: Path, export: Export, format: str) -> Iterator[tuple[Document, Origin]]:
    """The rows of one format of an export, in order.

    Raises:
        BadInput: a file is missing, damaged or holds anything but rows; the format is not in the export.
    """
    if format not in export.files:
        raise BadInput(f"{folder} has no {format}", input=format, hint=f"it has {', '.join(export.files)}")
    for file in export.files[format]:
        path = folder / format / file.path
        try:
            for number, record in enumerate(FORMATS[format].read(path), 1):
                yield parse_record(record, f"row {number} of {path}")
        except OSError as error:
            why = error.strerror or error
            raise BadInput(f"cannot read {path}: {why}", input=str(path), hint="fetch it again") from error


def verify_export(folder: Path, export: Export, *, progress: Progress | None = None) -> None:
    """Check every file's digest, and that every format reads back to the very documents of every data set.

    Raises:
        CheckFailed: naming the first file or data set that is not what the manifest says.
    """
    tell = progress or (lambda stage, done, total: None)
    for format, files in export.files.items():
        for file in files:
            path = folder / format / file.path
            if _sha256(path) != file.sha256:
                raise CheckFailed(f"{path} is not what was written", input=str(path), hint="fetch the data again")
        tallies = {part.dataset_root: _Tally() for part in export.parts}
        for done, (document, origin) in enumerate(_sound(read_rows(folder, export, format)), 1):
            root = "0x" + origin.dataset_root.hex()
            if root not in tallies:
                raise CheckFailed(f"{format} has rows of another data set", input=root, hint="fetch the data again")
            tallies[root].add(canonical_line(document))
            if done % _EVERY == 0 or done == export.documents:
                tell(f"check {format}", done, export.documents)
        for part in export.parts:
            found = tallies[part.dataset_root]
            if (found.count, found.lines) != (part.documents, part.lines):
                message = f"{format} does not read back to the documents of {part.provider}"
                raise CheckFailed(message, input=part.dataset_root, hint="fetch the data again")


class _Tally:
    """Documents of a data set as they go by."""

    def __init__(self) -> None:
        self.count = 0
        self._sha256 = hashlib.sha256()

    def add(self, line: bytes) -> None:
        self.count += 1
        self._sha256.update(line + b"\n")

    @property
    def lines(self) -> str:
        return "0x" + self._sha256.hexdigest()


def _plan(lots: Sequence[Lot], formats: Sequence[Format], title: str, date: str, shard: int) -> str:
    roots = [lot.origin.dataset_root for lot in lots]
    if not lots or len(set(roots)) != len(roots):
        raise BadInput("nothing to write, or one data set twice", input="data sets", hint="name each data set once")
    parts = [asdict(_part(lot, "")) for lot in lots]
    return digest_of([manifest.KIND, title, date, shard, [format.name for format in formats], parts])


def _part(lot: Lot, lines: str) -> Part:
    root, document_root, licence = (
        "0x" + value.hex() for value in (lot.origin.dataset_root, lot.document_root, lot.origin.licence)
    )
    return Part(lot.origin.provider, root, document_root, licence, lot.origin.round, lot.documents, lines)


def _fill(
    staging: Staging, lots: Sequence[Lot], formats: Sequence[Format], size: int, tell: Progress
) -> tuple[Part, ...]:
    """Write the shards that are missing; the data sets as they were read."""
    total = sum(lot.documents for lot in lots)
    behind = sum(next(iter(done.values())).rows for done in staging.shards)
    seen = weight = 0
    parts = []
    current: Shard | None = None
    try:
        for lot in lots:
            tally = _Tally()
            for document in lot.read():
                line = canonical_line(document)
                tally.add(line)
                seen += 1
                if seen > behind:
                    heavy = len(line) + ROW
                    if current and weight + heavy > size:
                        _finish(staging, current, formats)
                        current, weight = None, 0
                    current = current or Shard(staging.folder, len(staging.shards), formats)
                    current.write(record_of(document, lot.origin))
                    weight += heavy
                if seen % _EVERY == 0 or seen == total:
                    tell("export", seen, total)
            if tally.count != lot.documents:
                message = f"{lot.origin.provider} sold {lot.documents} documents, not {tally.count}"
                raise CheckFailed(message, input=lot.origin.provider, hint="ask the provider")
            parts.append(replace(_part(lot, ""), lines=tally.lines))
        if current:
            _finish(staging, current, formats)
            current = None
    finally:
        if current:
            current.abandon()
    return tuple(parts)


def _finish(staging: Staging, shard: Shard, formats: Sequence[Format]) -> None:
    files = shard.finish()
    staging.add({format.name: file for format, file in zip(formats, files, strict=True)})


def _already(out: Path, plan: str) -> Export:
    export = read_export(out)
    if export.plan != plan:
        hint = "name another folder with --out"
        raise BadInput(f"{out} holds another export", input=str(out), hint=hint)
    for format, files in export.files.items():
        for file in files:
            path = out / format / file.path
            if not path.is_file() or path.stat().st_size != file.size:
                message = f"{path} is not what was written"
                raise CheckFailed(message, input=str(path), hint=f"move {out} away and fetch the data again")
    return export


def _sound(rows: Iterator[tuple[Document, Origin]]) -> Iterator[tuple[Document, Origin]]:
    """In a check, a file that cannot be read has failed it."""
    try:
        yield from rows
    except BadInput as error:
        raise CheckFailed(str(error), input=error.input, hint=error.hint) from error


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        hint = "fetch the data again"
        raise CheckFailed(f"cannot read {path}: {error.strerror}", input=str(path), hint=hint) from error
