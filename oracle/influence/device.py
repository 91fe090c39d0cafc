"""Where tensors live, and the settings under which the same run gives the same bits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.utils.deterministic
from torch import Tensor, nn


def pick_device() -> torch.device:
    """CUDA when this machine has it, the CPU otherwise; the code that follows is the same."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Compute:
    """Where a run computes."""

    device: torch.device = field(default_factory=pick_device)

    def loss_of(self, model: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
        """The model's loss: (inputs, targets) of (windows, context) -> summed nats, a float32 scalar."""
        loss: Callable[[Tensor, Tensor], Tensor] = model.loss  # type: ignore[assignment]
        return loss

    def describe(self) -> dict[str, Any]:
        """What may move the last bits of a result."""
        cuda = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if cuda else self.device.type,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }


@contextmanager
def reproducible() -> Iterator[None]:
    """Full float32 (no TF32) and deterministic kernels; the process's own settings come back afterwards.

    On one machine the same configuration, thread count included, then gives identical bits. Across thread counts
    and devices results differ in the last float32 bits only: scores are compared by tolerance, never by hash.
    """
    # cuBLAS reads this when its first handle is made, and refuses deterministic mode without it
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    precision = torch.get_float32_matmul_precision()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, which type checkers do not see
    filled = memory.fill_uninitialized_memory
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False  # a tenth of the time, for memory nobody reads
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        memory.fill_uninitialized_memory = filled
