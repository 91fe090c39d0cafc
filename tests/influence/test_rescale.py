from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.errors import BadInput, CheckFailed
from oracle.influence.base import BaseModel
from oracle.influence.estimators import ESTIMATORS
from oracle.influence.marginal import marginal_utility
from oracle.influence.projection import standard_error
from oracle.influence.rescale import credit, reference_gain, rescale
from oracle.influence.sequences import draw_passages
from oracle.influence.spec import InfluenceSpec

GAIN = st.floats(-1, 1)
ERROR = st.floats(0, 1)


def robust(gains: Sequence[float], stderr: Sequence[float] | None = None, noise_floor: float = 0.01) -> tuple[int, ...]:
    exact = stderr or [0.0] * len(gains)
    return rescale(gains, exact, gain_ref=2.0, profile="robust", noise_floor=noise_floor)


def test_robust_is_the_share_of_the_reference_gain() -> None:
    gains = (1.0, 0.5, 0.00002, 0.008, -0.4, 0.0, 6.0)
    assert robust(gains, noise_floor=0.0) == (5000, 2500, 0, 40, 0, 0, 10_000)


def test_phi_rises_from_nothing_at_the_noise_floor() -> None:
    assert robust((0.04, 0.0402, 0.05, 0.02), noise_floor=0.04) == (0, 1, 50, 0)


def test_a_gain_within_its_error_counts_nothing_and_one_of_twice_its_error_three_quarters() -> None:
    assert robust((0.8,), (0.8,), noise_floor=0.0) == (0,)
    assert robust((0.8,), (0.4,), noise_floor=0.0) == (3000,)
    assert robust((0.9,), (0.4,), noise_floor=0.1) == (3000,)
    assert robust((0.9,), (1e9,), noise_floor=0.1) == (0,)


def test_identities_of_a_single_measured_part_are_paid_nothing() -> None:
    parts = [0.3, -0.2, 0.1, 0.4, -0.1, 0.2] * 30
    dust = [standard_error([part]) for part in parts]
    assert robust(parts, dust, noise_floor=0.0) == (0,) * len(parts)
    assert robust((sum(parts) / 20,), (standard_error(parts) / 20,), noise_floor=0.0) > (0,)


@given(st.lists(st.tuples(GAIN, ERROR), min_size=1), GAIN, ERROR)
def test_robust_does_not_depend_on_the_other_providers(
    market: list[tuple[float, float]], gain: float, error: float
) -> None:
    gains, errors = map(list, zip(*market, strict=True))
    assert robust([*gains, gain], [*errors, error])[:-1] == robust(gains, errors)


@given(GAIN, GAIN, ERROR)
def test_a_higher_gain_never_counts_less(one: float, other: float, error: float) -> None:
    low, high = sorted((one, other))
    assert credit(low, error, 0.01) <= credit(high, error, 0.01)
    assert robust([low], [error]) <= robust([high], [error])


@given(GAIN, ERROR, ERROR)
def test_a_larger_error_never_counts_more(gain: float, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert robust([gain], [small]) >= robust([gain], [large])


@given(GAIN, ERROR)
def test_credit_is_never_more_than_what_is_above_the_floor_and_an_exact_gain_counts_whole(
    gain: float, error: float
) -> None:
    above = max(Fraction(0), Fraction(gain) - Fraction(0.01))
    assert credit(gain, 0.0, 0.01) == above
    assert 0 <= credit(gain, error, 0.01) <= above


@given(GAIN, ERROR)
def test_machines_that_agree_on_a_gain_agree_on_phi(gain: float, error: float) -> None:
    """Wherever the gain lies, the floor included: 2 quanta apart, rounding included at most five of phi."""
    (here,), (there,) = (robust([own], [error]) for own in (gain, gain + 2e-4 * 2.0))
    assert abs(here - there) <= 5


def test_paper_is_min_max_with_a_floor() -> None:
    def paper(*gains: float) -> tuple[int, ...]:
        return rescale(gains, [9.0] * len(gains), gain_ref=0, profile="paper", noise_floor=0)

    assert paper(1.0, 3.0, 2.0) == (10, 10_000, 5000)
    assert paper(2.0, 2.0) == (10_000, 10_000)
    assert paper() == ()


@pytest.mark.parametrize(
    ("profile", "gain_ref", "floor"),
    [
        ("robust", 0.0, 0.0),
        ("robust", float("nan"), 0.0),
        ("robust", float("inf"), 0.0),
        ("robust", 1.0, -0.1),
        ("other", 1.0, 0.0),
    ],
)
def test_what_makes_no_scale_is_refused(profile: str, gain_ref: float, floor: float) -> None:
    with pytest.raises(BadInput):
        rescale((0.5,), (0.0,), gain_ref=gain_ref, profile=profile, noise_floor=floor)


@pytest.mark.parametrize("pair", [(float("nan"), 0.0), (0.1, float("inf"))])
def test_a_gain_that_is_no_number_is_refused_by_its_place(pair: tuple[float, float]) -> None:
    with pytest.raises(CheckFailed, match="provider 1"):
        rescale((0.5, pair[0]), (0.0, pair[1]), gain_ref=1.0, profile="robust", noise_floor=0.0)


@pytest.mark.parametrize(
    ("name", "quota"), [("in-run", 40), ("diagonal", 40), *((name, 500) for name in sorted(ESTIMATORS))]
)
def test_a_whole_market_stays_below_the_reference_gain(
    base: BaseModel, seed_corpus: list[str], market: dict[str, list[str]], name: str, quota: int
) -> None:
    """Eight providers, each with as much text of the validation's own kind as the quota allows."""
    looks = 64 if name == "settled" else 8  # settled takes but one
    spec = InfluenceSpec(
        name, quota=quota, subsets=24, checkpoints=2, probes=2, iterations=3, validation_sequences=looks
    )
    scale = reference_gain(base, seed_corpus, market["validation"], spec, providers=8)
    assert 0 <= scale.noise_floor < scale.gain_ref / 8
    near = list(draw_passages(market["near"], seed=0))
    run = marginal_utility(base, [near[at::8] for at in range(8)], market["validation"], spec, seed=3)
    assert 0 < sum(run.gains) < scale.gain_ref
    phi = rescale(run.gains, run.stderr, gain_ref=scale.gain_ref, profile="robust", noise_floor=scale.noise_floor)
    assert max(phi) < 10_000 / 2


def test_the_reference_gain_is_the_same_every_time(
    base: BaseModel, seed_corpus: list[str], market: dict[str, list[str]]
) -> None:
    told: list[str] = []
    scales = [
        reference_gain(
            base,
            seed_corpus,
            market["validation"],
            InfluenceSpec(quota=200),
            progress=lambda stage, done, total: told.append(stage),
        )
        for _ in range(2)
    ]
    assert scales[0] == scales[1] and set(told) == {"reference gain"}


def test_the_reference_gain_names_what_is_too_short(base: BaseModel, seed_corpus: list[str]) -> None:
    with pytest.raises(BadInput, match="halved"):
        reference_gain(base, seed_corpus, ["one passage"], InfluenceSpec())


def test_the_reference_gain_needs_the_model_s_own_seed_corpus(base: BaseModel, seed_corpus: list[str]) -> None:
    with pytest.raises(BadInput, match="seed corpus"):
        reference_gain(base, seed_corpus[1:], seed_corpus[:1], InfluenceSpec())


def test_a_model_trained_elsewhere_takes_any_public_text(
    base: BaseModel, seed_corpus: list[str], market: dict[str, list[str]]
) -> None:
    foreign = replace(base, record={})
    spec = InfluenceSpec(quota=200)
    assert reference_gain(foreign, seed_corpus[:30], market["validation"], spec).gain_ref > 0
