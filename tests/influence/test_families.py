"""What holds for every estimator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
import torch

from oracle.errors import BadInput, CheckFailed
from oracle.influence import state
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, reproducible
from oracle.influence.estimators import ESTIMATORS, estimator
from oracle.influence.job import Job
from oracle.influence.marginal import make_job, marginal_utility
from oracle.influence.spec import InfluenceSpec

NAMES = list(ESTIMATORS)
SPEC = InfluenceSpec(
    quota=500, sequences=2, microbatches=2, checkpoints=3, probes=2, iterations=3, subsets=7, validation_sequences=8
)
Market = dict[str, list[str]]


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def job(base: BaseModel, market: Market) -> Job:
    corpora = [market["near"], [], market["far"], market["noise"]]
    return make_job(base, corpora, market["validation"][:1], SPEC, seed=3, compute=Compute(torch.device("cpu")))


def of(job: Job, name: str, **changes: object) -> Job:
    return replace(job, spec=replace(job.spec, estimator=name), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_the_cost_stated_beforehand_is_the_cost_counted(job: Job, name: str, meter: list[float]) -> None:
    own = of(job, name)
    stated = estimator(name).passes(own)
    assert not meter, "stating the cost takes no pass"
    estimator(name).estimate(own)
    assert sum(meter) / sum(len(windows) for windows in job.data) == pytest.approx(stated, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_run_goes_on_with_the_same_log(
    job: Job, name: str, meter: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "EVERY", 0.0)
    monkeypatch.setattr(state, "SHARE", 1e9)

    def kill(stage: str, done: int, total: int) -> None:
        if 2 * done > total:
            raise Killed

    with reproducible():
        whole = estimator(name).estimate(of(job, name))
        cost = sum(meter)
        kept = tmp_path / "state"
        with pytest.raises(Killed):
            estimator(name).estimate(of(job, name, state=kept, progress=kill))
        assert kept.exists()
        meter.clear()
        assert estimator(name).estimate(of(job, name, state=kept)) == whole
    assert sum(meter) < 0.8 * cost
    assert not kept.exists()


@pytest.mark.parametrize("name", NAMES)
def test_text_near_the_target_gains_most_and_no_text_nothing(base: BaseModel, market: Market, name: str) -> None:
    spec = replace(SPEC, estimator=name, quota=1_500)
    corpora = [market["near"], [], market["noise"]]
    result = marginal_utility(base, corpora, market["validation"][:2], spec, seed=3)
    near, empty, noise = result.gains
    assert near > noise
    assert empty == 0 and result.stderr[1] == 0
    assert result.log["empty"] == [1]
    assert rfc8785.dumps(result.log)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("cg", "diagonal")])
def test_a_gradient_that_is_not_finite_names_step_and_provider(job: Job, name: str) -> None:
    wild = of(job, name)
    spec = replace(wild.spec, learning_rate=1e38, warm_up=1)
    with pytest.raises(CheckFailed, match=r"step \d+: the gradient of provider \d is not finite"):
        estimator(name).estimate(replace(wild, spec=spec))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"settled", "in-run"}))
def test_several_processes_are_refused(job: Job, name: str) -> None:
    with pytest.raises(BadInput, match="one process"):
        estimator(name).estimate(of(job, name, compute=Compute(torch.device("cpu"), processes=2)))
