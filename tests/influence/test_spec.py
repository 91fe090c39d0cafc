"""A specification that makes no sense is refused with the choice at fault."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from oracle.errors import BadInput
from oracle.influence.spec import InfluenceSpec


@pytest.mark.parametrize("name", [choice.name for choice in fields(InfluenceSpec) if type(choice.default) is not str])
def test_every_number_has_a_bound(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        InfluenceSpec(**{name: (-1.0, 0.5) if name == "betas" else -1})
    assert caught.value.input == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quota", 0),
        ("repeats", 0),
        ("warm_up", 0),
        ("iterations", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("damping", -1.0),
        ("document_clip", -0.5),
        ("document_clip", float("nan")),
        ("document_clip", 1.0),  # settled cannot
        ("betas", (0.9, 1.0)),
        ("betas", (-0.1, 0.99)),
    ],
)
def test_a_choice_that_makes_no_sense_is_named(name: str, value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        InfluenceSpec(**{name: value})
    assert caught.value.input == name
