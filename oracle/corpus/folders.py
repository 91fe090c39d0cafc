"""Which files of a folder are documents: all that can be read, less what only describes a data set.

Hugging Face data sets come as repositories (Parquet or JSON lines beside a card and a licence) and as saved to disk
(Arrow files, listed in ``state.json``; files that are not listed there are a cache).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from oracle.errors import BadInput

_DESCRIPTION = re.compile(r"(dataset_infos?|dataset_dict|state|metadata|(.+\.)?croissant)\.json|.+\.README\.md", re.I)
_CARD = re.compile(r"(readme|dataset[_-]?card|licen[cs]e|copying|notice|citation|changelog|contributing)\b", re.I)
_PROSE = (".txt", ".text", ".md", ".rst")


def document_files(folder: Path, readable: Iterable[Path]) -> list[Path]:
    """The ``readable`` files below ``folder`` that hold documents, by name.

    Hidden ones are not (``.x``, ``_x``), nor what describes a data set; README, LICENSE and the like are documents only
    where there is nothing but prose.

    Raises:
        BadInput: a ``state.json`` that lists no files, or files that are missing.
    """
    files = [file for file in sorted(readable) if not _hidden(file, folder) and not _DESCRIPTION.fullmatch(file.name)]
    listed = {place: _listed(place / "state.json") for place in {file.parent for file in files} if _is_saved(place)}
    files = [file for file in files if file.suffix != ".arrow" or file in listed.get(file.parent, [file])]
    if any(file.suffix not in _PROSE for file in files):
        files = [file for file in files if not (file.suffix in _PROSE and _CARD.match(file.name))]
    return files


def _hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)


def _is_saved(place: Path) -> bool:
    return (place / "state.json").is_file() and (place / "dataset_info.json").is_file()


def _listed(state: Path) -> list[Path]:
    try:
        files = [state.parent / entry["filename"] for entry in json.loads(state.read_bytes())["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        hint = "save the data set again with save_to_disk"
        raise BadInput(f"{state} lists no data files", input=str(state), hint=hint) from error
    for file in files:
        if not file.is_file():
            hint = "copy the whole folder that save_to_disk wrote"
            raise BadInput(f"{file}, listed in {state.name}, is not there", input=str(file), hint=hint)
    return files
