"""The texts of one commitment, and what every result of theirs is remembered under."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.evidence.leaf import Status


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one commitment: its verified texts, or None, the reason why there are none, and the status that
    it therefore has."""

    documents: Sequence[Document] | None
    missing: str = ""
    status: Status = Status.UNAVAILABLE

    @property
    def digest(self) -> str:
        """sha256 over the canonical lines (hex): what every result of these texts is remembered under."""
        hasher = hashlib.sha256()
        for document in self.documents or ():
            hasher.update(canonical_line(document) + b"\n")
        return hasher.hexdigest()
