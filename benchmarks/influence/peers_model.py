"""The project's base model as its peers need it; imported by scripts that run where only torch is installed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

IGNORED = -1  # a target that is padding


def load_gpt(path: Path, *, untied: bool) -> nn.Module:
    """The GPT in a base model file, with its weights; ``untied``: its output is a linear layer of its own."""
    spec = importlib.util.spec_from_file_location("gpt", Path(__file__).parents[2] / "oracle" / "influence" / "gpt.py")
    assert spec and spec.loader
    gpt = importlib.util.module_from_spec(spec)
    sys.modules["gpt"] = gpt  # dataclasses look their module up
    spec.loader.exec_module(gpt)

    class Untied(gpt.GPT):  # type: ignore[misc, name-defined]
        def __init__(self, shape: Any) -> None:
            super().__init__(shape)
            self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)

        def forward(self, tokens: Tensor) -> Tensor:
            x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
            x = self.blocks(x)
            out: Tensor = self.head(functional.rms_norm(x, x.shape[-1:]))
            return out

    with safetensors.safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    shape = gpt.Architecture(**about["record"]["spec"]["architecture"])
    model: nn.Module = Untied(shape) if untied else gpt.GPT(shape)
    weights = load_file(path)
    model.load_state_dict(weights | ({"head.weight": weights["tokens.weight"].clone()} if untied else {}))
    return model
