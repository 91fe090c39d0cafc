"""What a log under audit may not choose: the scale it is judged on, and what is compared of it."""

from __future__ import annotations

from typing import Any

import pytest

from oracle.influence.replay import Difference, first_difference, other_environment
from oracle.influence.rescale import gain_scale

HERE = {"threads": 1, "device": "cpu", "code": "aa"}


def log(**changes: Any) -> dict[str, Any]:
    gains = {"gains": ["0.0069", "-0.00099"], "runs": [{"documents_root": "ab" * 32}]}
    return {"environment": HERE, **gains, **changes}


def test_a_large_reference_gain_does_not_widen_what_is_tolerated() -> None:
    own = [0.0069, -0.00099]
    assert gain_scale(own, 0.05) == 0.05
    assert gain_scale(own, 1e9) == pytest.approx(16 * 0.0069)
    found = first_difference(log(gains=["5.0", "4.0"]), log(), scale=gain_scale(own, 1e9))
    assert found == Difference("gains[0]", "0.0069", "5.0")
    near = log(gains=["0.00694", "-0.00099"])
    assert first_difference(near, log(), scale=gain_scale(own, 1e9)) is None


def test_without_a_reference_gain_the_range_counts_and_of_one_provider_its_size() -> None:
    assert gain_scale([0.3, -0.1], 0.0) == pytest.approx(0.4)
    assert gain_scale([0.3], 0.0) == 0.3
    assert gain_scale([0.0], 0.0) == 0.0


@pytest.mark.parametrize("environment", [None, "zz", {}, {"threads": 1}])
def test_a_log_says_where_it_was_made(environment: Any) -> None:
    found = first_difference(log(environment=environment), log(), scale=1.0)
    assert found is not None and found.path == "environment"


def test_fingerprints_of_another_environment_are_not_compared_and_that_is_known() -> None:
    elsewhere = log(environment={**HERE, "threads": 99}, runs=[{"documents_root": "cd" * 32}])
    assert first_difference(elsewhere, log(), scale=1.0) is None
    assert other_environment(elsewhere, log()) == ["threads: 1, 99"]
    here = log(runs=[{"documents_root": "cd" * 32}])
    found = first_difference(here, log(), scale=1.0)
    assert found is not None and found.path == "runs[0].documents_root"
    assert other_environment(here, log()) == []
