"""Spot audits without replay: what a single window adds to its provider's score, by two forward passes.

Such a score is a sum over windows of <gradient of the window's loss at fixed weights theta, s> times a unit, with one
direction s for everybody. The derivative along s is the central difference [L(theta + e s) - L(theta - e s)] / 2e: no
gradient, and no other window. Every window's value is a line under a Merkle root; who wants to audit draws places after
the root is known, and recomputes those alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import nan
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional

from oracle.errors import BadInput
from oracle.evidence import canonical
from oracle.evidence.merkle import document_root
from oracle.influence.device import tensor_float
from oracle.influence.finetune import Weights
from oracle.influence.gpt import IGNORED
from oracle.influence.job import Job
from oracle.influence.replay import Difference
from oracle.influence.sequences import Windows


@dataclass(frozen=True)
class Precision:
    """How values are computed: the shift e s as a share of the weights' length, and whether CUDA may use TF32; and how
    far they agree on different machines: of a value to the root mean square of those checked, of a gain to the sum of
    its values' sizes."""

    dtype: torch.dtype
    shift: float
    value: float
    gain: float
    tf32: bool = False


EXACT = Precision(torch.float64, 1e-5, value=1e-3, gain=1e-3)
"""Off by 2e-6 of a typical value, the error of a float32 gradient, of which such gains are sums."""
FAST = Precision(torch.float32, 1e-3, value=1e-2, gain=1e-9)
"""Half the cost; the losses' rounding leaves 1e-3 of a typical value, at the shift that was measured best. The gains
are the very sums of these values."""
COARSE = Precision(torch.float32, 3e-3, value=5e-2, gain=1e-9, tf32=True)
"""For runs in bfloat16: TF32's rounding, 8e-3 of a typical value at this shift and more at others, is as large as
theirs."""


@dataclass(frozen=True)
class Aim:
    """Where windows are measured: at ``weights`` along ``vector``, s (flat, of the parameters' size, on the device).

    ``windows`` of each provider; ``units``: what a window's derivative is multiplied by, by provider. ``together``
    windows in a row are one part of a gain, whose spread is the standard error. ``log``: how weights and s were found.
    """

    weights: Tensor
    vector: Tensor
    windows: Sequence[Windows]
    units: Sequence[float]
    together: int
    precision: Precision
    log: Mapping[str, Any]

    def weights_of(self, job: Job) -> Weights:
        """A model that a probe can move."""
        return Weights(job.base, job.compute, dtype=self.precision.dtype)


@runtime_checkable
class Aiming(Protocol):
    """An estimator whose gains are sums over windows at fixed weights."""

    def measured(self, job: Job) -> Sequence[Windows]:
        """Of each provider the windows that have a value; no work."""

    def aim(self, job: Job) -> Aim:
        """Find weights and direction anew, all that a spot audit needs. Raises as the estimate does."""


class Probe:
    """Measures windows; ``weights`` are moved, and left where they were put last."""

    def __init__(self, aim: Aim, weights: Weights) -> None:
        self.weights, self.units = weights, aim.units
        self.middle, self.along = aim.weights.to(weights.flat), aim.vector.to(weights.flat)
        self.tf32 = aim.precision.tf32
        self.reach = aim.precision.shift * float(self.middle.norm() / self.along.norm())

    def values(self, provider: int, windows: Windows) -> list[float]:
        """What each of these windows adds to the provider's gain, nats per validation token."""
        with tensor_float(self.tf32):
            rise = self.losses(windows, self.reach) - self.losses(windows, -self.reach)
        found: list[float] = (rise * (self.units[provider] / (2 * self.reach))).tolist()
        return found

    @torch.no_grad()
    def losses(self, windows: Windows, reach: float) -> Tensor:
        """Summed loss of each window, (windows,) float64 nats, ``reach`` times s away."""
        weights = self.weights
        torch.add(self.middle, self.along, alpha=reach, out=weights.flat)
        found = [weights.flat.new_zeros(0, dtype=torch.float64)]
        for first in range(0, len(windows), weights.batch):
            batch = windows[first : first + weights.batch].to(weights.flat.device)
            logits = weights.model(batch.inputs).flatten(0, 1)
            tokens = functional.cross_entropy(logits, batch.targets.flatten(), ignore_index=IGNORED, reduction="none")
            found.append(tokens.view_as(batch.targets).double().sum(1))
        return torch.cat(found)


def document_lines(data: Sequence[Windows], values: Sequence[Sequence[float]]) -> list[bytes]:
    """A line for each value, by provider and place."""
    return [
        document_line(provider, place, own[place : place + 1], value)
        for provider, (own, found) in enumerate(zip(data, values, strict=True))
        for place, value in enumerate(found)
    ]


def document_line(provider: int, place: int, window: Windows, value: float) -> bytes:
    """Canonical JSON: whose window, its place among the measured, SHA-256 of its tokens, its value (reads back)."""
    return canonical.dumps({"provider": provider, "place": place, "window": window.digest, "value": repr(value)})


def check_documents(
    job: Job,
    aim: Aim,
    lines: Sequence[bytes],
    *,
    root: bytes,
    gains: Sequence[float],
    sample: Sequence[int],
) -> Difference | None:
    """The first difference between what was published and what this machine finds, or None.

    The lines must hash to ``root``, be of the measured windows, and add up to ``gains``; the values at ``sample``
    (indices drawn after the root was known) must be those found here. Raises BadInput for an index out of range.
    """
    windows = [
        (provider, place, own[place : place + 1])
        for provider, own in enumerate(aim.windows)
        for place in range(len(own))
    ]
    if not all(0 <= index < len(windows) for index in sample):
        raise BadInput(f"the job measures {len(windows)} windows", input="sample", hint="indices start at 0")
    if (known := document_root(lines)) != root:
        return Difference("documents_root", known.hex(), root.hex())
    if len(lines) != len(windows):
        return Difference("documents", f"{len(windows)} lines", f"{len(lines)} lines")
    stated = [stated_value(line) for line in lines]

    def differs(index: int, value: float) -> Difference:
        return Difference(f"documents[{index}]", document_line(*windows[index], value).decode(), shown(lines[index]))

    for index, (line, value) in enumerate(zip(lines, stated, strict=True)):
        if line != document_line(*windows[index], value):
            return differs(index, value)
    values = iter(stated)
    for provider, own in enumerate(aim.windows):
        mine = list(islice(values, len(own)))
        if not abs(sum(mine) - gains[provider]) <= aim.precision.gain * sum(map(abs, mine)):
            return Difference(f"gains[{provider}]", repr(float(sum(mine))), repr(gains[provider]))
    probe = Probe(aim, aim.weights_of(job))
    found = [probe.values(windows[index][0], windows[index][2])[0] for index in sample]
    size = sum(value * value for value in found) ** 0.5 / max(1, len(found)) ** 0.5
    for index, value in zip(sample, found, strict=True):
        if not abs(stated[index] - value) <= aim.precision.value * size:
            return differs(index, value)
    return None


def shown(line: bytes) -> str:
    """A published line, whatever it holds."""
    return line.decode(errors="backslashreplace")


def stated_value(line: bytes) -> float:
    """The value a line states; not a number where it states none."""
    try:
        return float(json.loads(line)["value"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return nan
