"""The sentence model in torch, at any precision on any device: what the audited path and a GPU run."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from oracle.quality.minilm import DIMENSIONS, EPSILON, HEADS, Floats, Pair, weights

Tensors = tuple[Tensor, Tensor]


class Network:
    """The encoder with mean pooling and normalisation, in ``dtype`` on ``device``."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        """Raises EnvironmentFailure: the packaged model is missing or altered."""
        parameters = weights()

        def tensor(value: Floats) -> Tensor:
            return torch.from_numpy(value).to(device, dtype)

        def pair(values: Pair) -> Tensors:
            return tensor(values[0]), tensor(values[1])

        self.device = device
        self.words, self.positions = tensor(parameters.words), tensor(parameters.positions) + tensor(parameters.kind)
        self.norm = pair(parameters.norm)
        self.layers = [
            tuple(map(pair, (one.attend, one.mix, one.mix_norm, one.widen, one.narrow, one.narrow_norm)))
            for one in parameters.layers
        ]

    @torch.inference_mode()
    def __call__(self, ids: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(b, d) unit vectors on the device of (b, l) word pieces; ``lengths`` (b,) where rows are padded."""
        ids = ids.to(self.device)
        count, width = ids.shape
        mask = None
        if lengths is not None:
            mask = torch.arange(width, device=self.device) < lengths.to(self.device)[:, None]
        states = _norm(self.words[ids] + self.positions[:width], self.norm)
        for attend, mix, mix_norm, widen, narrow, narrow_norm in self.layers:
            heads = functional.linear(states, *attend).view(count, width, 3, HEADS, DIMENSIONS // HEADS)
            query, key, value = heads.permute(2, 0, 3, 1, 4)
            seen = None if mask is None else mask[:, None, None, :]
            attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
            attended = attended.transpose(1, 2).reshape(count, width, DIMENSIONS)
            states = _norm(functional.linear(attended, *mix) + states, mix_norm)
            wide = functional.gelu(functional.linear(states, *widen))
            states = _norm(functional.linear(wide, *narrow) + states, narrow_norm)
        if states.dtype is not torch.float64:
            states = states.float()  # sums and lengths are taken in more than half precision
        total = states.sum(dim=1) if mask is None else (states * mask[:, :, None]).sum(dim=1)
        return functional.normalize(total, dim=1)


@cache
def network(dtype: torch.dtype, device: str) -> Network:
    """The network, built once."""
    return Network(dtype, torch.device(device))


def _norm(states: Tensor, norm: Tensors) -> Tensor:
    return functional.layer_norm(states, (DIMENSIONS,), *norm, EPSILON)
