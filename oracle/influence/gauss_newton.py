"""The curvature of the training loss as products with vectors, and the linear systems that are solved with it.

The generalised Gauss-Newton matrix J^T (diag(p) - p p^T) J of the mean loss (Schraudolph 2002; Martens 2010), on a
drawn sample of the providers' windows. The Hessian itself has negative eigenvalues at any weights that are not a
minimum, where neither conjugate gradients nor a preconditioner is well defined; this is positive semidefinite, and
equal to it where the model fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from oracle.influence.finetune import Weights
from oracle.influence.gpt import IGNORED
from oracle.influence.job import Job
from oracle.influence.sequences import Windows, draw_key

KEPT = 1 << 27  # logits in a graph at most, where a single window does not have more; such a sample's graph is kept
PRODUCT = 4 / 3  # gradient passes of one curvature product: backwards twice, each two thirds of a pass


def conjugate_gradients(
    product: Callable[[Tensor], Tensor], target: Tensor, iterations: int, preconditioner: Tensor | None = None
) -> tuple[Tensor, list[float]]:
    """Solve product(x) = target for a positive definite ``product``; x and the relative residuals, float64 scalars.

    ``preconditioner`` is a positive diagonal, near the inverse of ``product``'s.
    """
    x = torch.zeros_like(target)
    residual = target.clone()
    near = residual if preconditioner is None else preconditioner * residual
    search = near.clone()
    square = float(residual.double() @ near.double())
    start = float(target.double().norm())
    residuals: list[float] = []
    for _ in range(iterations):
        if residuals and residuals[-1] <= 1e-6:
            break  # solved to float32
        image = product(search)
        step = square / float(search.double() @ image.double())
        x += step * search
        residual -= step * image
        near = residual if preconditioner is None else preconditioner * residual
        previous, square = square, float(residual.double() @ near.double())
        search = near + square / previous * search
        residuals.append(float(residual.double().norm()) / start)
    return x, residuals


def draw_sample(job: Job, size: int) -> Windows:
    """The windows that G is of: ``size`` at most, drawn from all providers' by the seed."""
    places = [(provider, place) for provider, own in enumerate(job.data) for place in range(len(own))]
    places.sort(key=lambda at: draw_key(job.seed, "curvature", str(at[0]), str(at[1])))
    drawn = [job.data[provider][place : place + 1] for provider, place in places[:size]]
    return Windows(torch.cat([one.inputs for one in drawn]), torch.cat([one.targets for one in drawn]))


@dataclass(frozen=True)
class Graph:
    """One batch, ready for products: its ``logits`` (windows, context, vocabulary), float32, and probabilities ``p``;
    ``pulled`` = J^T ``dummy``, linear in ``dummy``, so that its derivative along a vector is J times that vector."""

    logits: Tensor
    p: Tensor
    counted: Tensor
    dummy: Tensor
    pulled: tuple[Tensor, ...]


class GaussNewton:
    """The matrix of the mean loss of ``sample`` at ``weights`` as they are now, as products with vectors.

    The sample's graph is built once and kept: a product is two passes backwards through it. A sample of more than KEPT
    logits is built anew, batch by batch, for every product: slower, but a large model's vocabulary fits.
    """

    def __init__(self, weights: Weights, sample: Windows) -> None:
        self.weights = weights
        self.sample = sample
        self.kept = list(self.graphs()) if len(sample) * weights.logits <= KEPT else None

    def graphs(self) -> Iterator[Graph]:
        size = max(1, min(self.weights.batch, KEPT // self.weights.logits))
        for first in range(0, len(self.sample), size):
            yield self.graph(self.sample[first : first + size].to(self.weights.compute.device))

    def graph(self, windows: Windows) -> Graph:
        # of the attention kernels only the written-out one can be differentiated twice
        with sdpa_kernel(SDPBackend.MATH), self.weights.compute.autocast():
            logits: Tensor = self.weights.model(windows.inputs).float()
            dummy = torch.zeros_like(logits, requires_grad=True)
            pulled = torch.autograd.grad(
                logits, self.weights.parameters, dummy, create_graph=True, materialize_grads=True
            )
        counted = (windows.targets != IGNORED).unsqueeze(-1)
        return Graph(logits, logits.detach().softmax(-1), counted, dummy, pulled)

    def __call__(self, vector: Tensor) -> Tensor:
        """G times ``vector`` (flat, like the parameters)."""
        sizes = [parameter.numel() for parameter in self.weights.parameters]
        pieces = [
            piece.view_as(parameter)
            for piece, parameter in zip(torch.split(vector, sizes), self.weights.parameters, strict=True)
        ]
        total = torch.zeros_like(vector)
        for batch in self.kept or self.graphs():
            (moved,) = torch.autograd.grad(batch.pulled, batch.dummy, pieces, retain_graph=True)
            pull = batch.p * (moved - (batch.p * moved).sum(-1, keepdim=True)) * batch.counted
            back = torch.autograd.grad(
                batch.logits, self.weights.parameters, pull, retain_graph=True, materialize_grads=True
            )
            total += torch.cat([part.flatten() for part in back])
        return total / self.sample.tokens

    def diagonal(self, probes: int, seed: int) -> Tensor:
        """Mean of z * (G z) over Rademacher vectors z drawn by ``seed``: unbiased, noisy."""
        total = torch.zeros_like(self.weights.flat)
        for number in range(probes):
            source = torch.Generator().manual_seed(int.from_bytes(draw_key(seed, "probe", str(number))[:8], "big") >> 1)
            signs = torch.randint(0, 2, total.shape, generator=source, dtype=torch.int8) * 2 - 1
            z = signs.to(total)
            total += z * self(z)
        return total / probes
