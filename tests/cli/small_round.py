"""A whole small round, taken through the stages of ``mia demo``: four honest providers and a copy of one of them."""

from __future__ import annotations

import gzip
import json
import pydoc_data.topics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch

from oracle.cli import stages
from oracle.cli.demo import prepare
from oracle.cli.demo_run import Run, Settings
from oracle.influence.gpt import Architecture
from oracle.influence.pretrain import BaseSpec
from oracle.influence.spec import InfluenceSpec


def tell(stage: str, done: int, total: int) -> None:
    """Nobody is watching."""


def write_market(folder: Path) -> None:
    """Four honest providers and a copy, out of the language reference that ships with Python."""
    paragraphs = [
        block.replace("\n", " ").strip()
        for _, text in sorted(pydoc_data.topics.topics.items())
        for block in text.split("\n\n")
        if len(block) > 200
    ]
    texts = {
        "seed": paragraphs[::2],
        "validation": paragraphs[1::10],
        "reference": paragraphs[3::10],
        **{f"part-{n}": paragraphs[5 + 2 * n :: 10][:50] for n in range(3)},
    }
    texts["copy-of-part-0"] = texts["part-0"]
    folder.mkdir()
    for name, blocks in texts.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            for n, text in enumerate(blocks):
                file.write(json.dumps({"id": f"{name}/{n}", "text": text, "lang": "en", "date": "2024-01-01"}) + "\n")
    providers = [{"id": name, "file": f"{name}.jsonl.gz"} for name in texts if name.startswith(("part", "copy"))]
    (folder / "manifest.json").write_text(json.dumps({"providers": providers}))


@contextmanager
def small_run(folder: Path, operators: int = 3) -> Iterator[Run]:
    """A run that has not begun, in ``folder``."""
    write_market(folder / "market")
    settings = Settings(
        market=folder / "market",
        base=BaseSpec(
            architecture=Architecture(vocabulary=512, width=64, layers=1, heads=2, context=64),
            tokens=120_000,
            sequences=16,
        ),
        influence=InfluenceSpec(quota=6_000),  # with less, chance alone puts honest providers below the noise floor
        validation_sample=40,
        operators=operators,
        asked=0.15,
    )
    prepare(folder / "out")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a model this small gains nothing from more, and loses much on a busy machine
    with ExitStack() as closing:
        yield Run(folder / "out", settings, closing)
    torch.set_num_threads(threads)


def play(run: Run, first: str, last: str) -> None:
    names = [name for name, _ in stages.STAGES]
    for _, stage in stages.STAGES[names.index(first) : names.index(last) + 1]:
        stage(run, tell)


def here(run: Run) -> list[str]:
    return ["--rpc", run.chain.rpc, "--contract", run.session.market.address, "--store", run.store]


def key(run: Run, name: str) -> list[str]:
    return ["--keystore", str(run.keystore(name)), "--password-file", str(run.password_file)]
