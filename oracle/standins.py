"""Files that stand for others: what a clone, a download or a copy left where a large file should be."""

from __future__ import annotations

from pathlib import Path

from oracle.errors import BadInput

UNFINISHED = (".incomplete", ".part", ".partial", ".crdownload", ".aria2", ".download", ".tmp")
"""Endings of downloads under way."""
_OPENING = 1024
_AGAIN = "download it again, whole"


def require_itself(path: Path, sought: str = "") -> None:
    """Raise ``BadInput``, naming the file, what it is and the way out, when it is there but stands for another.

    ``sought``: what it is not, to begin the message with. Says nothing about a file that is missing or cannot be read:
    whoever reads it does.
    """
    if found := _stand_in(path):
        what, hint = found
        front = f"not {sought}: " if sought else ""
        raise BadInput(f"{front}{path.name} is {what}", input=str(path), hint=hint)


def unfinished(folder: Path) -> list[str]:
    """Names of downloads in ``folder`` that never came to their end."""
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(UNFINISHED))


def _stand_in(path: Path) -> tuple[str, str] | None:
    if path.is_symlink() and not path.exists():
        hint = "copy the model with its links followed (cp -L), or download it again: links into a cache break"
        return f"a link to {path.readlink()}, where nothing is", hint
    if path.exists() and not (path.is_file() or path.is_dir()):
        return "a pipe or a device, which may never end", "give the file itself"
    try:
        with path.open("rb") as file:
            opening = file.read(_OPENING)
    except OSError:
        return None
    start = opening.lstrip().lower()
    if not opening:
        return "empty", _AGAIN
    if opening.startswith(b"version https://git-lfs.github.com/spec/"):
        return "a Git LFS pointer, not the file itself", "run `git lfs pull` in its repository"
    if b"/annex/objects/" in opening and len(opening) < _OPENING:
        return "a git-annex pointer, not the file itself", "run `git annex get` in its repository"
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return "a web page, as servers send instead of a file", f"read it, and {_AGAIN}: it may want you to log in"
    if not opening.strip(b"\0"):
        return "nothing but zeros where it begins, as a broken download leaves", _AGAIN
    return None
