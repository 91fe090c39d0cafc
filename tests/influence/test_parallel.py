from __future__ import annotations

import multiprocessing
from dataclasses import replace

import pytest
import torch

from oracle.errors import CheckFailed, EnvironmentFailure
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, reproducible
from oracle.influence.inrun import InRun
from oracle.influence.job import Job
from oracle.influence.marginal import make_job
from oracle.influence.parallel import ALONE, Group, launch
from oracle.influence.spec import InfluenceSpec

Market = dict[str, list[str]]
TWO = Compute(torch.device("cpu"), processes=2)


@pytest.fixture
def job(base: BaseModel, market: Market) -> Job:
    """15 microbatches in steps of 4: the last step's do not share out evenly, nor do the validation batches."""
    spec = InfluenceSpec(quota=900, validation_sequences=40)
    corpora = [market["near"], market["noise"]]
    return make_job(base, corpora, market["validation"], spec, seed=7, compute=Compute(torch.device("cpu")))


def test_two_processes_find_what_one_finds(job: Job) -> None:
    with reproducible():
        alone = InRun().estimate(job)
        both = InRun().estimate(replace(job, compute=TWO))
    assert both.gains == pytest.approx(alone.gains, rel=1e-5)
    assert both.stderr == pytest.approx(alone.stderr, rel=1e-5)
    assert both.log.keys() == alone.log.keys()
    assert both.log["order"] == alone.log["order"]
    for losses in ("losses", "validation_losses"):
        assert [float(loss) for loss in both.log[losses]] == pytest.approx(
            [float(loss) for loss in alone.log[losses]], rel=1e-5
        )
    assert not multiprocessing.active_children()


def test_several_processes_are_another_environment(job: Job) -> None:
    assert replace(job, compute=TWO).key != job.key


def test_the_error_of_a_process_is_raised_here(job: Job) -> None:
    wild = replace(job.spec, learning_rate=1e38, warm_up=1, refresh=10_000)
    with pytest.raises(CheckFailed, match="step 1: the gradient of provider 0 is not finite") as caught:
        InRun().estimate(replace(job, spec=wild, data=job.data[:1], compute=TWO))
    assert caught.value.input == "provider 0"


def fail_in_the_second(job: Job, group: Group) -> float:
    if group.rank == 1:
        raise ValueError("out of luck")
    return float(group.sum(torch.ones(1)))


def test_a_process_that_fails_is_named_and_none_is_left(job: Job) -> None:
    with pytest.raises(EnvironmentFailure, match=r"process 1 of 2 failed: .*out of luck") as caught:
        launch(fail_in_the_second, replace(job, compute=TWO))
    assert caught.value.input == "process 1"
    assert not multiprocessing.active_children()


def test_shares_of_all_processes_are_the_whole() -> None:
    shares = [Group(rank, 3).share(range(8)) for rank in range(3)]
    assert sorted(place for share in shares for place in share) == list(range(8))
    assert ALONE.share(range(8)) == range(8)
