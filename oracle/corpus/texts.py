"""The texts of a corpus as a sequence that holds none of them: where the documents are on disk, so are their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from oracle.corpus.document import Document


class Texts(Sequence[str]):
    """The texts of ``documents``, in order, read whenever they are gone through."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents

    def __len__(self) -> int:
        return len(self._documents)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return Texts(self._documents[place])
        return self._documents[place].text

    def __iter__(self) -> Iterator[str]:
        return (document.text for document in self._documents)
