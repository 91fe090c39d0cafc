"""The published sample: which sentences of a corpus are embedded.

Documents are drawn by the volume of their text, one from each of ``DOCUMENTS`` equal strata of tokens, at a place that
the seed decides; of all their sentences, each wording once, ``size`` are drawn likewise. Nobody can know before the
draw which sentences will be looked at, everybody can repeat it after, and it costs the same however large the corpus.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from oracle.corpus import letters
from oracle.corpus.document import Document
from oracle.corpus.plain import plain
from oracle.corpus.sentences import split_sentences

DOCUMENTS = 256
MIN_LETTERS = 12
"""Shorter sentences (headings, table cells) say nothing that an embedding could compare."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sampled sentence and the place of its document in the corpus."""

    text: str
    document: int


def sample_sentences(
    documents: Sequence[Document], tokens: NDArray[np.integer], size: int, seed: bytes
) -> tuple[Sentence, ...]:
    """At most ``size`` sentences of a corpus, in its order and in plain spelling.

    ``tokens`` (n,) are the documents' volumes, 0 for those that are not to be looked at. A wording that recurs stands
    where it is last, and counts for the document in which it is first. What is drawn is read twice, and memory is some
    32 bytes for each of its sentences.
    """
    places = _places(tokens, seed)
    hashes, ends = array("Q"), []
    for place in places:
        hashes.extend(map(_wording, _sentences(documents[place])))
        ends.append(len(hashes))
    first, last = _distinct(np.frombuffer(hashes, dtype=np.uint64))
    drawn = draw(len(last), size, seed)
    owners = np.searchsorted(ends, first[drawn], side="right").tolist()
    chosen = dict(zip(last[drawn].tolist(), owners, strict=True))
    found, start = [], 0
    for place, end in zip(places, ends, strict=True):
        wanted = [at for at in chosen if start <= at < end]
        if wanted:
            sentences = islice(_sentences(documents[place]), wanted[-1] - start + 1)
            kept = {at: text for at, text in enumerate(sentences, start) if at in chosen}
            found += [Sentence(kept[at], places[chosen[at]]) for at in wanted]
        start = end
    return tuple(found)


def sample_reference(documents: Sequence[Document], size: int, seed: bytes) -> tuple[str, ...]:
    """At most ``size`` sentences of the reference (whose documents may be single sentences), spread evenly over it."""
    places = draw(len(documents), size, seed)
    each = -(-size // max(1, len(places)))
    chosen: list[str] = []
    for place in places:
        sentences = list(_sentences(documents[place]))
        chosen += [sentences[at] for at in draw(len(sentences), each, seed)]
    return tuple(chosen[at] for at in draw(len(chosen), size, seed))


class AllSentences:
    """Every telling sentence of a corpus, in its order, as often as one cares to go through them."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents

    def __iter__(self) -> Iterator[str]:
        for document in self._documents:
            yield from _sentences(document)


def draw(count: int, size: int, seed: bytes) -> list[int]:
    """Ascending places in range(count): all of them up to ``size``, else one from each of ``size`` strata."""
    if count <= size:
        return list(range(count))
    return [(stratum * 2**64 + _random(seed, stratum)) * count // (size * 2**64) for stratum in range(size)]


def telling(sentence: str) -> bool:
    """Whether a sentence has enough letters to be compared (scripts of whole words in a sign need fewer)."""
    count = sum(map(str.isalpha if sentence.isascii() else letters.is_letter, sentence))
    return count >= MIN_LETTERS or (count >= MIN_LETTERS // 3 and ord(max(sentence)) >= 0x2E80)


def _sentences(document: Document) -> Iterator[str]:
    return filter(telling, split_sentences(plain(document.text)))


def _wording(sentence: str) -> int:
    return int.from_bytes(hashlib.blake2b(sentence.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _distinct(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(d,) the first and the last place of every distinct value, in the order of the last ones."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    differs = ordered[1:] != ordered[:-1]
    if not len(order):
        return order, order
    first = order[np.concatenate(([True], differs))]
    last = order[np.concatenate((differs, [True]))]
    by_last = np.argsort(last)
    return first[by_last], last[by_last]


def _places(tokens: NDArray[np.integer], seed: bytes) -> list[int]:
    """Ascending places of the drawn documents."""
    ends = np.cumsum(tokens, dtype=np.int64)
    if np.count_nonzero(tokens) <= DOCUMENTS:
        return list(map(int, np.flatnonzero(tokens)))
    positions = draw(int(ends[-1]), DOCUMENTS, seed)
    return list(map(int, np.unique(np.searchsorted(ends, positions, side="right"))))


def _random(seed: bytes, index: int) -> int:
    return int.from_bytes(hashlib.sha256(seed + index.to_bytes(8, "big")).digest()[:8], "big")
