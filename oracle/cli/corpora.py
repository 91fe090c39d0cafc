"""Corpora as commands read them: what was not UTF-8 and what was passed over in a folder is said on stderr."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.cli.output import ProgressCallback, notes

if TYPE_CHECKING:
    from oracle.corpus.document import Document
    from oracle.corpus.folders import PassedOver
    from oracle.corpus.spool import Spool


def read_documents(path: Path, limit: int | None, passed: list[PassedOver] | None = None) -> Iterator[Document]:
    """The documents of a corpus; ``passed`` gets the files of a folder that are not read."""
    from oracle.corpus import readers
    from oracle.corpus.names import readable_name

    repaired: Counter[str] = Counter()
    aside: list[PassedOver] = []
    yield from readers.read_documents(path, limit=limit, repaired=repaired, passed=aside)
    name = readable_name(path)
    for encoding, count in repaired.items():
        notes().print(f"{name}: {count:,} lines or files were not UTF-8 and were read as {encoding}")
    for each in aside:
        told = f"{name}: passed over {each.files:,} files ({each.why}), the first {each.first}"
        notes().print(told, soft_wrap=True)
    if passed is not None:
        passed += aside


def read_corpus(path: Path, limit: int | None, tell: ProgressCallback, passed: list[PassedOver] | None = None) -> Spool:
    """A corpus on disk, so that its size does not matter; ``passed`` as above."""
    from oracle.corpus.names import readable_name
    from oracle.corpus.spool import Spool

    spool = Spool()
    for document in read_documents(path, limit, passed):
        spool.append(document)
        if len(spool) % 1000 == 0:
            tell(f"reading {readable_name(path.name)}", len(spool), 0)
    return spool


def passed_over(passed: Sequence[PassedOver]) -> list[dict[str, Any]]:
    """What a command's document says of them."""
    return [asdict(each) for each in passed]
