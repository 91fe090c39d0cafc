from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.influence.ablation import retrain
from oracle.influence.base import BaseModel
from oracle.influence.marginal import make_job, marginal_utility
from oracle.influence.spec import InfluenceSpec
from oracle.influence.tracin import TracIn, segments

SPEC = InfluenceSpec(estimator="tracin", quota=3_000)
Market = dict[str, list[str]]


def test_gains_add_up_to_the_fall_of_the_validation_loss(base: BaseModel, market: Market) -> None:
    # exact to first order: small steps without momentum, and the whole validation sample at every checkpoint
    spec = replace(SPEC, learning_rate=2e-5, betas=(0.0, 0.99))
    job = make_job(base, [market["near"][:4], market["near"][4:]], market["validation"][:1], spec, seed=11)
    fell = retrain(job, ()) - retrain(job, (0, 1))
    assert fell > 0
    assert sum(TracIn().estimate(job).gains) == pytest.approx(fell, rel=0.15)


def test_segments_cover_the_steps_and_are_never_empty(base: BaseModel, market: Market) -> None:
    for quota, count in ((3_000, 4), (300, 1)):
        job = make_job(base, [market["near"]], market["validation"][:1], replace(SPEC, quota=quota), seed=0)
        parts = segments(job)
        assert len(parts) == count
        steps = [step for part in parts for step in part]
        assert steps == list(range(len(steps)))
        assert all(parts)


def test_the_log_names_the_checkpoints(base: BaseModel, market: Market) -> None:
    log = marginal_utility(base, [market["near"], []], market["validation"][:1], SPEC, seed=11).log["runs"][0]
    assert log["checkpoints"] == sorted(set(log["checkpoints"])) and len(log["checkpoints"]) == SPEC.checkpoints
    assert [len(sums) for sums in log["gradient_sums"]] == [2] * SPEC.checkpoints
