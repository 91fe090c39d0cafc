"""kronfluence's EK-FAC influence of every training window on the validation loss; run by the interpreter that has it.

    PEER benchmarks/influence/peers_kronfluence.py FOLDER

FOLDER holds base.safetensors (a base model), windows.safetensors (what peers.py writes); result.json goes there. As its
documentation says for language models: losses are sums, the Fisher matrix is the true one (labels sampled from the
model), factors come from all training windows, padding is masked, queries are aggregated. All nn.Linear are tracked:
the attention's and the perceptron's, and the output, untied from the embedding; embeddings are not supported.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import torch
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import FactorArguments, ScoreArguments
from kronfluence.task import Task
from peers_model import IGNORED, load_gpt
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

BATCH = 8
DAMPINGS = {"default damping": 1e-8, "damping of .1 mean eigenvalues": None}
"""Its default, and its heuristic, which is the paper's (Grosse et al., arXiv:2308.03296)."""

Batch = tuple[Tensor, Tensor]


class Text(Dataset[Batch]):
    """Windows as (inputs, targets)."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, place: int) -> Batch:
        return self.inputs[place], self.targets[place]


class LanguageModelling(Task):  # type: ignore[misc]
    """Summed cross-entropy, for training and for what is measured."""

    def compute_train_loss(self, batch: Batch, model: nn.Module, sample: bool = False) -> Tensor:
        inputs, targets = batch
        logits: Tensor = model(inputs).flatten(0, 1)
        wanted = targets.flatten()
        if sample:
            with torch.no_grad():
                drawn = torch.multinomial(logits.softmax(-1), 1).flatten()
                wanted = torch.where(wanted == IGNORED, wanted, drawn)
        return functional.cross_entropy(logits, wanted, ignore_index=IGNORED, reduction="sum")

    def compute_measurement(self, batch: Batch, model: nn.Module) -> Tensor:
        return self.compute_train_loss(batch, model)

    def get_attention_mask(self, batch: Batch) -> Tensor:
        text: Tensor = batch[1] != IGNORED
        return text.long()


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = load_gpt(folder / "base.safetensors", untied=True).eval()
    windows = load_file(folder / "windows.safetensors")
    training = Text(windows["data/inputs"], windows["data/targets"])
    validation = Text(windows["validation/inputs"], windows["validation/targets"])
    started = time.process_time()
    task = LanguageModelling()
    model = prepare_model(model, task)
    analyzer = Analyzer("ekfac", model, task, cpu=True, output_dir=str(folder), disable_tqdm=True)
    analyzer.fit_all_factors(
        "factors", training, per_device_batch_size=BATCH, factor_args=FactorArguments(), overwrite_output_dir=True
    )
    fitted = time.process_time() - started
    tokens = int((windows["validation/targets"] != IGNORED).sum())
    found = []
    for name, damping in DAMPINGS.items():
        started = time.process_time()
        arguments = ScoreArguments(
            damping_factor=damping, aggregate_query_gradients=True, compute_per_module_scores=True
        )
        analyzer.compute_pairwise_scores(
            name,
            "factors",
            validation,
            training,
            per_device_query_batch_size=BATCH,
            per_device_train_batch_size=BATCH,
            score_args=arguments,
            overwrite_output_dir=True,
        )
        modules = {key: scores.double().flatten() for key, scores in analyzer.load_pairwise_scores(name).items()}
        seconds = fitted + time.process_time() - started
        blocks = torch.stack([scores for key, scores in modules.items() if key != "head"]).sum(0)
        for what, scores in ((f"all linear layers, {name}", blocks + modules["head"]), (f"blocks, {name}", blocks)):
            found.append({"name": what, "scores": (scores / tokens).tolist(), "cpu_seconds": seconds})
    (folder / "result.json").write_text(json.dumps({"version": version("kronfluence"), "runs": found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
