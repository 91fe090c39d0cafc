"""What the disk does not take is said with its path and the way out; what is unfinished is named so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oracle.errors import EnvironmentFailure

PART = ".part"
_HINT = "free some space, or name a folder elsewhere with --out; run it again and it goes on where it stopped"


def part_of(path: Path) -> Path:
    """Where a file grows before it is put in place."""
    return path.with_name(f".{path.name}{PART}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say which path the disk does not take, and that nothing finished is lost.

    Raises:
        EnvironmentFailure: for an OSError inside.
    """
    try:
        yield
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}"
        raise EnvironmentFailure(message, input=str(path), hint=_HINT) from error
