from __future__ import annotations

import random
import tracemalloc

import numpy as np

from oracle.corpus.document import Document
from oracle.quality.sampling import Sentence, sample_sentences, telling

LETTER = "\U00010d4a"  # Garay, of Unicode 16


def test_a_wording_counts_once_for_the_document_that_has_it_first() -> None:
    texts = [
        "The first of all sentences. A sentence that comes again.",
        "A sentence that comes again. And the last one is.",
    ]
    documents = [Document(str(at), text) for at, text in enumerate(texts)]
    found = sample_sentences(documents, np.array([9, 9]), 100, b"seed")
    assert found == (
        Sentence("The first of all sentences.", 0),
        Sentence("A sentence that comes again.", 0),
        Sentence("And the last one is.", 1),
    )


def test_of_documents_without_volume_nothing_is_drawn() -> None:
    documents = [Document("a", "This is a sentence of some length."), Document("b", "And here there is another one.")]
    assert sample_sentences(documents, np.array([0, 0]), 9, b"seed") == ()
    assert sample_sentences(documents, np.array([0, 8]), 9, b"seed") == (Sentence("And here there is another one.", 1),)


def test_sentences_that_are_not_drawn_are_not_held() -> None:
    draw = random.Random(3)
    texts = [" ".join(f"It was the {draw.randrange(10**9)} of them." for _ in range(5000)) for _ in range(16)]
    documents = [Document(str(at), text) for at, text in enumerate(texts)]
    sample_sentences(documents[:1], np.array([5000]), 50, b"seed")  # tables are made
    tracemalloc.start()
    found = sample_sentences(documents, np.full(16, 5000), 50, b"seed")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len({sentence.text for sentence in found}) == 50
    assert peak < 8 * 2**20, "80,000 sentences as strings would take 12 MiB and more"


def test_letters_are_those_of_one_unicode() -> None:
    assert telling(LETTER * 4)
    assert not telling(LETTER * 3 + "12345")
