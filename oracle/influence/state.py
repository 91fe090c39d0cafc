"""Where a killed run goes on: tensors and books in one file, replaced whole, good only for the very same job."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

EVERY = 20.0  # seconds of work that a kill may cost
SHARE = 0.05  # of the time may go into writing


class StateFile:
    """``path`` None keeps nothing. ``key`` names the job: a state of another job is not taken up."""

    def __init__(self, path: Path | None, key: str) -> None:
        self.path = path
        self.key = key
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
        safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, about)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(self.path)
        now = time.monotonic()
        self._due = now + max(EVERY, (now - began) / SHARE)

    def load(self, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved of this very job, or None."""
        if self.path is None or not self.path.exists():
            return None
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                about = json.loads(file.metadata()["about"])
                tensors = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118
        except (safetensors.SafetensorError, KeyError, ValueError):
            return None  # torn or foreign: the run starts over, as it would without the file
        return (tensors, about["books"]) if about["key"] == self.key else None

    def clear(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
