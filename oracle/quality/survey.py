"""One provider's kept documents, surveyed: languages, fluency and damage - integer counts that every profile shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oracle.corpus.document import Document
from oracle.corpus.tokens import count_tokens
from oracle.quality import fluency
from oracle.quality.cleanliness import Damage, damage
from oracle.quality.languages import SUPPORTED, identify

UNCHECKED = 0.7
"""Gate of a document in a language without a fluency model: believed in part, because it cannot be tested."""
_SHORT = 60  # junctions; shorter documents are judged together


@dataclass(frozen=True, slots=True)
class Survey:
    """Per document (in order): language, tokens and gate; over the supported ones: fluency counts and damage."""

    languages: tuple[str, ...]
    tokens: tuple[int, ...]
    gates: tuple[float, ...]
    fluency: fluency.Counts
    damage: Damage

    @property
    def gate(self) -> float:
        """Mean gate, weighted by tokens; 0 without tokens."""
        total = sum(self.tokens)
        return sum(g * t for g, t in zip(self.gates, self.tokens, strict=True)) / total if total else 0.0

    def tokens_by_language(self) -> dict[str, int]:
        """Tokens per language, languages in alphabetical order."""
        totals: Counter[str] = Counter()
        for language, tokens in zip(self.languages, self.tokens, strict=True):
            totals[language] += tokens
        return dict(sorted(totals.items()))


def survey(documents: Sequence[Document]) -> Survey:
    """Look at every document once."""
    languages = tuple(identify(document.text) for document in documents)
    supported = [language in SUPPORTED for language in languages]
    counts = [
        fluency.count(document.text) if known else None for document, known in zip(documents, supported, strict=True)
    ]
    short = sum((c for c in counts if c and c.junctions < _SHORT), fluency.Counts())
    gates = tuple(UNCHECKED if c is None else (short if c.junctions < _SHORT else c).gate for c in counts)
    return Survey(
        languages=languages,
        tokens=tuple(count_tokens(document.text) for document in documents),
        gates=gates,
        fluency=sum((c for c in counts if c), fluency.Counts()),
        damage=damage([document.text for document, known in zip(documents, supported, strict=True) if known]),
    )
