from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from oracle.errors import BadInput, EnvironmentFailure
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute, in_few_shapes, pick_device, reproducible
from oracle.influence.finetune import Weights
from oracle.influence.gpt import IGNORED
from oracle.influence.inrun import InRun
from oracle.influence.job import Estimator, Job
from oracle.influence.marginal import make_job
from oracle.influence.sequences import cut_windows
from oracle.influence.settled import Settled
from oracle.influence.spec import InfluenceSpec

Market = dict[str, list[str]]
CPU = Compute(torch.device("cpu"))
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


@pytest.fixture
def job(base: BaseModel, market: Market) -> Job:
    """An ordinary rate: at ten times this one, two precisions part ways as two orders of the data would."""
    corpora = [market["near"][:10], market["near"][10:], market["far"], market["noise"]]
    spec = InfluenceSpec(quota=3_000)
    return make_job(base, corpora, market["validation"], spec, seed=5, compute=CPU)


@pytest.mark.parametrize("engine", [Settled(), InRun()])
def test_bfloat16_agrees_with_float32_after_rescaling(job: Job, engine: Estimator) -> None:
    with reproducible():
        exact = engine.estimate(job).gains
        rounded = engine.estimate(replace(job, compute=replace(CPU, precision="bfloat16"))).gains
    assert rounded != exact
    whole_market = 4 * max(exact)
    assert [gain / whole_market for gain in rounded] == pytest.approx([gain / whole_market for gain in exact], abs=3e-3)


def test_bfloat16_keeps_weights_gradients_and_losses_in_float32(base: BaseModel, market: Market) -> None:
    weights = Weights(base, replace(CPU, precision="bfloat16"))
    windows = cut_windows(market["near"], base.tokenizer, base.end, base.context, quota=100)
    part, loss = weights.gradient(windows, 1.0)
    assert weights.flat.dtype == part.dtype == torch.float32
    assert loss.dtype == torch.float64
    assert weights.loss(windows.inputs, windows.targets).dtype == torch.float32


@needs_gpu  # elsewhere the compiler takes a minute to start
def test_a_compiled_loss_is_the_same_loss(base: BaseModel, market: Market) -> None:
    windows = cut_windows(market["near"], base.tokenizer, base.end, base.context, quota=3 * 32)
    plain, compiled = (Weights(base, Compute(torch.device("cuda"), compiled=compiled)) for compiled in (False, True))
    (expected, loss), (found, same) = (weights.gradient(windows, 96.0) for weights in (plain, compiled))
    assert float(same) == pytest.approx(float(loss), rel=1e-5)
    assert torch.allclose(found, expected, atol=1e-5)


@needs_gpu
def test_a_gpu_agrees_with_the_cpu_after_rescaling(job: Job) -> None:
    with reproducible():
        exact, found = (InRun().estimate(replace(job, compute=Compute(torch.device(name)))) for name in ("cpu", "cuda"))
    assert found.gains == pytest.approx(exact.gains, abs=4e-3 * max(exact.gains))


def test_few_shapes_are_compiled_and_padding_counts_for_nothing(base: BaseModel, market: Market) -> None:
    windows = cut_windows(market["near"], base.tokenizer, base.end, base.context, quota=9 * 32 - 5)
    shapes = set()

    def spy(inputs: Tensor, targets: Tensor) -> Tensor:
        shapes.add(len(inputs))
        return base.model.loss(inputs, targets)

    for count in range(1, 10):
        some = windows[:count]
        assert float(in_few_shapes(spy)(some.inputs, some.targets).detach()) == pytest.approx(
            float(base.model.loss(some.inputs, some.targets).detach()), rel=1e-6
        )
    assert shapes == {1, 2, 4, 8, 16}
    assert (windows.targets == IGNORED).sum() == 5


def test_what_moves_the_last_bits_is_described(job: Job) -> None:
    ways: list[dict[str, Any]] = [{}, {"precision": "bfloat16"}, {"compiled": True}, {"processes": 2}]
    computes = [replace(CPU, **way) for way in ways]
    assert len({replace(job, compute=compute).key for compute in computes}) == len(ways)
    assert computes[1].describe()["precision"] == "bfloat16"


def test_devices_by_name() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "mps", "meta", "", "cuda:x"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"device|reproduced") as caught:
        pick_device(name)
    assert caught.value.input == "device"


@no_gpu
def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(EnvironmentFailure, match=r"cuda:1: torch .* sees 0 GPUs"):
        pick_device("cuda:1")
    with pytest.raises(EnvironmentFailure, match="2 processes need as many GPUs"):
        Compute(torch.device("cuda"), processes=2)


@pytest.mark.parametrize(("way", "name"), [({"precision": "float16"}, "precision"), ({"processes": 0}, "processes")])
def test_a_way_to_compute_that_does_not_exist_is_refused(way: dict[str, Any], name: str) -> None:
    with pytest.raises(BadInput) as caught:
        replace(CPU, **way)
    assert caught.value.input == name


def test_the_settings_of_the_process_come_back() -> None:
    cuda = torch.backends.cuda
    before = torch.are_deterministic_algorithms_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.cudnn_sdp_enabled()
    with pytest.raises(RuntimeError), reproducible():
        assert torch.are_deterministic_algorithms_enabled() and not cuda.mem_efficient_sdp_enabled()
        raise RuntimeError
    after = torch.are_deterministic_algorithms_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.cudnn_sdp_enabled()
    assert after == before
