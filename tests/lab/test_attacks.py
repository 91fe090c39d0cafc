"""Attacks are what they say: of the attacker's volume, the same for a seed, and made of what the attacker knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pydoc_data.topics import topics
from random import Random

import pytest

from oracle.corpus.dedup import decontaminate, deduplicate
from oracle.corpus.document import Document
from oracle.lab.attacks import ATTACKS, Scene

PROSE = [" ".join(text.split()) for _, text in sorted(topics.items()) if len(text) >= 4000]
OWN, EARLIER, KNOWN = ([text[:3000] for text in PROSE[part::3]][:12] for part in range(3))
SCENE = Scene(OWN, EARLIER, KNOWN)


def documents(texts: list[str]) -> list[Document]:
    return [Document(str(place), text) for place, text in enumerate(texts)]


def corpus(name: str, seed: int = 1) -> list[str]:
    return ATTACKS[name].make(SCENE, Random(seed))


@pytest.mark.parametrize("name", ATTACKS)
def test_as_many_documents_of_about_the_same_length(name: str) -> None:
    texts = corpus(name)
    assert len(texts) == len(OWN)
    assert all(0.9 * len(own) <= len(text) <= 1.1 * len(own) for text, own in zip(texts, OWN, strict=True))


@pytest.mark.parametrize("name", ATTACKS)
def test_the_seed_decides(name: str) -> None:
    assert corpus(name) == corpus(name)
    drawn = {"repetition", "five identities", "twenty identities"}
    assert (corpus(name) != corpus(name, seed=2)) == (name not in drawn)


@pytest.mark.parametrize("name", ATTACKS)
def test_identities_share_the_corpus(name: str) -> None:
    attack = ATTACKS[name]
    shares = attack.corpora(SCENE, Random(1))
    assert len(shares) == attack.identities
    assert _words(text for share in shares for text in share) == _words(corpus(name))
    assert attack.words is None or max(len(text.split()) for share in shares for text in share) <= attack.words


def _words(texts: Iterable[str]) -> list[str]:
    return sorted(word for text in texts for word in text.split())


def test_a_leak_is_removed_and_its_edits_are_not() -> None:
    known = documents(KNOWN)
    assert len(decontaminate(documents(corpus("leak")), known)[0]) == 0
    for name in ("edited leak", "thin leak", "babble", "mixture"):
        kept, _ = decontaminate(documents(corpus(name)), known)
        assert len(kept) >= len(OWN) // 2, name


def test_a_thin_leak_is_verbatim() -> None:
    openings = [text.split("\n\n")[0] for text in corpus("thin leak")]
    haystack = [" ".join(text.split()) for text in KNOWN]
    assert all(len(opening.split()) >= 20 and any(opening in text for text in haystack) for opening in openings)


def test_copies_are_of_the_earlier_provider() -> None:
    for name, removed in (("near copies", True), ("synonym copies", True), ("edited copies", False)):
        _, copies = deduplicate([documents(EARLIER), documents(corpus(name))])
        assert (copies.tokens < copies.offered_tokens / 2) == removed, name


def test_repetition_leaves_a_quarter() -> None:
    (left,) = deduplicate([documents(corpus("repetition"))])
    assert len(left.kept) <= len(OWN) // 4 + 1


def test_words_come_from_the_known_documents() -> None:
    known = {word.lower() for text in KNOWN for word in re.findall(r"\w+", text)}
    own = {word.lower() for text in OWN for word in re.findall(r"\w+", text)}
    for name in ("babble", "unigram stuffing", "term list"):
        used = {word.lower() for text in corpus(name) for word in re.findall(r"\w+", text)[:-1]}
        assert len(used - known) <= 0.05 * len(used), name
        assert len(used - own) > 0.1 * len(used), name


def test_babble_has_the_known_triples() -> None:
    triples = {
        triple for text in [" ".join(KNOWN)] for triple in zip(*[text.split()[i:] for i in range(3)], strict=False)
    }
    made = [triple for text in corpus("babble") for triple in zip(*[text.split()[i:] for i in range(3)], strict=False)]
    assert sum(triple in triples for triple in made) > 0.7 * len(made)


def test_narrow_babble_is_of_one_document_at_a_time() -> None:
    known = [set(text.split()) for text in KNOWN]
    for text in corpus("narrow babble"):
        assert max(len(set(text.split()) & words) for words in known) >= len(set(text.split())) - 1


def test_noise_and_shuffle() -> None:
    words = {word for text in OWN for word in re.findall(r"\w{7,}", text)}
    assert not {word for text in corpus("noise") for word in re.findall(r"\w{7,}", text)} & words
    shuffled = corpus("word shuffle")
    assert all(sorted(a.split()) == sorted(b.split()) for a, b in zip(shuffled, OWN, strict=True))


def test_inflation_keeps_the_sentences_and_adds_what_no_text_has() -> None:
    text = corpus("gradient inflation")[0]
    strange = [character for character in text if ord(character) > 0xFFFF]
    assert len(strange) > 100
    assert OWN[0].split(".")[0].split("\n")[0].strip()[:20] in text
