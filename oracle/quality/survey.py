"""One provider's kept documents, surveyed: languages, fluency and damage - integer counts that every profile shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oracle.corpus.document import Document
from oracle.corpus.tokens import count_tokens
from oracle.quality import fluency
from oracle.quality.cleanliness import Census, Damage
from oracle.quality.languages import SUPPORTED, identify
from oracle.quality.reading import read

_SHORT = 60  # junctions; shorter documents are judged together


@dataclass(frozen=True, slots=True)
class Survey:
    """Per document (in order): language, tokens and gate; over the supported ones: fluency counts and damage.

    A document in a language without a model has gate 1: nothing is said against it, and its axes say nothing for it.
    """

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

    @property
    def readable(self) -> tuple[bool, ...]:
        """Per document: whether its language is supported."""
        return tuple(language in SUPPORTED for language in self.languages)

    @property
    def supported(self) -> float:
        """Share of the tokens that are in supported languages; 0 without tokens."""
        total = sum(self.tokens)
        known = sum(t for t, good in zip(self.tokens, self.readable, strict=True) if good)
        return known / total if total else 0.0

    def tokens_by_language(self) -> dict[str, int]:
        """Tokens per language, languages in alphabetical order."""
        totals: Counter[str] = Counter()
        for language, tokens in zip(self.languages, self.tokens, strict=True):
            totals[language] += tokens
        return dict(sorted(totals.items()))


def survey(documents: Sequence[Document]) -> Survey:
    """Look at every document once."""
    languages = tuple(identify(document.text) for document in documents)
    tokens: list[int] = []
    counts: list[fluency.Counts | None] = []
    census = Census()
    for document, language in zip(documents, languages, strict=True):
        if language not in SUPPORTED:
            tokens.append(count_tokens(document.text))
            counts.append(None)
            continue
        reading = read(document.text)
        tokens.append(len(reading.tokens.starts))
        counts.append(fluency.count(reading))
        census.add(reading)
    short = sum((c for c in counts if c and c.junctions < _SHORT), fluency.Counts())
    return Survey(
        languages=languages,
        tokens=tuple(tokens),
        gates=tuple(1.0 if c is None else (short if c.junctions < _SHORT else c).gate for c in counts),
        fluency=sum((c for c in counts if c), fluency.Counts()),
        damage=census.damage(),
    )
