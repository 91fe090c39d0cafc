"""Ground truth: what really happens to the validation loss when the model is trained without somebody.

    python -m benchmarks.influence.truth MARKET

Plain fine-tunes of the base model with torch's AdamW: on everybody's text, on everybody's but one's, and on random
halves of the market (every provider with probability 1/2, independently), each under two seeds. Windows come in one
random order of all windows; a provider that is left out moves nobody else's. Nothing but the model and the windows is
shared with the estimators. Every retraining is written down when it is done: stop and run again at will.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from copy import deepcopy
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

import torch

from benchmarks.influence import CACHE
from benchmarks.influence.subject import QUOTA, Subject, base_of, subject_of, tell
from oracle.influence.base import BaseModel
from oracle.influence.gpt import GPT
from oracle.influence.pretrain import BaseSpec, mean_loss

SEEDS = (101, 202)
SUBSETS = 60
BATCH = 16  # windows
LEARNING_RATE = 5e-4
BETAS = (0.9, 0.99)
WARM_UP = 5  # steps

Members = tuple[int, ...]


@dataclass(frozen=True)
class Retraining:
    """The validation loss (nats per token) after a fine-tune on ``members``, and what it took."""

    seed: int
    members: Members
    loss: float
    cpu_seconds: float


def fine_tune(subject: Subject, members: Members, seed: int) -> GPT:
    """A fresh copy of the base model after one epoch on the members' windows."""
    model = own_gpt(subject.base)
    inputs = torch.cat([own.inputs for own in subject.data])
    targets = torch.cat([own.targets for own in subject.data])
    owner = torch.cat([torch.full((len(own),), place) for place, own in enumerate(subject.data)])
    order = torch.randperm(len(owner), generator=torch.Generator().manual_seed(seed))
    order = order[torch.isin(owner[order], torch.tensor(members))]
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=BETAS, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / WARM_UP))
    for batch in torch.split(order, BATCH):
        loss = model.loss(inputs[batch], targets[batch]) / (targets[batch] >= 0).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return model


def retrain(subject: Subject, members: Members, seed: int) -> Retraining:
    """One fine-tune, and what it comes to."""
    started = time.process_time()
    loss = mean_loss(fine_tune(subject, members, seed), subject.validation)
    return Retraining(seed, members, loss, time.process_time() - started)


def own_gpt(base: BaseModel) -> GPT:
    """A copy of the base model's network."""
    model = deepcopy(base.model)
    assert isinstance(model, GPT)  # the base that this benchmark trains
    return model


def plan(providers: int) -> list[tuple[int, Members]]:
    """(seed, members) of all retrainings, those needed first at the front."""
    everybody = tuple(range(providers))
    source = Random(7)
    halves = [tuple(place for place in everybody if source.random() < 0.5) for _ in range(SUBSETS)]
    single = [everybody, *(tuple(p for p in everybody if p != out) for out in everybody)]
    return [(seed, members) for seed in SEEDS for members in (*single, *halves)]


def kept(path: Path) -> dict[tuple[int, Members], Retraining]:
    """The retrainings that are done."""
    if not path.exists():
        return {}
    rows = (json.loads(line) for line in path.read_text().splitlines())
    done = (Retraining(row["seed"], tuple(row["members"]), row["loss"], row["cpu_seconds"]) for row in rows)
    return {(row.seed, row.members): row for row in done}


def truth_of(subject: Subject, processes: int) -> list[Retraining]:
    """All retrainings of the plan, those done before taken from the cache."""
    path = CACHE / f"truth-{subject.key[:16]}.jsonl"
    done = kept(path)
    wanted = plan(len(subject.data))
    left = [task for task in wanted if task not in done]
    if left:
        context = get_context("spawn")
        with (
            ProcessPoolExecutor(processes, context, initializer=start, initargs=(subject,)) as pool,
            path.open("a") as file,
        ):
            futures = [pool.submit(work, task) for task in left]
            for future in as_completed(futures):
                row = future.result()
                file.write(json.dumps(vars(row)) + "\n")
                file.flush()
                os.fsync(file.fileno())
                done[row.seed, row.members] = row
                tell("retrainings", len(done), len(wanted))
    return [done[task] for task in wanted]


_subject: Subject


def start(subject: Subject) -> None:
    global _subject
    _subject = subject
    torch.set_num_threads(1)


def work(task: tuple[int, Members]) -> Retraining:
    seed, members = task
    return retrain(_subject, members, seed)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path)
    parser.add_argument("--quota", type=int, default=QUOTA, help="tokens of each provider (%(default)s)")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    subject = subject_of(options.market, base_of(options.market, BaseSpec()), options.quota)
    rows = truth_of(subject, options.processes)
    minutes = sum(row.cpu_seconds for row in rows) / 60
    print(f"{len(rows)} retrainings of {len(subject.data)} providers, {minutes:.1f} CPU minutes")
    if subject.emptied:
        print(f"emptied by the market's rules, their truth is 0: {', '.join(subject.emptied)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
