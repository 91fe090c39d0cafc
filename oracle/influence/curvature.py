"""Influence by damped curvature at the base weights: gain = + g_provider^T (G + lambda I)^-1 g_validation.

Koh and Liang, "Understanding Black-box Predictions via Influence Functions" (2017). With g_validation the gradient of
the validation *loss*, text whose descent direction lowers that loss has a positive product: appendix D's minus sign
ranks backwards.

G is the Gauss-Newton matrix of the mean training loss (gauss_newton.py); the damping lambda is relative to its mean
diagonal.

Two ways to the direction s = (G + lambda I)^-1 g_validation, which is found once for all providers:

- ``cg``: conjugate gradients, one linear system (Hestenes and Stiefel 1952), stopped after a few iterations.
- ``diagonal``: G's diagonal as a damped preconditioner, one step. Hutchinson's probes give a diagonal (Bekas,
  Kokiopoulou, Saad 2007) or a trace, but not G^-1 g, whatever appendix D says of it: this is the paper's estimator as
  far as it can be had, and what its profile uses.

Then each provider costs one gradient pass, as only products with s are kept. Unit: a full quota takes one damped Newton
step of its own mean loss, a smaller corpus the same share of it; the first-order fall of the validation loss in nats
per token. The constant 1 / quota depends on nobody else's volume.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from oracle.errors import BadInput, CheckFailed
from oracle.evidence.merkle import document_root
from oracle.influence.finetune import FORWARD, FineTune, Weights
from oracle.influence.gauss_newton import PRODUCT, GaussNewton, conjugate_gradients, draw_sample
from oracle.influence.job import Estimate, Job
from oracle.influence.projection import project, require_one_process, standard_error, validation_shares
from oracle.influence.sequences import Windows
from oracle.influence.sketch import Sketch, sketch_hash
from oracle.influence.spot import EXACT, Aim, Probe, document_lines


@dataclass
class Books:
    """What a run has found so far; JSON-able. ``solver`` is the direction's log; the rest has a row per provider."""

    solver: dict[str, object]
    parts: list[list[float]] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    gradient_sums: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Direction:
    """``vector`` is s, float32 of the parameters' size; ``log`` how it was found."""

    vector: Tensor
    log: dict[str, object]


class Curvature(ABC):
    """What both have in common: all but how the direction follows from the matrix."""

    def passes(self, job: Job) -> float:
        """The solver and its graph, the validation gradient, all providers' text, twice forward for the audit."""
        windows = sum(len(own) for own in job.data)
        (validation,) = validation_shares(job, 1)
        solver = (1 + self.products(job)) * PRODUCT * min(job.spec.validation_sequences, windows) / windows
        return solver + len(validation) / windows + 1 + (0 if job.spec.document_clip else 2 * FORWARD)

    def estimate(self, job: Job) -> Estimate:
        """The direction, then provider by provider; a killed run goes on after the last that was put down.

        Raises BadInput for several processes.
        """
        require_one_process(job)
        state = job.state_file()
        kept = state.load(job.compute.device)
        if kept is None:
            found = self.direction(job)
            vector, books = found.vector, Books(found.log)
            state.save({"direction": vector}, vars(books))
        else:
            vector, books = kept[0]["direction"], Books(**kept[1])
        tune = FineTune(job.base, job.data, job.spec, job.seed, job.compute)
        sketch, along = Sketch(len(vector), job.compute.device), vector.double()
        aim = self.aimed(job, Direction(vector, books.solver))
        probe = None if job.spec.document_clip else Probe(aim, aim.weights_of(job))
        for provider in range(len(books.parts), len(job.data)):
            products, total = project(tune, job.data[provider], along, sketch, provider=provider, where="base weights")
            books.values.append(probe.values(provider, job.data[provider]) if probe else [])
            books.gradient_sums.append(sketch_hash(total))
            books.parts.append([product * tune.full / job.spec.quota for product in products])
            if state.due():
                state.save({"direction": vector}, vars(books))
            if job.progress:
                job.progress("marginal utility", provider + 1, len(job.data))
        lines = document_lines(job.data, books.values) if probe else []
        log = {
            **books.solver,
            "gradient_sums": books.gradient_sums,
            "documents_root": document_root(lines).hex() if probe else None,
        }
        state.clear()
        gains = tuple(float(sum(parts)) for parts in books.parts)
        errors = tuple(map(standard_error, books.parts))
        return Estimate(gains, errors, log, tuple(line.decode() for line in lines))

    def measured(self, job: Job) -> tuple[Windows, ...]:
        return job.data

    def aim(self, job: Job) -> Aim:
        """Where a spot audit measures. Raises BadInput where windows are clipped, and as :meth:`direction`."""
        if job.spec.document_clip:
            raise BadInput(
                "a clipped window's value takes its gradient",
                input="document_clip",
                hint="audit by replay, or set document_clip to 0",
            )
        return self.aimed(job, self.direction(job))

    def aimed(self, job: Job, found: Direction) -> Aim:
        """At the base weights along s, every window."""
        return Aim(
            weights=torch.nn.utils.parameters_to_vector(job.base.model.parameters()).detach(),
            vector=found.vector,
            windows=job.data,
            units=(1 / job.spec.quota,) * len(job.data),
            together=job.spec.sequences,
            precision=EXACT,
            log=found.log,
        )

    def direction(self, job: Job) -> Direction:
        """Find s. Raises CheckFailed when the validation gradient or s is not finite."""
        weights = Weights(job.base, job.compute)
        (validation,) = validation_shares(job, 1)
        target, loss = weights.mean_gradient(validation, what="validation")
        matrix = GaussNewton(weights, draw_sample(job, job.spec.validation_sequences))
        diagonal = matrix.diagonal(job.spec.probes, job.seed)
        damping = job.spec.damping * float(diagonal.double().mean())
        vector, residuals = self.solve(matrix, diagonal, damping, target, job)
        if damping <= 0 or not torch.isfinite(vector).all():
            raise CheckFailed(
                f"the curvature's direction is not finite (damping {damping})",
                input="damping",
                hint="raise the damping, or train the base model longer",
            )
        sketch = Sketch(len(target), job.compute.device)
        log: dict[str, object] = {
            "validation_loss": repr(loss),
            "validation_gradient": sketch_hash(sketch(target)),
            "direction": sketch_hash(sketch(vector)),
            "curvature_sample": matrix.sample.digest,
            "damping": repr(damping),
            "residuals": [repr(residual) for residual in residuals],
        }
        return Direction(vector, log)

    @abstractmethod
    def products(self, job: Job) -> int:
        """How many products with the matrix the direction takes."""

    @abstractmethod
    def solve(
        self, matrix: GaussNewton, diagonal: Tensor, damping: float, target: Tensor, job: Job
    ) -> tuple[Tensor, list[float]]:
        """s, and the relative residual of (G + damping I) s = target after each iteration."""


class Diagonal(Curvature):
    """s = alpha * g / (|diagonal| + lambda), the first iterate of conjugate gradients with that preconditioner.

    A few probes leave noise that makes entries negative: their size is taken, as zero would give those weights the
    largest say. alpha, <g, s> / s^T (G + lambda I) s, is the best multiple; without it the unit would be lost, as a
    diagonal knows nothing of the curvature across weights.
    """

    def products(self, job: Job) -> int:
        return job.spec.probes + 1

    def solve(
        self, matrix: GaussNewton, diagonal: Tensor, damping: float, target: Tensor, job: Job
    ) -> tuple[Tensor, list[float]]:
        s = target / (diagonal.abs() + damping)
        image = matrix(s) + damping * s
        alpha = float(target.double() @ s.double()) / float(s.double() @ image.double())
        return alpha * s, [float((target - alpha * image).norm() / target.norm())]


class ConjugateGradients(Curvature):
    """s by conjugate gradients from zero; the probes are needed for the mean diagonal alone."""

    def products(self, job: Job) -> int:
        return job.spec.probes + job.spec.iterations

    def solve(
        self, matrix: GaussNewton, diagonal: Tensor, damping: float, target: Tensor, job: Job
    ) -> tuple[Tensor, list[float]]:
        return conjugate_gradients(lambda v: matrix(v) + damping * v, target, job.spec.iterations)
