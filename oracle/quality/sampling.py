"""The published sample: which sentences of a corpus are embedded.

Sentences are numbered through the corpus and one is drawn from each of ``size`` equal strata, at a place that the seed
decides: nobody can know before the draw which sentences will be looked at, and everybody can repeat it after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from oracle.corpus.document import Document
from oracle.corpus.sentences import split_sentences

MIN_LETTERS = 12
"""Shorter sentences (headings, table cells) say nothing that an embedding could compare."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sampled sentence and the place of its document in the corpus."""

    text: str
    document: int


def sample_sentences(
    documents: Sequence[Document], readable: Sequence[bool], size: int, seed: bytes
) -> tuple[Sentence, ...]:
    """At most ``size`` sentences of a corpus' readable documents, each wording once, in the order of the corpus."""
    sentences = {
        text: Sentence(text, place)
        for place, document in reversed(list(enumerate(documents)))
        if readable[place]
        for text in reversed(split_sentences(document.text))
        if telling(text)
    }
    ordered = list(reversed(sentences.values()))
    return tuple(ordered[at] for at in draw(len(ordered), size, seed))


def sample_reference(texts: Sequence[str], size: int, seed: bytes) -> tuple[str, ...]:
    """At most ``size`` sentences of the reference, one from each drawn text (a text may be a single sentence)."""
    chosen = []
    for text in (texts[at] for at in draw(len(texts), size, seed)):
        sentences = [sentence for sentence in split_sentences(text) if telling(sentence)]
        chosen += [sentences[at] for at in draw(len(sentences), 1, seed)]
    return tuple(chosen)


def draw(count: int, size: int, seed: bytes) -> list[int]:
    """Ascending places in range(count): all of them up to ``size``, else one from each of ``size`` strata."""
    if count <= size:
        return list(range(count))
    return [(stratum * 2**64 + _random(seed, stratum)) * count // (size * 2**64) for stratum in range(size)]


def telling(sentence: str) -> bool:
    """Whether a sentence has enough letters to be compared (scripts of whole words in a sign need fewer)."""
    letters = sum(character.isalpha() for character in sentence)
    return letters >= MIN_LETTERS or (letters >= MIN_LETTERS // 3 and ord(max(sentence)) >= 0x2E80)


def _random(seed: bytes, index: int) -> int:
    return int.from_bytes(hashlib.sha256(seed + index.to_bytes(8, "big")).digest()[:8], "big")
