"""One hash for everything counted and one quantum for every score, whatever threads, batches, processes or order."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest
import torch
from english_texts import TEXTS, documents, noisy
from other_texts import OTHERS

from oracle.corpus import shards
from oracle.corpus.document import Document
from oracle.corpus.spool import gather
from oracle.quality import embedding
from oracle.quality.profile import QualityScore, score_market
from oracle.quality.sharded import survey_corpus
from oracle.quality.spec import AXES, QualitySpec
from oracle.quality.survey import join, survey

GOLDEN = Path(__file__).parent / "golden.json"
NAMES = ("quality", *AXES)


def corpora() -> list[list[Document]]:
    """Texts that stand in these tests, so that every Python has the same; cut into documents of two sentences."""
    return [
        [
            Document(f"{language}/{at}", ". ".join(parts[at : at + 2]) + ".", "tests", "2020-05-17", language, "MIT")
            for language, text in OTHERS.items()
            for parts in [noisy(text, share, seed=7).rstrip(". ").split(". ")]
            for at in range(0, len(parts) - 1, 2)
        ]
        for share in (0.0, 0.03)
    ]


def digest(score: QualityScore) -> str:
    return hashlib.sha256(json.dumps(score.evidence, sort_keys=True).encode()).hexdigest()


def market(spec: QualitySpec, *, workers: int = 1, spooled: bool = False) -> list[QualityScore]:
    held = [gather(corpus) for corpus in corpora()] if spooled else corpora()
    return score_market(held, reference=None, spec=spec, seed=b"golden", workers=workers).scores


@pytest.mark.parametrize("spec", [QualitySpec(vectors="audited"), QualitySpec("paper", vectors="audited")])
def test_golden_scores(spec: QualitySpec) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))[spec.profile]
    for found, (evidence, values) in zip(market(spec), golden, strict=True):
        assert digest(found) == evidence
        for name, value in zip(NAMES, values, strict=True):
            here = getattr(found, name)
            assert (here is None) == (value is None) and abs((here or 0) - (value or 0)) <= 1, name


@pytest.mark.parametrize("vectors", ["fast", "audited"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sentences", [1, 16, 64])
def test_threads_and_batches_change_no_count_and_no_score_by_more_than_a_quantum(
    vectors: str, threads: int, sentences: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = QualitySpec(vectors=vectors)
    expected = market(spec)
    before = torch.get_num_threads()
    monkeypatch.setattr(embedding, "BATCH", 32 * sentences)  # word pieces: some 32 a sentence
    torch.set_num_threads(threads)
    try:
        found = market(spec)
    finally:
        torch.set_num_threads(before)
    assert [digest(score) for score in found] == [digest(score) for score in expected]
    for name in NAMES:
        for one, other in zip(found, expected, strict=True):
            assert abs((getattr(one, name) or 0) - (getattr(other, name) or 0)) <= (vectors == "fast")


def test_processes_and_the_order_in_which_shards_arrive_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 8_000)
    corpus = gather(documents("a", TEXTS[:12]))
    cut = shards.cut(corpus)
    assert len(cut) > 4
    whole = survey(corpus)
    parts = {}
    for at in random.Random(5).sample(range(len(cut)), len(cut)):
        parts[at] = survey(corpus[place] for place in cut[at])
    joined = join([parts[at] for at in range(len(cut))])
    spread = survey_corpus(corpus, workers=3)
    for other in (joined, spread):
        assert (other.counts, other.damage, other.gate) == (whole.counts, whole.damage, whole.gate)
        assert other.filters.counts() == whole.filters.counts()
        assert (other.tokens == whole.tokens).all() and (other.gates == whole.gates).all()
    here, apart = (market(QualitySpec(), workers=workers, spooled=True) for workers in (1, 2))
    assert here == apart
    assert [digest(score) for score in here] == [digest(score) for score in market(QualitySpec())]
