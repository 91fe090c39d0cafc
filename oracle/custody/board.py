"""What is kept by its name: the board of a round, where peers exchange things until there is a network.

Nothing on it is trusted: readers check digests and signatures.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

from oracle.custody import regular
from oracle.custody.files import write_own
from oracle.custody.names import checked_name, is_name
from oracle.errors import CheckFailed, EnvironmentFailure

MAX_SLOT: Final = 1 << 25
"""Bytes of a slot: the leaves of a round of 25,000 bids have a third of it."""
MAX_SLOTS: Final = 1 << 20
"""Slots of a round that are listed."""


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
        write_own(self._path(key, name), data)

    def read(self, key: str, name: str) -> bytes | None:
        """What the slot holds; None while nobody has written to it.

        Raises ``CheckFailed`` naming the slot when it is above ``MAX_SLOT`` bytes or no file: whoever writes to the
        board can put anything there.
        """
        path = self._path(key, name)
        try:
            data = regular.read(path, MAX_SLOT + 1)
        except FileNotFoundError:
            return None
        except regular.NotRegularError as error:
            raise _refused(key, name, str(error)) from error
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot read {path}: {error.strerror or error}", input=str(path), hint="check the board's folder"
            ) from error

        if len(data) > MAX_SLOT:
            raise _refused(key, name, f"above {MAX_SLOT} bytes")
        return data

    def list(self, key: str) -> tuple[str, ...]:
        """Names of the slots of a round, sorted; empty when nobody published anything.

        Raises ``CheckFailed`` when there are more than ``MAX_SLOTS`` of them.
        """
        folder = self.folder / "rounds" / checked_name(key, "the board")
        try:
            names = tuple(islice((path.name for path in folder.iterdir() if is_name(path.name)), MAX_SLOTS + 1))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise EnvironmentFailure(
                f"cannot read {folder}: {error.strerror or error}", input=str(folder), hint="check the board's folder"
            ) from error

        if len(names) > MAX_SLOTS:
            raise CheckFailed(
                f"more than {MAX_SLOTS} slots on the board of {key}",
                input=key,
                hint="remove what does not belong there",
            )
        return tuple(sorted(names))

    def _path(self, key: str, name: str) -> Path:
        return self.folder / "rounds" / checked_name(key, "the board") / checked_name(name, "the board")


def _refused(key: str, name: str, why: str) -> CheckFailed:
    return CheckFailed(f"slot {name} of {key} is refused: {why}", input=name, hint="ask its author to publish it again")
