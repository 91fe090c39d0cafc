"""Quality of every corpus of a market, in one of two published profiles of one pipeline.

Corpora are deduplicated (earlier first), surveyed (integer counts), and a seeded sample of their sentences is embedded;
four axes follow - cleanliness, diversity, novelty, metadata - and q from them, by ``robust`` or ``paper``. A corpus of
which nothing is kept has q = 0, and all its axes abstain.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from oracle.corpus import dedup
from oracle.corpus.document import Document
from oracle.corpus.shards import corpus_digest
from oracle.corpus.spool import Spool, gather
from oracle.quality import explain, paper, robust, sampling
from oracle.quality.axis import Axis
from oracle.quality.claims import Claims
from oracle.quality.cohesion import cohesion
from oracle.quality.embedding import Vectors, embed
from oracle.quality.metadata import Description, describe
from oracle.quality.neighbours import Reference
from oracle.quality.sharded import survey_corpus
from oracle.quality.spec import AXES, QualitySpec
from oracle.quality.view import View

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class QualityScore:
    """One provider's scores in quanta of 1e-4 (an abstaining axis is None), and what is behind them.

    ``languages`` maps ISO 639-1 codes to kept tokens. ``evidence`` holds exact integers and strings, the same on every
    machine; ``measures`` what embeddings gave, as told to the reader.
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
    measures: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class MarketScore:
    """Scores and kept documents (copied sentences cut out), one entry per corpus, in order."""

    scores: list[QualityScore]
    kept: list[Sequence[Document]]


def score_market(
    corpora: Sequence[Sequence[Document]],
    *,
    reference: Sequence[Document] | None,
    spec: QualitySpec,
    seed: bytes,
    index: Reference | None = None,
    claims: Sequence[Claims | None] | None = None,
    workers: int = 1,
    quotes: bool = True,
    progress: Progress | None = None,
) -> MarketScore:
    """Score the corpora of one market, earlier commitments first.

    Args:
        corpora: one sequence of documents per provider, not yet deduplicated; spools where they are large.
        reference: public texts (sentences or whole documents) that are new to nobody; None: earlier corpora only.
        spec: the published choices.
        seed: decides which sentences are sampled; public, and unknown before the commitments are in.
        index: every sentence of the reference, for novelty, beside or instead of the spec's sample of it.
        claims: what each corpus' card or Croissant file says of it.
        workers: processes that survey the shards of a spool; the scores do not depend on it.
        quotes: whether explanations may quote the texts; not where the explanations are public and the texts are not.

    Raises:
        EnvironmentFailure: the sentence model is missing or altered, or the disk is full.
    """
    seen = views(
        corpora,
        reference=reference,
        spec=spec,
        seed=seed,
        index=index,
        claims=claims,
        workers=workers,
        progress=progress,
    )
    told = seen if quotes else [_without_quotes(view) for view in seen]
    return MarketScore([score_view(view, spec) for view in told], [view.corpus.kept for view in seen])


def views(
    corpora: Sequence[Sequence[Document]],
    *,
    reference: Sequence[Document] | None,
    spec: QualitySpec,
    seed: bytes,
    index: Reference | None = None,
    claims: Sequence[Claims | None] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[View]:
    """All the work of :func:`score_market` but the last step: what either profile makes its scores of."""
    public = reference or ()
    _tell(progress, "deduplication", 0, 1)
    unique = dedup.deduplicate(corpora, public=(document.text for document in public))
    surveys = []
    for place, corpus in enumerate(unique):
        _tell(progress, "counts", place, len(unique))
        surveys.append(survey_corpus(corpus.kept, workers=workers))
    samples = [
        sampling.sample_sentences(
            corpus.kept, np.where(counts.readable, counts.tokens, 0), spec.sample, _seed(seed, f"corpus {place}")
        )
        for place, (corpus, counts) in enumerate(zip(unique, surveys, strict=True))
    ]
    known = sampling.sample_reference(public, spec.reference_sample, _seed(seed, "reference"))
    offered = [sentence.text for sample in samples for sentence in sample]
    texts = [*known, *offered]
    vectors = np.concatenate((_embedded(known, spec.audited), embed(offered, audited=spec.audited, progress=progress)))
    found, end = [], len(known)
    for place, (corpus, counts, sample) in enumerate(zip(unique, surveys, samples, strict=True)):
        start, end = end, end + len(sample)
        said = describe(
            corpus.kept,
            counts.languages,
            claims[place] if claims else None,
            as_of=datetime.date.fromisoformat(spec.as_of),
            half_life=spec.half_life,
            offered=len(corpora[place]),
        )
        found.append(
            View(
                corpus=corpus,
                counts=counts,
                cohesion=cohesion(corpus.kept, counts.tokens, _seed(seed, f"cohesion {place}")),
                sentences=sample,
                vectors=vectors[start:end],
                earlier=vectors[:start],
                texts=texts[:start],
                index=index,
                metadata=_metadata(said, spec.recency),
                digest=_digest(corpora[place]),
            )
        )
    return found


def score_view(view: View, spec: QualitySpec) -> QualityScore:
    """One corpus' score by one profile."""
    profile = robust if spec.profile == "robust" else paper
    axes = profile.axes(view, spec) if len(view.corpus.kept) else _nothing_left()
    quality, reason = profile.quality(view, axes, spec) if len(view.corpus.kept) else (0, "nothing is left")
    explanation = {name: axis.explanation for name, axis in axes.items()} | {
        "fluency": explain.fluency(view.counts),
        "cohesion": explain.cohesion(view.cohesion),
        "duplicates": explain.duplicates(view.corpus),
        "filters": view.counts.filters.sentence(),
        "quality": reason,
    }
    return QualityScore(
        quality=quality,
        **{name: axes[name].value for name in AXES},
        tokens=view.corpus.tokens,
        documents=len(view.corpus.kept),
        duplicates_removed=view.corpus.removed_documents,
        languages=view.counts.tokens_by_language(),
        abstained=tuple(name for name in AXES if axes[name].value is None),
        explanation=explanation,
        evidence={"input": view.digest}
        | explain.evidence(view.corpus, view.counts)
        | {"cohesion": asdict(view.cohesion)}
        | {name: axis.evidence for name, axis in axes.items()},
        measures={name: axis.measures for name, axis in axes.items() if axis.measures},
    )


def _without_quotes(view: View) -> View:
    damage = replace(view.counts.damage, ranked=())
    return replace(
        view,
        counts=replace(view.counts, damage=damage),
        corpus=replace(view.corpus, examples=()),
        sentences=tuple(replace(sentence, text="") for sentence in view.sentences),
    )


def _nothing_left() -> dict[str, Axis]:
    return {name: Axis(None, "abstains: no text is left after deduplication") for name in AXES}


@lru_cache(maxsize=4)
def _embedded(known: tuple[str, ...], audited: bool) -> Vectors:
    """Vectors of a reference's sample, kept for the next market that is held against it."""
    return embed(known, audited=audited)


def _metadata(said: Description, share: int) -> Axis:
    """What is said of the corpus, and ``share`` percent of how new it is; whoever gives no date gains nothing by it."""
    axis, recency = said.metadata, said.recency
    if axis.value is None:
        return axis
    value = round(((100 - share) * axis.value + share * (recency.value or 0)) / 100)
    return Axis(value, f"{axis.explanation}; {recency.explanation}", axis.evidence | {"recency": recency.evidence})


def _digest(corpus: Sequence[Document]) -> str:
    """The digest of a corpus as it was offered, hex."""
    if isinstance(corpus, Spool):
        return corpus_digest(corpus).hex()
    with closing(gather(corpus)) as spool:
        return corpus_digest(spool).hex()


def _seed(seed: bytes, label: str) -> bytes:
    return hashlib.sha256(len(seed).to_bytes(8, "big") + seed + label.encode()).digest()


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress:
        progress(stage, done, total)
