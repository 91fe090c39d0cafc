"""The base model every oracle starts from, fixed by its SHA-256.

One of this project is one safetensors file that holds it all: weights, tokenizer, architecture and how it was trained.
Or it is a folder with a causal language model in the format of Hugging Face (``huggingface`` says which).
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from tokenizers import Tokenizer
from torch import nn

from oracle.corpus.standins import require_itself
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.influence.gpt import GPT, Architecture, LanguageModel, require_room
from oracle.influence.tokenizer import read_tokenizer

KIND = "mixed-mia/base/1"


@dataclass(frozen=True)
class BaseModel:
    """A trained model, its tokenizer, and how it was made (``record``).

    ``end`` is the id of end-of-text, ``context`` the longest sequence in tokens, ``digest`` (hex) a SHA-256 that fixes
    all of it, ``file`` the bytes of the file it is kept in, None for a folder.
    """

    model: LanguageModel
    tokenizer: Tokenizer
    end: int
    context: int
    digest: str
    record: dict[str, Any]
    file: bytes | None = None

    @property
    def data(self) -> bytes:
        """The file's bytes; BadInput for a folder, which is no one file to publish."""
        if self.file is None:
            raise BadInput(
                "a Hugging Face model is a folder and cannot be published as one file",
                input="base model",
                hint="give a base model of this project, or leave it out to train one",
            )
        return self.file

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        partial = path.with_name(f"{path.name}.partial")
        with partial.open("wb") as file:
            file.write(self.data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def own_model(model: GPT, tokenizer: Tokenizer, record: dict[str, Any], file: bytes) -> BaseModel:
    """A base model of this project: end-of-text is the id after the tokenizer's."""
    digest = hashlib.sha256(file).hexdigest()
    return BaseModel(model, tokenizer, tokenizer.get_vocab_size(), model.shape.context, digest, record, file)


def load_base(path: Path, *, digest: str | None = None) -> BaseModel:
    """Read a base model file or folder; with ``digest`` (SHA-256, hex) only that very one will do.

    Raises EnvironmentFailure when it is missing or unreadable, CheckFailed when its digest differs, BadInput when it
    stands for another file (a Git LFS pointer), is no base model, of another architecture, or damaged: a record without
    its seed, a weight that is not finite.
    """
    if path.is_dir():
        from oracle.influence.huggingface import load_folder  # transformers takes seconds to import

        return load_folder(path, digest)
    name = str(path)
    require_itself(path, "a base model of this project")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot read the base model: {error.strerror}", input=name, hint="fetch it by the digest in the terms"
        ) from error
    require_digest(hashlib.sha256(data).hexdigest(), digest, name)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
        record = about["record"]
        if record["kind"] != KIND:
            raise ValueError(f"kind {record['kind']}, not {KIND}")
        if type(seed := record["spec"].get("seed")) is not int:  # which text was held out follows from it
            raise ValueError(f"the seed of its training is {seed!r}")
        shape, weights = Architecture(**record["spec"]["architecture"]), safetensors.torch.load(data)
        require_room(shape, weights)
        model = GPT(shape)
        model.load_state_dict(weights)
        tokenizer = read_tokenizer(about["tokenizer"])
        if tokenizer.get_vocab_size() != model.shape.vocabulary - 1:
            raise ValueError("tokenizer and embedding differ in size")
    except Exception as error:  # tokenizers raises bare exceptions; whatever the reason, the file is not ours
        raise BadInput(
            f"not a base model of this project: {error}", input=name, hint="give the file the planner published"
        ) from error
    require_finite_weights(model, name)
    return own_model(model, tokenizer, record, data)


def require_finite_weights(model: nn.Module, name: str) -> None:
    """BadInput, about the file or folder ``name``, naming the first tensor with a number that is not finite."""
    for tensor, weights in model.named_parameters():
        if not torch.isfinite(weights).all():
            raise BadInput(
                f"the base model is damaged: a weight in {tensor} is not finite",
                input=name,
                hint="take a base model whose training did not diverge, or get this one again",
            )


def require_digest(found: str, wanted: str | None, name: str) -> None:
    """CheckFailed when a digest is wanted and another was found."""
    if wanted is not None and found != wanted:
        raise CheckFailed(
            f"the base model was changed: sha256 {found}, not {wanted}",
            input=name,
            hint="fetch it again by the digest in the terms",
        )
