"""bergson's MAGIC: the derivative of the validation loss after the fine-tune by every window's weight in it, exactly.

    PEER benchmarks/influence/peers_bergson.py FOLDER

FOLDER is as for peers_kronfluence.py. The best of bergson's estimators by its own leaderboard: it differentiates
through the whole run (Ilyas and Engstrom, arXiv:2504.16430). The run is ours: AdamW from the base model, one epoch, 16
windows a step, the same rates, warm-up and clip, an order of its own. Its documentation says to tune ``eps_root``,
which smooths the first steps: here it is the default, and one that weighs as much as the relative floor of our Adam.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torchopt
from bergson.magic.trainer import BackwardState, Trainer
from peers_model import IGNORED, load_gpt
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

STEP = 16  # windows
RATE, WARM_UP, CLIP = 5e-4, 5, 1.0
BETAS = (0.9, 0.99)
ROOTS = {"eps_root 1e-8": 1e-8, "default eps_root": 1e-17}


class Weighted(nn.Module):
    """The mean loss per token with a weight for every window: what bergson's trainer calls."""

    def __init__(self, gpt: nn.Module) -> None:
        super().__init__()
        self.gpt = gpt

    def forward(self, input_ids: Tensor, labels: Tensor, example_weight: Tensor, shift_loss_mask: Tensor) -> Tensor:
        logits = self.gpt(input_ids).flatten(0, 1)
        losses = functional.cross_entropy(logits, labels.flatten(), ignore_index=IGNORED, reduction="none")
        return (losses.view(labels.shape).sum(1) * example_weight).sum() / shift_loss_mask.sum()


class Stream:
    """Windows in a drawn order, a batch at a time, each with its weight: the interface of bergson's DataStream."""

    device = torch.device("cpu")

    def __init__(self, inputs: Tensor, targets: Tensor, seed: int) -> None:
        self.inputs, self.targets = inputs, targets
        self.weights = nn.Parameter(torch.ones(len(inputs)))
        order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed)).tolist()
        self.order = [order[first : first + STEP] for first in range(0, len(order), STEP)]

    @property
    def requires_grad(self) -> bool:
        return self.weights.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.weights.requires_grad = value

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rows = self.order[number]
        targets = self.targets[rows]
        return {
            "input_ids": self.inputs[rows],
            "labels": targets,
            "example_weight": self.weights[rows],
            "shift_loss_mask": targets != IGNORED,
        }


def attribute(path: Path, windows: dict[str, Tensor], root: float, checkpoints: str) -> Tensor:
    """Minus the derivative of the mean validation loss by every training window's weight."""
    model = Weighted(load_gpt(path, untied=False))
    stream = Stream(windows["data/inputs"], windows["data/targets"], seed=0)
    validation = Stream(windows["validation/inputs"], windows["validation/targets"], seed=0)

    def rate(step: Any) -> Any:
        return RATE * min(1.0, (float(step) + 1) / WARM_UP)

    optimiser = torchopt.adamw(rate, betas=BETAS, eps=1e-8, eps_root=root, weight_decay=0.0)
    trainer, state = Trainer.initialize(model, optimiser)
    state = trainer.train(state, stream, inplace=True, save_dir=checkpoints, max_grad_norm=CLIP)
    tokens = int((validation.targets != IGNORED).sum())
    gradient: dict[str, Tensor] = {}
    with state.activate(model) as parameters:
        for number in range(len(validation)):
            batch = validation[number]
            loss = model(**batch) * batch["shift_loss_mask"].sum() / tokens
            parts = torch.autograd.grad(loss, list(parameters.values()))
            for name, part in zip(parameters, parts, strict=True):
                gradient[name] = gradient[name] + part if name in gradient else part
    moments = [
        torch.zeros_like(leaf)
        for leaf in torchopt.pytree.tree_leaves(state.opt_state)
        if isinstance(leaf, Tensor) and leaf.is_floating_point()
    ]
    back = BackwardState(gradient, moments, torch.zeros_like(stream.weights))
    back = trainer.backward(checkpoints, stream, back, state, inplace=True, max_grad_norm=CLIP)
    derivative: Tensor = back.weight_grads.detach()
    return -derivative


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    windows = load_file(folder / "windows.safetensors")
    found = []
    for name, root in ROOTS.items():
        started = time.process_time()
        with tempfile.TemporaryDirectory() as checkpoints:
            scores = attribute(folder / "base.safetensors", windows, root, checkpoints)
        seconds = time.process_time() - started
        found.append({"name": f"MAGIC, {name}", "scores": scores.tolist(), "cpu_seconds": seconds})
    (folder / "result.json").write_text(json.dumps({"version": version("bergson"), "runs": found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
