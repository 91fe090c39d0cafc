"""Where and how exactly a run computes, and the settings under which the same run gives the same bits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.utils.deterministic
from torch import Tensor
from torch.nn.functional import pad

from oracle.errors import BadInput, EnvironmentFailure
from oracle.influence.gpt import IGNORED, LanguageModel

# cuBLAS reads it once, when its first handle is made, and refuses deterministic mode without it
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

PRECISIONS = ("float32", "bfloat16")

Loss = Callable[[Tensor, Tensor], Tensor]


def pick_device(name: str | None = None) -> torch.device:
    """The device of that name (cpu, cuda, cuda:1); with None CUDA where this machine has it, the CPU otherwise.

    Raises BadInput for another name, EnvironmentFailure for a GPU that is not there.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f"unknown device {name!r}", input="device", hint="use cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise BadInput(f"runs on {device.type} cannot be reproduced", input="device", hint="use cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EnvironmentFailure(
            f"{name}: torch {torch.__version__} sees {torch.cuda.device_count()} GPUs here",
            input="device",
            hint="use cpu, or install a CUDA build of torch and its driver",
        )
    return device


@dataclass(frozen=True)
class Compute:
    """Where a run computes, and how.

    On the CPU float32 is the reference. ``precision`` bfloat16: matrix products take bfloat16 operands and accumulate
    in float32; weights, gradients and the optimiser stay float32, the credits' dot products float64. ``compiled``:
    the loss goes through torch.compile, which pays on CUDA. ``processes``: data parallel, on CUDA one to a GPU.
    """

    device: torch.device = field(default_factory=pick_device)
    precision: str = "float32"
    compiled: bool = False
    processes: int = 1

    def __post_init__(self) -> None:
        """Raises BadInput for another precision or no process, EnvironmentFailure for fewer GPUs than processes."""
        if self.precision not in PRECISIONS:
            raise BadInput(
                f"unknown precision {self.precision!r}", input="precision", hint=f"use {' or '.join(PRECISIONS)}"
            )
        if self.processes < 1:
            raise BadInput(f"{self.processes} processes cannot run a job", input="processes", hint="use 1 or more")
        if self.device.type == "cuda" and self.processes > torch.cuda.device_count():
            raise EnvironmentFailure(
                f"{self.processes} processes need as many GPUs; here are {torch.cuda.device_count()}",
                input="processes",
                hint="ask for fewer processes",
            )

    def of_process(self, rank: int) -> Compute:
        """What process ``rank`` of several computes on."""
        return replace(self, device=torch.device("cuda", rank)) if self.device.type == "cuda" else self

    def loss_of(self, model: LanguageModel) -> Loss:
        """The model's loss: (inputs, targets) of (windows, context) -> summed nats, a float32 scalar."""
        loss = in_few_shapes(torch.compile(model.loss, dynamic=False)) if self.compiled else model.loss
        cast: Loss = self.autocast()(loss)
        return cast

    def autocast(self) -> torch.autocast:
        """Matrix products of float32 operands take them in this run's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def describe(self) -> dict[str, Any]:
        """What may move the last bits of a result."""
        cuda = self.device.type == "cuda"
        return {
            "device": torch.cuda.get_device_name(self.device) if cuda else self.device.type,
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "precision": self.precision,
            "compiled": self.compiled,
            "processes": self.processes,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }


def in_few_shapes(loss: Loss) -> Loss:
    """``loss`` with the number of windows filled up, by padding, to a power of two: every shape is compiled anew."""

    def filled(inputs: Tensor, targets: Tensor) -> Tensor:
        missing = (1 << (len(inputs) - 1).bit_length()) - len(inputs)
        rows = (0, 0, 0, missing)
        return loss(pad(inputs, rows), pad(targets, rows, value=IGNORED)) if missing else loss(inputs, targets)

    return filled


@contextmanager
def tensor_float(allowed: bool) -> Iterator[None]:
    """Whether CUDA may round the operands of float32 matrix products to TF32 (10 bits) in here."""
    cuda: Any = torch.backends.cuda
    before = cuda.matmul.allow_tf32
    cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        cuda.matmul.allow_tf32 = before


@contextmanager
def reproducible() -> Iterator[None]:
    """Full float32 (no TF32) and deterministic kernels; the process's own settings come back afterwards.

    On one machine the same configuration, thread count included, then gives identical bits. Across thread counts
    and devices results differ in the last float32 bits only: scores are compared by tolerance, never by hash.
    """
    precision = torch.get_float32_matmul_precision()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, which type checkers do not see
    filled = memory.fill_uninitialized_memory
    cuda: Any = torch.backends.cuda
    reduced = cuda.matmul.allow_bf16_reduced_precision_reduction
    fused = cuda.mem_efficient_sdp_enabled(), cuda.cudnn_sdp_enabled()
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False  # a tenth of the time, for memory nobody reads
    cuda.matmul.allow_bf16_reduced_precision_reduction = False
    # of the attention kernels the flash one (bfloat16) and the written-out one (float32) have deterministic gradients
    cuda.enable_mem_efficient_sdp(False)
    cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        memory.fill_uninitialized_memory = filled
        cuda.matmul.allow_bf16_reduced_precision_reduction = reduced
        cuda.enable_mem_efficient_sdp(fused[0])
        cuda.enable_cudnn_sdp(fused[1])
