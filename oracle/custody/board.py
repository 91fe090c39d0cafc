"""What is kept by its name: the board of a round, where peers exchange things until there is a network.

Nothing on it is trusted: readers check digests and signatures.
"""

from __future__ import annotations

from pathlib import Path

from oracle.custody.files import write_atomic
from oracle.custody.names import checked_name, is_name
from oracle.errors import EnvironmentFailure


def round_key(chain_id: int, market: str, round: int) -> str:
    """The folder of a round: ``<chain>-<market, lower case>-<round>``."""
    return f"{chain_id}-{market.lower()}-{round}"


class Board:
    """Slots under ``<folder>/rounds/<round key>/<name>``; names are letters, digits, ``.``, ``_`` and ``-``.

    A slot keeps what was written last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def publish(self, key: str, name: str, data: bytes) -> None:
        """Write a slot in one step; ``EnvironmentFailure`` when the disk does not take it."""
        write_atomic(self._path(key, name), data)

    def read(self, key: str, name: str) -> bytes | None:
        """What the slot holds; None while nobody has written to it."""
        path = self._path(key, name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot read {path}: {error.strerror or error}", input=str(path), hint="check the board's folder"
            ) from error

    def list(self, key: str) -> tuple[str, ...]:
        """Names of the slots of a round, sorted; empty when nobody published anything."""
        folder = self.folder / "rounds" / checked_name(key, "the board")
        try:
            return tuple(sorted(path.name for path in folder.iterdir() if is_name(path.name)))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot read {folder}: {error.strerror or error}", input=str(folder), hint="check the board's folder"
            ) from error

    def _path(self, key: str, name: str) -> Path:
        return self.folder / "rounds" / checked_name(key, "the board") / checked_name(name, "the board")
