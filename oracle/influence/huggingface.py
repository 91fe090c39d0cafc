"""Any causal language model that lies in a local folder in the format of Hugging Face, as a base model.

Read from that folder alone: nothing is fetched, no code in the folder runs, pickled weights are not opened. Weights are
float32 whatever they were saved in; dropout is off.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils import logging

from oracle.errors import BadInput
from oracle.influence.base import BaseModel, require_digest, require_finite_weights
from oracle.influence.gpt import LanguageModel

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
    files = {path.name: file_digest(path) for pattern in HASHED for path in folder.glob(pattern)}
    lines = "".join(f"{file} {files[file]}\n" for file in sorted(files))
    found = hashlib.sha256(lines.encode()).hexdigest()
    require_digest(found, digest, name)
    try:
        about = json.loads((folder / "config.json").read_bytes())
        tokenizer = load_tokenizer(folder / "tokenizer.json")
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


def require_files(folder: Path) -> None:
    """BadInput naming what the folder lacks, or holds instead."""
    lacking = [file for file in ("config.json", "tokenizer.json") if not (folder / file).is_file()]
    if lacking:
        raise BadInput(
            f"no {' and no '.join(lacking)} in the model's folder",
            input=str(folder),
            hint="write model and fast tokenizer there with save_pretrained",
        )
    if (folder / "adapter_config.json").exists():
        raise BadInput("an adapter is not a whole model", input=str(folder), hint="merge it into its model first")
    if not any(folder.glob("*.safetensors")):
        raise BadInput(
            "no weights in safetensors; pickled ones (*.bin, *.pt) can run code and are not opened",
            input=str(folder),
            hint="save the model again with save_pretrained",
        )


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer alone: nothing is cut off or padded, and no text spells a special token."""
    tokenizer = Tokenizer.from_file(str(path))
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
