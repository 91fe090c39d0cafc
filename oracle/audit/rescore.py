"""Scoring the round again, by the operators' own code, for an auditor to whom the keys were wrapped."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from oracle.audit.content import influence_log
from oracle.audit.difference import Mismatch, require_equal
from oracle.audit.subject import Subject
from oracle.evidence.leaf import QUANTUM
from oracle.evidence.observation import Score
from oracle.influence.replay import first_difference
from oracle.node.compute import Computation, Result, compute
from oracle.node.folder import Progress
from oracle.node.opening import Reader, open_round
from oracle.node.scoring import load_inputs


def rescore(subject: Subject, reader: Reader, *, device: torch.device | None, progress: Progress | None) -> str:
    """Attested scores against computed ones: status and tokens exactly, q and phi within the published tolerance.

    A single operator that saw something else, or whose influence log does not replay, does not make the medians wrong:
    it is named in the detail.
    """
    computed = _compute(subject, reader, device, progress)
    results = computed.results
    tolerance = subject.pipeline.tolerance
    for leaf, mine in zip(subject.leaves, results, strict=True):
        item = f"provider {leaf.provider}"
        require_equal(f"status of {item}", mine.status.name, leaf.status.name)
        require_equal(f"tokens of {item}", mine.tokens, leaf.tokens)
        _require_near(f"quality of {item}", mine.quality, leaf.quality // QUANTUM, tolerance.quality)
        _require_near(f"impact of {item}", mine.impact, leaf.impact // QUANTUM, tolerance.impact)
    outliers = [
        f"operator {observation.operator} saw provider {score.provider} otherwise"
        for observation in subject.observations
        for score, mine in zip(observation.scores, results, strict=True)
        if not _agrees(score, mine, tolerance.quality, tolerance.impact)
    ]
    for observation in subject.observations:
        log = influence_log(subject, observation)
        difference = first_difference(log, computed.log, scale=subject.pipeline.gain_ref)
        if difference is not None:
            outliers.append(f"the influence log of operator {observation.operator} differs at {difference.path}")
    scored = (
        f"{len(results)} providers scored again, q within {tolerance.quality} and phi within {tolerance.impact} quanta"
    )
    return "; ".join([scored, *outliers])


def _compute(subject: Subject, reader: Reader, device: torch.device | None, progress: Progress | None) -> Computation:
    market, round_id = subject.market, subject.round_id
    held = open_round(market, round_id, subject.store, subject.board, reader, subject.pipeline, progress=progress)
    with tempfile.TemporaryDirectory(prefix="mia-audit-") as folder:
        inputs = load_inputs(
            market, round_id, subject.store, subject.board, Path(folder) / "base", subject.pipeline, held
        )
        return compute(inputs, device=device, progress=progress)


def _require_near(item: str, expected: int, found: int, tolerance: int) -> None:
    if abs(expected - found) > tolerance:
        raise Mismatch(item, f"{expected / 10_000:.4f} within {tolerance / 10_000:.4f}", f"{found / 10_000:.4f}")


def _agrees(score: Score, mine: Result, quality: int, impact: int) -> bool:
    return (
        (score.status, score.tokens) == (mine.status, mine.tokens)
        and abs(score.quality - mine.quality) <= quality
        and abs(score.impact - mine.impact) <= impact
    )
