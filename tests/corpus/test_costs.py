"""What one corpus may cost: inputs made to be slow or large, counted by what is read, not by the clock."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest

from oracle.corpus import dedup
from oracle.corpus.document import Document
from oracle.corpus.near import NearDuplicates, _signatures
from oracle.corpus.words import Hashes, hash_words


def test_short_documents_that_propose_a_long_one_have_it_read_once() -> None:
    words = hash_words([f"w{at}" for at in range(100)])
    pairs = np.array(list(product(range(100), repeat=2)))
    lowest = _signatures(words[pairs].ravel(), np.full(len(pairs), 2)).argmin(axis=0)
    draw = np.random.default_rng(1)
    long = words[np.concatenate((draw.integers(0, 100, 60_000), pairs[lowest].ravel()))]
    short = [words[pairs[band].ravel()] for band in lowest.reshape(42, 3)]  # each shares one band with the long one
    texts = [long, *short]
    read: list[int] = []

    def words_of(place: int) -> Hashes:
        read.append(place)
        return texts[place]

    near = NearDuplicates(0.55)
    near.add(np.arange(43), np.array(list(map(len, texts))), np.concatenate(texts))
    found, _ = near.matches(words_of)
    assert not len(found)
    assert sum(place > 0 for place in read) >= 40, "they do propose it"
    assert read.count(0) == 1


def test_leaks_and_quoted_sentences_are_looked_for_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(2)
    source = " ".join(f"q{draw.randrange(10**6)}" for _ in range(400))
    tail = " ".join(f"A{draw.randrange(10**6)} went. They did." for _ in range(3000))
    first, second = [Document("a", source)], [Document("b", f"{source}. {tail}")]
    calls: list[int] = []
    hash_texts = dedup.hash_texts

    def counted(texts: list[str]) -> tuple[Hashes, dedup.Counts, dedup.Counts]:
        calls.append(len(texts))
        return hash_texts(texts)

    monkeypatch.setattr(dedup, "hash_texts", counted)
    _, later = dedup.deduplicate([first, second])
    assert later.cut_sentences == 1
    assert later.kept[0].text.strip() == tail
    assert sum(calls) > 3000
    assert len(calls) < 10
    calls.clear()
    kept, leaked = dedup.decontaminate([Document(str(at), f"{at} x") for at in range(5000)], first)
    assert (len(kept), leaked) == (5000, 0)
    assert len(calls) < 10
