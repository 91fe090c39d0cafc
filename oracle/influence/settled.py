"""Influence where a fine-tune settles: what of a provider's push on the weights is still there at the end (default).

Credit along the path of a fine-tune, as in-run Shapley gives it, is deceived by the steep directions of the loss: there
one provider pushes, the others push back, and the path credits both. Retraining sees what is left. Near the end, at
averaged weights theta, a push d decays as d' = -lr P G d under the steps that follow (P Adam's preconditioner, G the
Gauss-Newton matrix of everybody's loss), so that over a run of tau = lr * steps it counts in the mean as
(1 + tau P G)^-1 d: little along steep directions, in full along flat ones. Its effect on the validation loss is

    gain = + lr * sum over the provider's text of g^T s,    s = (P^-1 + tau G)^-1 g_validation,

which is the paper's g^T H^-1 g (appendix D, its minus sign mended) with a damping that is not chosen but follows from
the fine-tune: P^-1 / tau. The unrolling is that of Bae et al., "Training data attribution via approximate unrolled
differentiation" (2024).

Three quarters of everybody's text are trained on, an eighth is measured at theta: text that the model has not seen.
s is found once for all, by preconditioned conjugate gradients. A provider costs a few sums and a sketch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from oracle.influence.curvature import PRODUCT, GaussNewton, conjugate_gradients, draw_sample
from oracle.influence.finetune import FineTune
from oracle.influence.inrun import spread
from oracle.influence.job import Estimate, Job
from oracle.influence.parallel import Group, launch
from oracle.influence.projection import project
from oracle.influence.sequences import Windows
from oracle.influence.sketch import Sketch, sketch_hash
from oracle.influence.state import StateFile

TRAINED = 3, 4  # the share of everybody's windows that moves the weights
MEASURED = 1, 8  # the share that is measured: more would cost time and hardly lower the error
AVERAGED = 2, 3  # the share of the steps, the last ones, over which the weights are averaged
VALIDATION_SHARE = 8  # the validation gradient is of at most an eighth of as many windows as the providers have


@dataclass
class Books:
    """What a run has found so far; JSON-able. ``parts``: the measured microbatches' gains of each finished provider."""

    losses: list[str] = field(default_factory=list)
    direction: dict[str, Any] = field(default_factory=dict)
    parts: list[list[float]] = field(default_factory=list)
    gradient_sums: list[str] = field(default_factory=list)


class Settled:
    """The default estimator."""

    def passes(self, job: Job) -> float:
        windows = sum(len(own) for own in job.data)
        sample = min(job.spec.validation_sequences, windows)
        used = sum(cut(own) + measured(own) for own in job.data)
        return (used + len(watched(job)) + (1 + job.spec.iterations) * PRODUCT * sample) / windows

    def estimate(self, job: Job) -> Estimate:
        """Fine-tune, direction, measure; taken up where ``job.state`` left it, with the same log.

        Raises as :func:`parallel.launch` where the job is for several processes; these keep no state.
        """
        return launch(Run.whole, job)


def cut(own: Windows) -> int:
    """How many of a provider's windows are trained on; at least one is measured."""
    return len(own) * TRAINED[0] // TRAINED[1]


def measured(own: Windows) -> int:
    """How many of a provider's windows are measured."""
    return -(-len(own) * MEASURED[0] // MEASURED[1])


def watched(job: Job) -> Windows:
    """The part of the (already drawn) validation sample that the gradient is of."""
    windows = sum(len(own) for own in job.data)
    return job.validation[: max(job.spec.validation_sequences, windows // VALIDATION_SHARE)]


class Run:
    """One estimate with its books. ``average`` holds the mean weights of the last steps."""

    def __init__(self, job: Job, group: Group) -> None:
        self.job = job
        self.group = group
        trained = tuple(own[: cut(own)] for own in job.data)
        self.measured = tuple(own[cut(own) : cut(own) + measured(own)] for own in job.data)
        self.tune = FineTune(job.base, trained, job.spec, job.seed, job.compute, group)
        self.average = self.tune.weights.flat.clone()
        self.vector = torch.zeros_like(self.average)
        self.books = Books()
        self.state = StateFile(job.state, job.key)

    @classmethod
    def whole(cls, job: Job, group: Group) -> Estimate:
        run = cls(job, group)
        run.take_up()
        run.settle()
        run.find_direction()
        run.measure()
        return run.result()

    def settle(self) -> None:
        """Take every step that is left."""
        steps = len(self.tune.steps)
        opens = steps - steps * AVERAGED[0] // AVERAGED[1]
        for number in range(len(self.books.losses), steps):
            self.tune.step(number, lambda step: self.books.losses.append(repr(step.loss)))
            if number >= opens:
                self.average += (self.tune.weights.flat - self.average) / (number - opens + 1)
            self.report(number + 1)

    def find_direction(self) -> None:
        """s, at the averaged weights."""
        self.tune.weights.flat.copy_(self.average)
        if self.books.direction:
            return
        job, weights = self.job, self.tune.weights
        target, loss = weights.mean_gradient(watched(job), what="validation")
        inverse = self.tune.optimiser.scale(target)
        tau = job.spec.learning_rate * len(self.tune.steps) * TRAINED[1] / TRAINED[0]
        matrix = GaussNewton(weights, draw_sample(job))
        self.vector, residuals = conjugate_gradients(
            lambda vector: inverse * vector + tau * matrix(vector), target, job.spec.iterations, 1 / inverse
        )
        sketch = Sketch(len(target), job.compute.device)
        self.books.direction = {
            "validation_loss": repr(loss),
            "validation_gradient": sketch_hash(sketch(target)),
            "curvature_sample": matrix.sample.digest,
            "residuals": [repr(residual) for residual in residuals],
            "direction": sketch_hash(sketch(self.vector)),
        }

    def measure(self) -> None:
        """Every provider's measured text along s; a provider's full text counts by its windows."""
        sketch, along = Sketch(len(self.vector), self.job.compute.device), self.vector.double()
        for provider in range(len(self.books.parts), len(self.job.data)):
            own = self.measured[provider]
            products, total = project(self.tune, own, along, sketch, provider=provider, where="averaged weights")
            share = self.job.spec.learning_rate * len(self.job.data[provider]) / max(1, len(own))
            self.books.parts.append([share * product for product in products])
            self.books.gradient_sums.append(sketch_hash(total))
            self.report(len(self.tune.steps) + provider + 1)

    def report(self, done: int) -> None:
        """Put the state down when it is due, and tell how far the run is."""
        if self.state.due():
            self.put_down()
        if self.job.progress:
            self.job.progress("marginal utility", done, len(self.tune.steps) + len(self.job.data))

    def result(self) -> Estimate:
        self.state.clear()
        books = self.books
        log: dict[str, Any] = {
            "order": [batch.provider for step in self.tune.steps for batch in step],
            "losses": books.losses,
            **books.direction,
            "gradient_sums": books.gradient_sums,
        }
        gains = tuple(float(sum(parts)) for parts in books.parts)
        errors = tuple(spread(sum(own), sum(part * part for part in own), len(own)) for own in books.parts)
        return Estimate(gains, errors, log)

    def put_down(self) -> None:
        tensors = {**self.tune.tensors(), "average": self.average, "vector": self.vector}
        self.state.save(tensors, vars(self.books))

    def take_up(self) -> None:
        """Put everything back as it was, if anything was put down."""
        kept = self.state.load(self.job.compute.device)
        if kept is not None:
            tensors, books = kept
            self.books = Books(**books)
            self.average, self.vector = tensors.pop("average"), tensors.pop("vector")
            self.tune.restore(tensors, len(self.books.losses))
