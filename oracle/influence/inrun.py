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

from oracle.influence.finetune import FORWARD, FineTune, Step
from oracle.influence.job import Estimate, Job
from oracle.influence.parallel import Group, launch
from oracle.influence.sequences import Windows
from oracle.influence.sketch import BUCKETS, Sketch, sketch_hash


@dataclass
class Books:
    """What a run has found so far; JSON-able, so that it can be put down and taken up."""

    losses: list[str] = field(default_factory=list)
    validation_losses: list[str] = field(default_factory=list)
    validation_gradients: list[str] = field(default_factory=list)


class InRun:
    """Credit along the path of one fine-tune."""

    def passes(self, job: Job) -> float:
        spec = job.spec
        step = spec.sequences * spec.microbatches
        steps = -(-sum(len(own) for own in job.data) // step)
        windows = sum(len(own) for own in job.data)
        watched = min(spec.validation_sequences, len(job.validation))
        losses = 2 * FORWARD * len(job.validation)  # of the whole sample, before and after
        return 1 + (-(-steps // spec.refresh) * watched + losses) / windows

    def estimate(self, job: Job) -> Estimate:
        """The fine-tune; taken up where ``job.state`` left it, with the same log.

        Raises as :func:`parallel.launch` where the job is for several processes; these keep no state.
        """
        return launch(Run.whole, job)


class Run:
    """One fine-tune with its books. ``totals``: sums, sums of squares and numbers of every provider's parts' gains."""

    def __init__(self, job: Job, group: Group) -> None:
        self.job = job
        self.group = group
        self.tune = FineTune(job.base, job.data, job.spec, job.seed, job.compute, group)
        self.sketch = Sketch(len(self.tune.weights.flat), job.compute.device)
        self.towards = torch.zeros_like(self.tune.weights.flat)
        self.sketches = self.towards.new_zeros(len(job.data), BUCKETS, dtype=torch.float64)
        self.totals = self.towards.new_zeros(3, len(job.data), dtype=torch.float64)
        self.books = Books()
        self.before = self.tune.weights.mean_loss(job.validation)
        self.state = job.state_file()

    @classmethod
    def whole(cls, job: Job, group: Group) -> Estimate:
        run = cls(job, group)
        run.play()
        return run.result()

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
        steepness = (step.preconditioner * self.towards).double()
        for batch, part in zip(step.microbatches, step.parts, strict=True):
            gain = step.learning_rate * step.scale * (part.double() @ steepness)
            self.totals[:, batch.provider] += torch.stack([gain, gain * gain, torch.ones_like(gain)])
            self.sketches[batch.provider] += self.sketch(part)
        self.books.losses.append(repr(step.loss))

    def result(self) -> Estimate:
        books = self.books
        gains, squares, parts = self.group.sum(self.totals).tolist()
        log: dict[str, Any] = {
            "order": [batch.provider for step in self.tune.steps for batch in step],
            "losses": books.losses,
            "validation_losses": books.validation_losses,
            "validation_gradients": books.validation_gradients,
            "validation_loss_before": repr(self.before),
            "validation_loss_after": repr(self.tune.weights.mean_loss(self.job.validation)),
            "gradient_sums": [sketch_hash(own) for own in self.group.sum(self.sketches)],
        }
        self.state.clear()
        return Estimate(tuple(gains), tuple(map(spread, gains, squares, parts)), log)

    def put_down(self, done: int) -> None:
        tensors = {
            **self.tune.tensors(),
            "towards": self.towards,
            "sketches": self.sketches,
            "totals": self.totals,
        }
        self.state.save(tensors, {"done": done, "books": vars(self.books)})

    def take_up(self) -> int:
        """Put everything back as it was; the number of steps that were done."""
        kept = self.state.load(self.job.compute.device)
        if kept is None:
            return 0
        tensors, about = kept
        self.tune.restore(tensors, about["done"])
        self.towards, self.sketches, self.totals = tensors["towards"], tensors["sketches"], tensors["totals"]
        self.books = Books(**about["books"])
        return int(about["done"])


def spread(total: float, squares: float, parts: float) -> float:
    """Standard error of a sum of ``parts`` microbatches' gains, taken as draws from one provider's text."""
    if parts < 2:
        return abs(total)
    variance = max(0.0, squares - total * total / parts) / (parts - 1)
    return float((parts * variance) ** 0.5)
