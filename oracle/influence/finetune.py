"""The fine-tune that every family shares: AdamW over provider-homogeneous microbatches in a drawn order.

A microbatch holds windows of one provider; a step takes a few microbatches of any providers. Whoever watches sees each
microbatch's own gradient, the step's clip and the preconditioner before the weights move. Memory holds one step's
gradients, whatever the number of providers. A step waits once for the device: for its gradient's norm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import inf, isfinite
from typing import NoReturn

import torch
from torch import Tensor

from oracle.errors import CheckFailed
from oracle.influence.base import BaseModel
from oracle.influence.device import Compute
from oracle.influence.parallel import ALONE, Group
from oracle.influence.sequences import Windows, draw_key, join
from oracle.influence.spec import InfluenceSpec

FORWARD = 1 / 3  # gradient passes of a look without a gradient
EVALUATION_BATCH = 16  # windows per pass where no update depends on it
LOGITS = {"cpu": 1 << 26, "cuda": 1 << 30}  # numbers at once, at most, where a single window does not have more


class Weights:
    """A private copy of a base model whose weights are views of one flat vector, and its gradients as flat vectors.

    ``group`` shares the passes over many windows; ``dtype`` is the weights' own.
    """

    def __init__(
        self, base: BaseModel, compute: Compute, group: Group = ALONE, dtype: torch.dtype = torch.float32
    ) -> None:
        self.compute = compute
        self.group = group
        vocabulary = max(base.end + 1, base.tokenizer.get_vocab_size())
        self.logits = base.context * vocabulary  # of one window
        self.batch = max(1, min(EVALUATION_BATCH, LOGITS[compute.device.type] // self.logits))
        self.model = deepcopy(base.model).to(compute.device, dtype)
        self.parameters = list(self.model.parameters())
        self.flat = torch.nn.utils.parameters_to_vector(self.parameters).detach()
        torch.nn.utils.vector_to_parameters(self.flat, self.parameters)
        self.loss = compute.loss_of(self.model)

    def gradient(self, windows: Windows, divisor: float) -> tuple[Tensor, Tensor]:
        """Flat gradient and value (float64, on the device) of the summed loss of ``windows`` over ``divisor``."""
        on = windows.to(self.compute.device)
        loss = self.loss(on.inputs, on.targets) / divisor
        parts = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        return torch.cat([part.flatten() for part in parts]), loss.detach().double()

    def mean_gradient(self, windows: Windows, *, what: str) -> tuple[Tensor, float]:
        """Gradient and value of the mean loss per token; CheckFailed, naming ``what``, when it is not finite."""
        total = torch.zeros_like(self.flat)
        losses = total.new_zeros((), dtype=torch.float64)
        for first in self.group.share(range(0, len(windows), self.batch)):
            part, value = self.gradient(windows[first : first + self.batch], windows.tokens)
            total += part
            losses += value
        self.group.sum(total)
        loss = float(self.group.sum(losses))
        if not torch.isfinite(total).all():
            raise CheckFailed(
                f"the gradient of {what} is not finite (loss {loss})",
                input=what,
                hint="the base model or this text is damaged",
            )
        return total, loss

    @torch.no_grad()
    def mean_loss(self, windows: Windows) -> float:
        """Mean cross-entropy over all targets, nats per token."""
        total = self.flat.new_zeros((), dtype=torch.float64)
        for first in self.group.share(range(0, len(windows), self.batch)):
            batch = windows[first : first + self.batch].to(self.compute.device)
            total += self.loss(batch.inputs, batch.targets).double()
        return float(self.group.sum(total)) / windows.tokens


class Adam:
    """Adam on one flat vector, split so that the preconditioner of a step can be read before the step is taken."""

    def __init__(self, like: Tensor, spec: InfluenceSpec) -> None:
        self.spec = spec
        self.taken = 0
        self.mean = torch.zeros_like(like)
        self.square = torch.zeros_like(like)

    def precondition(self, gradient: Tensor) -> Tensor:
        """Take in the step's (clipped) gradient; P, of the same size, for this step."""
        first, second = self.spec.betas
        self.taken += 1
        self.mean.lerp_(gradient, 1 - first)
        self.square.lerp_(gradient.square(), 1 - second)
        return 1 / self.scale(gradient)

    def scale(self, gradient: Tensor) -> Tensor:
        """1 / P = sqrt(v_hat) + floor; before the first step as if ``gradient`` were all that was ever seen."""
        bias = 1 - self.spec.betas[1] ** self.taken
        root = (self.square / bias).sqrt() if self.taken else gradient.abs()
        return root + self.spec.floor * root.mean()

    @property
    def learning_rate(self) -> float:
        return self.spec.learning_rate * min(1.0, self.taken / self.spec.warm_up)

    def update(self, preconditioner: Tensor) -> Tensor:
        """What to add to the weights."""
        corrected = self.mean / (1 - self.spec.betas[0] ** self.taken)
        return -self.learning_rate * preconditioner * corrected


@dataclass(frozen=True)
class Microbatch:
    """Windows ``first`` to ``first + size`` of one provider."""

    provider: int
    first: int
    size: int

    def of(self, data: Sequence[Windows]) -> Windows:
        return data[self.provider][self.first : self.first + self.size]


def draw_order(data: Sequence[Windows], spec: InfluenceSpec, seed: int) -> list[Microbatch]:
    """All microbatches in the order of a keyed hash: leaving a provider out moves nobody else's."""
    batches = [
        Microbatch(provider, first, min(spec.sequences, len(own) - first))
        for provider, own in enumerate(data)
        for first in range(0, len(own), spec.sequences)
    ]
    return sorted(batches, key=lambda batch: draw_key(seed, str(batch.provider), str(batch.first)))


@dataclass(frozen=True)
class Step:
    """One step as it is about to be taken: the update is -``learning_rate`` * P * (running mean of clip * gradient).

    ``parts`` are the gradients of this process's ``microbatches`` (all processes' add up to the gradient of the mean
    training loss), ``scale`` what the clip multiplies them by, ``preconditioner`` P, ``loss`` the mean training loss.
    """

    number: int
    microbatches: Sequence[Microbatch]
    parts: Sequence[Tensor]
    scale: float
    learning_rate: float
    preconditioner: Tensor
    loss: float


Watch = Callable[[Step], None]


class FineTune:
    """One epoch over ``data``, a step at a time."""

    def __init__(
        self,
        base: BaseModel,
        data: Sequence[Windows],
        spec: InfluenceSpec,
        seed: int,
        compute: Compute,
        group: Group = ALONE,
    ) -> None:
        self.spec = spec
        self.data = data
        self.group = group
        self.weights = Weights(base, compute, group)
        self.optimiser = Adam(self.weights.flat, spec)
        order = draw_order(data, spec, seed)
        self.steps = [order[first : first + spec.microbatches] for first in range(0, len(order), spec.microbatches)]
        self.full = spec.sequences * base.context * spec.microbatches

    def tensors(self) -> dict[str, Tensor]:
        """What has to be kept to go on after a kill, beside the number of steps taken."""
        return {"weights": self.weights.flat, "mean": self.optimiser.mean, "square": self.optimiser.square}

    def restore(self, tensors: Mapping[str, Tensor], taken: int) -> None:
        """Go on from ``tensors``, after ``taken`` steps."""
        self.weights.flat.copy_(tensors["weights"])
        self.optimiser.mean, self.optimiser.square = tensors["mean"], tensors["square"]
        self.optimiser.taken = taken

    def run(self, watch: Watch | None = None, *, start: int = 0) -> None:
        """Take the steps from ``start`` on; ``watch`` sees each before the weights move."""
        for number in range(start, len(self.steps)):
            self.step(number, watch)

    def step(self, number: int, watch: Watch | None = None) -> float:
        """Take one step; the mean training loss before it. With nobody watching, its text goes through the model at
        once, where it fits. A short microbatch, or a short last step, counts by its tokens: the divisor is that of a
        full step.

        Raises CheckFailed, naming step and provider, when a gradient is not finite; the weights have not moved then.
        """
        microbatches = self.group.share(self.steps[number])
        apart = [batch.of(self.data) for batch in microbatches]
        joined = watch is None and 0 < sum(map(len, apart)) <= self.weights.batch
        together = [join(apart)] if joined else apart
        gradient = torch.zeros_like(self.weights.flat)
        totals = gradient.new_zeros(2, dtype=torch.float64)  # summed loss over a full step's tokens; tokens
        parts = []
        for windows in together:
            part, loss = self.part(windows)
            gradient += part
            totals[0] += loss
            totals[1] += windows.tokens
            parts.append(part)
        self.group.sum(gradient)
        self.group.sum(totals)
        share, tokens, norm = [*totals.tolist(), float(gradient.norm())]
        if not isfinite(norm):
            self.refuse(number, apart)
        scale = self.spec.clip / norm if norm > self.spec.clip else 1.0
        preconditioner = self.optimiser.precondition(scale * gradient)
        loss_before: float = share * self.full / tokens
        if watch is not None:
            rate = self.optimiser.learning_rate
            watch(Step(number, microbatches, parts, scale, rate, preconditioner, loss_before))
        self.weights.flat += self.optimiser.update(preconditioner)
        return loss_before

    def refuse(self, number: int, apart: Sequence[Windows]) -> NoReturn:
        """Raise CheckFailed for the provider of the step's largest gradient, the first that is not finite if any."""
        found = self.weights.flat.new_zeros(2, len(self.steps[number]))
        for place, windows in zip(self.group.share(range(len(self.steps[number]))), apart, strict=True):
            part, loss = self.part(windows)
            found[:, place] = torch.stack([part.norm(), loss * self.full / windows.tokens])
        norms, losses = self.group.sum(found).tolist()
        sizes = [norm if isfinite(norm) else inf for norm in norms]
        place = sizes.index(max(sizes))
        provider = self.steps[number][place].provider
        raise CheckFailed(
            f"step {number}: the gradient of provider {provider} is not finite (loss {losses[place]})",
            input=f"provider {provider}",
            hint="leave this provider out, or lower the learning rate",
        )

    def part(self, windows: Windows) -> tuple[Tensor, Tensor]:
        """A microbatch's share of the step's gradient, and of its loss; every window clipped where the terms say so.

        ``document_clip`` bounds the norm of each window's mean gradient.
        """
        bound = self.spec.document_clip
        if not bound:
            return self.weights.gradient(windows, self.full)
        total = torch.zeros_like(self.weights.flat)
        losses = total.new_zeros((), dtype=torch.float64)
        for place in range(len(windows)):
            window = windows[place : place + 1]
            gradient, loss = self.weights.gradient(window, self.full)
            norm = gradient.norm().double() * self.full / window.tokens
            total += gradient * (bound / norm).clamp(max=1.0)
            losses += loss
        return total, losses
