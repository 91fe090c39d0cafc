"""A GPT small enough to read in one sitting, large enough to tell text from noise.

Pre-norm blocks in the manner of nanoGPT and nanochat: RMS norm without weights, no biases, squared ReLU, residual
projections that start at zero, embedding and output tied. On the CPU, the reference, attention is written out; on
CUDA, where it would cost as much as the rest, one of torch's kernels computes it (``device.reproducible`` says which).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from oracle.errors import BadInput

IGNORED = -1  # a target that is padding


@dataclass(frozen=True)
class Architecture:
    """``vocabulary`` counts the end-of-text token, its last id; ``context`` is the longest sequence in tokens."""

    vocabulary: int = 2048
    width: int = 128
    layers: int = 2
    heads: int = 4
    context: int = 128

    def __post_init__(self) -> None:
        """Raises BadInput naming the size that makes no model."""
        for name, size in asdict(self).items():
            if type(size) is not int or size < 1:
                raise BadInput(f"{name} is {size!r}, no whole number from 1 on", input=name)
        if self.width % self.heads:
            raise BadInput(f"a width of {self.width} cannot be shared by {self.heads} heads", input="heads")


TENSORS = 4
"""Weights of a block."""


class Block(nn.Module):
    """Causal self-attention, then a two-layer perceptron; (batch, time, width) in and out."""

    mask: Tensor

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.attend = nn.Linear(width, 3 * width, bias=False)
        self.attend_out = nn.Linear(width, width, bias=False)
        self.think = nn.Linear(width, 4 * width, bias=False)
        self.think_out = nn.Linear(4 * width, width, bias=False)
        future = torch.full((shape.context, shape.context), float("-inf")).triu(1)
        self.register_buffer("mask", future, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(functional.rms_norm(x, x.shape[-1:]))
        return x + self.perceptron(functional.rms_norm(x, x.shape[-1:]))

    def attention(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        parts = self.attend(x).split(width, dim=-1)
        query, key, value = (p.view(batch, time, self.heads, -1).transpose(1, 2) for p in parts)
        if x.is_cuda:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            weights = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5 + self.mask[:time, :time]
            mixed = weights.softmax(-1) @ value
        out: Tensor = self.attend_out(mixed.transpose(1, 2).reshape(batch, time, width))
        return out

    def perceptron(self, x: Tensor) -> Tensor:
        out: Tensor = self.think_out(functional.relu(self.think(x)).square())
        return out


def require_room(shape: Architecture, weights: Mapping[str, Tensor]) -> None:
    """ValueError where a model of that shape has other sizes than its weights: it is not made, however large it is."""
    tables = {"tokens.weight": (shape.vocabulary, shape.width), "positions.weight": (shape.context, shape.width)}
    for name, size in tables.items():
        if (found := tuple(weights[name].shape)) != size:
            raise ValueError(f"size mismatch: {name} is {found}, by its record {size}")
    if len(weights) != len(tables) + TENSORS * shape.layers:
        raise ValueError(f"{len(weights)} tensors are not those of {shape.layers} layers")


class LanguageModel(nn.Module):
    """Next-token model. Tokens (batch, time) of int64 in, logits (batch, time, vocabulary) out."""

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Sum of the cross-entropies in nats, float32, over all targets that are not padding (a scalar)."""
        logits = self(tokens).flatten(0, 1).float()
        return functional.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum")


class GPT(LanguageModel):
    """The model of this project."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.Sequential(*(Block(shape) for _ in range(shape.layers)))

    def initialise(self, seed: int) -> GPT:
        """Draw the start weights from ``seed``, on the CPU: the same on every machine."""
        source = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if name.endswith("_out.weight"):
                nn.init.zeros_(parameter)
            else:
                std = self.shape.width**-0.5 if name.startswith("blocks") else 0.08
                nn.init.normal_(parameter, std=std, generator=source)
        return self

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        x = self.blocks(x)
        return functional.rms_norm(x, x.shape[-1:]) @ self.tokens.weight.T
