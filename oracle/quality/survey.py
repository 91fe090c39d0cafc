"""One provider's kept documents, surveyed: languages, fluency and damage - integer counts that every profile shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oracle.corpus.document import Document
from oracle.corpus.plain import plain
from oracle.quality import fluency
from oracle.quality.axis import QUANTA
from oracle.quality.cleanliness import Census, Damage
from oracle.quality.filters import Tally, screen_all
from oracle.quality.fluency import Counts
from oracle.quality.language_model import codes
from oracle.quality.languages import SUPPORTED, identify_all
from oracle.quality.reading import Batch, read_batch

_Columns = tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int16], NDArray[np.bool_]]

_SHORT = 60  # junctions; shorter documents are judged together with their like in the same language
_TOGETHER = 1 << 17  # characters read at a time
_LONGEST = 1 << 20  # characters of one document read at a time


@dataclass(frozen=True, slots=True)
class Survey:
    """Per document, in order: (n,) language as its place in ``languages.codes()``, tokens, gate in quanta of 1e-4, and
    whether it is short; over the supported ones, by language: fluency counts of all and of the short, and the census;
    over the English ones up to ``_LONGEST`` characters: what the usual filters would drop.

    A document in a language without a model has gate 1: nothing is said against it, and its axes say nothing for it.
    """

    places: NDArray[np.uint8]
    tokens: NDArray[np.int32]
    gates: NDArray[np.int16]
    short: NDArray[np.bool_]
    counts: dict[str, Counts]
    shorts: dict[str, Counts]
    census: dict[str, Census]
    fluency: Counts
    damage: Damage
    filters: Tally

    @property
    def languages(self) -> tuple[str, ...]:
        """Per document: its language, ISO 639-1."""
        names = codes()
        return tuple(names[place] for place in self.places.tolist())

    @property
    def gate(self) -> float:
        """Mean gate in [0, 1], weighted by tokens; 0 without tokens."""
        total = int(self.tokens.sum(dtype=np.int64))
        return int(self.gates.astype(np.int64) @ self.tokens.astype(np.int64)) / (QUANTA * total) if total else 0.0

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Per document: whether its language is supported."""
        return np.isin(self.places, [codes().index(language) for language in SUPPORTED])

    @property
    def supported(self) -> float:
        """Share of the tokens that are in supported languages; 0 without tokens."""
        total = int(self.tokens.sum(dtype=np.int64))
        return int(self.tokens[self.readable].sum(dtype=np.int64)) / total if total else 0.0

    def tokens_by_language(self) -> dict[str, int]:
        """Tokens per language, languages in alphabetical order."""
        totals = np.zeros(len(codes()), dtype=np.int64)
        np.add.at(totals, self.places, self.tokens)
        return {codes()[place]: int(totals[place]) for place in np.unique(self.places).tolist()}


def survey(documents: Iterable[Document]) -> Survey:
    """Look at every document once, in memory that does not grow with their length (some ten bytes a document)."""
    view = _View()
    texts: list[str] = []
    size = 0
    for document in documents:
        if _is_long(document.text):
            view.look(texts)
            view.look_at_long(document.text)
            texts, size = [], 0
            continue
        texts.append(document.text)
        size += len(document.text)
        if size >= _TOGETHER or len(texts) >= _TOGETHER >> 6:
            view.look(texts)
            texts, size = [], 0
    view.look(texts)
    return view.survey()


def join(parts: Sequence[Survey]) -> Survey:
    """The survey of all documents from those of its shards, in order."""
    view = _View()
    for part in parts:
        view.columns.append((part.places, part.tokens, part.gates, part.short))
        for language, counts in part.counts.items():
            view.add(language, counts, part.shorts[language])
            view.census_of(language).join(part.census[language])
        view.filters += part.filters
    return view.survey()


class _View:
    """What has been seen so far."""

    def __init__(self) -> None:
        self.columns: list[_Columns] = []
        self.counts: dict[str, Counts] = {}
        self.shorts: dict[str, Counts] = {}
        self.census: dict[str, Census] = {}
        self.filters = Tally()

    def look(self, texts: Sequence[str]) -> None:
        """Look at documents that are read together."""
        batch = read_batch(texts)
        places = identify_all(batch)
        self._append(places, np.diff(batch.bounds), self._count(batch, places))
        english = places == codes().index("en")
        if english.any():
            screenings = screen_all(batch.texts, batch.tokens, batch.hashes, batch.bounds)
            self.filters += Tally(screenings[at] for at in np.flatnonzero(english).tolist())

    def look_at_long(self, text: str) -> None:
        """Look at one long document, piece by piece; its language is that of its middle."""
        start = (len(text) - _TOGETHER) // 2
        places = identify_all(read_batch([text[start : start + _TOGETHER]]))
        tokens, total = 0, Counts()
        for piece in _pieces(text):
            batch = read_batch([piece])
            tokens += int(batch.bounds[-1])
            total += sum(self._count(batch, places).values(), Counts())
        counted = {0: total} if codes()[places[0]] in SUPPORTED else {}
        self._append(places, np.array([tokens]), counted)

    def census_of(self, language: str) -> Census:
        """The census of a supported language."""
        return self.census.setdefault(language, Census(language))

    def add(self, language: str, counts: Counts, short: Counts) -> None:
        """Add counts of documents, ``short`` those of the short ones among them."""
        self.counts[language] = self.counts.get(language, Counts()) + counts
        self.shorts[language] = self.shorts.get(language, Counts()) + short

    def survey(self) -> Survey:
        """What has been seen, with the short documents' gates."""
        columns = self.columns or [_columns([], [], [], [])]
        places, tokens, gates, short = (np.concatenate(column) for column in zip(*columns, strict=True))
        for language, counts in self.shorts.items():
            gates[short & (places == codes().index(language))] = counts.gate(language)
        return Survey(
            places,
            tokens,
            gates,
            short,
            dict(self.counts),
            dict(self.shorts),
            dict(self.census),
            fluency=sum(self.counts.values(), Counts()),
            damage=sum((census.damage() for census in self.census.values()), Damage()),
            filters=self.filters,
        )

    def _count(self, batch: Batch, places: NDArray[np.uint8]) -> dict[int, Counts]:
        """Fluency counts of the batch's texts in supported languages, by number; their words go into the census."""
        result: dict[int, Counts] = {}
        for language in SUPPORTED:
            chosen = np.flatnonzero(places == codes().index(language))
            if len(chosen):
                reading = batch.reading(language, chosen)
                self.census_of(language).add(reading, [batch.texts[at] for at in chosen.tolist()])
                result.update(zip(chosen.tolist(), fluency.count(reading), strict=True))
        return result

    def _append(self, places: NDArray[np.uint8], tokens: NDArray[np.int64], counted: dict[int, Counts]) -> None:
        gates = np.full(len(places), QUANTA, dtype=np.int16)
        short = np.zeros(len(places), dtype=np.bool_)
        for at, counts in counted.items():
            language = codes()[places[at]]
            short[at] = counts.junctions < _SHORT
            gates[at] = counts.gate(language)
            self.add(language, counts, counts if short[at] else Counts())
        self.columns.append(_columns(places, tokens, gates, short))


def _columns(places: ArrayLike, tokens: ArrayLike, gates: ArrayLike, short: ArrayLike) -> _Columns:
    return (
        np.asarray(places, dtype=np.uint8),
        np.asarray(tokens, dtype=np.int32),
        np.asarray(gates, dtype=np.int16),
        np.asarray(short, dtype=np.bool_),
    )


def _is_long(text: str) -> bool:
    """Whether a text is above ``_LONGEST`` characters, as it is written or in plain spelling."""
    return len(text) > _LONGEST or (len(text) > _TOGETHER and len(plain(text)) > _LONGEST)


def _pieces(text: str) -> Iterator[str]:
    """``text`` in pieces of bounded length, cut at a line end or a space where there is one."""
    start = 0
    while start < len(text):
        end = min(len(text), start + _TOGETHER)
        if end < len(text):
            cut = max(text.rfind("\n", start, end), 0) or text.rfind(" ", start, end)
            end = cut + 1 if cut > start else end
        yield text[start:end]
        start = end
