from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from english_texts import TEXTS, mojibake, noisy, salad, shuffled
from other_texts import GERMAN, OTHERS

from oracle.corpus.document import Document
from oracle.quality import cleanliness, fluency
from oracle.quality.build_table import FREQUENT, build
from oracle.quality.cleanliness import Census, Damage
from oracle.quality.fluency import Counts
from oracle.quality.languages import identify
from oracle.quality.reading import read, read_batch
from oracle.quality.survey import Survey, join, survey


def census(*texts: str, language: str = "en") -> Census:
    result = Census(language)
    for text in texts:
        result.add(read(text, language), [text])
    return result


def damage(*texts: str, language: str = "en") -> Damage:
    return census(*texts, language=language).damage()


def counts(text: str, language: str = "en") -> Counts:
    return fluency.count(read(text, language))[0]


def gate(text: str, language: str = "en") -> int:
    return counts(text, language).gate(language)


def test_technical_english_is_fluent_and_its_spoilt_versions_are_not() -> None:
    for text in TEXTS[:10]:
        assert gate(text) > 9000
        assert gate(shuffled(text)) == 0
        assert gate(noisy(text)) < 5000
    assert gate(salad()) == 0


@pytest.mark.parametrize("language", sorted(OTHERS))
def test_other_languages_are_fluent_by_their_own_tables(language: str) -> None:
    text = OTHERS[language]
    assert gate(text, language) == 10_000
    assert gate(shuffled(text), language) == 0
    assert gate(noisy(text, 0.3), language) < 4000
    assert gate(" ".join(sorted(set(text.split()))), language) < 2000
    assert gate(text, "en") < 1000 > gate(TEXTS[0], language)


def test_each_fluency_test_has_its_own_culprit() -> None:
    plain = counts("The judge said that the case would be heard by the court in the first week of May. " * 4)
    keywords = counts("cheap watch buy watch sale price discount shop phone laptop camera " * 9)
    gibberish = counts("the blorf of a snarple in the gribnok was zindled by vorpish munklets " * 9)
    assert plain.gate("en") == 10_000
    assert keywords.grammar < fluency.GRAMMAR["en"][0] < plain.grammar
    assert gibberish.rarity > 0.4 > plain.rarity


def test_fluency_counts_add_up_and_do_not_depend_on_company() -> None:
    texts = [*TEXTS[:3], "", "soft\u00adhyphen and a zero\u200bwidth space", GERMAN]
    alone = [counts(text) for text in texts]
    assert fluency.count(read_batch(texts).reading("en")) == alone
    assert counts("\n".join(texts)) == sum(alone, Counts())
    chosen = np.array([1, 4])
    assert fluency.count(read_batch(texts).reading("en", chosen)) == [alone[1], alone[4]]


def test_the_reference_tables_are_reproducible() -> None:
    assert build(TEXTS[:2], "en") == build(TEXTS[:2], "en")
    for language, (first, second) in {"en": ("of", "the"), "de": ("in", "der"), "fr": ("dans", "la")}.items():
        table = fluency.reference(language)
        assert len(table.frequent) == FREQUENT
        left, right = table.frequent.index(first), table.frequent.index(second)
        assert table.information[left, right] > 0 > table.information[right, left]


def test_damage_is_what_looks_damaged_and_not_what_is_rare() -> None:
    clean = damage(*TEXTS[:10])
    assert clean.rate < 0.01 < clean.misses
    assert damage(*(noisy(text, 0.01) for text in TEXTS[:10])).rate > clean.rate + 0.01
    assert damage(*(noisy(text) for text in TEXTS[:10])).rate > 0.15
    assert damage(*map(mojibake, TEXTS[:3])).rate > 0.05


@pytest.mark.parametrize("language", sorted(OTHERS))
def test_damage_in_other_languages(language: str) -> None:
    text = OTHERS[language]
    clean = damage(text, language=language)
    assert clean.rate < 0.01
    assert damage(noisy(text, 0.05), language=language).rate > 0.05
    broken = damage(text.encode().decode("cp1252", "replace"), language=language)
    assert broken.rate > 0.03 and broken.mojibake > 3


def test_compounds_accents_and_elisions_are_no_damage_and_slips_are() -> None:
    assert damage("Die Donaudampfschifffahrtsgesellschaft prüft Rückzahlungsansprüche.", language="de").suspicious == 0
    assert damage("Qu'est-ce que l'eau d'une île? Aujourd'hui, il s'arrête.", language="fr").suspicious == 0
    assert damage("¿Dónde está? ¡Allí, en el jardín de la señora!", language="es").suspicious == 0
    assert damage("Er wollte die Wohnnng nicht sehen und hat jemaud gefragt.", language="de").suspicious == 2
    assert damage("Elle a qu1tté la maisou hier soir.", language="fr").suspicious == 2
    assert damage("El goblerno de la nacion tambicn habla.", language="es").suspicious >= 2


@pytest.mark.parametrize(("word", "found"), [("aU", 1), ("feUow", 1), ("reHgion", 1), ("iPad", 0), ("kWh", 0)])
def test_capitals_that_scanners_read_for_small_letters_count_however_often_they_occur(word: str, found: int) -> None:
    meant = "all the religion of a fellow, all of it, all the religion, a fellow. " * 8
    assert damage(f"{meant} We saw the {word} there. " * 4).suspicious == 4 * found


@pytest.mark.parametrize("word", ["thw", "commitlee", "gov3rnment", "qxzvkj", "StrqucturaXl"])
def test_a_damaged_word_is_counted_once_seen_and_a_short_one_spared(word: str) -> None:
    found = damage(f"We saw the {word} and we left it there.")
    assert found.suspicious == (len(word) > 3)


@pytest.mark.parametrize("word", ["HTTPServer", "mRNA", "Hubbleton", "p53", "colour", "snake_case", "DCR"])
def test_names_identifiers_and_terms_are_no_damage(word: str) -> None:
    assert damage(f"We saw the {word} and we left it there.").suspicious == 0


def test_a_recurring_strange_word_is_a_term() -> None:
    assert damage("A commitlee view. ").suspicious == 1
    assert damage("A commitlee view. " * 3).suspicious == 0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (TEXTS[0], "en"),
        (noisy(TEXTS[0]), "en"),
        (noisy(TEXTS[0], 0.6), "en"),
        ("for i in range(10): print(i, end='')", "en"),
        ("12 34 | 56", "en"),
        (GERMAN, "de"),
        (noisy(GERMAN, 0.1), "de"),
        (shuffled(OTHERS["fr"]), "fr"),
        (OTHERS["fr"][:60], "fr"),
        (OTHERS["es"], "es"),
        ("| 1 | 2 |\n" * 500 + GERMAN, "de"),
        ("", "en"),
        ("\x00\ud800\u202e😀", "en"),
        ("Договор заключается между покупателем и продавцом и действует только после подписания. " * 3, "ru"),
        ("合同由买方和卖方签订，只有双方签字后才有效。" * 5, "zh"),
    ],
)
def test_a_foreign_language_must_show_itself(text: str, language: str) -> None:
    assert identify(text) == language


def test_short_documents_are_judged_together() -> None:
    lines = [line for line in shuffled(" ".join(TEXTS[:3])).split(". ") if len(line) > 20]
    found = survey([Document(str(at), line) for at, line in enumerate(lines)])
    assert len(set(found.gates.tolist())) < len(lines) and found.gate < 0.1
    assert np.isclose(found.supported, 1.0)


def test_every_document_is_judged_by_its_own_language() -> None:
    texts = [*OTHERS.values(), TEXTS[0], "Договор заключается между покупателем и продавцом. " * 9]
    found = survey([Document("", text) for text in texts])
    assert found.languages == (*OTHERS, "en", "ru")
    assert found.readable.tolist() == [True] * 4 + [False]
    assert found.gates.tolist() == [10_000] * 5
    assert found.damage.words == sum(
        damage(t, language=x).words for t, x in zip(texts[:4], found.languages, strict=False)
    )
    assert found.fluency == sum((counts(t, x) for t, x in zip(texts[:4], found.languages, strict=False)), Counts())


def same(left: Survey, right: Survey) -> bool:
    return (
        all(np.array_equal(getattr(left, name), getattr(right, name)) for name in ("places", "tokens", "gates"))
        and left.counts == right.counts
        and left.damage == right.damage
        and left.filters.counts() == right.filters.counts()
    )


def test_shards_join_to_the_survey_of_the_whole() -> None:
    texts = [noisy(text, 0.02) for text in TEXTS[:12]] + list(OTHERS.values()) + TEXTS[0].split(". ")
    documents = [Document("", text) for text in texts]
    whole = survey(iter(documents))
    cuts = [0, 1, 9, 14, 20, len(documents)]
    shards = [survey(documents[start:end]) for start, end in pairwise(cuts)]
    assert same(join(shards), whole)
    assert same(join([join(shards[:2]), join(shards[2:])]), whole)
    again = survey(random.Random(1).sample(documents, len(documents)))
    assert (again.damage, again.counts) == (whole.damage, whole.counts)


def test_a_long_document_is_read_in_pieces() -> None:
    line = " ".join(TEXTS[:10]).replace("\n", " ")
    long = (line + "\n") * (1 + (1 << 20) // len(line))
    found = survey([Document("", long)])
    assert found.tokens.tolist() == [len(read(long).tokens.starts)]
    assert found.languages == ("en",) and found.gates[0] > 9000


def test_a_census_is_bounded_whatever_it_meets(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(noisy(text, 0.9, seed).split()) for seed in range(4) for text in TEXTS[:10]]
    exact = damage(*texts)
    monkeypatch.setattr(cleanliness, "DISTINCT", 256)
    whole, shards = census(*texts), [census(*texts[:30]), census(*texts[30:])]
    assert len(whole._suspects) <= 256
    assert whole.damage().suspicious == pytest.approx(exact.suspicious, rel=0.2)
    for first, second in (shards, reversed(shards)):
        total = Census("en")
        total.join(first)
        total.join(second)
        assert total.damage() == whole.damage()


def test_words_of_letters_younger_than_python_are_words() -> None:
    young = "\U00010d4a\U00010d4b\U00010d4c"  # Garay, of Unicode 16
    assert damage(f"The house was {young} then.").words == damage("The house was abcdq then.").words
