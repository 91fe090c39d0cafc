"""The base model is trained once, on the public seed corpus, until the loss on its held-out part flattens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count

import safetensors.torch
import torch

from oracle.errors import BadInput
from oracle.influence.base import KIND, BaseModel, own_model
from oracle.influence.device import pick_device, reproducible
from oracle.influence.gpt import GPT, Architecture, LanguageModel
from oracle.influence.sequences import Windows, cut_windows, draw_passages, text_digest, train_tokenizer

Progress = Callable[[str, int, int], None]

TOKENIZER_CHARACTERS = 2_000_000  # more text hardly moves 2,000 merges
CURVE_POINTS = 32  # held-out losses over the planned run
WATCHING = 0.1  # of the time, at most, may go into them
HELD_OUT_WINDOWS = 16, 128  # at least and at most
FLAT = 0.02  # a run is flat when its last quarter lowered the held-out loss by no more than this share


@dataclass(frozen=True)
class BaseSpec:
    """How the base model is made. ``tokens`` is the planned training volume, in at most ``epochs`` passes.

    AdamW; the rate is constant over the first quarter after a warm-up, then falls exponentially to ``last_rate`` of it
    and stays there until the held-out loss is flat (FLAT): a base that still learns quickly finds any text useful,
    noise included. The embeddings, whose rows are seldom touched, learn at a rate of their own.
    """

    architecture: Architecture = field(default_factory=Architecture)
    tokens: int = 4_000_000
    epochs: int = 6
    sequences: int = 16
    learning_rate: float = 4e-3
    embedding_rate: float = 1.2e-2
    last_rate: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.1
    warm_up: int = 20
    seed: int = 0


def train_base(
    texts: Sequence[str],
    spec: BaseSpec,
    *,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> BaseModel:
    """Train tokenizer and model on ``texts``; every twentieth passage is held out to watch the loss.

    Deterministic for the same texts, specification, machine and thread count. Raises BadInput when the texts are
    too few to fill one batch and the held-out windows.
    """
    device = device or pick_device()
    shape = spec.architecture
    end = shape.vocabulary - 1
    held_out, training = split_seed(texts, spec.seed)
    budget = TOKENIZER_CHARACTERS // 2000
    tokenizer = train_tokenizer(training[:budget], shape.vocabulary)
    windows = cut_windows(training, tokenizer, end, shape.context, quota=spec.tokens)
    quota = watched_windows(spec, windows.tokens) * shape.context
    watched = cut_windows(held_out, tokenizer, end, shape.context, quota=quota)
    if len(windows) < spec.sequences or not len(watched) or tokenizer.get_vocab_size() != end:
        raise BadInput(
            f"the seed corpus is too small: {windows.tokens} tokens, {tokenizer.get_vocab_size() + 1} of "
            f"{shape.vocabulary} vocabulary entries",
            input="seed corpus",
            hint="give more public text, or a smaller vocabulary",
        )
    with reproducible():
        model = GPT(shape).initialise(spec.seed).to(device)
        curve = fit(model, windows.to(device), watched.to(device), spec, progress)
    record = {
        "kind": KIND,
        "spec": asdict(spec),
        "seed_corpus": text_digest(texts),
        "training_tokens": windows.tokens,
        "held_out_losses": [f"{loss:.4f}" for loss in curve],
        "last_quarter": f"{last_quarter(curve):.4f}",
    }
    # one metadata key: safetensors writes several of them in the order of a hash map
    about = json.dumps({"record": record, "tokenizer": tokenizer.to_str()}, sort_keys=True)
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    data = safetensors.torch.save(weights, {"about": about})
    return own_model(model.cpu(), tokenizer, json.loads(about)["record"], data)


def watched_windows(spec: BaseSpec, corpus: int) -> int:
    """Held-out windows that are watched; looking at one takes a third of training on it."""
    least, most = HELD_OUT_WINDOWS
    planned = min(spec.tokens, spec.epochs * corpus) / spec.architecture.context
    return max(least, min(most, int(3 * WATCHING * planned / CURVE_POINTS)))


def split_seed(texts: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Passages of the seed corpus held out of the training (every twentieth), and those trained on."""
    passages = list(draw_passages(texts, seed))
    return passages[::20], [passage for place, passage in enumerate(passages) if place % 20]


def fit(model: GPT, windows: Windows, held_out: Windows, spec: BaseSpec, progress: Progress | None) -> list[float]:
    """Train ``model`` in place until flat; the held-out losses, nats per token, at even points of the run."""
    per_step = spec.sequences * spec.architecture.context
    planned = max(CURVE_POINTS, min(spec.tokens, spec.epochs * windows.tokens) // per_step)
    every = planned // CURVE_POINTS
    weights = list(model.parameters())
    embeddings = [*model.tokens.parameters(), *model.positions.parameters()]
    groups = [
        {"params": list(model.blocks.parameters()), "lr": spec.learning_rate},
        {"params": embeddings, "lr": spec.embedding_rate},
    ]
    optimiser = torch.optim.AdamW(groups, betas=spec.betas, weight_decay=spec.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, planned, spec))
    batches = draw_batches(len(windows), spec)
    curve: list[float] = []
    for step in count(1):
        batch = windows[next(batches)]
        loss = model.loss(batch.inputs, batch.targets) / batch.targets.numel()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        if step % every == 0:
            curve.append(mean_loss(model, held_out))
        if progress:
            progress("base model", min(step, planned), planned)
        if step >= planned and step % every == 0 and last_quarter(curve) <= FLAT:
            break
    return curve


def rate(step: int, planned: int, spec: BaseSpec) -> float:
    """The learning rate of a step, relative to the peak."""
    decayed = (step - planned / 4) / (planned * 3 / 4)
    fallen: float = spec.last_rate ** min(1.0, max(0.0, decayed))
    return min(1.0, (step + 1) / spec.warm_up, fallen)


def draw_batches(size: int, spec: BaseSpec) -> Iterator[list[int]]:
    """Window numbers of each step, epoch after epoch in a fresh order."""
    source = torch.Generator().manual_seed(spec.seed)
    queue: list[int] = []
    while True:
        while len(queue) < spec.sequences:
            queue += torch.randperm(size, generator=source).tolist()
        yield queue[: spec.sequences]
        queue = queue[spec.sequences :]


def last_quarter(curve: Sequence[float]) -> float:
    """The share by which the last quarter of a run lowered the held-out loss."""
    return 1 - curve[-1] / curve[len(curve) * 3 // 4 - 1]


@torch.no_grad()
def mean_loss(model: LanguageModel, windows: Windows, batch: int = 16) -> float:
    """Mean cross-entropy over all targets, nats per token."""
    total = sum(
        float(model.loss(windows.inputs[i : i + batch], windows.targets[i : i + batch]).double())
        for i in range(0, len(windows), batch)
    )
    return total / windows.tokens
