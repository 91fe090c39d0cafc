"""What a provider claims about a corpus as a whole: a dataset card or a Croissant file beside the data.

Reading never fails a corpus: a card that cannot be read is a claim disproved, with a sentence that says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oracle.quality.card import read_card
from oracle.quality.croissant import read_croissant
from oracle.quality.statement import Statement

CARD = "README.md"
CROISSANTS = ("croissant.json", "metadata.json")


@dataclass(frozen=True, slots=True)
class Claims:
    """The statements of a corpus' card and Croissant file, one each."""

    statements: tuple[Statement, ...]


def claims_of(path: Path) -> Claims | None:
    """The claims that lie in folder ``path``, or beside the file ``path``; None where there are none.

    Beside a file count ``NAME.croissant.json`` and ``NAME.README.md`` (NAME up to its first dot), and what lies in its
    folder when the file is alone in it. Nothing is fetched; nothing outside the folder is opened.
    """
    folder = path if path.is_dir() else path.parent
    statements: list[Statement] = []
    for file in _candidates(path, folder):
        statement = read_card(file) if file.suffix == ".md" else read_croissant(file, folder)
        if statement is not None:
            statements.append(statement)
    return Claims(tuple(statements)) if statements else None


def _candidates(path: Path, folder: Path) -> list[Path]:
    names = [*CROISSANTS, CARD]
    if path != folder:
        stem = path.name.partition(".")[0]
        own = [f"{stem}.croissant.json", f"{stem}.{CARD}"]
        alone = all(file.name in {path.name, *names, *own} or file.name.startswith(".") for file in folder.iterdir())
        names = own + names * alone
    return [folder / name for name in names if (folder / name).is_file()]
