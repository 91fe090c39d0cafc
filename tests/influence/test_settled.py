"""The default estimator: gains are what leaving a provider out of a retraining would really cost, in nats."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from oracle.influence.ablation import retrain
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, reproducible
from oracle.influence.estimators import estimator
from oracle.influence.job import Job
from oracle.influence.marginal import make_job
from oracle.influence.parallel import ALONE
from oracle.influence.rescale import rescale
from oracle.influence.settled import Run, Settled
from oracle.influence.spec import InfluenceSpec

Market = dict[str, list[str]]
SPEC = InfluenceSpec(quota=6_000)


@pytest.fixture(scope="module")
def job(base: BaseModel, market: Market) -> Job:
    near = market["near"]
    corpora = [near[:10], near[10:], market["far"], market["noise"], []]
    return make_job(base, corpora, market["validation"], SPEC, seed=11, compute=Compute(torch.device("cpu")))


def gains_of(job: Job) -> tuple[float, ...]:
    with reproducible():
        return Settled().estimate(job).gains


def test_it_is_the_default() -> None:
    assert isinstance(estimator(InfluenceSpec().estimator), Settled)


def test_gains_agree_in_sign_and_size_with_leaving_out(job: Job) -> None:
    gains = gains_of(job)
    everybody = (0, 1, 2, 3)
    with reproducible():
        whole = retrain(job, everybody)
        costs = [retrain(job, tuple(p for p in everybody if p != out)) - whole for out in everybody]
    clear = [provider for provider in everybody if abs(costs[provider]) > max(map(abs, costs)) / 4]
    assert len(clear) >= 2
    for provider in clear:
        assert 0.25 < gains[provider] / costs[provider] < 4, (gains, costs)
    assert gains[4] == 0


def test_what_is_measured_was_not_trained_on(job: Job) -> None:
    run = Run(job, ALONE)
    for whole, trained, measured in zip(job.data, run.tune.data, run.measured, strict=True):
        assert len(trained) + len(measured) == len(whole)
        assert trained.tokens + measured.tokens == whole.tokens
    assert [len(own) for own in run.measured][-1] == 0


def test_a_single_window_is_measured(base: BaseModel, market: Market) -> None:
    spec = replace(SPEC, quota=20)
    single = make_job(base, [market["near"]], market["validation"], spec, seed=1, compute=Compute(torch.device("cpu")))
    assert len(single.data[0]) == 1
    (gain,) = gains_of(single)
    assert gain != 0


def test_one_thread_and_two_agree_within_the_tolerance(base: BaseModel, market: Market) -> None:
    spec = replace(SPEC, quota=1_000)
    corpora = [market["near"], market["noise"]]
    small = make_job(base, corpora, market["validation"][:2], spec, seed=1, compute=Compute(torch.device("cpu")))
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(gains_of(small))
    finally:
        torch.set_num_threads(threads)
    reference = 16 * max(found[0])
    phi = [rescale(gains, [0.0, 0.0], gain_ref=reference, profile="robust", noise_floor=0.0) for gains in found]
    assert max(abs(one - two) for one, two in zip(*phi, strict=True)) <= 1  # quanta of 1e-4


def test_two_processes_agree_with_one(job: Job) -> None:
    alone = gains_of(job)
    together = gains_of(replace(job, compute=Compute(torch.device("cpu"), processes=2)))
    # sums in another order; how much that moves a gain depends on the processor: up to 1.2 % of the largest was seen
    assert together == pytest.approx(alone, abs=0.02 * max(alone))
