"""What a corpus adds: documents and passages that nobody committed before.

Documents are looked at in one order, earlier corpora first. Each is, in turn,
  an exact copy   its words, case and punctuation aside, are those of an earlier document;
  copied          at least ``COPIED`` of its words lie in runs of ``RUN`` words that occur earlier or in public text;
  a near copy     its set of word pairs has a Jaccard index of at least ``NEAR`` with that of an earlier kept document
                  (MinHash proposes the pairs, the sets themselves decide);
  kept            less the sentences that are copied from an *earlier corpus* or public text: those earn nothing.
Within one corpus, repeated sentences are its author's style and stay. Memory is some 40 bytes a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from oracle.corpus.document import Document
from oracle.corpus.near import NearDuplicates
from oracle.corpus.sentences import sentence_spans
from oracle.corpus.tokens import count_tokens
from oracle.corpus.words import Hashes, mix, shingles, sorted_distinct, word_hashes

RUN = 8
COPIED = 0.8
NEAR = 0.55
PARTLY = 0.01  # below this share of copied words a document is not searched for copied sentences

LEAK_RUN = 13  # words; the run length customary for decontamination (GPT-3, arXiv:2005.14165, appendix C)
LEAK_SHARE = 0.1
LEAK_WORDS = 64

_PUBLIC = -1
_CHUNK = 2**20  # characters


@dataclass(frozen=True, slots=True)
class Removed:
    """A document that earns nothing: ``why`` is "exact", "copied" or "near", ``twin`` what it repeats ("" if mixed)."""

    id: str
    why: str
    twin: str


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """One corpus after deduplication; token counts by :func:`oracle.corpus.tokens.count_tokens`.

    ``fresh_words`` of the ``offered_words`` are kept and in no run of ``RUN`` words that an earlier document has, be it
    of the same corpus: text recombined from few sentences is mostly kept and hardly fresh.
    """

    kept: tuple[Document, ...]
    tokens: int
    offered_tokens: int
    fresh_words: int
    offered_words: int
    removed: tuple[Removed, ...]
    cut_sentences: int

    def count(self, why: str) -> int:
        """Number of documents removed for this reason."""
        return sum(item.why == why for item in self.removed)


def deduplicate(corpora: Sequence[Sequence[Document]], *, public: Sequence[str] = ()) -> list[Deduplicated]:
    """Deduplicate within and across ``corpora``, earlier ones first, and against ``public`` texts before all of them.

    One result per corpus, in order; kept documents stay in order, with copied sentences cut out of their text.
    """
    documents = [document for corpus in corpora for document in corpus]
    words = [word_hashes(document.text) for document in documents]
    owner = np.repeat(np.arange(len(corpora)), [len(corpus) for corpus in corpora])
    first = _first_seen(words, public)
    seen_before = _Earlier(first, words)
    opening = np.concatenate(([0], np.cumsum([len(corpus) for corpus in corpora])))

    exact: dict[bytes, int] = {}
    near = NearDuplicates(words, NEAR)
    results: list[tuple[list[Document], list[Removed]]] = [([], []) for _ in corpora]
    cuts, fresh = [0] * len(corpora), [0] * len(corpora)
    for place, document in enumerate(documents):
        kept, removed = results[owner[place]]
        key = _fingerprint(words[place], document.text)
        twin = exact.setdefault(key, place)
        if twin != place:
            removed.append(Removed(document.id, "exact", documents[twin].id))
            continue
        repeated = seen_before.covered(place, before=place)
        if _share(repeated) >= COPIED:
            removed.append(Removed(document.id, "copied", seen_before.main_source(place, documents)))
            continue
        if (match := near.match(place)) is not None:
            removed.append(Removed(document.id, "near", documents[match].id))
            continue
        near.keep(place)
        fresh[owner[place]] += int(np.count_nonzero(~repeated))
        foreign = seen_before.covered(place, before=int(opening[owner[place]]))
        text, cut = _without(document.text, foreign) if _share(foreign) >= PARTLY else (document.text, 0)
        cuts[owner[place]] += cut
        kept.append(replace(document, text=text) if cut else document)
    return [
        Deduplicated(
            kept=tuple(kept),
            tokens=sum(count_tokens(document.text) for document in kept),
            offered_tokens=sum(count_tokens(document.text) for document in corpus),
            fresh_words=fresh[place],
            offered_words=sum(len(item) for item in words[opening[place] : opening[place + 1]]),
            removed=tuple(removed),
            cut_sentences=cuts[place],
        )
        for place, (corpus, (kept, removed)) in enumerate(zip(corpora, results, strict=True))
    ]


def decontaminate(documents: Sequence[Document], against: Sequence[Document]) -> tuple[tuple[Document, ...], int]:
    """Leave out documents that give away part of ``against`` (a validation sample), and count them.

    Out goes a document with at least ``LEAK_SHARE`` of its words, or ``LEAK_WORDS`` words, in runs of ``LEAK_RUN``
    words that ``against`` contains; for texts shorter than a run, one that repeats a whole text of ``against``.
    """
    held = [word_hashes(document.text) for document in against]
    secret = sorted_distinct([_runs(words, LEAK_RUN) for words in held])
    kept = []
    for document in documents:
        words = word_hashes(document.text)
        covered = _spread(_member(_runs(words, LEAK_RUN), secret), LEAK_RUN, len(words))
        if not (_share(covered) >= LEAK_SHARE or np.count_nonzero(covered) >= LEAK_WORDS):
            kept.append(document)
    return tuple(kept), len(documents) - len(kept)


class _Earlier:
    """Where every run of words was first seen, asked per document."""

    def __init__(self, first: NDArray[np.int32], words: Sequence[Hashes]) -> None:
        self._first = first
        self._sizes = [len(item) for item in words]
        self._starts = np.concatenate(([0], np.cumsum([_run_count(size) for size in self._sizes])))

    def covered(self, place: int, *, before: int) -> NDArray[np.bool_]:
        """(w,) which words of a document lie in a run first seen in a document before ``before``."""
        return _spread(self._runs(place) < before, RUN, self._sizes[place])

    def main_source(self, place: int, documents: Sequence[Document]) -> str:
        """The earlier document that most of a copied document's runs come from, "public text" or "" when mixed."""
        origins = self._runs(place)
        values, counts = np.unique(origins[origins < place], return_counts=True)
        if not len(values) or counts.max() * 2 < counts.sum():
            return ""
        origin = int(values[counts.argmax()])
        return "public text" if origin == _PUBLIC else documents[origin].id

    def _runs(self, place: int) -> NDArray[np.int32]:
        return self._first[self._starts[place] : self._starts[place + 1]]


def _first_seen(words: Sequence[Hashes], public: Sequence[str]) -> NDArray[np.int32]:
    """For every run of every document, in order: the first document with the same run, -1 if public text has it."""
    runs = [_runs(item, RUN) for item in words]
    origin = np.repeat(np.arange(len(runs), dtype=np.int32), [len(item) for item in runs])
    flat = np.concatenate(runs) if runs else np.zeros(0, dtype=np.uint64)
    del runs
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    fresh = np.concatenate(([True], ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, dtype=bool)
    distinct = ordered[fresh]
    del ordered
    origins = np.where(_member(distinct, _public_runs(public)), _PUBLIC, origin[order[fresh]])
    first = np.empty(len(flat), dtype=np.int32)
    first[order] = origins[np.cumsum(fresh) - 1]
    return first


def _public_runs(public: Sequence[str]) -> Hashes:
    """Distinct runs of public texts, joined into chunks: single sentences are too small to hash one by one."""
    parts: list[Hashes] = []
    chunk: list[str] = []
    size = 0
    for text in public:
        chunk.append(text)
        size += len(text)
        if size > _CHUNK:
            parts.append(_runs(word_hashes("\n".join(chunk)), RUN))
            chunk, size = [], 0
    return sorted_distinct([*parts, _runs(word_hashes("\n".join(chunk)), RUN)])


def _run_count(words: int) -> int:
    return max(words - RUN + 1, min(words, 1))


def _runs(words: Hashes, size: int) -> Hashes:
    """Hashes of all runs of ``size`` words; a shorter text is one run, its length mixed in."""
    if 0 < len(words) < size:
        return mix(shingles(words, len(words)) + np.uint64(len(words)))
    return shingles(words, size)


def _member(values: Hashes, sorted_set: Hashes) -> NDArray[np.bool_]:
    if not len(sorted_set):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(sorted_set, values), len(sorted_set) - 1)
    found: NDArray[np.bool_] = sorted_set[at] == values
    return found


def _spread(runs: NDArray[np.bool_], size: int, words: int) -> NDArray[np.bool_]:
    """From runs to the words they cover: (r,) -> (words,)."""
    if words < size:
        return np.full(words, bool(runs.any()))
    change = np.zeros(words + 1, dtype=np.int32)
    change[:-size] += runs
    change[size:] -= runs
    return np.cumsum(change[:-1]) > 0


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _fingerprint(words: Hashes, text: str) -> bytes:
    """Equal for texts with the same words in the same order; texts without words compare by their characters."""
    return blake2b(words.tobytes() or text.strip().encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _without(text: str, copied: NDArray[np.bool_]) -> tuple[str, int]:
    """``text`` less the sentences of which at least ``COPIED`` of the words are marked, and how many those were."""
    pieces, at, cut, word = [], 0, 0, 0
    for start, end in sentence_spans(text):
        size = len(word_hashes(text[start:end]))
        if size and _share(copied[word : word + size]) >= COPIED:
            pieces.append(text[at:start])
            at = end
            cut += 1
        word += size
    return "".join([*pieces, text[at:]]), cut
