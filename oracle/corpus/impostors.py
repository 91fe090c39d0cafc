"""Files that stand where a corpus should be: pointers of Git LFS and git-annex, and web pages saved under its name."""

from __future__ import annotations

import re
from pathlib import Path

from oracle.corpus.names import readable_name
from oracle.errors import BadInput

_PAGE = re.compile(rb"\s*<(!doctype\s+html|html\b|head\b|\?xml\b|error>)", re.I)
_ANNEX = re.compile(rb"/annex/objects/\S+\s*")
OPENING = 4096  # bytes in which an impostor or a binary file shows


def refuse_impostor(path: Path, opening: bytes, *, prose: bool) -> None:
    """Raise where the first bytes of a file say that it is not the corpus that its name promises.

    Raises:
        BadInput: a pointer, or a web page that is not named as ``prose``; says how to get the file itself.
    """
    place = readable_name(path)
    opening = opening.removeprefix(b"\xef\xbb\xbf")
    if opening.startswith(b"version https://git-lfs.github.com/spec/") and b"\noid " in opening:
        hint = f"fetch the file itself: git lfs pull --include '{readable_name(path.name)}'"
        raise BadInput(f"{place} is a Git LFS pointer, not the file", input=place, hint=hint)
    if _ANNEX.match(opening):
        hint = f"fetch the file itself: git annex get '{readable_name(path.name)}'"
        raise BadInput(f"{place} is a git-annex pointer, not the file", input=place, hint=hint)
    if not prose and _PAGE.match(opening):
        hint = "what was downloaded is a page that says what went wrong: open it in a browser, log in, download again"
        raise BadInput(f"{place} is a web page (HTML or XML), not a corpus", input=place, hint=hint)


def require_target(path: Path) -> None:
    """Raise BadInput for a link to a file that is not there."""
    if path.is_symlink() and not path.exists():
        place, target = readable_name(path), readable_name(path.readlink())
        hint = (
            f"git annex get '{readable_name(path.name)}'" if ".git/annex" in target else "copy the file that it names"
        )
        raise BadInput(f"{place} is a link to {target}, which is not there", input=place, hint=hint)
