"""Where a killed run goes on: a state that is torn or of another make counts as none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from oracle.influence.state import StateFile

CPU = torch.device("cpu")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state", "job")
    file.save({"weights": torch.ones(3)}, {"step": 2})
    tensors, books = StateFile(tmp_path / "state", "job").load(CPU) or ({}, {})
    assert tensors["weights"].tolist() == [1, 1, 1] and books == {"step": 2}
    assert StateFile(tmp_path / "state", "another").load(CPU) is None


@pytest.mark.parametrize(
    "about", ["[]", "5", json.dumps({"key": "job"}), json.dumps({"key": "job", "books": [1]}), "[" * 100_000]
)
def test_a_state_of_another_make_is_none(tmp_path: Path, about: str) -> None:
    (tmp_path / "state").write_bytes(safetensors.torch.save({"weights": torch.ones(3)}, {"about": about}))
    assert StateFile(tmp_path / "state", "job").load(CPU) is None
