"""What a corpus adds: documents and passages that nobody committed before.

Documents are looked at in one order, earlier corpora first. Each is, in turn,
  an exact copy   its words, case and punctuation aside, are those of an earlier document;
  copied          at least ``COPIED`` of its words lie in runs of ``RUN`` words that occur earlier or in public text;
  a near copy     its set of word pairs has a Jaccard index of at least ``NEAR`` with that of an earlier kept document
                  (MinHash proposes the pairs, the sets themselves decide);
  kept            less the sentences that are copied from an *earlier corpus* or public text: those earn nothing.
Within one corpus, repeated sentences are its author's style and stay. What grows with the words is on disk (some 60
bytes a word); memory takes about 100 bytes a document, and the documents too where they did not come on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.document import Document
from oracle.corpus.near import NearDuplicates
from oracle.corpus.runs import PUBLIC, Origins, member, run_counts, runs, spread
from oracle.corpus.sentences import sentence_spans
from oracle.corpus.spool import Spool, gather
from oracle.corpus.wordfile import Counts, WordFile, batches, hash_text, hash_texts
from oracle.corpus.words import sorted_distinct

RUN = 8
COPIED = 0.8
NEAR = 0.55
PARTLY = 0.01  # below this share of copied words a document is not searched for copied sentences

LEAK_RUN = 13  # words; the run length customary for decontamination (GPT-3, arXiv:2005.14165, appendix C)
LEAK_SHARE = 0.1
LEAK_WORDS = 64

EXAMPLES = 3
REASONS = ("exact", "copied", "near")
_KEPT = len(REASONS)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Removed:
    """A document that earns nothing: ``why`` is one of ``REASONS``, ``twin`` what it repeats ("" if mixed)."""

    id: str
    why: str
    twin: str


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """One corpus after deduplication; token counts by :func:`oracle.corpus.tokens.count_tokens`.

    ``kept`` is on disk where the corpus was. ``removed`` counts documents by reason; ``examples`` are the first few.
    ``fresh_words`` of the ``offered_words`` are kept and in no run of ``RUN`` words that an earlier document has, be it
    of the same corpus: text recombined from few sentences is mostly kept and hardly fresh.
    """

    kept: Sequence[Document]
    tokens: int
    offered_tokens: int
    fresh_words: int
    offered_words: int
    removed: Mapping[str, int]
    examples: tuple[Removed, ...]
    cut_sentences: int

    @property
    def removed_documents(self) -> int:
        """Number of documents removed, for whatever reason."""
        return sum(self.removed.values())


def deduplicate(corpora: Sequence[Sequence[Document]], *, public: Iterable[str] = ()) -> list[Deduplicated]:
    """Deduplicate within and across ``corpora``, earlier ones first, and against ``public`` texts before all of them.

    One result per corpus, in order; kept documents stay in order, with copied sentences cut out of their text. Corpora
    are read twice, ``public`` once.

    Raises:
        EnvironmentFailure: the disk is full.
    """
    return _Market(corpora, public).results()


def decontaminate(documents: Iterable[Document], against: Iterable[Document]) -> tuple[Sequence[Document], int]:
    """Leave out documents that give away part of ``against`` (a validation sample), and count them.

    Out goes a document with at least ``LEAK_SHARE`` of its words, or ``LEAK_WORDS`` words, in runs of ``LEAK_RUN``
    words that ``against`` contains; for texts shorter than a run, one that repeats a whole text of ``against``. What
    came as a spool is given back as one.
    """
    secret = sorted_distinct([_leak_runs([document.text])[0] for document in against])
    leaked = 0

    def clean() -> Iterator[Document]:
        nonlocal leaked
        for batch in batches(documents, lambda document: len(document.text)):
            found, sizes = _leak_runs([document.text for document in batch])
            counts, shares = _per_text(spread(member(found, secret), sizes, LEAK_RUN), sizes)
            out = (shares >= LEAK_SHARE) | (counts >= LEAK_WORDS)
            leaked += int(np.count_nonzero(out))
            yield from (document for document, leaks in zip(batch, out.tolist(), strict=True) if not leaks)

    return _like(documents, clean()), leaked


class _Market:
    """What is to happen to every document of a market, decided from words alone."""

    def __init__(self, corpora: Sequence[Sequence[Document]], public: Iterable[str]) -> None:
        self._corpora = corpora
        self._opening = np.concatenate(([0], np.cumsum([len(corpus) for corpus in corpora], dtype=np.int64)))
        self._words = WordFile(document.text for corpus in corpora for document in corpus)
        self._origins = Origins(self._words, RUN, public)
        total = len(self._words)
        self._fate = np.full(total, _KEPT, dtype=np.uint8)  # an index of REASONS, or _KEPT
        self._fate[self._words.twins != np.arange(total)] = REASONS.index("exact")
        self._twin = self._words.twins.copy()
        self._fresh = np.zeros(total, dtype=np.int64)
        self._quotes = np.zeros(total, dtype=bool)
        near = NearDuplicates(NEAR)
        for number in range(len(self._words.edges) - 1):
            self._compare(number, near)
        found, repeated = near.matches(self._words.__getitem__)
        self._fate[found] = REASONS.index("near")
        self._twin[found] = repeated

    def results(self) -> list[Deduplicated]:
        return [self._result(place, corpus) for place, corpus in enumerate(self._corpora)]

    def _compare(self, number: int, near: NearDuplicates) -> None:
        """Find what one block of documents repeats, run by run; the rest goes on to the near copies."""
        block = self._words.block(number)
        first = self._origins.block(number)
        repeats = np.repeat(block.places, run_counts(block.sizes, RUN))
        counts, shares = _per_text(spread(first < repeats, block.sizes, RUN), block.sizes)
        _, foreign = _per_text(spread(first < self._opens(repeats), block.sizes, RUN), block.sizes)
        copied = shares >= COPIED
        self._fate[block.places[copied]] = REASONS.index("copied")
        self._fresh[block.places] = block.sizes - counts
        self._quotes[block.places] = foreign >= PARTLY
        near.add(block.places[~copied], block.sizes[~copied], block.words[np.repeat(~copied, block.sizes)])

    def _result(self, number: int, corpus: Sequence[Document]) -> Deduplicated:
        start, stop = self._opening[number : number + 2].tolist()
        fate = self._fate[start:stop]
        tokens = int(self._words.tokens[start:stop][fate == _KEPT].sum())
        examples: list[Removed] = []
        cuts = 0

        def kept() -> Iterator[Document]:
            nonlocal cuts, tokens
            for place, document in enumerate(corpus, start):
                if self._fate[place] != _KEPT:
                    if len(examples) < EXAMPLES:
                        examples.append(self._removed(place, document))
                    continue
                if self._quotes[place]:
                    text, cut = self._without_quotes(place, document.text)
                    if cut:
                        cuts += cut
                        tokens += hash_text(text)[1] - int(self._words.tokens[place])
                        document = replace(document, text=text)
                yield document

        return Deduplicated(
            kept=_like(corpus, kept()),
            tokens=tokens,
            offered_tokens=int(self._words.tokens[start:stop].sum()),
            fresh_words=int(self._fresh[start:stop][fate == _KEPT].sum()),
            offered_words=int(self._words.sizes[start:stop].sum()),
            removed={why: int(np.count_nonzero(fate == at)) for at, why in enumerate(REASONS)},
            examples=tuple(examples),
            cut_sentences=cuts,
        )

    def _opens(self, places: Counts) -> Counts:
        """(n,) the place of the first document of the corpus that each document is of."""
        return self._opening[np.searchsorted(self._opening, places, "right") - 1]

    def _removed(self, place: int, document: Document) -> Removed:
        why = REASONS[self._fate[place]]
        if why != "copied":
            return Removed(document.id, why, self._id(int(self._twin[place])))
        first = self._origins.text(place)
        origins, counts = np.unique(first[first < place], return_counts=True)
        main = int(origins[counts.argmax()]) if counts.max() * 2 >= counts.sum() else None
        return Removed(document.id, why, "" if main is None else "public text" if main == PUBLIC else self._id(main))

    def _id(self, place: int) -> str:
        corpus = int(np.searchsorted(self._opening, place, "right")) - 1
        return self._corpora[corpus][place - int(self._opening[corpus])].id

    def _without_quotes(self, place: int, text: str) -> tuple[str, int]:
        """``text`` less the sentences that are mostly copied from an earlier corpus, and how many those were."""
        quoted = self._origins.text(place) < self._opens(np.array([place]))
        copied = spread(quoted, self._words.sizes[place : place + 1], RUN)
        pieces, at, cut, word = [], 0, 0, 0
        spans = sentence_spans(text)
        sizes = (
            size for batch in batches((text[start:end] for start, end in spans), len) for size in _word_counts(batch)
        )
        for (start, end), size in zip(spans, sizes, strict=True):
            if size and _share(copied[word : word + size]) >= COPIED:
                pieces.append(text[at:start])
                at = end
                cut += 1
            word += size
        return "".join([*pieces, text[at:]]), cut


def _like(corpus: Iterable[Document], documents: Iterator[Document]) -> Sequence[Document]:
    """On disk where ``corpus`` is, else in memory."""
    return gather(documents) if isinstance(corpus, Spool) else tuple(documents)


def _leak_runs(texts: Sequence[str]) -> tuple[NDArray[np.uint64], Counts]:
    """The runs of all texts, end to end, and (n,) the words of each."""
    words, sizes, _ = hash_texts(texts)
    return runs(words, sizes, LEAK_RUN), sizes


def _word_counts(texts: Sequence[str]) -> list[int]:
    sizes: list[int] = hash_texts(texts)[1].tolist()
    return sizes


def _per_text(mask: Mask, sizes: Counts) -> tuple[Counts, NDArray[np.float64]]:
    """Per text: how many of its words are marked, and which share of them (0 without words)."""
    before = np.concatenate(([0], np.cumsum(mask)))
    ends = np.cumsum(sizes)
    counts = before[ends] - before[ends - sizes]
    return counts, counts / np.maximum(sizes, 1)


def _share(mask: Mask) -> float:
    return float(mask.mean()) if len(mask) else 0.0
