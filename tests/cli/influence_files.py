"""Toy corpora and a toy base model on disk, and ``mia influence`` on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import torch

from oracle.cli.base_model import trained_base
from oracle.cli.corpora import read_corpus
from oracle.influence.gpt import Architecture
from oracle.influence.pretrain import BaseSpec

TINY = BaseSpec(Architecture(vocabulary=320, width=16, layers=1, heads=2, context=32), tokens=40_000, sequences=8)
TEXTS = [topics[name] for name in sorted(topics)]
SEED, REST = TEXTS[0::2], TEXTS[1::2]
GERMAN = (
    "Der Fluss trug das Eis hinab zum Meer, und niemand im Dorf wusste, wann das Wasser wieder steigen würde. "
) * 30

NAMES = ("near", "far", "mixed")
"""Of the run that most tests look at."""

Mia = Callable[..., Any]


def corpus(file: Path, texts: list[str]) -> Path:
    file.write_text("\n".join(json.dumps({"id": f"{file.stem}-{at}", "text": text}) for at, text in enumerate(texts)))
    return file


@dataclass(frozen=True)
class Files:
    """Corpora on disk, and the options of a short run on them."""

    folder: Path

    def __getitem__(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    @property
    def base(self) -> Path:
        return self.folder / "base.safetensors"

    def options(self, **changes: object) -> list[object]:
        chosen = {
            "validation": self["validation"],
            "base": self.base,
            "quota": 1_500,
            "gain_ref": 0.5,
            "state": self.folder / "unfinished",
        } | changes
        return [
            part
            for name, value in chosen.items()
            if value is not None
            for part in (f"--{name.replace('_', '-')}", *([] if value is True else [value]))
        ]


@contextmanager
def written(folder: Path) -> Iterator[Files]:
    """The files, in ``folder``, and one thread while they are used: matrices this small are slower on two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    made = Files(folder)
    corpus(made["seed"], SEED)
    corpus(made["validation"], REST[:10])
    corpus(made["near"], REST[10:20])
    corpus(made["far"], ["0x3f 0b11 " * 300])
    corpus(made["copy"], REST[12:16])
    corpus(made["leak"], [REST[2], REST[4]])
    corpus(made["mixed"], [REST[3], *REST[20:24]])
    corpus(made["word"], ["x"])
    corpus(made["blank"], ["  \n"])
    corpus(made["german"], [GERMAN])
    base = trained_base([document.text for document in read_corpus(made["seed"], None, lambda *_: None)], TINY, folder)
    base.save(made.base)
    yield made
    torch.set_num_threads(threads)


def replayed(mia: Mia, files: Files, published: Path, /, *names: str, **changes: object) -> Any:
    """What ``--replay`` answers, by the log's own settings."""
    options = files.options(quota=None, gain_ref=None, replay=published, **changes)
    return mia("influence", *options, *(files[name] for name in names))
