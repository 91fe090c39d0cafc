"""Where a killed run goes on: tensors and books in one file, replaced whole, good only for the very same job."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import safetensors
import safetensors.torch
import torch
from torch import Tensor

EVERY = 20.0  # seconds of work that a kill may cost
SHARE = 0.05  # of the time may go into writing


class Seal(Protocol):
    """What a state is closed with before it meets the disk, where the texts behind it are somebody else's."""

    def seal(self, plain: bytes, about: str) -> Iterable[bytes]:
        """``plain`` encrypted and bound to what it is ``about``, in pieces."""

    def open(self, sealed: bytes, about: str) -> bytes | None:
        """What was sealed about this very thing; None when it was altered or is about another."""


class StateFile:
    """``path`` None keeps nothing. ``key`` names the job: a state of another job is not taken up. Without a ``seal``
    the file is plain: a model half trained on the texts, and what was measured of them, but no text."""

    def __init__(self, path: Path | None, key: str, seal: Seal | None = None) -> None:
        self.path = path
        self.key = key
        self._seal = seal
        self._due = time.monotonic() + EVERY

    def due(self) -> bool:
        return self.path is not None and time.monotonic() >= self._due

    def save(self, tensors: dict[str, Tensor], books: dict[str, Any]) -> None:
        """Write both, or leave what was there."""
        if self.path is None:
            return
        began = time.monotonic()
        partial = self.path.with_name(f"{self.path.name}.partial")
        about = {"about": json.dumps({"key": self.key, "books": books})}
        plain = safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}, about)
        with partial.open("wb") as file:
            file.writelines(self._seal.seal(plain, self.key) if self._seal else [plain])
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
        now = time.monotonic()
        self._due = now + max(EVERY, (now - began) / SHARE)

    def load(self, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved of this very job, or None."""
        if self.path is None or not self.path.exists():
            return None
        kept: bytes | None = self.path.read_bytes()
        if kept is not None and self._seal:
            kept = self._seal.open(kept, self.key)
        if kept is None:
            return None
        try:
            tensors = {name: tensor.to(device) for name, tensor in safetensors.torch.load(kept).items()}
            header = json.loads(kept[8 : 8 + int.from_bytes(kept[:8], "little")])
            about = json.loads(header["__metadata__"]["about"])
            key, books = about["key"], about["books"]
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError, RecursionError):
            return None  # torn or foreign: the run starts over, as it would without the file
        return (tensors, books) if key == self.key and isinstance(books, dict) else None

    def clear(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
