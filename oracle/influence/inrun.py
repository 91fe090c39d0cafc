"""First-order in-run Shapley: one fine-tune on everybody's text, and what each microbatch did for the validation loss.

Every microbatch holds one provider's text. A step moves the weights by -lr * P * clip * (mean gradient), so to first
order it lowers the validation loss by lr * clip * <P * mean gradient, validation gradient>: a sum over microbatches,
and its Shapley value is each one's own term (Wang et al., "Data Shapley in One Training Run", 2024). Appendix D of
the paper has a minus before g^T H^-1 g_val: with g_val the gradient of the validation *loss* the improvement has a
plus. P is Adam's preconditioner, 1 / (sqrt(v_hat) + floor). The floor is relative to the mean of sqrt(v_hat): an
absolute 1e-8 lets weights that were hardly ever updated decide the score.

Memory does not grow with the providers: one step's gradients are held, and each provider has a few sums and a sketch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import torch

from oracle.influence.finetune import FineTune, Step
from oracle.influence.job import Estimate, Job
from oracle.influence.sequences import Windows
from oracle.influence.sketch import BUCKETS, Sketch, sketch_hash
from oracle.influence.state import StateFile


@dataclass
class Books:
    """What a run has found so far; JSON-able, so that it can be put down and taken up."""

    gains: list[float]
    squares: list[float]
    parts: list[int]
    losses: list[str] = field(default_factory=list)
    validation_losses: list[str] = field(default_factory=list)
    validation_gradients: list[str] = field(default_factory=list)


class InRun:
    """The default estimator."""

    def passes(self, job: Job) -> float:
        spec = job.spec
        step = spec.sequences * spec.microbatches
        steps = -(-sum(len(own) for own in job.data) // step)
        watched = min(spec.validation_sequences, len(job.validation))
        return 1 + -(-steps // spec.refresh) * watched * job.base.context / max(1, job.tokens)

    def estimate(self, job: Job) -> Estimate:
        """The fine-tune; taken up where ``job.state`` left it, with the same log."""
        run = Run(job)
        run.play()
        return run.result()


class Run:
    """One fine-tune with its books."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.tune = FineTune(job.base, job.data, job.spec, job.seed, job.compute)
        self.sketch = Sketch(len(self.tune.weights.flat), job.compute.device)
        self.towards = torch.zeros_like(self.tune.weights.flat)
        self.sketches = torch.zeros(len(job.data), BUCKETS, dtype=torch.float64)
        zeros = [0.0] * len(job.data)
        self.books = Books(list(zeros), list(zeros), [0] * len(job.data))
        self.before = self.tune.weights.mean_loss(job.validation)
        self.state = StateFile(job.state, job.key)

    def play(self) -> None:
        """Take every step that is left, putting the state down now and then."""
        start = self.take_up()
        draws = self.validation_draws()
        for _ in self.books.validation_losses:
            next(draws)
        for number in range(start, len(self.tune.steps)):
            if number % self.job.spec.refresh == 0:
                self.look(next(draws), number)
            self.tune.step(number, self.watch)
            if self.state.due():
                self.put_down(number + 1)
            if self.job.progress:
                self.job.progress("marginal utility", number + 1, len(self.tune.steps))

    def validation_draws(self) -> Iterator[Windows]:
        """Windows of each refresh, going round the (already drawn) sample."""
        pool = self.job.validation
        ring = cycle(range(len(pool)))
        size = min(self.job.spec.validation_sequences, len(pool))
        while True:
            yield pool[list(islice(ring, size))]

    def look(self, windows: Windows, number: int) -> None:
        """Take the validation gradient anew."""
        self.towards, loss = self.tune.weights.mean_gradient(windows, what=f"validation at step {number}")
        self.books.validation_losses.append(repr(loss))
        self.books.validation_gradients.append(sketch_hash(self.sketch(self.towards)))

    def watch(self, step: Step) -> None:
        """Credit every microbatch with what it does for the validation loss in this step."""
        books = self.books
        steepness = (step.preconditioner * self.towards).double()
        for batch, part in zip(step.microbatches, step.parts, strict=True):
            gain = step.learning_rate * step.scale * float(part.double() @ steepness)
            books.gains[batch.provider] += gain
            books.squares[batch.provider] += gain * gain
            books.parts[batch.provider] += 1
            self.sketches[batch.provider] += self.sketch(part)
        books.losses.append(repr(step.loss))

    def result(self) -> Estimate:
        books = self.books
        log: dict[str, Any] = {
            "order": [batch.provider for step in self.tune.steps for batch in step],
            "losses": books.losses,
            "validation_losses": books.validation_losses,
            "validation_gradients": books.validation_gradients,
            "validation_loss_before": repr(self.before),
            "validation_loss_after": repr(self.tune.weights.mean_loss(self.job.validation)),
            "gradient_sums": [sketch_hash(own) for own in self.sketches],
        }
        self.state.clear()
        return Estimate(tuple(books.gains), tuple(map(spread, books.gains, books.squares, books.parts)), log)

    def put_down(self, done: int) -> None:
        optimiser = self.tune.optimiser
        tensors = {
            "weights": self.tune.weights.flat,
            "mean": optimiser.mean,
            "square": optimiser.square,
            "towards": self.towards,
            "sketches": self.sketches,
        }
        self.state.save(tensors, {"done": done, "books": vars(self.books)})

    def take_up(self) -> int:
        """Put everything back as it was; the number of steps that were done."""
        kept = self.state.load(self.job.compute.device)
        if kept is None:
            return 0
        tensors, about = kept
        self.tune.weights.flat.copy_(tensors["weights"])
        self.tune.optimiser.mean, self.tune.optimiser.square = tensors["mean"], tensors["square"]
        self.tune.optimiser.taken = about["done"]
        self.towards, self.sketches = tensors["towards"], tensors["sketches"].cpu()
        self.books = Books(**about["books"])
        return int(about["done"])


def spread(total: float, squares: float, parts: int) -> float:
    """Standard error of a sum of ``parts`` microbatches' gains, taken as draws from one provider's text."""
    if parts < 2:
        return abs(total)
    variance = max(0.0, squares - total * total / parts) / (parts - 1)
    return float((parts * variance) ** 0.5)
