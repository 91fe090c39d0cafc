"""Spot audits without replay: what a single window adds to its provider's score, by two forward passes.

A score at fixed weights is a sum over windows of <gradient of the window's loss, s> / quota, with one direction s for
everybody. The derivative along s is the central difference [L(theta + e s) - L(theta - e s)] / 2e: no gradient, and no
other window. Every window's value is a line under a Merkle root; who wants to audit draws places after the root is
known, and recomputes those alone.

The shift e s is a fixed share of the weights' length, and the model runs in float64. Against the exact product a
window's value is then off by 2e-6 of a typical one, which is the float32 gradient's own error; in float32 the losses'
rounding leaves 1e-3 whatever the shift.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from itertools import islice
from math import nan

import torch
from torch import Tensor
from torch.nn import functional

from oracle.errors import BadInput
from oracle.evidence import canonical
from oracle.evidence.merkle import document_root
from oracle.influence.finetune import EVALUATION_BATCH
from oracle.influence.gpt import IGNORED
from oracle.influence.job import Job
from oracle.influence.replay import Difference
from oracle.influence.sequences import Windows

SHIFT = 1e-5  # of the weights' length: at 1e-4 the third derivative costs ten times the agreement


class Probe:
    """Two private copies of the base model's weights, moved along ``direction`` (flat, any length) and against it."""

    def __init__(self, job: Job, direction: Tensor) -> None:
        if job.spec.document_clip:
            raise BadInput(
                "a clipped window's value takes its gradient",
                input="document_clip",
                hint="audit by replay, or set document_clip to 0",
            )
        self.device = job.compute.device
        self.model = deepcopy(job.base.model).to(self.device, torch.float64)
        weights = torch.nn.utils.parameters_to_vector(self.model.parameters()).detach()
        along = direction.to(weights)
        reach = SHIFT * float(weights.norm() / along.norm())
        self.ahead, self.behind = weights + reach * along, weights - reach * along
        self.scale = 1 / (2 * reach * job.spec.quota)

    def values(self, windows: Windows) -> list[float]:
        """What each window adds to its provider's gain, nats per validation token."""
        found: list[float] = []
        for first in range(0, len(windows), EVALUATION_BATCH):
            batch = windows[first : first + EVALUATION_BATCH].to(self.device)
            rise = self.losses(self.ahead, batch) - self.losses(self.behind, batch)
            found += (rise * self.scale).tolist()
        return found

    @torch.no_grad()
    def losses(self, weights: Tensor, windows: Windows) -> Tensor:
        """Summed loss of each window at ``weights``, nats."""
        torch.nn.utils.vector_to_parameters(weights, self.model.parameters())
        logits = self.model(windows.inputs).flatten(0, 1)
        tokens = functional.cross_entropy(logits, windows.targets.flatten(), ignore_index=IGNORED, reduction="none")
        return tokens.view_as(windows.targets).sum(1)


def document_values(job: Job, direction: Tensor) -> list[bytes]:
    """The lines under the log's ``documents_root``, one for each window of each provider, in order."""
    probe = Probe(job, direction)
    return document_lines(job.data, [probe.values(own) for own in job.data])


def document_lines(data: Sequence[Windows], values: Sequence[Sequence[float]]) -> list[bytes]:
    """A line for each value, by provider and place."""
    return [
        document_line(provider, place, own[place : place + 1], value)
        for provider, (own, found) in enumerate(zip(data, values, strict=True))
        for place, value in enumerate(found)
    ]


def document_line(provider: int, place: int, window: Windows, value: float) -> bytes:
    """Canonical JSON: whose window, its place, SHA-256 of its tokens, and its value as a string that reads back."""
    return canonical.dumps({"provider": provider, "place": place, "window": window.digest, "value": repr(value)})


def check_documents(
    job: Job,
    direction: Tensor,
    lines: Sequence[bytes],
    *,
    root: bytes,
    gains: Sequence[float],
    sample: Sequence[int],
    tolerance: float,
) -> Difference | None:
    """The first difference between what was published and what this machine finds, or None.

    The lines must hash to ``root``, be of this job's windows, and add up to ``gains``; the values at ``sample``
    (indices drawn after the root was known) must be those found here. ``tolerance`` is relative: of a sum to the sum
    of its lines' sizes, of a value to the root mean square of those found. Raises BadInput for an index out of range.
    """
    windows = [
        (provider, place, own[place : place + 1]) for provider, own in enumerate(job.data) for place in range(len(own))
    ]
    if not all(0 <= index < len(windows) for index in sample):
        raise BadInput(f"the job has {len(windows)} windows", input="sample", hint="indices start at 0")
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
    for provider, own in enumerate(job.data):
        mine = list(islice(values, len(own)))
        if not abs(sum(mine) - gains[provider]) <= tolerance * sum(map(abs, mine)):
            return Difference(f"gains[{provider}]", repr(float(sum(mine))), repr(gains[provider]))
    probe = Probe(job, direction)
    found = [probe.values(windows[index][2])[0] for index in sample]
    size = sum(value * value for value in found) ** 0.5 / max(1, len(found)) ** 0.5
    for index, value in zip(sample, found, strict=True):
        if not abs(stated[index] - value) <= tolerance * size:
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
