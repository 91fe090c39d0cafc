"""From verified texts to scores: the one computation that operators and auditors share.

Pure in its inputs: the specification, the base model, the texts in the order of commitments, the validation sample and
the beacon. Each stage is checkpointed under the hash of exactly what it reads, so an interrupted run continues and an
altered text is never answered from an old result.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from oracle.corpus import dedup
from oracle.corpus.document import Document
from oracle.corpus.texts import Texts
from oracle.evidence.leaf import Status
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, pick_device
from oracle.influence.log import with_scores
from oracle.influence.marginal import marginal_utility
from oracle.influence.rescale import credit, rescale
from oracle.influence.state import Seal
from oracle.node.folder import Progress
from oracle.node.held import Held
from oracle.node.pipeline import Pipeline
from oracle.quality.profile import score_market
from oracle.quality.tags import one_code

Stage = Callable[[str, dict[str, Any], Callable[[], Any]], Any]
"""(name, what the stage reads, the work) -> the work's JSON result, remembered or computed."""


@dataclass(frozen=True, slots=True)
class Result:
    """One provider's scores: ``group`` 1 for members of the tranche, quality and impact in quanta of 1e-4, tokens after
    deduplication, reasons as JSON."""

    status: Status
    group: int
    quality: int
    impact: int
    tokens: int
    reasons: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a round's scores depend on, ``held`` in the order of commitments."""

    pipeline: Pipeline
    base: BaseModel
    held: tuple[Held, ...]
    validation: tuple[Document, ...]
    reference: tuple[Document, ...] | None
    beacon: bytes


@dataclass(frozen=True, slots=True)
class Computation:
    """Results in the order of commitments, and the influence run's replay log with the phi it led to."""

    results: tuple[Result, ...]
    log: dict[str, Any]


def compute(
    inputs: Inputs,
    *,
    stage: Stage | None = None,
    state: Path | None = None,
    seal: Seal | None = None,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> Computation:
    """Score every commitment, in order: remove what is near the validation sample, deduplicate across providers
    (earlier commitment first), quality, influence seeded by the beacon, rescaling by the reference gain.

    A commitment whose bytes are not held has the status that they were not held for, one without usable text is EMPTY:
    neither is an exception. Providers keep their places in both stages, so that one that drops out moves nobody else's
    draws. Texts stay where they are held, on disk; no stage's result has any.
    ``state`` is a folder from which an influence run that was killed goes on, closed with ``seal``.
    """
    stage = stage or _at_once
    left: list[Sequence[Document]] = []  # what scoring left of the texts; nothing where the scores were known

    def quality() -> list[dict[str, Any]]:
        scores, left[:] = _quality(inputs, corpora, progress)
        return scores

    def influence() -> dict[str, Any]:
        kept = left or _deduplicated(inputs, corpora)
        used = [own if score["tokens"] else () for own, score in zip(kept, scores, strict=True)]
        return _influence(inputs, used, state, seal, device, progress)

    clean = [dedup.decontaminate(held.documents or (), inputs.validation) for held in inputs.held]
    subject = {
        "pipeline": inputs.pipeline.digest.hex(),
        "beacon": inputs.beacon.hex(),
        "validation": Held(inputs.validation).digest,
        "texts": [held.digest for held in inputs.held],
    }
    corpora = [kept for kept, _ in clean]
    scores = stage("quality", subject, quality)
    gains = stage("influence", {**subject, "device": str(device or pick_device())}, influence)
    pipeline = inputs.pipeline
    profile = pipeline.quality_spec.profile
    scored = [place for place, score in enumerate(scores) if score["tokens"]]
    impacts = rescale(
        [gains["gains"][place] for place in scored],
        [gains["stderr"][place] for place in scored],
        gain_ref=pipeline.gain_ref,
        profile=profile,
        noise_floor=pipeline.noise_floor,
    )
    impact_of = dict(zip(scored, impacts, strict=True))
    phi = [impact_of.get(place, 0) for place in range(len(inputs.held))]
    results = tuple(
        _result(pipeline, held, contaminated, score, gain, stderr, impact)
        for held, (_, contaminated), score, gain, stderr, impact in zip(
            inputs.held, clean, scores, gains["gains"], gains["stderr"], phi, strict=True
        )
    )
    scale = {"gain_ref": pipeline.gain_ref, "noise_floor": pipeline.noise_floor}
    return Computation(results, with_scores(gains["log"], phi, profile=profile, **scale))


def influence_seed(beacon: bytes) -> int:
    """The seed of the influence run: 63 bits of the beacon's hash, so that nobody chose it."""
    return int.from_bytes(hashlib.sha256(b"mixed-mia/influence/1" + beacon).digest()[:8], "big") >> 1


def _quality(
    inputs: Inputs, corpora: Sequence[Sequence[Document]], progress: Progress | None
) -> tuple[list[dict[str, Any]], list[Sequence[Document]]]:
    """Scores of the corpora, and what is left of them after deduplication."""
    if not any(corpora):
        return [{"tokens": 0}] * len(corpora), [()] * len(corpora)
    market = score_market(
        corpora,
        reference=inputs.reference,
        spec=inputs.pipeline.quality_spec,
        seed=inputs.beacon,
        quotes=False,
        progress=progress,
    )
    return [asdict(score) for score in market.scores], market.kept


def _deduplicated(inputs: Inputs, corpora: Sequence[Sequence[Document]]) -> list[Sequence[Document]]:
    """What scoring left of the texts, once more: scores are remembered, texts are not."""
    public = (document.text for document in inputs.reference or ())
    return [corpus.kept for corpus in dedup.deduplicate(corpora, public=public)]


def _influence(
    inputs: Inputs,
    corpora: Sequence[Sequence[Document]],
    state: Path | None,
    seal: Seal | None,
    device: torch.device | None,
    progress: Progress | None,
) -> dict[str, Any]:
    """Gain of every provider and its standard error, nats per validation token; nobody gains where nobody has text."""
    if not any(corpora):
        return {"gains": [0.0] * len(corpora), "stderr": [0.0] * len(corpora), "log": {}}
    run = marginal_utility(
        inputs.base,
        [Texts(corpus) for corpus in corpora],
        [document.text for document in inputs.validation],
        inputs.pipeline.influence_spec,
        seed=influence_seed(inputs.beacon),
        compute=Compute(device or pick_device()),
        state=state,
        seal=seal,
        progress=progress,
    )
    return {"gains": list(run.gains), "stderr": list(run.stderr), "log": run.log}


def _result(
    pipeline: Pipeline,
    held: Held,
    contaminated: int,
    score: dict[str, Any],
    gain: float,
    stderr: float,
    impact: int,
) -> Result:
    if held.documents is None:
        return Result(held.status, 0, 0, 0, 0, {"missing": held.missing})
    influence = {
        "gain": repr(gain),
        "stderr": repr(stderr),
        "credited": repr(float(credit(gain, stderr, pipeline.noise_floor))),
        "phi": impact,
    }
    reasons = {
        "documents": len(held.documents),
        "near_validation": contaminated,
        "quality": score,
        "influence": influence,
    }
    if not score["tokens"]:
        return Result(Status.EMPTY, 0, 0, 0, 0, reasons)
    group = group_of(score["languages"], pipeline.tranche_languages)
    return Result(Status.SCORED, group, score["quality"], impact, score["tokens"], reasons)


def group_of(tokens: dict[str, int], tranche_languages: Sequence[str]) -> int:
    """1 for a provider of the diversity tranche: whose language of most tokens (the first by its code among equals) is
    one of the tranche's, all of them compared by ``one_code``."""
    shares: Counter[str] = Counter()
    for language, count in tokens.items():
        shares[one_code(language)] += count
    main = min(shares, key=lambda language: (-shares[language], language))
    return int(main in map(one_code, tranche_languages))


def _at_once(name: str, subject: dict[str, Any], work: Callable[[], Any]) -> Any:
    return work()
