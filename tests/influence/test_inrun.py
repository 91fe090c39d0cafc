from __future__ import annotations

from dataclasses import replace

import pytest
import rfc8785
import torch

from oracle.errors import BadInput, CheckFailed
from oracle.influence.base import BaseModel
from oracle.influence.marginal import Influence, marginal_utility
from oracle.influence.spec import InfluenceSpec

SPEC = InfluenceSpec("in-run", quota=6_000)
Market = dict[str, list[str]]


def run(base: BaseModel, corpora: list[list[str]], market: Market, spec: InfluenceSpec = SPEC) -> Influence:
    return marginal_utility(base, corpora, market["validation"], spec, seed=11)


def fall(result: Influence) -> float:
    """By how much the fine-tune lowered the validation loss."""
    (log,) = result.log["runs"]
    return float(log["validation_loss_before"]) - float(log["validation_loss_after"])


@pytest.fixture(scope="module")
def scored(base: BaseModel, market: Market) -> Influence:
    return run(base, [market["near"], market["far"], market["noise"], []], market)


@pytest.mark.parametrize(("corpus", "sign"), [("near", 1), ("noise", -1)])
def test_a_gain_has_the_sign_of_what_the_validation_loss_really_did(
    base: BaseModel, market: Market, corpus: str, sign: int
) -> None:
    result = run(base, [market[corpus]], market)
    fell = float(result.log["runs"][0]["validation_loss_before"]) - float(
        result.log["runs"][0]["validation_loss_after"]
    )
    assert fell * sign > 0
    assert result.gains[0] * sign > 0


def test_gains_add_up_to_the_fall_of_the_validation_loss(base: BaseModel, market: Market) -> None:
    # exact to first order: small steps without momentum, and the whole validation gradient taken afresh at each
    spec = replace(SPEC, learning_rate=2e-5, betas=(0.0, 0.99), refresh=1, validation_sequences=10_000)
    corpora = [market["near"][:4], market["near"][4:]]
    result = marginal_utility(base, corpora, market["validation"][:2], spec, seed=11)
    fell = float(result.log["runs"][0]["validation_loss_before"]) - float(
        result.log["runs"][0]["validation_loss_after"]
    )
    assert fell > 0
    assert sum(result.gains) == pytest.approx(fell, rel=0.1)


def test_text_near_the_target_gains_more_than_noise(scored: Influence) -> None:
    near, far, noise, _ = scored.gains
    assert near > far and near > noise


def test_a_provider_without_text_gains_nothing_and_is_listed(scored: Influence) -> None:
    assert scored.gains[3] == 0
    assert scored.tokens[3] == 0
    assert scored.log["empty"] == [3]


def test_the_quota_bounds_every_provider(scored: Influence) -> None:
    assert scored.tokens[0] == SPEC.quota
    assert max(scored.tokens) <= SPEC.quota


def test_the_same_configuration_gives_the_same_log(base: BaseModel, market: Market, scored: Influence) -> None:
    again = run(base, [market["near"], market["far"], market["noise"], []], market)
    assert rfc8785.dumps(again.log) == rfc8785.dumps(scored.log)
    assert tuple(map(float, again.log["gains"])) == again.gains == scored.gains


def test_scoring_leaves_the_base_model_as_it_was(base: BaseModel, market: Market) -> None:
    before = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    run(base, [market["near"][:3]], market)
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.model.state_dict().items())


def test_a_changed_text_shows_in_the_log(base: BaseModel, market: Market) -> None:
    short = replace(SPEC, quota=600)
    first = run(base, [market["near"], market["far"]], market, short).log
    second = run(base, [market["near"], [market["far"][0].replace("0x3f", "0x3e")]], market, short).log
    assert first["data"][0] == second["data"][0] and first["data"][1] != second["data"][1]
    sums = [log["runs"][0]["gradient_sums"] for log in (first, second)]
    assert sums[0][1] != sums[1][1]


def test_one_thread_and_two_agree_within_the_tolerance(base: BaseModel, market: Market) -> None:
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(run(base, [market["near"], market["far"]], market))
    finally:
        torch.set_num_threads(threads)
    assert results[0].gains == pytest.approx(results[1].gains, rel=1e-4, abs=1e-6)


def test_no_validation_text_and_no_provider_text_are_refused(base: BaseModel, market: Market) -> None:
    with pytest.raises(BadInput, match="validation"):
        marginal_utility(base, [market["near"]], ["  "], SPEC, seed=0)
    with pytest.raises(BadInput, match="no provider"):
        run(base, [[], [" \n"]], market)


def test_a_gradient_that_is_not_finite_names_step_and_provider(base: BaseModel, market: Market) -> None:
    wild = replace(SPEC, learning_rate=1e38, warm_up=1, refresh=10_000)
    with pytest.raises(CheckFailed, match=r"step 1: the gradient of provider 1") as caught:
        run(base, [[], market["near"]], market, wild)
    assert caught.value.input == "provider 1"
