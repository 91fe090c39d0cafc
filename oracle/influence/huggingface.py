"""A causal language model that lies in a local folder in the format of Hugging Face, as a base model.

Any whose attention ``transformers`` can compute with PyTorch's own (SDPA): its kernels are the ones that give the same
bits each time. Llama, Qwen, GPT-2, GPT-NeoX and OPT do; Bloom does not, and Mamba has no attention. It is read from
that folder alone: nothing is fetched, no code in the folder runs, pickled weights are not opened. Weights are float32
whatever they were saved in; dropout is off.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils import logging

from oracle.corpus.standins import require_itself, unfinished
from oracle.errors import BadInput
from oracle.influence.base import BaseModel, require_digest, require_finite_weights
from oracle.influence.gpt import LanguageModel
from oracle.influence.tokenizer import read_tokenizer

KIND = "huggingface"
CONTEXT = 1024  # tokens at most, whatever the model could read: attention's memory and time grow with the square
HASHED = ("config.json", "tokenizer.json", "*.safetensors", "*.safetensors.index.json")


class CausalLM(LanguageModel):
    """A model of ``transformers`` as this project's estimators know one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval()

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.network(input_ids=tokens, use_cache=False).logits
        return logits


def load_folder(folder: Path, digest: str | None) -> BaseModel:
    """The model in ``folder``; its digest is the SHA-256 of the lines "name sha256" of the files HASHED, sorted.

    Raises CheckFailed when the digest is not ``digest``, BadInput when a file is missing, the weights are pickled or
    an adapter or not finite, or the model is no causal language model.
    """
    name = str(folder)
    require_files(folder)
    for path in hashed(folder):
        require_itself(path)
    files = {path.name: file_digest(path) for path in hashed(folder)}
    lines = "".join(f"{file} {files[file]}\n" for file in sorted(files))
    found = hashlib.sha256(lines.encode()).hexdigest()
    require_digest(found, digest, name)
    tensors = require_whole(folder)
    about = read_config(folder / "config.json")
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    try:
        require_layers(folder, tensors)
        model = load_model(folder, about.get("architectures") or [])
        end = end_of_text(model.network.config, tokenizer)
        context = min(getattr(model.network.config, "max_position_embeddings", None) or CONTEXT, CONTEXT)
        require_finite_weights(model.network, name)
        require_causal(model, min(context, 8))
    except BadInput:
        raise
    except Exception as error:  # transformers and tokenizers raise all kinds; whatever the reason, it cannot be used
        raise BadInput(
            f"not a causal language model that can be loaded: {error}",
            input=name,
            hint="give a folder written by save_pretrained of a causal model and its fast tokenizer",
        ) from error
    record = {"kind": KIND, "architectures": about["architectures"], "files": files}
    return BaseModel(model, tokenizer, end, context, found, record)


def hashed(folder: Path) -> list[Path]:
    """The files that fix the model, links that lead nowhere among them."""
    return [path for path in folder.iterdir() if any(path.match(pattern) for pattern in HASHED)]


def require_files(folder: Path) -> None:
    """BadInput naming what the folder lacks, or holds instead."""
    there = {path.name for path in folder.iterdir()}
    lacking = [file for file in ("config.json", "tokenizer.json") if file not in there]
    if lacking:
        hint = "write model and fast tokenizer there with save_pretrained"
        if "snapshots" in there:
            hint = "give one of the folders in snapshots"
        elif late := unfinished(folder):
            hint = f"finish the download of {late[0]}"
        raise BadInput(f"no {' and no '.join(lacking)} in the model's folder", input=str(folder), hint=hint)
    if (folder / "adapter_config.json").exists():
        raise BadInput("an adapter is not a whole model", input=str(folder), hint="merge it into its model first")
    if not any(folder.glob("*.safetensors")):
        if late := unfinished(folder):
            raise BadInput(
                f"no weights in safetensors, but {late[0]}: a download that did not end",
                input=str(folder / late[0]),
                hint="download the model again, whole",
            )
        raise BadInput(
            "no weights in safetensors; pickled ones (*.bin, *.pt) can run code and are not opened",
            input=str(folder),
            hint="save the model again with save_pretrained",
        )


def require_whole(folder: Path) -> int:
    """How many tensors its files have.

    BadInput naming the file of weights that is cut off, no safetensors, or lacks though the index names it.
    """
    tensors = 0
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                tensors += len(file.keys())
        except (safetensors.SafetensorError, OSError) as error:
            hint = "get it again: it is cut off, or no safetensors"
            raise BadInput(f"{path.name} cannot be read: {error}", input=str(path), hint=hint) from error
    for index in sorted(folder.glob("*.safetensors.index.json")):
        named = read_config(index).get("weight_map")
        if not isinstance(named, dict) or not all(isinstance(shard, str) for shard in named.values()):
            raise BadInput(f"{index.name} does not name the weights' files", input=str(index), hint="get it again")
        if absent := sorted(set(named.values()) - {path.name for path in folder.iterdir()}):
            raise BadInput(
                f"{absent[0]} is not there, though {index.name} names it",
                input=str(folder / absent[0]),
                hint=f"get it: {len(absent)} of {len(set(named.values()))} files are missing",
            )
    return tensors


def require_layers(folder: Path, tensors: int) -> None:
    """ValueError when config.json speaks of more layers than there can be: transformers would make them all first."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    layers = getattr(config.get_text_config(), "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > tensors:
        raise ValueError(f"config.json has {layers} layers, its weights are {tensors} tensors")


def read_config(path: Path) -> dict[str, Any]:
    """The object in a JSON file; BadInput naming the file for anything else."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path.name} is not JSON: {error}", input=str(path), hint="get it again") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path.name} holds no object", input=str(path), hint="get it again")
    return found


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer alone: nothing is cut off or padded, and no text spells a special token.

    BadInput naming the file for what is none.
    """
    try:
        tokenizer = read_tokenizer(path.read_bytes().decode("utf-8"))
    except Exception as error:  # tokenizers raises bare exceptions
        raise BadInput(
            f"{path.name} is not a tokenizer: {error}",
            input=str(path),
            hint="write it with save_pretrained of the model's fast tokenizer",
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def load_model(folder: Path, architectures: list[str]) -> CausalLM:
    """ValueError when the model was saved as another kind, or weights are missing from the files."""
    if not set(architectures) & set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()):
        raise ValueError(f"its architecture is {', '.join(architectures) or 'not given'}")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    auto: Any = AutoModelForCausalLM  # its stubs do not know output_loading_info
    try:
        network, loading = auto.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="sdpa",  # its deterministic kernels are chosen in device.reproducible
            output_loading_info=True,
        )
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    if loading["missing_keys"]:
        raise ValueError(f"weights are missing: {', '.join(sorted(loading['missing_keys']))}")
    return CausalLM(network)


def end_of_text(config: Any, tokenizer: Tokenizer) -> int:
    """The (first) end-of-text id; ValueError when there is none or the vocabulary does not hold all tokens."""
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    if not ends or ends[0] is None:
        raise ValueError("config.json has no eos_token_id")
    if max(tokenizer.get_vocab_size() - 1, ends[0]) >= config.vocab_size:
        raise ValueError(f"tokenizer and end-of-text do not fit into a vocabulary of {config.vocab_size}")
    return int(ends[0])


@torch.no_grad()
def require_causal(model: CausalLM, length: int) -> None:
    """ValueError when what a position predicts changes with a later token."""
    tokens = torch.arange(length)[None]
    other = tokens.clone()
    other[0, -1] = 0
    if not torch.allclose(model(tokens)[0, :-1], model(other)[0, :-1], atol=1e-4):
        raise ValueError("its predictions depend on later tokens")


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
