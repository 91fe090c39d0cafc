from __future__ import annotations

import datetime
import json

import numpy as np
import pytest
import torch
from english_texts import POLISH, TEXTS, documents, mojibake, noisy, salad, shuffled

from oracle.corpus.document import Document
from oracle.errors import BadInput
from oracle.quality import embedding
from oracle.quality.diversity import vendi
from oracle.quality.profile import MarketScore, score_market
from oracle.quality.sampling import draw
from oracle.quality.spec import AXES, QualitySpec, spec_of, with_options

PUBLIC = TEXTS[26:28]
MARKET = {
    "clean": TEXTS[:8],
    "other": TEXTS[8:16],
    "copy": TEXTS[:8],
    "noise": [noisy(text) for text in TEXTS[16:21]],
    "shuffle": [shuffled(text) for text in TEXTS[16:21]],
    "salad": [salad(seed=seed) for seed in range(8)],
    "mojibake": [mojibake(text) for text in TEXTS[21:26]],
    "public": PUBLIC,
    "polish": [POLISH],
}


def market(profile: str = "robust", seed: bytes = b"seed") -> MarketScore:
    corpora = [documents(name, texts) for name, texts in MARKET.items()]
    return score_market(corpora, reference=documents("public", PUBLIC), spec=QualitySpec(profile), seed=seed)


@pytest.fixture(scope="module")
def robust() -> MarketScore:
    return market()


def test_spoilt_text_ranks_below_clean_text(robust: MarketScore) -> None:
    quality = {name: score.quality for name, score in zip(MARKET, robust.scores, strict=True)}
    worst = min(quality["clean"], quality["other"])
    assert worst > 7000
    assert quality["mojibake"] < worst - 1000
    for name in ("noise", "shuffle", "salad"):
        assert quality[name] < 1500, name
    assert 4500 < quality["polish"] < worst


def test_copies_keep_nothing_and_say_so(robust: MarketScore) -> None:
    for name in ("copy", "public"):
        place = list(MARKET).index(name)
        score = robust.scores[place]
        assert robust.kept[place] == ()
        assert (score.quality, score.tokens, score.documents) == (0, 0, 0)
        assert score.abstained == AXES and score.novelty is None
        assert score.duplicates_removed == len(MARKET[name])
        assert "no text is left" in score.explanation["cleanliness"]


def test_a_foreign_language_abstains_and_names_itself(robust: MarketScore) -> None:
    score = robust.scores[list(MARKET).index("polish")]
    assert score.languages.keys() == {"pl"}
    assert {"cleanliness", "diversity", "novelty"} <= set(score.abstained)
    assert "unsupported language (pl)" in score.explanation["cleanliness"]


def test_every_axis_is_explained_by_numbers(robust: MarketScore) -> None:
    score = robust.scores[0]
    assert all(any(character.isdigit() for character in score.explanation[axis]) for axis in AXES[:3])
    assert {*AXES, "fluency", "cohesion", "duplicates", "filters", "quality"} == score.explanation.keys()
    assert _plain(score.evidence)
    assert json.loads(json.dumps(score.evidence)) == score.evidence


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_plain, value))
    return isinstance(value, int | str)


def test_the_same_seed_gives_the_same_scores_whatever_the_threads(robust: MarketScore) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(threads, 2))
    try:
        again = market()
    finally:
        torch.set_num_threads(threads)
    for first, second in zip(robust.scores, again.scores, strict=True):
        assert abs(first.quality - second.quality) <= 1
        assert first.evidence["fluency"] == second.evidence["fluency"]
    assert again.kept == robust.kept


def test_the_paper_profile_shows_why_it_was_corrected() -> None:
    corpora = [documents(name, MARKET[name]) for name in ("clean", "shuffle")]
    clean, shuffle = score_market(
        corpora, reference=documents("public", PUBLIC), spec=QualitySpec("paper"), seed=b"s"
    ).scores
    assert clean.cleanliness is not None and clean.cleanliness < 3000  # 50 x the dictionary misses of clean English
    assert shuffle.quality > 0.8 * clean.quality  # shuffled words pass
    assert clean.quality == pytest.approx(sum(getattr(clean, axis) for axis in AXES) / 4, abs=1)


def test_without_reference_only_earlier_text_counts() -> None:
    alone = score_market([documents("a", TEXTS[:1])], reference=None, spec=QualitySpec("robust"), seed=b"s").scores[0]
    assert alone.novelty is not None and alone.evidence["novelty"]["compared_with"] == 0
    paper = score_market([documents("a", TEXTS[:1])], reference=None, spec=QualitySpec("paper"), seed=b"s").scores[0]
    assert paper.novelty is None and paper.abstained == ("novelty",)


def test_tiny_and_odd_corpora_have_defined_scores() -> None:
    odd = [[], [Document("a", "One sentence only, but a good one.")], [Document("b", "\x00\u202e😀 !!!")]]
    scores = score_market(odd, reference=None, spec=QualitySpec("robust"), seed=b"").scores
    assert scores[0].quality == 0 and scores[0].abstained == AXES
    assert scores[1].diversity is None and 0 < scores[1].quality < 10_000
    assert scores[2].cleanliness is None
    assert score_market([], reference=None, spec=QualitySpec("robust"), seed=b"") == MarketScore([], [])


def test_metadata_is_checked_where_it_can_be() -> None:
    good = documents("a", TEXTS[:2])
    bad = [Document("x", TEXTS[2], source=" ", date="yesterday", lang="de"), Document("x", TEXTS[3])]
    full, empty = score_market([good, bad], reference=None, spec=QualitySpec("robust"), seed=b"s").scores
    assert empty.metadata == 0
    age = (datetime.date(2026, 1, 1) - datetime.date(2024, 1, 31)).days / 365.2425
    assert full.metadata == pytest.approx(7_000 + 3_000 * 2 ** (-age / 10), abs=1)


def test_the_specification_pins_what_scores_depend_on() -> None:
    robust = QualitySpec().published()
    assert robust["embedding"]["weights_sha256"] == embedding.WEIGHTS_SHA256
    assert robust != QualitySpec("paper").published()
    assert spec_of(json.loads(json.dumps(robust))) == QualitySpec()
    chosen = with_options("paper", ["novelty=nearest", "neighbours=3", "w1=40", "w4=10"])
    assert chosen == QualitySpec("paper", novelty="nearest", neighbours=3, w1=40, w4=10)
    assert spec_of(chosen.published()) == chosen


@pytest.mark.parametrize(
    ("profile", "options", "message"),
    [
        ("best", [], "unknown profile 'best'"),
        ("paper", ["novelty=far"], "unknown novelty 'far'"),
        ("paper", ["w1=26"], "do not add up to 100"),
        ("paper", ["clusters=many"], "no whole number"),
        ("paper", ["clusters=0"], "not between 1 and"),
        ("paper", ["as_of=soon"], "no date"),
        ("robust", ["colour=red"], "no option 'colour'"),
        ("robust", ["reference_index=ab"], "no option 'reference_index'"),
    ],
)
def test_a_choice_that_is_none_is_named(profile: str, options: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        with_options(profile, options)


def test_every_variant_of_the_paper_is_another_score() -> None:
    corpora = [documents(name, MARKET[name]) for name in ("clean", "other")]
    found = [
        score_market(
            corpora, reference=documents("public", PUBLIC), spec=with_options("paper", options), seed=b"s"
        ).scores[1]
        for options in (
            [],
            ["diversity=simpson"],
            ["clusters=5"],
            ["novelty=nearest"],
            ["misses=5"],
            ["w1=70", "w2=10", "w3=10", "w4=10"],
        )
    ]
    assert len({score.quality for score in found}) == len(found)
    assert found[1].diversity is not None and found[3].novelty is not None and found[0].novelty is not None
    assert found[3].novelty < found[0].novelty


def test_vendi_counts_different_things() -> None:
    assert vendi(np.eye(20, dtype=np.float32)) == pytest.approx(20)
    assert vendi(np.ones((20, 4), dtype=np.float32) / 2) == pytest.approx(1)


def test_the_sample_has_one_from_each_stratum_and_moves_with_the_seed() -> None:
    places = draw(1000, 10, b"a")
    assert [place // 100 for place in places] == list(range(10))
    assert places != draw(1000, 10, b"b")
    assert draw(7, 10, b"a") == list(range(7))
