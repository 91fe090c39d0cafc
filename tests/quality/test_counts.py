from __future__ import annotations

import numpy as np
import pytest
from english_texts import GERMAN, TEXTS, mojibake, noisy, salad, shuffled

from oracle.corpus.document import Document
from oracle.quality import fluency
from oracle.quality.build_english import FREQUENT, build
from oracle.quality.cleanliness import Census, Damage
from oracle.quality.languages import identify
from oracle.quality.reading import read
from oracle.quality.survey import survey


def damage(*texts: str) -> Damage:
    census = Census()
    for text in texts:
        census.add(read(text))
    return census.damage()


def test_technical_english_is_fluent_and_its_spoilt_versions_are_not() -> None:
    for text in TEXTS[:10]:
        assert fluency.count(read(text)).gate > 0.9
        assert fluency.count(read(shuffled(text))).gate == 0
        assert fluency.count(read(noisy(text))).gate < 0.5
    assert fluency.count(read(salad())).gate == 0


def test_each_fluency_test_has_its_own_culprit() -> None:
    plain = fluency.count(
        read("The judge said that the case would be heard by the court in the first week of May. " * 4)
    )
    keywords = fluency.count(read("cheap watch buy watch sale price discount shop phone laptop camera " * 9))
    gibberish = fluency.count(read("the blorf of a snarple in the gribnok was zindled by vorpish munklets " * 9))
    assert plain.gate == 1.0
    assert keywords.grammar < fluency.GRAMMAR[0] < plain.grammar
    assert gibberish.rarity > 0.4 > plain.rarity


def test_fluency_counts_add_up() -> None:
    first, second = (fluency.count(read(text)) for text in TEXTS[:2])
    assert fluency.count(read("\n".join(TEXTS[:2]))) == first + second


def test_the_reference_table_is_reproducible() -> None:
    assert build(TEXTS[:2]) == build(TEXTS[:2])
    table = fluency.reference()
    assert len(table.frequent) == FREQUENT
    of, the = table.frequent.index("of"), table.frequent.index("the")
    assert table.information[of, the] > 0 > table.information[the, of]


def test_damage_is_what_looks_damaged_and_not_what_is_rare() -> None:
    clean = damage(*TEXTS[:10])
    assert clean.rate < 0.01 < clean.misses
    assert damage(*(noisy(text, 0.01) for text in TEXTS[:10])).rate > clean.rate + 0.01
    assert damage(*(noisy(text) for text in TEXTS[:10])).rate > 0.15
    assert damage(*map(mojibake, TEXTS[:3])).rate > 0.05


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
        ("12 34 | 56", "en"),
        (GERMAN, "de"),
        ("Le contrat est conclu entre l'acheteur et le vendeur, et il ne vaut que si les deux l'ont signé. " * 3, "fr"),
        ("Договор заключается между покупателем и продавцом и действует только после подписания. " * 3, "ru"),
        ("合同由买方和卖方签订，只有双方签字后才有效。" * 5, "zh"),
    ],
)
def test_a_foreign_language_must_show_itself(text: str, language: str) -> None:
    assert identify(text) == language


def test_short_documents_are_judged_together() -> None:
    lines = [line for line in shuffled(" ".join(TEXTS[:3])).split(". ") if len(line) > 20]
    found = survey([Document(str(at), line) for at, line in enumerate(lines)])
    assert len(set(found.gates)) < len(lines) and found.gate < 0.1
    assert np.isclose(found.supported, 1.0)
