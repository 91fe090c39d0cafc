"""The base model every oracle starts from, fixed by its SHA-256.

One safetensors file holds it all: weights, tokenizer, architecture and how it was trained.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from tokenizers import Tokenizer

from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.influence.gpt import GPT, Architecture

KIND = "mixed-mia/base/1"


@dataclass(frozen=True)
class BaseModel:
    """A trained model, its tokenizer, how it was made (``record``), and the file's bytes that hold them all."""

    model: GPT
    tokenizer: Tokenizer
    record: dict[str, Any]
    data: bytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's bytes, hex."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def context(self) -> int:
        """The longest sequence, in tokens."""
        return self.model.shape.context

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


def load_base(path: Path, *, digest: str | None = None) -> BaseModel:
    """Read a base model file; with ``digest`` (SHA-256, hex) only that very file will do.

    Raises EnvironmentFailure when it is missing or unreadable, CheckFailed when its digest differs, BadInput when it
    is no base model or of another architecture.
    """
    name = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot read the base model: {error.strerror}", input=name, hint="fetch it by the digest in the terms"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if digest is not None and found != digest:
        raise CheckFailed(
            f"the base model was changed: sha256 {found}, not {digest}",
            input=name,
            hint="fetch it again by the digest in the terms",
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
        record = about["record"]
        if record["kind"] != KIND:
            raise ValueError(f"kind {record['kind']}, not {KIND}")
        model = GPT(Architecture(**record["spec"]["architecture"]))
        model.load_state_dict(safetensors.torch.load(data))
        tokenizer = Tokenizer.from_str(about["tokenizer"])
        if tokenizer.get_vocab_size() != model.shape.vocabulary - 1:
            raise ValueError("tokenizer and embedding differ in size")
    except Exception as error:  # tokenizers raises bare exceptions; whatever the reason, the file is not ours
        raise BadInput(
            f"not a base model of this project: {error}", input=name, hint="give the file the planner published"
        ) from error
    return BaseModel(model, tokenizer, record, data)
