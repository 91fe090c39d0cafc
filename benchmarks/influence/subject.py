"""What the estimators are judged on: a market's texts under the market's rules, cut to one quota, and a base model.

Texts near the validation set are removed, copies too (earlier providers first); who has nothing left then is left out
of the comparison: its truth is 0 by rule. The same windows go to the retrainings and to every estimator.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
from torch import Tensor

from benchmarks.influence import CACHE
from oracle.corpus.dedup import decontaminate, deduplicate
from oracle.corpus.document import Document
from oracle.influence.base import BaseModel, load_base
from oracle.influence.pretrain import BaseSpec, train_base
from oracle.influence.sequences import Windows, cut_windows, draw_passages, text_digest
from oracle.lab.market import load_market

QUOTA = 20_000
VALIDATION_WINDOWS = 256
DRAW = 20_26  # the beacon of this comparison: which passages of everybody are used


@dataclass(frozen=True)
class Subject:
    """``natural`` marks providers that were not made from others, by name."""

    base: BaseModel
    names: tuple[str, ...]
    natural: tuple[bool, ...]
    data: tuple[Windows, ...]
    validation: Windows
    emptied: tuple[str, ...]

    @property
    def key(self) -> str:
        """SHA-256 (hex) of base, data and validation: the name under which retrainings are kept."""
        parts = [self.base.digest, self.validation.digest, *(own.digest for own in self.data)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def base_of(folder: Path, spec: BaseSpec) -> BaseModel:
    """The base model of a market's seed corpus, trained once."""
    texts = [document.text for document in load_market(folder, 1).seed]
    name = hashlib.sha256((text_digest(texts) + json.dumps(asdict(spec))).encode()).hexdigest()[:16]
    path = CACHE / f"base-{name}.safetensors"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        train_base(texts, spec, progress=tell).save(path)
    return load_base(path)


def subject_of(folder: Path, base: BaseModel, quota: int = QUOTA) -> Subject:
    """Read, clean and cut; the windows are kept for the next run."""
    manifest = (folder / "manifest.json").read_bytes()
    key = hashlib.sha256(manifest + base.digest.encode() + str((quota, VALIDATION_WINDOWS, DRAW)).encode()).hexdigest()
    path = CACHE / f"windows-{key[:16]}.safetensors"
    kinds = {row["id"]: row.get("kind", "natural") for row in json.loads(manifest)["providers"]}
    if not path.exists():
        cut(folder, base, quota, path)
    tensors = safetensors.torch.load_file(path)
    windows = {name: Windows(tensors[f"{name}/inputs"], tensors[f"{name}/targets"]) for name in ["validation", *kinds]}
    names = [name for name in kinds if len(windows[name])]
    return Subject(
        base=base,
        names=tuple(names),
        natural=tuple(kinds[name] != "made" for name in names),
        data=tuple(windows[name] for name in names),
        validation=windows["validation"],
        emptied=tuple(name for name in kinds if name not in names),
    )


def cut(folder: Path, base: BaseModel, quota: int, path: Path) -> None:
    market = load_market(folder)
    clean = [decontaminate(provider.documents, market.validation)[0] for provider in market.providers]
    texts = {
        provider.id: [document.text for document in own.kept]
        for provider, own in zip(market.providers, deduplicate(clean), strict=True)
    }
    texts["validation"] = [document.text for document in market.validation]
    tensors: dict[str, Tensor] = {}
    for name, own in texts.items():
        bound = VALIDATION_WINDOWS * base.context if name == "validation" else quota
        windows = cut_windows(draw_passages(own, DRAW), base.tokenizer, base.end, base.context, bound)
        tensors |= {f"{name}/inputs": windows.inputs, f"{name}/targets": windows.targets.contiguous()}
    safetensors.torch.save_file(tensors, path)


def up_to(length: int, documents: Iterable[Document]) -> list[Document]:
    """The first documents, of so many characters together."""
    found: list[Document] = []
    for document in documents:
        if length <= 0:
            break
        found.append(document)
        length -= len(document.text)
    return found


def tell(stage: str, done: int, total: int) -> None:
    """Progress on standard error."""
    print(f"\r{stage} {done:,}/{total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)
