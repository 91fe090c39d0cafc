"""Quality of every corpus of a market, in one of two published profiles of one pipeline.

Corpora are deduplicated (earlier first), surveyed (integer counts), and a seeded sample of their sentences is embedded;
four axes follow - cleanliness, diversity, novelty, metadata - and q from them:
  paper    q = the mean of the axes (weights 1/4), sections 7.2 and 7.3 and appendix C to the letter;
  robust   q = gate * sqrt(fresh share) * weighted mean, where the gate is the fluency of the kept text and the fresh
           share is what is left of the words when everything seen earlier is gone.
An axis that cannot speak abstains: it is null, listed and explained. In ``paper`` the mean then goes over the others;
in ``robust`` it counts as ``UNCHECKED``, so that nobody gains by being unreadable, and nobody is worth 0 for it. The
same holds for text in languages without a model: cleanliness, diversity and novelty are measured on supported text and
count for its share of the tokens, ``UNCHECKED`` for the rest. A corpus of which nothing is kept has q = 0.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from oracle.corpus import dedup, near
from oracle.corpus.dedup import Deduplicated
from oracle.corpus.document import Document
from oracle.errors import BadInput
from oracle.quality import cleanliness, diversity, embedding, fluency, languages, novelty, sampling
from oracle.quality.axis import QUANTA, Axis, percent, quanta
from oracle.quality.embedding import Vectors, embed
from oracle.quality.metadata import FIELDS, metadata
from oracle.quality.survey import Survey, survey

VERSION = 1
SAMPLE = 64
REFERENCE_SAMPLE = 160
STEEPNESS = 12.5
UNCHECKED = 6_000
"""Quanta at which ``robust`` counts what it cannot judge: below any clean text, above damaged text."""
AXES = ("cleanliness", "diversity", "novelty", "metadata")
WEIGHTS = {
    "paper": {"cleanliness": 25, "diversity": 25, "novelty": 25, "metadata": 25},
    "robust": {"cleanliness": 30, "diversity": 30, "novelty": 30, "metadata": 10},
}
"""Percent; what a provider merely declares weighs least in ``robust``."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class QualityScore:
    """One provider's scores in quanta of 1e-4 (an abstaining axis is None), the counts and sentences behind them.

    ``languages`` maps ISO 639-1 codes to kept tokens; ``evidence`` holds integers and strings only.
    """

    quality: int
    cleanliness: int | None
    diversity: int | None
    novelty: int | None
    metadata: int | None
    tokens: int
    documents: int
    duplicates_removed: int
    languages: dict[str, int]
    abstained: tuple[str, ...]
    explanation: dict[str, str]
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MarketScore:
    """Scores and kept documents (copied sentences cut out), one entry per corpus, in order."""

    scores: list[QualityScore]
    kept: list[tuple[Document, ...]]


@dataclass(frozen=True, slots=True)
class _Corpus:
    """What the axes see of one provider; ``earlier`` are the vectors of ``texts``: the reference, then providers."""

    kept: tuple[Document, ...]
    counts: Survey
    sentences: tuple[sampling.Sentence, ...]
    vectors: Vectors
    earlier: Vectors
    texts: list[str]


def score_market(
    corpora: Sequence[Sequence[Document]],
    *,
    reference: Sequence[str] | None,
    profile: str,
    seed: bytes,
    progress: Progress | None = None,
) -> MarketScore:
    """Score the corpora of one market, earlier commitments first.

    Args:
        corpora: one sequence of documents per provider, not yet deduplicated.
        reference: public texts (sentences or whole documents) that are new to nobody; None: earlier corpora only.
        profile: "paper" or "robust".
        seed: decides which sentences are sampled; public, and unknown before the commitments are in.

    Raises:
        BadInput: unknown profile.
        EnvironmentFailure: the sentence model is missing or altered.
    """
    axes = _axes_of(profile)
    public = list(reference or ())
    _tell(progress, "deduplication", 0, 1)
    unique = dedup.deduplicate(corpora, public=public)
    surveys = []
    for place, corpus in enumerate(unique):
        _tell(progress, "counts", place, len(unique))
        surveys.append(survey(corpus.kept))
    samples = [
        sampling.sample_sentences(
            corpus.kept, np.where(counts.readable, counts.tokens, 0), SAMPLE, _seed(seed, f"corpus {place}")
        )
        for place, (corpus, counts) in enumerate(zip(unique, surveys, strict=True))
    ]
    known = list(sampling.sample_reference(public, len(public), REFERENCE_SAMPLE, _seed(seed, "reference")))
    texts = known + [sentence.text for sample in samples for sentence in sample]
    vectors = embed(texts, progress=progress)
    scores, end = [], len(known)
    for corpus, counts, sample in zip(unique, surveys, samples, strict=True):
        start, end = end, end + len(sample)
        view = _Corpus(corpus.kept, counts, sample, vectors[start:end], vectors[:start], texts[:start])
        scores.append(_score(corpus, counts, axes(view) if corpus.kept else _nothing_left(), profile))
    return MarketScore(scores, [corpus.kept for corpus in unique])


def spec(profile: str) -> dict[str, Any]:
    """Everything a score depends on besides its input: part of the pipeline's hash. Integers and strings only.

    Raises:
        BadInput: unknown profile.
    """
    _axes_of(profile)
    return {
        "version": VERSION,
        "profile": profile,
        "weights_percent": WEIGHTS[profile],
        "deduplication": {
            "run_words": dedup.RUN,
            "copied": str(dedup.COPIED),
            "near": str(dedup.NEAR),
            "near_shingle": near.SHINGLE,
            "partly": str(dedup.PARTLY),
        },
        "embedding": {
            "model": embedding.MODEL,
            "weights_sha256": embedding.WEIGHTS_SHA256,
            "max_tokens": embedding.MAX_TOKENS,
            "batch": embedding.BATCH,
            "sample": SAMPLE,
            "reference_sample": REFERENCE_SAMPLE,
            "min_letters": sampling.MIN_LETTERS,
        },
        "fluency": {
            "table_sha256": hashlib.sha256(fluency.table_bytes()).hexdigest(),
            "order": _texts(fluency.ORDER),
            "grammar": _texts(fluency.GRAMMAR),
            "rare": _texts(fluency.RARE),
        },
        "unchecked": UNCHECKED,
        "cleanliness": {
            "steepness": str(STEEPNESS),
            "recurring": cleanliness.RECURRING,
            "slip": str(cleanliness.SLIP),
        },
        "diversity": {"fewest": diversity.FEWEST, "clusters": diversity.CLUSTERS},
        "novelty": {"new": str(novelty.NEW), "old": str(novelty.OLD), "fluent": str(novelty.FLUENT)},
        "metadata": list(FIELDS),
        "languages": sorted(languages.SUPPORTED),
        "libraries": {name: version(name) for name in ("ftfy", "py3langid", "rensa", "wordfreq", "scikit-learn")},
    }


def _axes_of(profile: str) -> Callable[[_Corpus], dict[str, Axis]]:
    found = {"paper": _paper, "robust": _robust}.get(profile)
    if found is None:
        raise BadInput(f"unknown profile {profile!r}", input=profile, hint="choose robust or paper")
    return found


def _robust(corpus: _Corpus) -> dict[str, Axis]:
    gates = [corpus.counts.gates[sentence.document] for sentence in corpus.sentences]
    wording = [sentence.text for sentence in corpus.sentences]
    return {
        "cleanliness": _cleanliness(corpus.counts, lambda damage: math.exp(-STEEPNESS * damage.rate)),
        "diversity": diversity.robust_diversity(corpus.vectors),
        "novelty": novelty.robust_novelty(corpus.vectors, wording, gates, corpus.earlier, corpus.texts),
        "metadata": metadata(corpus.kept, corpus.counts.languages),
    }


def _paper(corpus: _Corpus) -> dict[str, Axis]:
    return {
        "cleanliness": _cleanliness(corpus.counts, lambda damage: 1.0 - min(1.0, 50.0 * damage.misses)),
        "diversity": diversity.paper_diversity(corpus.vectors),
        "novelty": novelty.paper_novelty(corpus.vectors, corpus.earlier),
        "metadata": metadata(corpus.kept, corpus.counts.languages),
    }


def _cleanliness(counts: Survey, value: Callable[[cleanliness.Damage], float]) -> Axis:
    damage = counts.damage
    evidence = {
        "words": damage.words,
        "outside_dictionary": damage.unknown,
        "likely_damage": damage.suspicious,
        "mojibake": damage.mojibake,
    }
    if not damage.words:
        found = ", ".join(sorted(set(counts.languages))) or "none"
        return Axis(None, f"unsupported language ({found}): abstains, there is no dictionary to judge by", evidence)
    text = (
        f"{percent(damage.rate)} of {damage.words} words look like damage"
        + (f", for example {', '.join(damage.examples)}" if damage.examples else "")
        + f"; {percent(damage.misses)} are outside the dictionary, which alone is no fault"
    )
    return Axis(quanta(value(damage)), text, evidence | {"examples": list(damage.examples)})


def _nothing_left() -> dict[str, Axis]:
    return {name: Axis(None, "abstains: no text is left after deduplication") for name in AXES}


def _score(corpus: Deduplicated, counts: Survey, axes: dict[str, Axis], profile: str) -> QualityScore:
    share = corpus.fresh_words / corpus.offered_words if corpus.offered_words else 0.0
    if profile == "robust":
        mean = _robust_mean(axes, counts.supported) if corpus.kept else 0.0
        factor = counts.gate * math.sqrt(share)
    else:
        mean, factor = _paper_mean(axes), 1.0
    explanation = {name: axis.explanation for name, axis in axes.items()}
    explanation["fluency"] = _fluency_sentence(counts)
    explanation["duplicates"] = _duplicates_sentence(corpus)
    explanation["quality"] = (
        f"fluency {counts.gate:.2f} x sqrt(fresh share {share:.2f}) x mean of the axes {mean:.2f}"
        if profile == "robust"
        else f"mean of the axes {mean:.2f}"
    )
    return QualityScore(
        quality=quanta(factor * mean),
        **{name: axes[name].value for name in AXES},
        tokens=corpus.tokens,
        documents=len(corpus.kept),
        duplicates_removed=corpus.removed_documents,
        languages=counts.tokens_by_language(),
        abstained=tuple(name for name in AXES if axes[name].value is None),
        explanation=explanation,
        evidence=_evidence(corpus, counts, axes),
    )


def _robust_mean(axes: dict[str, Axis], supported: float) -> float:
    """Weighted mean in [0, 1]; what is not supported, and what abstains, counts as ``UNCHECKED``."""
    total = 0.0
    for name, weight in WEIGHTS["robust"].items():
        value = axes[name].value
        heard = 0.0 if value is None else 1.0 if name == "metadata" else supported
        total += weight * (heard * (value or 0) + (1.0 - heard) * UNCHECKED)
    return total / (100 * QUANTA)


def _paper_mean(axes: dict[str, Axis]) -> float:
    """Mean in [0, 1] of the axes that speak; 0 when none does."""
    weights = {name: weight for name, weight in WEIGHTS["paper"].items() if axes[name].value is not None}
    total = sum(weight * (axes[name].value or 0) for name, weight in weights.items())
    return total / (sum(weights.values()) * QUANTA) if weights else 0.0


def _fluency_sentence(counts: Survey) -> str:
    if not counts.tokens:
        return "no text to read"
    parts = []
    if counts.supported > 0:
        parts.append(
            f"neighbouring words tell {counts.fluency.order:.2f} bits about each other (shuffled words: below 0), "
            f"{percent(counts.fluency.grammar)} are function words, "
            f"{percent(counts.fluency.rarity)} are in no dictionary"
        )
    if counts.supported < 1:
        parts.append(
            f"{percent(1 - counts.supported)} is in unsupported languages: there cleanliness, diversity and novelty "
            f"abstain and count {UNCHECKED / QUANTA:.2f}"
        )
    return "; ".join(parts)


def _duplicates_sentence(corpus: Deduplicated) -> str:
    if not corpus.removed_documents and not corpus.cut_sentences:
        return "nothing repeats itself or earlier text"
    counts = corpus.removed
    text = (
        f"removed: {counts['exact']} exact copies, {counts['copied']} documents copied from earlier or public text, "
        f"{counts['near']} near copies, {corpus.cut_sentences} copied sentences"
    )
    for example in corpus.examples[:1]:
        text += f"; for example {example.id} repeats {example.twin or 'several earlier texts'}"
    return text


def _evidence(corpus: Deduplicated, counts: Survey, axes: dict[str, Axis]) -> dict[str, Any]:
    return {
        "tokens": {"offered": corpus.offered_tokens, "kept": corpus.tokens},
        "words": {"offered": corpus.offered_words, "fresh": corpus.fresh_words},
        "removed": {**corpus.removed, "sentences": corpus.cut_sentences},
        "gate": quanta(counts.gate),
        "fluency": {
            "junctions": counts.fluency.junctions,
            "information_per_256_bit": counts.fluency.information,
            "plain_words": counts.fluency.plain,
            "function_words": counts.fluency.function,
            "unknown_words": counts.fluency.rare,
        },
    } | {name: axis.evidence for name, axis in axes.items()}


def _seed(seed: bytes, label: str) -> bytes:
    return hashlib.sha256(len(seed).to_bytes(8, "big") + seed + label.encode()).digest()


def _texts(ramp: tuple[float, float]) -> list[str]:
    return [str(value) for value in ramp]


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress:
        progress(stage, done, total)
