from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from oracle.errors import CheckFailed
from oracle.influence import gauss_newton
from oracle.influence.ablation import retrain
from oracle.influence.base import BaseModel
from oracle.influence.curvature import ConjugateGradients, Diagonal
from oracle.influence.estimators import estimator
from oracle.influence.finetune import Weights
from oracle.influence.gauss_newton import GaussNewton, conjugate_gradients, draw_sample
from oracle.influence.job import Job
from oracle.influence.marginal import make_job
from oracle.influence.sequences import Windows
from oracle.influence.spec import InfluenceSpec

SPEC = InfluenceSpec(quota=1_500, probes=2, iterations=5, validation_sequences=16)
Market = dict[str, list[str]]


@pytest.fixture(scope="module")
def job(base: BaseModel, market: Market) -> Job:
    return make_job(base, [market["near"], market["noise"]], market["validation"][:1], SPEC, seed=3)


@pytest.mark.parametrize("name", ["cg", "diagonal"])
def test_a_gain_has_the_sign_of_what_retraining_really_did(job: Job, name: str) -> None:
    before = Weights(job.base, job.compute).mean_loss(job.validation)
    falls = [before - retrain(job, (provider,)) for provider in (0, 1)]
    assert falls[0] > 0 > falls[1], "the test needs a helpful and a harmful provider"
    gains = estimator(name).estimate(replace(job, spec=replace(SPEC, estimator=name))).gains
    assert gains[0] > 0 > gains[1]


def test_a_small_preconditioned_step_lowers_the_validation_loss_by_its_share_of_the_gain(job: Job) -> None:
    weights = Weights(job.base, job.compute)
    target, _ = weights.mean_gradient(job.validation, what="validation")
    gradient, _ = weights.gradient(job.data[0], SPEC.quota)
    preconditioner = (Diagonal().direction(job).vector / target).nan_to_num()
    step = (preconditioner * gradient).double()
    gain = Diagonal().estimate(job).gains[0]
    share = 1e-4 / abs(gain)
    weights.model.double()
    flat = torch.nn.utils.parameters_to_vector(weights.model.parameters()).detach()
    losses = []
    for sign in (-1, 1):
        torch.nn.utils.vector_to_parameters(flat + sign * share * step, weights.model.parameters())
        losses.append(weights.mean_loss(job.validation))
    assert (losses[1] - losses[0]) / 2 == pytest.approx(share * gain, rel=0.05)


def test_the_matrix_is_the_curvature_of_the_divergence_between_predictions(job: Job) -> None:
    # KL(p(w) || p(w + h v)) = h^2 / 2 v^T G v + O(h^3), by forward passes alone
    weights = Weights(job.base, job.compute)
    sample = draw_sample(job, 16)
    weights.model.double()
    flat = torch.nn.utils.parameters_to_vector(weights.model.parameters()).detach()
    v = torch.randn(len(flat), dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.1
    curved = float(v @ GaussNewton(weights, sample)(v))
    h = 1e-3
    with torch.no_grad():
        old = weights.model(sample.inputs).log_softmax(-1)
        divergences = []
        for sign in (1, -1):  # the odd orders cancel
            torch.nn.utils.vector_to_parameters(flat + sign * h * v, weights.model.parameters())
            new = weights.model(sample.inputs).log_softmax(-1)
            divergences.append(float(((old.exp() * (old - new)).sum(-1) * (sample.targets >= 0)).sum()))
    assert curved == pytest.approx(sum(divergences) / h**2 / sample.tokens, rel=1e-3)


def test_the_matrix_is_symmetric_and_positive(job: Job) -> None:
    weights = Weights(job.base, job.compute)
    matrix = GaussNewton(weights, draw_sample(job, 16))
    u, v = torch.randn(2, len(weights.flat), generator=torch.Generator().manual_seed(1))
    assert float(u @ matrix(v)) == pytest.approx(float(v @ matrix(u)), rel=1e-3, abs=1e-3)
    assert float(u @ matrix(u)) > 0


def test_probes_find_a_diagonal_exactly_where_there_is_nothing_else(job: Job) -> None:
    class OnlyDiagonal(GaussNewton):
        def __call__(self, vector: Tensor) -> Tensor:
            return self.weights.flat * vector

    weights = Weights(job.base, job.compute)
    assert torch.equal(OnlyDiagonal(weights, job.data[0]).diagonal(1, seed=0), weights.flat)


def test_conjugate_gradients_solve_a_system() -> None:
    root = torch.randn(12, 12, generator=torch.Generator().manual_seed(0))
    matrix, target = root @ root.T + torch.eye(12), torch.arange(12.0)
    found, residuals = conjugate_gradients(lambda v: matrix @ v, target, 40)
    assert torch.allclose(found, torch.linalg.solve(matrix, target), atol=1e-4)
    assert residuals[-1] < 1e-5
    assert len(residuals) < 40, "solved systems are left alone"


def test_clipped_documents_count_less(job: Job) -> None:
    plain = Diagonal().estimate(job)
    clipped = Diagonal().estimate(replace(job, spec=replace(SPEC, estimator="diagonal", document_clip=1e-3)))
    assert abs(clipped.gains[0]) < abs(plain.gains[0])
    assert clipped.log["documents_root"] is None


def test_a_damaged_base_model_is_named(job: Job) -> None:
    broken = Windows(job.validation.inputs.clone(), job.validation.targets)
    weights = Weights(job.base, job.compute)
    damaged = replace(job.base, model=weights.model)
    weights.flat.fill_(float("nan"))
    with pytest.raises(CheckFailed, match="the gradient of validation is not finite"):
        ConjugateGradients().estimate(replace(job, base=damaged, validation=broken))


def test_a_sample_too_large_to_keep_gives_the_same_products(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, sample = Weights(job.base, job.compute), draw_sample(job, 16)
    vector = torch.randn(len(weights.flat), generator=torch.Generator().manual_seed(0))
    kept = GaussNewton(weights, sample)
    monkeypatch.setattr(gauss_newton, "KEPT", 3 * weights.logits)
    built = GaussNewton(weights, sample)
    assert kept.kept and built.kept is None
    assert [len(graph.logits) for graph in built.graphs()] == [3, 3, 3, 3, 3, 1]
    assert torch.allclose(kept(vector), built(vector), rtol=1e-4, atol=1e-7)
    assert torch.equal(built(vector), built(vector))
