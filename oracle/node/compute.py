"""From verified texts to scores: the one computation that operators and auditors share.

Pure in its inputs: the specification, the base model, the texts in the order of commitments, the validation sample and
the beacon. Each stage is checkpointed under the hash of exactly what it reads, so an interrupted run continues and an
altered text is never answered from an old result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from oracle.corpus import dedup
from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.evidence import canonical
from oracle.evidence.leaf import Status
from oracle.influence.base import BaseModel
from oracle.influence.inrun import in_run_shapley
from oracle.influence.rescale import rescale
from oracle.node.pipeline import Pipeline
from oracle.quality.profile import score_market

Progress = Callable[[str, int, int], None]
Stage = Callable[[str, dict[str, Any], Callable[[], Any]], Any]
"""(name, what the stage reads, the work) -> the work's JSON result, remembered or computed."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one commitment: its verified texts, or None and the reason why there are none."""

    documents: tuple[Document, ...] | None
    missing: str = ""

    @property
    def digest(self) -> str:
        """sha256 over the canonical lines (hex): what every result of these texts is remembered under."""
        hasher = hashlib.sha256()
        for document in self.documents or ():
            hasher.update(canonical_line(document) + b"\n")
        return hasher.hexdigest()


@dataclass(frozen=True, slots=True)
class Result:
    """One provider's scores: quality and impact in quanta of 1e-4, tokens after deduplication, reasons as JSON."""

    status: Status
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


def compute(
    inputs: Inputs,
    *,
    stage: Stage | None = None,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> tuple[Result, ...]:
    """Score every commitment, in order: remove what is near the validation sample, deduplicate across providers
    (earlier commitment first), quality, in-run influence seeded by the beacon, rescaling by the terms' reference gain.

    A commitment whose bytes are not held is UNAVAILABLE, one without usable text EMPTY: neither is an exception.
    """
    stage = stage or _at_once
    clean, contaminated = _without_validation(inputs)
    usable = [place for place, documents in enumerate(clean) if documents]
    subject = {
        "pipeline": inputs.pipeline.digest.hex(),
        "beacon": inputs.beacon.hex(),
        "validation": Held(inputs.validation).digest,
        "texts": [inputs.held[place].digest for place in usable],
    }
    texts = [clean[place] for place in usable]
    quality = stage("quality", subject, lambda: _quality(inputs, texts, progress)) if usable else _NO_QUALITY
    kept = [_pick(documents, chosen) for documents, chosen in zip(texts, quality["kept"], strict=True)]
    influence = stage(
        "influence", subject | {"device": str(device)}, lambda: _influence(inputs, kept, device, progress)
    )
    results = {
        place: _result(quality["scores"][at], influence["gains"][at], inputs, contaminated[place])
        for at, place in enumerate(usable)
    }
    return tuple(results.get(place) or _nothing(held, contaminated[place]) for place, held in enumerate(inputs.held))
