"""First-order in-run Shapley: one fine-tune on everybody's text, and what each microbatch did for the validation loss.

Every microbatch holds one provider's text. A step moves the weights by -lr * P * clip * (mean gradient), so to first
order it lowers the validation loss by lr * clip * <P * mean gradient, validation gradient>: a sum over microbatches,
and its Shapley value is each one's own term (Wang et al., "Data Shapley in One Training Run", 2024). Appendix D of
the paper has a minus before g^T H^-1 g_val: with g_val the gradient of the validation *loss* the improvement has a
plus. P is Adam's preconditioner, 1 / (sqrt(v_hat) + floor). The floor is relative to the mean of sqrt(v_hat): an
absolute 1e-8 lets weights that were hardly ever updated decide the score.

Memory does not grow with the providers: one step's gradients are held, and each provider has a running hash.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor

from oracle.errors import BadInput, CheckFailed
from oracle.influence.base import BaseModel, mean_loss
from oracle.influence.device import pick_device, reproducible
from oracle.influence.sequences import Windows, cut_windows, draw_key, draw_passages, text_digest

KIND = "mixed-mia/in-run-shapley/1"
EVALUATION_BATCH = 16  # windows per pass of a validation gradient


@dataclass(frozen=True)
class InfluenceSpec:
    """The fine-tune. ``quota`` bounds each provider's training tokens (of the base model's tokenizer).

    ``sequences`` per microbatch, ``microbatches`` per step; a validation gradient of ``validation_sequences`` every
    ``refresh`` steps; ``floor`` of the preconditioner relative to the mean of sqrt(v_hat). No weight decay: it moves
    nobody's credit.
    """

    quota: int = 12_000
    learning_rate: float = 5e-4
    betas: tuple[float, float] = (0.9, 0.99)
    floor: float = 0.1
    warm_up: int = 5
    clip: float = 1.0
    sequences: int = 4
    microbatches: int = 4
    validation_sequences: int = 64
    refresh: int = 4


@dataclass(frozen=True)
class InfluenceResult:
    """``gains``: nats per validation token by which each provider lowered the validation loss, in corpus order.

    ``tokens`` used of each provider, ``losses`` the mean training loss of each step, ``log`` the replay log
    (JSON-able; numbers that are not integers are strings that read back exactly), ``passes`` the gradient passes in
    units of the training tokens, ``seconds`` wall time.
    """

    gains: tuple[float, ...]
    tokens: tuple[int, ...]
    losses: tuple[float, ...]
    log: dict[str, Any]
    passes: float
    seconds: float


class Adam:
    """Adam on one flat vector, split so that the preconditioner of a step can be read before the step is taken."""

    def __init__(self, size: int, spec: InfluenceSpec, device: torch.device) -> None:
        self.spec = spec
        self.taken = 0
        self.mean = torch.zeros(size, device=device)
        self.square = torch.zeros(size, device=device)

    def precondition(self, gradient: Tensor) -> Tensor:
        """Take in the step's (clipped) gradient; P, of the same size, for this step."""
        first, second = self.spec.betas
        self.taken += 1
        self.mean.lerp_(gradient, 1 - first)
        self.square.lerp_(gradient.square(), 1 - second)
        root = (self.square / (1 - second**self.taken)).sqrt()
        return 1 / (root + self.spec.floor * root.mean())

    @property
    def learning_rate(self) -> float:
        return self.spec.learning_rate * min(1.0, self.taken / self.spec.warm_up)

    def update(self, preconditioner: Tensor) -> Tensor:
        """What to add to the weights."""
        corrected = self.mean / (1 - self.spec.betas[0] ** self.taken)
        return -self.learning_rate * preconditioner * corrected


def in_run_shapley(
    base: BaseModel,
    corpora: Sequence[Sequence[str]],
    validation: Sequence[str],
    spec: InfluenceSpec,
    *,
    seed: int,
    device: torch.device | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> InfluenceResult:
    """Each corpus's gain on ``validation``, from one fine-tune of ``base`` on all of them.

    ``seed`` (the round's beacon) draws the passages of every provider and of the validation text, and the order. A
    corpus without usable tokens gains 0 and is listed in ``log["empty"]``. The same arguments on one machine with one
    thread count give an identical log.

    Raises BadInput when the validation text is empty or nobody has any tokens, CheckFailed, naming step and provider,
    when a loss or gradient is not finite.
    """
    started = time.perf_counter()
    device = device or pick_device()
    context = base.model.shape.context
    pool = cut_windows(draw_passages(validation, seed), base.tokenizer, context)
    data = [cut_windows(draw_passages(texts, seed), base.tokenizer, context, spec.quota) for texts in corpora]
    tokens = tuple(windows.tokens for windows in data)
    if not len(pool):
        raise BadInput("the validation text is empty", input="validation", hint="give the text of the target domain")
    if not any(tokens):
        raise BadInput("no provider has any usable text", input="corpora", hint="nothing to score")
    with reproducible():
        run = Run(base, data, pool.to(device), spec, seed, device)
        gains = run.play(progress)
    log = {
        "kind": KIND,
        "spec": {key: value if isinstance(value, int) else str(value) for key, value in asdict(spec).items()},
        "seed": str(seed),
        "environment": {
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
        "base": base.digest,
        "tokenizer": text_digest([base.tokenizer.to_str()]),
        "validation": text_digest(validation),
        "data": [text_digest(texts) for texts in corpora],
        "tokens": list(tokens),
        "empty": [provider for provider, count in enumerate(tokens) if not count],
        "order": [provider for provider, _ in run.order],
        "losses": [repr(loss) for loss in run.losses],
        "validation_losses": [repr(loss) for loss in run.validation_losses],
        "validation_gradients": run.validation_hashes,
        "validation_loss_before": repr(run.before),
        "validation_loss_after": repr(run.after),
        "gradients": [running.hexdigest() for running in run.gradient_hashes],
        "gains": [repr(gain) for gain in gains],
    }
    refreshes = len(run.validation_losses)
    passes = 1 + refreshes * min(spec.validation_sequences, len(pool)) * context / sum(tokens)
    return InfluenceResult(tuple(gains), tokens, tuple(run.losses), log, passes, time.perf_counter() - started)


class Run:
    """One fine-tune with its books. ``order`` lists (provider, first window) of every microbatch."""

    def __init__(
        self, base: BaseModel, data: list[Windows], pool: Windows, spec: InfluenceSpec, seed: int, device: torch.device
    ) -> None:
        self.spec = spec
        self.data = data
        self.device = device
        self.model = deepcopy(base.model).to(device)
        self.weights = list(self.model.parameters())
        self.flat = torch.nn.utils.parameters_to_vector(self.weights).detach()
        torch.nn.utils.vector_to_parameters(self.flat, self.weights)  # the weights are views of it from here on
        self.order = sorted(
            ((provider, first) for provider, own in enumerate(data) for first in range(0, len(own), spec.sequences)),
            key=lambda batch: draw_key(seed, str(batch[0]), str(batch[1])),
        )
        self.watched = pool[: spec.validation_sequences]
        self.draws = self.validation_draws(pool)
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.validation_hashes: list[str] = []
        self.gradient_hashes = [hashlib.sha256() for _ in data]
        self.before = mean_loss(self.model, self.watched)
        self.after = self.before

    def validation_draws(self, pool: Windows) -> Iterator[Windows]:
        """Windows for each refresh, going round the (already drawn) pool."""
        ring = cycle(range(len(pool)))
        size = min(self.spec.validation_sequences, len(pool))
        while True:
            yield pool[list(islice(ring, size))]

    def steps(self) -> list[list[tuple[int, int]]]:
        size = self.spec.microbatches
        return [self.order[first : first + size] for first in range(0, len(self.order), size)]

    def gradient(self, windows: Windows, tokens: int) -> tuple[Tensor, float]:
        """Flat gradient and value of the summed loss of ``windows`` divided by ``tokens``."""
        loss = self.model.loss(windows.inputs, windows.targets) / tokens
        parts = torch.autograd.grad(loss, self.weights)
        return torch.cat([part.flatten() for part in parts]), float(loss.detach().double())

    def validation_gradient(self) -> Tensor:
        windows = next(self.draws)
        total, loss = torch.zeros_like(self.flat), 0.0
        for first in range(0, len(windows), EVALUATION_BATCH):
            part, value = self.gradient(windows[first : first + EVALUATION_BATCH], windows.tokens)
            total += part
            loss += value
        if not (torch.isfinite(total).all() and total.any()):
            raise CheckFailed(
                f"step {len(self.losses)}: the validation gradient is not finite",
                input="validation",
                hint="the base model or the validation text is damaged",
            )
        self.validation_losses.append(loss)
        self.validation_hashes.append(hashlib.sha256(total.cpu().numpy().tobytes()).hexdigest())
        return total

    def play(self, progress: Callable[[str, int, int], None] | None) -> list[float]:
        """The fine-tune itself; each provider's gain."""
        spec = self.spec
        optimiser = Adam(len(self.flat), spec, self.device)
        full = spec.sequences * self.model.shape.context
        steps = self.steps()
        gains = [0.0] * len(self.data)
        towards = torch.empty(0)
        for step, microbatches in enumerate(steps):
            if step % spec.refresh == 0:
                towards = self.validation_gradient()
            # a short microbatch, or a short last step, counts by its tokens: the divisor is that of a full one
            parts, total = [], 0.0
            for provider, first in microbatches:
                windows = self.data[provider][first : first + spec.sequences].to(self.device)
                part, loss = self.gradient(windows, full * spec.microbatches)
                if not torch.isfinite(part).all():
                    raise CheckFailed(
                        f"step {step}: the gradient of provider {provider} is not finite (loss {loss})",
                        input=f"provider {provider}",
                        hint="leave this provider out, or lower the learning rate",
                    )
                self.gradient_hashes[provider].update(part.cpu().numpy().tobytes())
                parts.append(part)
                total += loss * full * spec.microbatches / windows.tokens
            gradient = torch.stack(parts).sum(0)
            clip = min(1.0, spec.clip / float(gradient.norm()))
            preconditioner = optimiser.precondition(clip * gradient)
            steepness = (preconditioner * towards).double()
            for (provider, _), part in zip(microbatches, parts, strict=True):
                gains[provider] += optimiser.learning_rate * clip * float(part.double() @ steepness)
            self.flat += optimiser.update(preconditioner)
            self.losses.append(total / len(microbatches))
            if progress:
                progress("marginal utility", step + 1, len(steps))
        self.after = mean_loss(self.model, self.watched)
        return gains
