"""Written text keeps to its subjects, a Markov chain forgets them."""

from __future__ import annotations

import random
from itertools import combinations
from math import log2

import numpy as np
import pytest
from english_texts import TEXTS, documents
from other_texts import OTHERS

from oracle.corpus.document import Document
from oracle.corpus.tokens import WORD, count_tokens, tokenize
from oracle.corpus.words import token_hashes
from oracle.quality.cohesion import APART, BLOCK, BLOCKS, FEWEST, FLOOR, PLACES, UNIT, Cohesion, cohesion
from oracle.quality.profile import score_market
from oracle.quality.spec import QualitySpec

THAI = "ภาษาไทยเขียนโดยไม่เว้นวรรคระหว่างคำ"


def cohesion_of(texts: list[str], seed: bytes = b"seed") -> Cohesion:
    return cohesion(documents("own", texts), np.array([count_tokens(text) for text in texts]), seed)


def babble(texts: list[str], order: int, lengths: list[int], seed: int = 0) -> list[str]:
    """A Markov chain of this order over ``texts``, begun anew every eight words, in documents of so many words."""
    rng = random.Random(seed)
    words = " ".join(texts).split()
    follows: dict[tuple[str, ...], list[str]] = {}
    for at in range(len(words) - order):
        follows.setdefault(tuple(words[at : at + order]), []).append(words[at + order])
    starts = list(follows)

    def spoken(length: int) -> str:
        said: list[str] = []
        while len(said) < length:
            state = rng.choice(starts)
            said += state
            for _ in range(8 - order):
                if state not in follows:
                    break
                said.append(rng.choice(follows[state]))
                state = (*state[1:], said[-1])
        return " ".join(said[:length])

    return [spoken(length) for length in lengths]


def test_text_that_keeps_to_its_subjects_counts_in_full() -> None:
    found = cohesion_of(TEXTS[:20])
    assert found.ratio is not None and found.ratio > 1.5
    assert found.factor == 1.0 and found.judged > 0.9 * found.places


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_babble_of_any_order_shares_no_more_than_chance(order: int) -> None:
    found = cohesion_of(babble(TEXTS, order, [500] * 20))
    assert found.ratio == pytest.approx(1.0, abs=0.15)
    assert found.factor == pytest.approx(FLOOR / 10_000, abs=0.05)


def test_what_is_too_short_or_has_no_words_is_not_judged() -> None:
    scraps = babble(TEXTS, 2, [(APART + 1) * BLOCK - 1] * 100)
    thai = [THAI * 50] * 20
    for texts in (scraps, thai, [], [""], TEXTS[:1]):
        found = cohesion_of(texts)
        assert found.ratio is None and found.factor == 1.0
        assert found.judged == 0 or found.pairs < FEWEST


def test_half_of_the_text_costs_half() -> None:
    spoilt = babble(TEXTS, 2, [400] * 20)
    scraps = [part for text in babble(TEXTS, 2, [400] * 20, seed=1) for part in _cut(text, 40)]
    whole, half = cohesion_of(spoilt), cohesion_of([*spoilt, *scraps])
    assert half.judged / half.places == pytest.approx(0.5, abs=0.05)
    assert 1 - half.factor == pytest.approx((1 - whole.factor) / 2, abs=0.05)


def _cut(text: str, words: int) -> list[str]:
    parts = text.split()
    return [" ".join(parts[at : at + words]) for at in range(0, len(parts), words)]


def test_counts_are_those_of_a_naive_count() -> None:
    texts = [*TEXTS[:4], *OTHERS.values()]
    passages = []
    for text in texts:
        words = _words(text)
        blocks = [set(words[at : at + BLOCK]) for at in range(0, len(words) - BLOCK + 1, BLOCK)]
        passages += [blocks[at : at + BLOCKS] for at in range(0, max(0, len(blocks) - APART), BLOCKS)]
    everything = [block for passage in passages for block in passage]
    counts = {word: sum(word in block for block in everything) for word in set().union(*everything)}
    told = {word: round(UNIT * log2(len(everything) / count)) for word, count in counts.items()}
    pairs = [(passage[at], passage[at + APART]) for passage in passages for at in range(max(0, len(passage) - APART))]
    near = sum(told[word] for one, two in pairs for word in one & two)
    far = 2 * sum(told[word] for one, two in combinations(everything, 2) for word in one & two)
    found = cohesion_of(texts)
    assert (found.blocks, found.pairs, found.near, found.far) == (len(everything), len(pairs), near, far)


def _words(text: str) -> list[int]:
    tokens = tokenize(text)
    return [int(value) for value in token_hashes(tokens)[tokens.kinds == WORD]]


def test_a_large_corpus_is_looked_at_where_the_seed_says() -> None:
    texts = ["\n".join(TEXTS)] * 3
    one, again, other = cohesion_of(texts), cohesion_of(texts), cohesion_of(texts, b"other")
    assert one == again != other
    assert one.places == PLACES and one.blocks <= PLACES * BLOCKS


def test_babble_is_worth_half_of_the_text_it_is_made_of() -> None:
    own = TEXTS[:20]
    made = babble(TEXTS[20:], 2, [len(text.split()) for text in own])
    corpora = [documents("own", own), documents("made", made)]
    scores = score_market(corpora, reference=None, spec=QualitySpec(), seed=b"seed").scores
    assert scores[1].quality < 0.6 * scores[0].quality
    assert "cohesion 1.00" in scores[0].explanation["quality"]
    assert "cohesion 0.5" in scores[1].explanation["quality"]
    assert "times as many" in scores[1].explanation["cohesion"]


def test_a_document_of_punctuation_has_no_words() -> None:
    found = cohesion([Document("a", "?! " * 500)], np.array([1000]), b"seed")
    assert (found.judged, found.blocks) == (0, 0) and found.factor == 1.0
