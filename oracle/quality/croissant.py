"""Croissant files: JSON-LD that describes a data set (MLCommons Croissant 1.0 and 1.1, a profile of schema.org).

The reference library ``mlcroissant`` validates the file in a process of its own, which has no network and a time limit:
JSON-LD may name contexts to fetch, refer to itself and grow without end. What the file claims is read here, and the
files that it names are compared where they lie in the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from oracle.corpus.folders import is_there
from oracle.quality.statement import FORMAT, Checked, Statement, Verdict, texts, unreadable

MAX_BYTES = 2**22
"""A larger file is refused."""
MAX_DEPTH = 40
TIME_LIMIT = 120
"""Seconds after which the validation of a file counts as failed."""
_SHOWN = 5
_BELIEVED = ("name", "description", "creator", "author", "publisher", "url", "version", "citeAs", "keywords")
_DATES = ("datePublished", "dateCreated", "dateModified")
_SIZE = re.compile(r"([\d.,]+)\s*(?:(k|m|g|t)?(i)?(?:b|bytes?))?", re.IGNORECASE)


def read_croissant(file: Path, folder: Path) -> Statement | None:
    """The claims of ``file`` about ``folder``; None when it is JSON of another kind (no @context, no @type)."""
    if file.stat().st_size > MAX_BYTES:
        return unreadable(file.name, f"is not read: it is above {MAX_BYTES // 2**20} MiB")
    try:
        fields = orjson.loads(file.read_bytes())  # takes no half characters, which nothing could write again
    except orjson.JSONDecodeError as error:
        return unreadable(file.name, f"cannot be read: it is no JSON ({str(error)[:120]})")
    if not isinstance(fields, dict) or not fields.keys() & {"@context", "@type"}:
        return None
    errors, warnings = _issues(file, fields)
    fields = {key.rpartition(":")[2]: value for key, value in fields.items()}
    files = tuple(_distributions(fields.get("distribution"), folder))
    verdict = (
        Checked(FORMAT, Verdict.DISPROVED, f"{file.name} is not valid Croissant: {_several(errors)}")
        if errors
        else Checked(FORMAT, Verdict.CONFIRMED, f"{file.name} is valid Croissant{_remarks(warnings)}")
    )
    return Statement(
        file=file.name,
        languages=_names(fields.get("inLanguage")),
        licences=_names(fields.get("license")),
        dates=tuple((name, date) for name in _DATES for date in texts(fields.get(name))),
        coverage=next(iter(texts(fields.get("temporalCoverage"))), None),
        columns=tuple(_columns(fields.get("recordSet"))),
        checked=(verdict, *files),
        believed=tuple(name for name in _BELIEVED if fields.get(name)),
    )


def _issues(file: Path, fields: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Errors and warnings of the reference library."""
    if refusal := _refusal(fields):
        return [refusal], []
    command = [sys.executable, "-m", "oracle.quality.croissant_validator", str(file.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return [f"its validation takes more than {TIME_LIMIT} seconds"], []
    if done.returncode:
        return ["its validation broke off: it may refer to itself or be too large"], []
    found = json.loads(done.stdout)
    return found["errors"], found["warnings"]


def _refusal(fields: dict[str, Any]) -> str:
    """Why a file is not even expanded: remote contexts, which would have to be fetched, or endless nesting."""
    if not isinstance(fields.get("@context", {}), dict):
        return "its @context is not written out, and remote contexts are not fetched"
    heap: list[tuple[Any, int]] = [(fields, 0)]
    while heap:
        value, depth = heap.pop()
        if depth > MAX_DEPTH:
            return f"it is nested more than {MAX_DEPTH} deep"
        if isinstance(value, dict):
            if "@import" in value or (depth and "@context" in value):
                return "it imports a context inside, and remote contexts are not fetched"
            heap.extend((child, depth + 1) for child in value.values())
        elif isinstance(value, list):
            heap.extend((child, depth + 1) for child in value)
    return ""


def _distributions(value: Any, folder: Path) -> Iterator[Checked]:
    """One verdict over all files that lie in the folder, one over those that do not; the first faults are told."""
    faults: list[str] = []
    good = elsewhere = 0
    digest = cache(_digest)  # a file may be listed many times
    for entry in _dicts(value):
        fields = {key.rpartition(":")[2]: content for key, content in entry.items()}
        address = next(iter(texts(fields.get("contentUrl"))), "")
        if not address or fields.get("containedIn"):
            continue
        file = _local(folder, address, next(iter(texts(fields.get("name"))), ""))
        if file is None:
            elsewhere += 1
        elif fault := _fault(file, fields, digest):
            faults.append(fault)
        else:
            good += 1
    if faults:
        yield Checked("files", Verdict.DISPROVED, f"{len(faults)} wrong files: {_several(faults)}")
    elif good:
        yield Checked("files", Verdict.CONFIRMED, f"files with the size and digest that is claimed: {good}")
    if elsewhere:
        yield Checked("files elsewhere", Verdict.UNCHECKED, f"not fetched from elsewhere: {elsewhere} files")


def _local(folder: Path, address: str, name: str) -> Path | None:
    """The file meant by ``address``, in the folder; None for a file elsewhere. A remote file may have a copy here."""
    remote = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", address) or address.startswith("//")
    for candidate in (address.split("?")[0].rpartition("/")[2], name) if remote else (address,):
        if not candidate or "\x00" in candidate:
            continue
        try:
            file = (folder / candidate).resolve()
        except (OSError, RuntimeError):  # links in a circle
            continue
        if not file.is_relative_to(folder.resolve()):
            continue
        if not remote or is_there(file):
            return file
    return None


def _fault(file: Path, fields: dict[str, Any], digest: Callable[[Path, str], str]) -> str:
    """What is wrong with a file that is described by ``fields``; empty when nothing is."""
    if not is_there(file):
        return f"{file.name} is missing"
    claimed, size = fields.get("contentSize"), file.stat().st_size
    if claimed is not None and not _size_fits(claimed, size):
        return f"{file.name} has {size} bytes, not {claimed}"
    for name in ("sha256", "md5"):
        expected = fields.get(name)
        if isinstance(expected, str) and expected.strip().lower() != digest(file, name):
            return f"{file.name} has another {name}"
    return ""


def _digest(file: Path, name: str) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(name, usedforsecurity=False)).hexdigest()


def _size_fits(claimed: Any, size: int) -> bool:
    """Whether ``claimed`` ("1234 B", "1.2 MB", 1234) means ``size`` bytes: exactly, or within 5 % where rounded."""
    match = _SIZE.fullmatch(str(claimed).strip())
    if not match:
        return False
    try:
        number = float(match[1].replace(",", ""))
    except ValueError:
        return False
    power = " kmgt".index((match[2] or " ").lower())
    return any(abs(number * base**power - size) <= (0.05 * size if power else 0) for base in (1000, 1024))


def _columns(value: Any) -> Iterator[str]:
    """The columns that record sets are read from, else the names of their fields."""
    for record_set in _dicts(value):
        for field in _dicts(record_set.get("field", record_set.get("cr:field"))):
            source = field.get("source")
            extract = source.get("extract") if isinstance(source, dict) else None
            column = extract.get("column") if isinstance(extract, dict) else None
            yield from texts(column) or texts(field.get("name"))[:1]


def _names(value: Any) -> tuple[str, ...]:
    """Texts, and names or addresses of objects."""
    found: list[str] = []
    for entry in value if isinstance(value, list) else [value]:
        found += texts(entry)
        if isinstance(entry, dict):
            named = (texts(entry.get(key)) for key in ("alternateName", "@id", "url", "name"))
            found += next((names[:1] for names in named if names), ())
    return tuple(found)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]


def _several(faults: list[str]) -> str:
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(fault[:200] for fault in faults[:_SHOWN]) + more


def _remarks(warnings: list[str]) -> str:
    return f" ({len(warnings)} remarks: {_several(warnings)})" if warnings else ""
