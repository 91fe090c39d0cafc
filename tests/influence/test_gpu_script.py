"""The GPU benchmark runs the same code here, at toy size: its floor is what a count by hand gives, its runs end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are not installed

from benchmarks.influence import gpu
from benchmarks.influence.gpu import RUNS, floor_of, random_job, speed
from oracle.influence.device import Compute
from oracle.influence.gpt import Architecture
from oracle.influence.spec import InfluenceSpec

SHAPE = Architecture(vocabulary=64, width=16, layers=2, heads=2, context=32)
STEPS, WARM = 8, 4


def test_the_floor_is_six_operations_for_every_parameter_that_multiplies() -> None:
    floor = floor_of(SHAPE)
    blocks = 2 * (3 + 1 + 4 + 4) * 16 * 16
    assert floor.multiplying == 64 * 16 + blocks and floor.parameters == floor.multiplying + 32 * 16
    assert floor.per_token == 6 * floor.multiplying and floor.attention_per_token == 6 * 2 * 16 * 32


@pytest.mark.parametrize("run", RUNS)
def test_the_floor_is_of_the_passes_that_are_taken_after_the_warm_up(
    run: str, meter: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock counts the model's passes over windows here: what it shows is what the floor must be made of."""
    monkeypatch.setattr(gpu, "now", lambda device: sum(meter))
    spec = InfluenceSpec(sequences=4, microbatches=4, validation_sequences=8, refresh=WARM)
    job = random_job(SHAPE, spec, STEPS, Compute(torch.device("cpu")))
    row = speed(run, job, floor_of(SHAPE), WARM, {"measured": 1e9})
    assert row["gradient_tokens"] == pytest.approx(row["seconds"] * job.base.context, rel=0.03)
    assert (row["passes"] > 1) == (run in ("in-run", "settled"))
