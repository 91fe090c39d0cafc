"""What tells of a model in a folder in the format of Hugging Face: its configuration, tokenizer, index of weights."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from random import Random
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging

from fuzz.forms import is_json, varied
from fuzz.parties import folder
from fuzz.target import Input, Target
from oracle.errors import BadInput
from oracle.influence.huggingface import load_folder
from oracle.influence.sequences import train_tokenizer

FILES = ("config.json", "model.safetensors.index.json", "tokenizer.json")
"""The input's first line says which of them it is."""


@cache
def _saved() -> Path:
    """A tiny model, its weights in two files."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    place = folder() / "model"
    sizes: dict[str, Any] = {"vocab_size": 300, "eos_token_id": 299, "bos_token_id": 299}
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_embd=8, n_layer=1, n_head=2, n_positions=16, **sizes))
    model.save_pretrained(place, max_shard_size="10KB")
    tokenizer = train_tokenizer([topics[name] for name in sorted(topics)][:20], 300)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(place / "tokenizer.json"))
    return place


def _valid(source: Random) -> bytes:
    return _file(source.choice(FILES))


def _file(name: str) -> bytes:
    return name.encode() + b"\n" + (_saved() / name).read_bytes()


def _varied(source: Random) -> Input:
    name = source.choice(FILES)
    made = varied(source, lambda _: (_saved() / name).read_bytes())
    return Input(name.encode() + b"\n" + made.data, f"{name}: {made.change}")


def _load(data: bytes) -> None:
    line, _, content = data.partition(b"\n")
    name = line.decode("latin-1")
    if name not in FILES:
        raise BadInput("no file of a model's")
    place = folder() / "given"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(_saved(), place)
    (place / name).write_bytes(content)
    found = load_folder(place, None)
    assert found.context >= 1 and type(found.end) is int
    json.dumps(found.record)


TARGETS = (
    Target("Hugging Face model", _valid, _varied, lambda data: is_json(data.partition(b"\n")[2]), _load, memory=200),
)
