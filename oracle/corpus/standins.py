"""Files that stand for others: what a clone, a download or a copy left where a large file should be."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from oracle.corpus.names import readable_name
from oracle.errors import BadInput

UNFINISHED = (".incomplete", ".part", ".partial", ".crdownload", ".aria2", ".download", ".tmp")
"""Endings of downloads under way."""
_OPENING = 1024
_LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/\S*\s+([a-z0-9-]+ \S+\s+)*oid ")
_ANNEX = re.compile(rb"\S*/annex/objects/\S+\s*\Z")
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html\b|head\b|\?xml\b|error>)", re.I)
_AGAIN = "download it again, whole"
_FOLLOW = "copy with links followed (cp -L), or download it again: links into a cache break"


def require_itself(path: Path, sought: str = "") -> None:
    """Raise ``BadInput``, naming the file, what it is and the way out, when it is there but stands for another.

    ``sought``: what it is not, to begin the message with. Says nothing about a file that is missing or cannot be read:
    whoever reads it does.
    """
    if found := _what(path):
        what, hint = found
        front = f"not {sought}: " if sought else ""
        raise BadInput(f"{front}{path.name} is {what}", input=str(path), hint=hint)


def unfinished(folder: Path) -> list[str]:
    """Names of downloads in ``folder`` that never came to their end."""
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(UNFINISHED))


def stand_in(opening: bytes, *, pages: bool = True) -> tuple[str, str] | None:
    """What a file is by its first bytes, and the way to the file that it stands for; None for what may be itself.
    ``pages``: whether a web page stands for something else."""
    opening = opening.removeprefix(codecs.BOM_UTF8)
    if _LFS.match(opening):
        return "a Git LFS pointer, not the file itself", "run `git lfs pull` in its repository"
    if _ANNEX.match(opening):
        return "a git-annex pointer, not the file itself", "run `git annex get` in its repository"
    if pages and _PAGE.match(opening):
        return "a web page (HTML or XML), as servers send instead of a file", f"read it, log in where it asks, {_AGAIN}"
    return None


def require_target(path: Path) -> None:
    """Raise ``BadInput`` for a link to a file that is not there."""
    if found := _dangling(path):
        what, hint = found
        place = readable_name(path)
        raise BadInput(f"{place} is {what}", input=place, hint=hint)


def _dangling(path: Path) -> tuple[str, str] | None:
    if not path.is_symlink() or path.exists():
        return None
    target = readable_name(path.readlink())
    hint = "run `git annex get` in its repository" if ".git/annex" in target else _FOLLOW
    return f"a link to {target}, where nothing is", hint


def _what(path: Path) -> tuple[str, str] | None:
    if found := _dangling(path):
        return found
    if path.exists() and not (path.is_file() or path.is_dir()):
        return "a pipe or a device, which may never end", "give the file itself"
    try:
        with path.open("rb") as file:
            opening = file.read(_OPENING)
    except OSError:
        return None
    if not opening:
        return "empty", _AGAIN
    if not opening.strip(b"\0"):
        return "nothing but zeros where it begins, as a broken download leaves", _AGAIN
    return stand_in(opening)
