from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.errors import BadInput
from oracle.influence.base import BaseModel
from oracle.influence.rescale import reference_gain, rescale
from oracle.influence.spec import InfluenceSpec


def test_robust_is_the_share_of_the_reference_gain() -> None:
    gains = (0.5, 0.25, 0.00001, 0.004, -0.2, 0.0, 3.0)
    assert rescale(gains, gain_ref=1.0, profile="robust", noise_floor=0.0) == (5000, 2500, 10, 40, 0, 0, 10_000)


def test_nothing_below_the_noise_floor_counts() -> None:
    assert rescale((0.02, 0.020001, 0.01), gain_ref=1.0, profile="robust", noise_floor=0.02) == (0, 200, 0)


@given(st.lists(st.floats(-1, 1), min_size=1), st.floats(-1, 1))
def test_robust_does_not_depend_on_the_other_providers(gains: list[float], other: float) -> None:
    alone = rescale(gains, gain_ref=2.0, profile="robust", noise_floor=0.01)
    assert rescale([*gains, other], gain_ref=2.0, profile="robust", noise_floor=0.01)[:-1] == alone


def test_paper_is_min_max_with_a_floor() -> None:
    assert rescale((1.0, 3.0, 2.0), gain_ref=0, profile="paper", noise_floor=0) == (10, 10_000, 5000)
    assert rescale((2.0, 2.0), gain_ref=0, profile="paper", noise_floor=0) == (10_000, 10_000)
    assert rescale((), gain_ref=0, profile="paper", noise_floor=0) == ()


@pytest.mark.parametrize(("profile", "gain_ref"), [("robust", 0.0), ("robust", float("nan")), ("other", 1.0)])
def test_what_makes_no_scale_is_refused(profile: str, gain_ref: float) -> None:
    with pytest.raises(BadInput):
        rescale((0.5,), gain_ref=gain_ref, profile=profile, noise_floor=0.0)


def test_the_reference_gain_lies_above_any_one_provider(
    base: BaseModel, seed_corpus: list[str], market: dict[str, list[str]]
) -> None:
    spec = InfluenceSpec(quota=1_000)
    scale = reference_gain(base, seed_corpus, market["validation"], spec, providers=8)
    assert scale == reference_gain(base, seed_corpus, market["validation"], spec, providers=8)
    assert 0 <= scale.noise_floor < scale.gain_ref / 8


def test_the_reference_gain_needs_the_model_s_own_seed_corpus(base: BaseModel, seed_corpus: list[str]) -> None:
    with pytest.raises(BadInput, match="seed corpus"):
        reference_gain(base, seed_corpus[1:], seed_corpus[:1], InfluenceSpec())
