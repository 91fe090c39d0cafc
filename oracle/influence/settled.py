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

Three quarters of everybody's text are trained on, the rest is measured at theta: text that the model has not seen.
s is found once for all, by preconditioned conjugate gradients. A provider costs one number a window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import torch

from oracle.errors import CheckFailed
from oracle.evidence.merkle import document_root
from oracle.influence.finetune import FORWARD, FineTune
from oracle.influence.gauss_newton import PRODUCT, GaussNewton, conjugate_gradients, draw_sample
from oracle.influence.job import Estimate, Job
from oracle.influence.parallel import ALONE, Group, launch
from oracle.influence.projection import standard_error
from oracle.influence.sequences import Windows
from oracle.influence.sketch import Sketch, sketch_hash
from oracle.influence.spot import COARSE, FAST, Aim, Probe, document_lines

MEASURED = 4  # every so many windows one is measured instead of trained on
AVERAGED = 2, 3  # the share of the steps, the last ones, over which the weights are averaged
DERIVATIVE = 2 * FORWARD  # gradient passes of a derivative along a direction: forward twice
SAMPLE_SHARE, SAMPLE_LEAST = 40, 16  # the curvature is of a fortieth of all windows, of so many at least
VALIDATION_SHARE = 8  # the validation gradient is of at most an eighth of as many windows as the providers have


@dataclass
class Books:
    """What a run has found so far; JSON-able. ``values``: what each measured window of a finished provider adds."""

    losses: list[str] = field(default_factory=list)
    direction: dict[str, Any] = field(default_factory=dict)
    values: list[list[float]] = field(default_factory=list)


class Settled:
    """The default estimator."""

    def passes(self, job: Job) -> float:
        windows = sum(len(own) for own in job.data)
        looked_at = sum(len(divide(own)[1]) for own in job.data)
        solver = (1 + job.spec.iterations) * PRODUCT * min(sampled(job), windows)
        return (windows - looked_at * (1 - DERIVATIVE) + len(watched(job)) + solver) / windows

    def estimate(self, job: Job) -> Estimate:
        """Fine-tune, direction, measure; taken up where ``job.state`` left it, with the same log.

        Raises as :func:`parallel.launch` where the job is for several processes; these keep no state.
        """
        return launch(Run.whole, job)

    def measured(self, job: Job) -> tuple[Windows, ...]:
        return tuple(divide(own)[1] for own in job.data)

    def aim(self, job: Job) -> Aim:
        """Where a spot audit measures: the fine-tune and its direction, without anybody's values."""
        run = Run(job, ALONE)
        run.settle()
        run.find_direction()
        return run.aim()


def divide(own: Windows) -> tuple[Windows, Windows]:
    """The windows that are trained on, and every fourth, the last one in any case, that is measured."""
    kept = [place for place in range(len(own)) if (len(own) - 1 - place) % MEASURED]
    return own[kept], own[(len(own) - 1) % MEASURED :: MEASURED]


def watched(job: Job) -> Windows:
    """The part of the (already drawn) validation sample that the gradient is of."""
    windows = sum(len(own) for own in job.data)
    return job.validation[: max(job.spec.validation_sequences, windows // VALIDATION_SHARE)]


def sampled(job: Job) -> int:
    """How many windows the curvature is of: few where the market is small, so that the cost stays in proportion."""
    windows = sum(len(own) for own in job.data)
    return min(job.spec.validation_sequences, max(SAMPLE_LEAST, windows // SAMPLE_SHARE))


class Run:
    """One estimate with its books. ``average`` holds the mean weights of the last steps."""

    def __init__(self, job: Job, group: Group) -> None:
        self.job = job
        self.group = group
        parts = [divide(own) for own in job.data]
        trained, self.measured = (tuple(part[which] for part in parts) for which in (0, 1))
        self.tune = FineTune(job.base, trained, job.spec, job.seed, job.compute, group)
        self.average = self.tune.weights.flat.clone()
        self.vector = torch.zeros_like(self.average)
        self.books = Books()
        self.state = job.state_file()

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
            self.books.losses.append(repr(self.tune.step(number)))
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
        tau = job.spec.learning_rate * len(self.tune.steps) * MEASURED / (MEASURED - 1)
        matrix = GaussNewton(weights, draw_sample(job, sampled(job)))
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

    def aim(self) -> Aim:
        """At the averaged weights along s, the windows that were not trained on; a provider's full text counts by
        them."""
        rate = self.job.spec.learning_rate / self.tune.full
        shares = (len(own) / max(1, len(part)) for own, part in zip(self.job.data, self.measured, strict=True))
        log = {
            "order": [batch.provider for step in self.tune.steps for batch in step],
            "losses": self.books.losses,
            **self.books.direction,
        }
        units = tuple(rate * share for share in shares)
        precision = FAST if self.job.compute.precision == "float32" else COARSE
        return Aim(self.average, self.vector, self.measured, units, together=1, precision=precision, log=log)

    def measure(self) -> None:
        """What every measured window adds."""
        probe = Probe(self.aim(), self.tune.weights)
        for provider in range(len(self.books.values), len(self.job.data)):
            values = probe.values(provider, self.measured[provider])
            if not all(map(isfinite, values)):
                raise CheckFailed(
                    f"the loss of provider {provider} is not finite at the averaged weights",
                    input=f"provider {provider}",
                    hint="leave this provider out, or lower the learning rate",
                )
            self.books.values.append(values)
            self.report(len(self.tune.steps) + provider + 1)

    def report(self, done: int) -> None:
        """Put the state down when it is due, and tell how far the run is."""
        if self.state.due():
            self.put_down()
        if self.job.progress:
            self.job.progress("marginal utility", done, len(self.tune.steps) + len(self.job.data))

    def result(self) -> Estimate:
        self.state.clear()
        values = self.books.values
        lines = document_lines(self.measured, values)
        log = {**self.aim().log, "documents_root": document_root(lines).hex()}
        gains = tuple(float(sum(own)) for own in values)
        return Estimate(gains, tuple(map(standard_error, values)), log, tuple(line.decode() for line in lines))

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
