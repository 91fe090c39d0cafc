"""The project's base model as its peers need it; imported by scripts that run where this project is not installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import safetensors
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[2]))

from oracle.influence.gpt import GPT, IGNORED, Architecture

__all__ = ["IGNORED", "load_gpt"]


class Untied(GPT):
    """Its output is a linear layer of its own, which libraries that hook linear layers can see."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__(shape)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        x = self.blocks(x)
        out: Tensor = self.head(functional.rms_norm(x, x.shape[-1:]))
        return out


def load_gpt(path: Path, *, untied: bool) -> nn.Module:
    """The GPT in a base model file, with its weights."""
    with safetensors.safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    shape = Architecture(**about["record"]["spec"]["architecture"])
    model: nn.Module = Untied(shape) if untied else GPT(shape)
    weights = load_file(path)
    model.load_state_dict(weights | ({"head.weight": weights["tokens.weight"].clone()} if untied else {}))
    return model
