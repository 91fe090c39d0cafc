"""Languages by whatever code: what two libraries and people call one language."""

from __future__ import annotations

import json

import numpy as np
import pytest
import wordfreq
from py3langid.langid import LanguageIdentifier, visit_counts

from oracle.corpus.document import Document
from oracle.errors import BadInput
from oracle.quality.checks import Findings, check
from oracle.quality.language_model import _model, codes
from oracle.quality.languages import SUPPORTED, identify, is_told_apart
from oracle.quality.lexicon import frequencies, lexicon, list_name
from oracle.quality.metadata import describe
from oracle.quality.profile import score_market
from oracle.quality.spec import QualitySpec
from oracle.quality.statement import Statement, Verdict
from oracle.quality.tags import one_code

TEXTS = {
    "no": "Fyrvokteren på den ytterste holmen skrev hver kveld ned hvor mange båter som hadde gått forbi, og om "
    "vinteren leste han alt sammen høyt for katten. Det var ikke mange som kom på besøk, men de ble lenge.",
    "nn": "Fyrvaktaren på den ytste holmen skreiv kvar kveld ned kor mange båtar som hadde gått forbi, og om vinteren "
    "las han alt saman høgt for katten. Det var ikkje mange som kom på vitjing, men dei som kom, vart alltid lenge.",
    "hr": "Svjetioničar na najudaljenijem otoku svake je večeri zapisivao koliko je brodova prošlo, a zimi je sve to "
    "naglas čitao mačku. Nije mnogo ljudi dolazilo u posjet, ali oni koji su došli uvijek su ostajali dugo.",
    "sr": "Svetioničar na najudaljenijem ostrvu svake večeri je zapisivao koliko je brodova prošlo, a zimi je sve to "
    "naglas čitao mačku. Nije mnogo ljudi dolazilo u posetu, ali oni koji su došli uvek su ostajali dugo.",
    "bs": "Svjetioničar na najudaljenijem ostrvu svake je večeri zapisivao koliko je brodova prošlo, a zimi je sve to "
    "naglas čitao mački. Nije mnogo ljudi dolazilo u posjetu, ali oni koji su došli uvijek su ostajali dugo.",
    "tl": "Ang tagapag-alaga ng parola sa pinakamalayong pulo ay nagsusulat tuwing gabi kung ilang bangka ang dumaan, "
    "at tuwing tag-ulan ay binabasa niya ang lahat ng ito sa kanyang pusa. Hindi marami ang dumadalaw sa kanya.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_language_is_found_whatever_its_list_is_called(language: str) -> None:
    found = identify(TEXTS[language])
    assert one_code(found) == one_code(language)
    document = Document("a", TEXTS[language], "tests", "2020-01-01", language, "MIT")
    swedish = Document(
        "a",
        "Fyrvaktaren på den yttersta holmen skrev varje kväll ner hur många båtar som hade gått förbi, och om "
        "vintern läste han alltihop högt för katten. Det var inte många som kom på besök, men de som kom blev kvar.",
        "tests",
        "2020-01-01",
        "sv",
        "MIT",
    )
    own, control = (
        score_market([[text]], reference=None, spec=QualitySpec(), seed=b"x").scores[0] for text in (document, swedish)
    )
    assert own.abstained == ("cleanliness", "diversity", "novelty") == control.abstained
    assert own.quality == control.quality > 5000


def test_every_word_list_is_found_by_a_language_that_can_be_named() -> None:
    reached = {list_name(code, "small") for code in codes()} - {None}
    assert reached == set(wordfreq.available_languages("small"))
    for code in codes():
        name = list_name(code, "small")
        assert name is None or one_code(name) == one_code(code)
        assert (len(lexicon(code).hashes) > 1) == (name is not None)
    assert [list_name(code, "large") for code in SUPPORTED] == list(SUPPORTED)


@pytest.mark.parametrize("code", codes())
def test_a_code_that_can_be_found_is_right_as_it_stands(code: str) -> None:
    for written in (code, code.upper(), f"{code}-XX", f" {code}_Latn"):
        assert one_code(written) == one_code(code)


@pytest.mark.parametrize(
    ("declared", "found", "right"),
    [
        *((declared, "no", True) for declared in ("no", "nb", "nn", "nob", "nor", "NO", "nb-NO", "no_NO")),
        *((declared, "sr", True) for declared in ("hr", "bs", "sh", "hrv", "hbs", "sr-Latn", "scc", "bs-Latn-BA")),
        *((declared, "en", True) for declared in ("en-US", "EN", "eng", "en_GB", " en ")),
        *((declared, "zh", True) for declared in ("zh-Hant", "cmn", "chi", "zho", "yue")),
        *(("iw", "he", True), ("in", "id", True), ("fil", "tl", True), ("ger", "de", True), ("may", "id", True)),
        *((declared, "en", False) for declared in ("de", "english", "", "und", "no", "e", "x" * 10_000, "\ud800")),
    ],
)
def test_a_declared_language_counts_by_what_it_means(declared: str, found: str, right: bool) -> None:
    axis = describe([Document("a", "text", lang=declared)], [found]).metadata
    assert axis.evidence["lang"] == right
    assert json.dumps(axis.evidence)


@pytest.mark.parametrize(
    ("claimed", "verdict"),
    [
        (("no", "hr"), Verdict.CONFIRMED),
        (("nob", "hbs"), Verdict.CONFIRMED),
        (("nn", "nb", "bs-Latn"), Verdict.CONFIRMED),
        (("no", "hr", "gsw"), Verdict.CONFIRMED),
        (("no",), Verdict.DISPROVED),
        (("no", "hr", "swe"), Verdict.DISPROVED),
        (("gsw",), Verdict.UNCHECKED),
        (("multilingual",), Verdict.UNCHECKED),
    ],
)
def test_claimed_languages_count_by_what_they_mean(claimed: tuple[str, ...], verdict: Verdict) -> None:
    found = Findings(20, 20, 0, {"no": 8, "nn": 2, "hr": 6, "sr": 4}, {}, 20, {}, {})
    assert check(Statement("x", languages=claimed), found)[0].verdict is verdict


@pytest.mark.parametrize(
    ("code", "told"),
    [("nb", True), ("sh", True), ("fil", True), ("hy", True), ("cy", False), ("eu", False)],
)
def test_languages_of_latin_letters_without_a_word_list_are_not_told_apart(code: str, told: bool) -> None:
    assert is_told_apart(code) is told


@pytest.mark.parametrize("code", ["xx", "", "english", "fi, lv"])
def test_what_is_no_language_of_texts_is_refused(code: str) -> None:
    with pytest.raises(BadInput, match="not a language"):
        is_told_apart(code)


def test_no_order_of_sums_decides_between_two_languages() -> None:
    text = "Uno dos tre quatro, e uma casa que non era de ninguem. " * 20
    visits = visit_counts(
        _model().tk_nextmove, [row << 8 for row in _model().tk_row], _model().tk_output, text.encode()
    )
    backwards = dict(reversed(visits.items()))
    table = _model().nb_ptc
    scores = _model()._sparse_score(visits, table)
    assert np.array_equal(scores, _model()._sparse_score(backwards, table))
    assert np.abs(scores).max() < 2**53
    library = [LanguageIdentifier._sparse_score(_model(), each, table) for each in (visits, backwards)]
    assert not np.array_equal(*library), "why this is needed"
    assert np.allclose(scores / 2**32, library[0], rtol=1e-4)


def test_word_lists_are_kept_once() -> None:
    frequencies.cache_clear()
    assert frequencies("de", "small")["weiß"] > 0
    assert wordfreq.get_frequency_dict.cache_info().currsize == 0
    assert wordfreq.get_frequency_list.cache_info().currsize == 0
