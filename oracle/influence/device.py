"""Where tensors live, and the settings under which the same run gives the same bits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils.deterministic


def pick_device() -> torch.device:
    """CUDA when this machine has it, the CPU otherwise; the code that follows is the same."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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
