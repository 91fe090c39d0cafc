"""TracIn: every provider's gradient against the validation gradient at a few checkpoints of one fine-tune.

Pruthi, Liu, Kale, Sundararajan, "Estimating Training Data Influence by Tracing Gradient Descent" (NeurIPS 2020), the
variant with checkpoints (TracInCP). Their product of gradients comes from a step of plain descent, and for another
optimiser the step's real change takes its place: here AdamW's, learning rate * clip * P * gradient.

Unit: the run's steps are cut into equal segments with a checkpoint in the middle of each. There the gradient of the
whole corpus is taken, and counts for the segment's part of the epoch: a provider's gain is the sum over segments of
(sum of learning rate * clip over the segment's steps) / (all steps) * <P * its gradient, validation gradient>. That is
the first-order fall of the validation loss over the fine-tune, in nats per token, read at the checkpoints only.

Checkpoints are looked at in passing: no copy of the weights outlives its segment.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from oracle.influence.finetune import FineTune, Step
from oracle.influence.job import Estimate, Job
from oracle.influence.projection import project, require_one_process, standard_error, validation_shares
from oracle.influence.sketch import Sketch, sketch_hash


@dataclass
class Books:
    """What a run has found so far; JSON-able. ``parts``: each provider's microbatches' gains."""

    parts: list[list[float]]
    done: int = 0
    losses: list[str] = field(default_factory=list)
    validation_losses: list[str] = field(default_factory=list)
    validation_gradients: list[str] = field(default_factory=list)
    gradient_sums: list[list[str]] = field(default_factory=list)


class TracIn:
    """The estimator of the family of checkpoints."""

    def passes(self, job: Job) -> float:
        """The fine-tune; at each checkpoint all the text, and a share of the validation sample."""
        looks = len(segments(job))
        validation = sum(len(share) for share in validation_shares(job, looks))
        return 1 + looks + validation / sum(len(own) for own in job.data)

    def estimate(self, job: Job) -> Estimate:
        """The fine-tune and its checkpoints; a killed run goes on after the last segment that was finished.

        Raises BadInput for several processes.
        """
        require_one_process(job)
        run = Run(job)
        run.play()
        return run.result()


def segments(job: Job) -> list[range]:
    """The steps of each checkpoint; never more checkpoints than steps."""
    microbatches = sum(-(-len(own) // job.spec.sequences) for own in job.data)
    steps = -(-microbatches // job.spec.microbatches)
    count = min(job.spec.checkpoints, steps)
    return [range(k * steps // count, (k + 1) * steps // count) for k in range(count)]


class Run:
    """One fine-tune with its books."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.tune = FineTune(job.base, job.data, job.spec, job.seed, job.compute)
        self.sketch = Sketch(len(self.tune.weights.flat), job.compute.device)
        self.shares = validation_shares(job, len(segments(job)))
        self.books = Books([[0.0] * -(-len(own) // job.spec.sequences) for own in job.data])
        self.state = job.state_file()

    def play(self) -> None:
        self.take_up()
        for steps in segments(self.job)[self.books.done :]:
            self.pass_through(steps)
            self.books.done += 1
            self.put_down()

    def pass_through(self, steps: range) -> None:
        """Take the segment's steps, look in the middle, and weigh what was seen by what the steps turned out to be."""
        middle = steps[len(steps) // 2]
        rates: list[float] = []
        seen: list[list[float]] = []

        def watch(step: Step) -> None:
            if step.number == middle:
                seen.extend(self.look(step))
            rates.append(step.learning_rate * step.scale)
            self.books.losses.append(repr(step.loss))

        for number in steps:
            self.tune.step(number, watch)
        weight = sum(rates) / len(self.tune.steps)
        for own, products in zip(self.books.parts, seen, strict=True):
            own[:] = [part + weight * product for part, product in zip(own, products, strict=True)]

    def look(self, step: Step) -> list[list[float]]:
        """<P * gradient, validation gradient> of every provider's microbatches, before the step moves the weights."""
        where = f"step {step.number}"
        towards, loss = self.tune.weights.mean_gradient(self.shares[self.books.done], what=f"validation at {where}")
        self.books.validation_losses.append(repr(loss))
        self.books.validation_gradients.append(sketch_hash(self.sketch(towards)))
        direction = (step.preconditioner * towards).double()
        seen, sums = [], []
        for provider in range(len(self.job.data)):
            products, total = project(
                self.tune, self.tune.data[provider], direction, self.sketch, provider=provider, where=where
            )
            seen.append(products)
            sums.append(sketch_hash(total))
            if self.job.progress:
                count = len(self.job.data)
                done = self.books.done * count + provider + 1
                self.job.progress("marginal utility", done, count * len(segments(self.job)))
        self.books.gradient_sums.append(sums)
        return seen

    def result(self) -> Estimate:
        books = self.books
        log = {
            "order": [batch.provider for step in self.tune.steps for batch in step],
            "losses": books.losses,
            "checkpoints": [steps[len(steps) // 2] for steps in segments(self.job)],
            "validation_losses": books.validation_losses,
            "validation_gradients": books.validation_gradients,
            "gradient_sums": books.gradient_sums,
        }
        self.state.clear()
        gains = tuple(float(sum(parts)) for parts in books.parts)
        return Estimate(gains, tuple(map(standard_error, books.parts)), log)

    def put_down(self) -> None:
        self.state.save(self.tune.tensors(), vars(self.books))

    def take_up(self) -> None:
        """Put everything back as it was after the last finished segment."""
        kept = self.state.load(self.job.compute.device)
        if kept is None:
            return
        tensors, books = kept
        self.books = Books(**books)
        self.tune.restore(tensors, len(self.books.losses))
