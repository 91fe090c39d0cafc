"""The benchmark's arithmetic: agreement with retraining, and what attacks are paid, on markets made up for it."""

from __future__ import annotations

import math
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are not installed

from benchmarks.influence import agreement
from benchmarks.influence.evaluation import HEAD, Run, ceiling, judge, row_of, table, truth_from
from benchmarks.influence.gaming_summary import Row, jackknife, summary, total_ratio
from benchmarks.influence.truth import SEEDS, Retraining

WORTH = (0.41, 0.23, 0.1, -0.29)  # no two halves are worth the same
EVERYBODY = tuple(range(len(WORTH)))
HALVES = [tuple(p for p in EVERYBODY if chosen[p]) for chosen in product((0, 1), repeat=4)]


def retrained(members: tuple[int, ...], seed: int) -> float:
    """An additive market: everybody lowers the loss by what they are worth, one seed a little more than the other."""
    return 5.0 - sum(WORTH[p] for p in members) * (1.1 if seed == SEEDS[1] else 0.9)


@pytest.fixture(scope="module")
def rows() -> list[Retraining]:
    return [Retraining(seed, members, retrained(members, seed), 1.0) for seed in SEEDS for members in HALVES]


def run(gains: tuple[float, ...], seed: int = 1, seconds: float = 3.0) -> Run:
    return Run("ours", seed, list(gains), [0.0] * len(gains), 1.5, seconds, 2.0)


def test_the_truth_of_an_additive_market_is_what_everybody_is_worth(rows: list[Retraining]) -> None:
    truth = truth_from(rows, len(WORTH))
    assert truth.leave_one_out == pytest.approx(WORTH)
    assert truth.leave_one_out_error == pytest.approx(np.abs(WORTH) * 0.1)
    assert truth.banzhaf == pytest.approx(WORTH)
    assert len(truth.losses) == len(HALVES) - 1 - len(WORTH), "everybody and the leave-one-outs are no random halves"
    assert truth.subset_losses.shape == (len(SEEDS), len(truth.losses))
    found = ceiling(truth, np.ones(len(WORTH), dtype=bool))
    assert found == pytest.approx(dict.fromkeys(found, 1.0))


def test_the_truth_agrees_with_itself_and_its_reverse_does_not(rows: list[Retraining]) -> None:
    truth, everybody = truth_from(rows, len(WORTH)), np.ones(len(WORTH), dtype=bool)
    right = judge([run(WORTH), run(WORTH, seed=2)], truth, everybody)
    for name in ("loo", "banzhaf", "lds", "loo_pearson", "banzhaf_pearson", "stability"):
        assert right[name] == pytest.approx(1.0), name
    assert right["wrong_signs"] == 0 and right["times_fine_tune"] == 1.5 and right["passes"] == 1.5
    wrong = judge([run(tuple(-worth for worth in WORTH))], truth, everybody)
    assert wrong["loo"] == wrong["banzhaf"] == wrong["lds"] == pytest.approx(-1.0)
    assert wrong["wrong_signs"] == len(WORTH) and wrong["stability"] is None


def test_only_the_chosen_count(rows: list[Retraining]) -> None:
    truth = truth_from(rows, len(WORTH))
    chosen = np.array([True, True, True, False])
    found = judge([run((0.3, 0.2, 0.1, 9.0))], truth, chosen)
    assert found["loo"] == pytest.approx(1.0) and found["wrong_signs"] == 0


def test_a_sign_is_wrong_only_where_the_truth_is_clear() -> None:
    gains, truth, error = np.array([1.0, -1.0, -1.0]), np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.6])
    assert agreement.wrong_signs(gains, truth, error) == 1


def test_banzhaf_values_are_found_in_noise_and_the_interval_holds_the_mean() -> None:
    source = np.random.default_rng(3)
    member = source.integers(0, 2, (200, len(WORTH))).astype(float)
    losses = 5 - member @ np.array(WORTH) + source.normal(0, 0.05, 200)
    assert agreement.banzhaf(member, losses) == pytest.approx(WORTH, abs=0.03)
    low, high = agreement.interval(lambda at: float(losses[at].mean()), len(losses))
    assert low < losses.mean() < high and high - low < 0.2
    assert agreement.interval(lambda at: float(losses[at].mean()), len(losses)) == (low, high)


def test_a_table_has_a_cell_for_every_head(rows: list[Retraining]) -> None:
    found = judge([run(WORTH)], truth_from(rows, len(WORTH)), np.ones(len(WORTH), dtype=bool))
    line = row_of("ours", found)
    assert len(line) == len(HEAD) and line[HEAD.index("seeds")] == "-" and line[1] == "1.000"
    head, own = table([list(HEAD), line]).splitlines()
    assert len(head) == len(own) and own.startswith("ours ")


def cell(attack: str, known: str, seed: int, weight: int) -> Row:
    return Row(attack, known, seed, "p", 0.01, 0.01, 0.9, weight, [10, 20, 30])


def test_what_is_paid_is_the_ratio_of_sums_with_the_scatter_of_seeds() -> None:
    cells = []
    for seed, (own, target, leak) in enumerate([(10, 20, 30), (20, 40, 20), (0, 60, 10)]):
        cells += [cell("honest", "", seed, own), cell("honest target text", "", seed, target)]
        cells += [cell("leak", "drawn", seed, leak), cell("repetition", "drawn", seed, own)]
    found = {(one["attack"], one["known"]): one for one in summary(cells)}
    leak = found["leak", "drawn"]
    assert leak["paid"] == pytest.approx(60 / 120) and leak["own_text"] == pytest.approx(60 / 30)
    assert leak["paid_by_seed"] == pytest.approx([1.5, 0.5, 1 / 6])
    without = [30 / 100, 40 / 80, 50 / 60]
    mean = sum(without) / 3
    assert leak["paid_error"] == pytest.approx((2 / 3 * sum((one - mean) ** 2 for one in without)) ** 0.5)
    assert found["repetition", "drawn"]["paid"] == 1.0 and not leak["least"]


def test_a_ratio_over_nothing() -> None:
    assert total_ratio([(0, 0)]) == 0 and total_ratio([(1, 0)]) == math.inf
    assert jackknife([(1, 2)]) == math.inf
    assert jackknife([(1, 2), (1, 0)]) == math.inf
