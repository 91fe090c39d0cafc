"""Which files of a folder are documents: all that can be read, less what only describes a data set; and what is not.

Hugging Face data sets come as repositories (Parquet or JSON lines beside a card and a licence) and as saved to disk
(Arrow files, listed in ``state.json``; files that are not listed there are a cache). What is left aside is told, by
reason, so that nobody prices or seals another corpus than the one that lies in the folder.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from oracle.corpus.names import readable_name
from oracle.corpus.standins import require_target
from oracle.errors import BadInput

_DESCRIPTION = re.compile(r"(dataset_infos?|dataset_dict|state|metadata|(.+\.)?croissant)\.json|.+\.README\.md", re.I)
_CARD = re.compile(r"(readme|dataset[_-]?card|licen[cs]e|copying|notice|citation|changelog|contributing)\b", re.I)
_MARKER = re.compile(
    r"_(SUCCESS|metadata|common_metadata|(committed|started)_.*|temporary|delta_log|spark_metadata)(\..*)?"
)
"""What Spark and Delta Lake put beside the data."""
_PROSE = (".txt", ".text", ".md", ".rst")
_VERSIONS = (".git", ".hg", ".svn")
_MAX_STATE = 2**20  # bytes; a million would name 10,000 files

HIDDEN = "hidden by a dot in front"
MARKER = "what Spark or Delta Lake put beside the data"
UNKNOWN = "of no readable kind"
DESCRIPTION = "what describes the data set"
CACHE = "a cache: state.json does not list it"
LINK = "links to folders"
SPECIAL = "pipes, sockets or devices"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """``files`` files below the folder ``path`` that are not read, ``why``, and the name of the ``first``."""

    path: str
    why: str
    files: int
    first: str


def document_files(folder: Path, readable: Callable[[Path], bool]) -> tuple[list[Path], list[PassedOver]]:
    """The files below ``folder`` that are ``readable`` and hold documents, by name; and those that are left aside.

    Those are hidden files, what describes a data set, and Spark's notes; README, LICENSE and the like are documents
    only where there is nothing but prose. Links to folders are not followed. Version control is left out untold.

    Raises:
        BadInput: a folder that cannot be listed, a link to nothing, a ``state.json`` that lists no files, or files that
            are missing.
    """
    files: list[Path] = []
    aside: dict[str, list[Path]] = defaultdict(list)
    for file in _walk(folder, aside):
        if (why := _hidden(file, folder)) is not None:
            aside[why].append(file)
        elif not readable(file):
            aside[UNKNOWN].append(file)
        elif _DESCRIPTION.fullmatch(file.name):
            aside[DESCRIPTION].append(file)
        elif not file.is_file():
            require_target(file)
            aside[SPECIAL].append(file)
        else:
            files.append(file)
    files.sort()
    listed = {place: _listed(place / "state.json") for place in {file.parent for file in files} if _is_saved(place)}
    cache = {file for file in files if _suffix(file) == ".arrow" and file not in listed.get(file.parent, [file])}
    files = [file for file in files if file not in cache]
    cards = {file for file in files if _suffix(file) in _PROSE and _CARD.match(file.name)}
    if all(_suffix(file) in _PROSE for file in files):
        cards = set()
    aside[CACHE].extend(cache)
    aside[DESCRIPTION].extend(cards)
    told = [
        PassedOver(readable_name(folder), why, len(found), readable_name(min(found).relative_to(folder)))
        for why, found in aside.items()
        if found
    ]
    return [file for file in files if file not in cards], told


def _walk(folder: Path, aside: dict[str, list[Path]]) -> list[Path]:
    found: list[Path] = []
    for place, below, names in os.walk(folder, onerror=_unlisted):
        for name in list(below):
            if name in _VERSIONS:
                below.remove(name)
            elif (link := Path(place, name)).is_symlink():
                aside[LINK].append(link)
        found.extend(Path(place, name) for name in names)
    return found


def _unlisted(error: OSError) -> None:
    place = readable_name(str(error.filename))
    hint = "make it readable, or give the other files one by one"
    raise BadInput(f"{place} cannot be listed: {error.strerror}", input=place, hint=hint) from error


def _hidden(file: Path, folder: Path) -> str | None:
    parts = file.relative_to(folder).parts
    if any(part.startswith(".") for part in parts):
        return HIDDEN
    return MARKER if any(_MARKER.fullmatch(part) for part in parts) else None


def _suffix(file: Path) -> str:
    """Of what a file holds, compression aside, in small letters."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in (".gz", ".zst")), "")


def _is_saved(place: Path) -> bool:
    return (place / "state.json").is_file() and (place / "dataset_info.json").is_file()


def is_there(file: Path) -> bool:
    """Whether there is such a file; of a name that none can have, there is not."""
    try:
        return file.is_file()
    except OSError:  # no file has so long a name
        return False


def _listed(state: Path) -> list[Path]:
    place = readable_name(state)
    try:
        with state.open("rb") as stream:
            text = stream.read(_MAX_STATE + 1)
        if len(text) > _MAX_STATE:
            raise ValueError("too long")
        files = [state.parent / entry["filename"] for entry in orjson.loads(text)["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        hint = "save the data set again with save_to_disk"
        raise BadInput(f"{place} lists no data files", input=place, hint=hint) from error
    for file in files:
        if not is_there(file):
            hint = "copy the whole folder that save_to_disk wrote"
            missing = readable_name(file)
            raise BadInput(f"{missing}, listed in {state.name}, is not there", input=missing, hint=hint)
    return files
