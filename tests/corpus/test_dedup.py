from __future__ import annotations

import random
from dataclasses import replace
from pydoc_data.topics import topics

import pytest

from oracle.corpus.dedup import decontaminate, deduplicate
from oracle.corpus.document import Document
from oracle.corpus.near import jaccard
from oracle.corpus.sentences import split_sentences
from oracle.corpus.spool import Spool, gather
from oracle.corpus.tokens import count_tokens
from oracle.corpus.wordfile import hash_text, hash_texts
from oracle.corpus.words import hash_words, word_hashes

TEXTS = [str(topics[name]) for name in sorted(topics) if len(topics[name]) > 1500][:24]


def corpus(name: str, texts: list[str]) -> list[Document]:
    return [Document(f"{name}{at}", text) for at, text in enumerate(texts)]


def test_text_of_its_own_is_kept_whole() -> None:
    documents = corpus("a", ["Entirely different words stand here.", "Nothing of this was said anywhere before."])
    (result,) = deduplicate([documents])
    assert result.kept == tuple(documents)
    assert result.tokens == result.offered_tokens
    assert result.fresh_words == result.offered_words == 12


def test_a_copy_committed_later_keeps_nothing_and_order_decides() -> None:
    first, copy = corpus("a", TEXTS[:12]), corpus("b", [text.upper() + " !" for text in reversed(TEXTS[:12])])
    original, copied = deduplicate([first, copy])
    assert copied.kept == () and copied.tokens == copied.fresh_words == 0
    assert original.removed["exact"] == 0 and len(original.kept) > 9
    other_way, late = deduplicate([copy, first])
    assert len(other_way.kept) > 9 and late.kept == ()


def test_near_copies_are_removed_and_named() -> None:
    rng = random.Random(1)
    words = TEXTS[0].split()
    for at in range(5, len(words), 8):
        words[at] = "".join(rng.choices("bcdfgh", k=9))
    plain, edited = deduplicate([corpus("a", TEXTS[:1]), corpus("b", [" ".join(words)])])
    assert len(plain.kept) == 1
    assert [(item.why, item.twin) for item in edited.examples] == [("near", "a0")]


def test_copied_sentences_are_cut_from_later_corpora_only() -> None:
    stolen = split_sentences(TEXTS[1])[:12]
    own = split_sentences(TEXTS[2]) + split_sentences(TEXTS[3])
    mixed = "\n\n".join(own[:20] + stolen + own[20:])
    _, result = deduplicate([corpus("a", [TEXTS[1]]), corpus("b", [mixed])])
    (kept,) = result.kept
    long = [sentence for sentence in stolen if len(sentence.split()) >= 8]
    assert result.cut_sentences >= len(long) > 3
    assert not any(sentence in kept.text for sentence in long)
    assert own[0] in kept.text and own[-1] in kept.text
    within = deduplicate([corpus("a", [TEXTS[1], mixed])])[0]
    assert within.kept[1].text == mixed and within.fresh_words < within.offered_words


def test_public_text_is_new_to_nobody_even_as_shuffled_sentences() -> None:
    sentences = split_sentences(TEXTS[4]) * 2
    random.Random(2).shuffle(sentences)
    (result,) = deduplicate([corpus("a", [TEXTS[4], TEXTS[5]])], public=sentences)
    assert [item.id for item in result.examples] == ["a0"]
    assert [document.id for document in result.kept] == ["a1"]


def test_recombined_boilerplate_is_hardly_fresh() -> None:
    rng = random.Random(3)
    sentences = [sentence for sentence in split_sentences(TEXTS[6] + TEXTS[7]) if len(sentence.split()) > 9][:30]
    spam = [" ".join(rng.sample(sentences, 8)) for _ in range(60)]
    (result,) = deduplicate([corpus("s", spam)])
    assert result.fresh_words < 0.2 * result.offered_words


def test_short_and_wordless_texts() -> None:
    (result,) = deduplicate([corpus("a", ["two words", "Two words!", "other words", "!!!", "!!!", "???"])])
    assert [document.text for document in result.kept] == ["two words", "other words", "!!!", "???"]
    assert deduplicate([]) == []
    assert deduplicate([[]])[0].kept == ()


def test_decontamination_removes_leaks_and_spares_the_rest() -> None:
    sample = corpus("v", [TEXTS[8]])
    leak = TEXTS[9] + " " + " ".join(TEXTS[8].split()[:120])
    kept, removed = decontaminate(corpus("a", [TEXTS[8], leak, TEXTS[10]]), sample)
    assert [document.id for document in kept] == ["a2"] and removed == 2


@pytest.mark.parametrize(
    ("left", "right", "index"), [(["a", "b"], ["b", "c"], 1 / 3), ([], [], 0.0), (["a"], ["a"], 1.0)]
)
def test_jaccard(left: list[str], right: list[str], index: float) -> None:
    assert jaccard(hash_words(left), hash_words(right)) == index


def test_blocks_batches_and_disks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(4)
    market = []
    for at in range(3):
        texts = [*rng.sample(TEXTS[:20], 8), *(" ".join(rng.sample(split_sentences(TEXTS[at]), 9)) for _ in range(9))]
        texts += ["short", f"unlike {at}", "\u0627\u0644\u0643\u062a\u0627\u0628 😀", "", "..."]
        market.append(corpus(f"{at}-", texts))
    words = TEXTS[21].split()
    market[1].append(Document("edited", " ".join("changed" if at % 8 == 5 else word for at, word in enumerate(words))))
    market[0].append(Document("unedited", TEXTS[21]))
    public = [*split_sentences(TEXTS[20]), TEXTS[0]]
    expected = deduplicate(market, public=public)
    assert {why for result in expected for why, count in result.removed.items() if count} == {"exact", "copied", "near"}
    for name, value in (
        ("wordfile.BLOCK", 400),
        ("runs.BLOCK", 8192),
        ("wordfile._BATCH", 300),
        ("near._ROWS", 3),
        ("spool._CHUNK", 50),
    ):
        monkeypatch.setattr(f"oracle.corpus.{name}", value)
    assert deduplicate(market, public=iter(public)) == expected
    spooled = deduplicate([gather(documents) for documents in market], public=iter(public))
    for found, known in zip(spooled, expected, strict=True):
        assert isinstance(found.kept, Spool)
        assert replace(found, kept=tuple(found.kept)) == known
    clean, leaked = decontaminate(gather(market[0]), iter(market[1][:3]))
    assert isinstance(clean, Spool) and (tuple(clean), leaked) == decontaminate(market[0], market[1][:3])


def test_words_are_counted_alike_one_by_one_and_in_batches() -> None:
    texts = ["One, two.", "", "\u00ad", "a\udfffb", "ｆｕｌｌ 中文", "x" * 5]
    words, sizes, tokens = hash_texts(texts)
    assert sizes.tolist() == [len(word_hashes(text)) for text in texts]
    assert words.tolist() == [value for text in texts for value in word_hashes(text).tolist()]
    assert tokens.tolist() == [count_tokens(text) for text in texts]
    assert hash_texts(texts[:3])[2].tolist() == tokens[:3].tolist()


def test_a_text_without_spaces_is_cut_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.corpus.tokens._BATCH", 10)
    assert hash_text("x" * 25)[1] == 3
    assert hash_text("word " * 25)[0].tolist() == word_hashes("word").tolist() * 25


@pytest.mark.parametrize("distinct", [False, True])
def test_a_template_with_many_fillings_is_quick_and_bounded(distinct: bool) -> None:
    texts = [f"The record with number {at if distinct else 7} was added to the list of today." for at in range(6_000)]
    (result,) = deduplicate([corpus("t", texts)])
    assert len(result.kept) == 1 and result.removed["near" if distinct else "exact"] == 5_999
    assert len(result.examples) == 3
