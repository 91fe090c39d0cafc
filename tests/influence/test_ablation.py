from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import comb

import pytest
import torch

from oracle.errors import BadInput
from oracle.influence.ablation import Ablation, Banzhaf, LeaveOneOut, Shapley, Subset, retrain
from oracle.influence.base import BaseModel
from oracle.influence.job import Job
from oracle.influence.marginal import make_job
from oracle.influence.spec import InfluenceSpec

SPEC = InfluenceSpec(quota=400, sequences=2, microbatches=2, subsets=64)
Market = dict[str, list[str]]
PLAYERS = (0, 2, 3, 4)


@pytest.fixture(scope="module")
def job(base: BaseModel, market: Market) -> Job:
    """Four providers with text, and provider 1 without."""
    near = market["near"]
    return make_job(
        base, [near[:5], [], near[5:], market["far"], market["noise"]], market["validation"][:1], SPEC, seed=3
    )


def value(subset: Subset) -> float:
    """A game with interactions: 0 and 2 say the same thing, 3 and 4 help each other."""
    return max(0.4 * (0 in subset), 0.3 * (2 in subset)) + 0.2 * (3 in subset) + 0.5 * (3 in subset and 4 in subset)


def others(player: int) -> list[Subset]:
    rest = [other for other in PLAYERS if other != player]
    return [own for size in range(len(rest) + 1) for own in combinations(rest, size)]


def added(player: int, subset: Subset) -> float:
    return value(tuple(sorted((*subset, player)))) - value(subset)


def credit(method: Ablation, job: Job) -> list[tuple[float, float]]:
    return method.credit(job, {subset: value(subset) for subset in method.subsets(job)})


def test_leave_one_out_is_what_everybody_loses_without_a_provider(job: Job) -> None:
    exact = [value(PLAYERS) - value(tuple(p for p in PLAYERS if p != player)) for player in PLAYERS]
    assert [gain for gain, _ in credit(LeaveOneOut(), job)] == exact
    assert len(LeaveOneOut().subsets(job)) == len(PLAYERS) + 1


def test_banzhaf_over_all_subsets_is_the_mean_addition(job: Job) -> None:
    exact = [sum(added(player, subset) for subset in others(player)) / 8 for player in PLAYERS]
    assert [gain for gain, _ in credit(Banzhaf(), job)] == pytest.approx(exact)


def test_banzhaf_by_sampling_lies_within_its_error_and_finds_sums_exactly(job: Job) -> None:
    few = replace(job, spec=replace(SPEC, subsets=12))
    exact = [sum(added(player, subset) for subset in others(player)) / 8 for player in PLAYERS]
    for (gain, error), truth in zip(credit(Banzhaf(), few), exact, strict=True):
        assert 0 < error < 0.2
        assert abs(gain - truth) < 3 * error
    worth = {0: 0.3, 2: -0.1, 3: 0.0, 4: 2.0}
    sums = {subset: 7 + sum(worth[player] for player in subset) for subset in Banzhaf().subsets(few)}
    found = Banzhaf().credit(few, sums)
    assert [gain for gain, _ in found] == pytest.approx(list(worth.values()))


def test_shapley_values_add_up_and_lie_within_their_error(job: Job) -> None:
    exact = [sum(added(player, subset) / (4 * comb(3, len(subset))) for subset in others(player)) for player in PLAYERS]
    found = credit(Shapley(), job)
    assert sum(gain for gain, _ in found) == pytest.approx(value(PLAYERS) - value(()))
    for (gain, error), truth in zip(found, exact, strict=True):
        assert abs(gain - truth) <= 3 * error
        assert error < 0.1


@pytest.mark.parametrize(("method", "subsets"), [(Banzhaf(), 5), (Shapley(), 3)])
def test_too_few_subsets_are_refused_before_any_fine_tune(job: Job, method: Ablation, subsets: int) -> None:
    with pytest.raises(BadInput, match="subsets") as caught:
        method.estimate(replace(job, spec=replace(SPEC, subsets=subsets)))
    assert "at least" in caught.value.hint


@pytest.mark.parametrize("method", [LeaveOneOut(), Banzhaf(), Shapley()])
def test_a_lone_provider_gains_what_its_fine_tune_does(job: Job, method: Ablation) -> None:
    alone = replace(job, data=(job.data[1], job.data[0]))
    gains = method.estimate(alone).gains
    assert gains == pytest.approx((0.0, retrain(alone, ()) - retrain(alone, (1,))))


def test_the_log_lists_every_subset_with_its_loss(job: Job) -> None:
    estimate = LeaveOneOut().estimate(job)
    subsets, losses = estimate.log["subsets"], list(map(float, estimate.log["losses"]))
    assert subsets == [[0, 2, 3, 4], [2, 3, 4], [0, 3, 4], [0, 2, 4], [0, 2, 3]]
    assert losses[1] == retrain(job, (2, 3, 4))
    gains = [loss - losses[0] for loss in losses[1:]]
    assert estimate.gains == pytest.approx((gains[0], 0.0, *gains[1:]))


def test_leaving_a_provider_out_moves_nobody_elses_order(job: Job) -> None:
    # the same text under the same name gives the same run, whoever else is not there
    padded = replace(job, data=(*job.data, job.data[0][:0]))
    assert retrain(padded, (0, 3)) == retrain(job, (0, 3))


def test_retraining_leaves_the_base_model_as_it_was(job: Job) -> None:
    before = {name: tensor.clone() for name, tensor in job.base.model.state_dict().items()}
    retrain(job, (0,))
    assert all(torch.equal(tensor, before[name]) for name, tensor in job.base.model.state_dict().items())
