"""The texts of one commitment in memory, and what every result of theirs is remembered under."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one commitment: its verified texts, or None and the reason why there are none."""

    documents: tuple[Document, ...] | None
    missing: str = ""

    @property
    def digest(self) -> str:
        """sha256 over the canonical lines (hex): what every result of these texts is remembered under."""
        hasher = hashlib.sha256()
        for document in self.documents or ():
            hasher.update(canonical_line(document) + b"\n")
        return hasher.hexdigest()
