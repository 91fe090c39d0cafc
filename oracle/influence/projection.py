"""One pass over a provider's text along a fixed direction: what TracIn and curvature share.

Only dot products are kept, and one sketch of the gradients' sum: no second copy of the parameters per provider.
"""

from __future__ import annotations

import torch
from torch import Tensor

from oracle.errors import BadInput, CheckFailed
from oracle.influence.finetune import FineTune
from oracle.influence.inrun import spread
from oracle.influence.job import Job
from oracle.influence.sequences import Windows
from oracle.influence.sketch import BUCKETS, Sketch


def project(
    tune: FineTune, windows: Windows, direction: Tensor, sketch: Sketch, *, provider: int, where: str
) -> tuple[list[float], Tensor]:
    """<gradient, ``direction``> of each microbatch at the weights as they are, and the sketch of the gradients' sum.

    A microbatch's gradient is its share of a full step's mean loss (``FineTune.part``). ``direction`` is float64, of
    the parameters' size. Raises CheckFailed, naming provider and ``where``, when a gradient is not finite.
    """
    size = tune.spec.sequences
    products: list[float] = []
    total = direction.new_zeros(BUCKETS)
    for first in range(0, len(windows), size):
        part, loss = tune.part(windows[first : first + size])
        if not torch.isfinite(part).all():
            raise CheckFailed(
                f"{where}: the gradient of provider {provider} is not finite (loss {float(loss)})",
                input=f"provider {provider}",
                hint="leave this provider out, or check the base model",
            )
        products.append(float(part.double() @ direction))
        total += sketch(part)
    return products, total


def standard_error(parts: list[float]) -> float:
    """Of the sum of a provider's microbatches' gains, from their spread."""
    return spread(sum(parts), sum(part * part for part in parts), len(parts))


def validation_shares(job: Job, looks: int) -> list[Windows]:
    """The validation windows of each look, going round the (already drawn) sample: together at most about one pass."""
    pool, training = job.validation, sum(len(own) for own in job.data)
    size = min(len(pool), -(-training // looks))
    return [pool[[(look * size + place) % len(pool) for place in range(size)]] for look in range(looks)]


def require_one_process(job: Job) -> None:
    """BadInput for a job that is to be spread over several processes, which only settled and in-run can."""
    if job.compute.processes > 1:
        raise BadInput(
            f"{job.spec.estimator} runs in one process, not in {job.compute.processes}",
            input="processes",
            hint="use 1 process, or the estimator settled or in-run",
        )
