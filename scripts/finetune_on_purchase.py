"""Fine-tune the round's base model on what was bought, and see what it is worth on the planner's own text.

    python scripts/finetune_on_purchase.py bought --base base.safetensors --validation hidden.jsonl.gz

``bought`` is a folder that `mia data fetch` wrote, in any format. The base model is a file or folder, or, with
``--round`` and ``--store``, the one that the round's terms name. Bought documents that give away part of the validation
text are left out first: a loss that falls because the answers were in the book says nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from oracle.corpus.dedup import decontaminate
from oracle.corpus.document import Document
from oracle.corpus.exports.export import read_rows
from oracle.corpus.exports.manifest import read_export
from oracle.corpus.readers import read_documents
from oracle.errors import BadInput, MiaError
from oracle.influence.base import BaseModel, load_base
from oracle.influence.device import Compute, pick_device, reproducible
from oracle.influence.finetune import FineTune, Weights
from oracle.influence.sequences import Windows, cut_windows, draw_passages
from oracle.influence.spec import InfluenceSpec


@dataclass(frozen=True)
class Report:
    """``left_out``: bought documents that gave validation text away; losses in nats a token of the validation text."""

    base_model: str
    providers: int
    documents: int
    left_out: int
    tokens: int
    steps: int
    loss_before: float
    loss_after: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    try:
        report = run(asked)
    except MiaError as error:
        print(f"{error.name}: {error} ({error.input})\n  {error.hint}", file=sys.stderr)
        return error.exit_code
    if asked.json:
        print(json.dumps(asdict(report), indent=1))
    else:
        before, after = report.loss_before, report.loss_after
        print(f"{report.documents:,} documents of {report.providers} providers, {report.tokens:,} tokens")
        print(f"validation loss {before:.4f} -> {after:.4f} nats a token ({after - before:+.4f})")
    return 0


def parser() -> argparse.ArgumentParser:
    about = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    about.add_argument("bought", type=Path, help="folder written by `mia data fetch`")
    about.add_argument("--validation", type=Path, required=True, help="text of the target domain, never trained on")
    about.add_argument("--base", type=Path, help="base model: a file of this project or a Hugging Face folder")
    about.add_argument("--round", type=int, default=0, help="take the base model that this round's terms name")
    about.add_argument("--rpc", default="http://127.0.0.1:8545")
    about.add_argument("--contract", default="")
    about.add_argument("--store", default="local:market-data")
    about.add_argument("--tokens", type=int, default=200_000, help="at most so many of each provider")
    about.add_argument("--validation-tokens", type=int, default=50_000, help="measure on a sample of so many")
    about.add_argument("--epochs", type=int, default=1)
    about.add_argument("--learning-rate", type=float, default=InfluenceSpec.learning_rate)
    about.add_argument("--seed", type=int, default=0)
    about.add_argument("--device", help="cpu, cuda or cuda:N; default: a GPU where there is one")
    about.add_argument("--json", action="store_true")
    return about


def run(asked: argparse.Namespace) -> Report:
    """Fine-tune and measure. Raises MiaError for whatever cannot be used as given."""
    base = base_of_round(asked) if asked.base is None else load_base(asked.base)
    validation = list(read_documents(asked.validation))
    corpora, leaked = bought_texts(asked.bought, validation)
    spec = replace(InfluenceSpec(quota=asked.tokens), learning_rate=asked.learning_rate)
    compute = Compute(pick_device(asked.device))
    watched = windows_of(base, [document.text for document in validation], asked.seed, asked.validation_tokens)
    data = [windows_of(base, texts, asked.seed, spec.quota) for texts in corpora]
    started = time.monotonic()
    with reproducible():
        before = Weights(base, compute).mean_loss(watched)
        tuned = FineTune(base, data * asked.epochs, spec, asked.seed, compute)
        for number in range(len(tuned.steps)):
            loss = tuned.step(number)
            if number % 20 == 0 or number + 1 == len(tuned.steps):
                print(f"step {number + 1} of {len(tuned.steps)}: training loss {loss:.4f}", file=sys.stderr, flush=True)
        after = tuned.weights.mean_loss(watched)
    return Report(
        base_model=base.digest,
        providers=len(corpora),
        documents=sum(map(len, corpora)),
        left_out=leaked,
        tokens=sum(own.tokens for own in data) * asked.epochs,
        steps=len(tuned.steps),
        loss_before=before,
        loss_after=after,
        seconds=round(time.monotonic() - started, 1),
    )


def bought_texts(folder: Path, validation: Sequence[Document]) -> tuple[list[list[str]], int]:
    """The texts of each provider in an export, and how many were left out as copies of the validation text."""
    export = read_export(folder)
    found: dict[bytes, list[Document]] = {}
    for document, origin in read_rows(folder, export, next(iter(export.files))):
        found.setdefault(origin.dataset_root, []).append(document)
    cleaned = [decontaminate(own, validation) for own in found.values()]
    return [[document.text for document in kept] for kept, _ in cleaned], sum(leaked for _, leaked in cleaned)


def windows_of(base: BaseModel, texts: Sequence[str], seed: int, quota: int | None = None) -> Windows:
    """Texts as token windows; BadInput when there is nothing in them."""
    windows = cut_windows(draw_passages(texts, seed), base.tokenizer, base.end, base.context, quota)
    if not len(windows):
        raise BadInput("a corpus without text", input="texts", hint="check what was bought, and the validation file")
    return windows


def base_of_round(asked: argparse.Namespace) -> BaseModel:
    """The base model out of the content store, checked against the round's terms."""
    if not asked.round:
        raise BadInput("there is no base model", input="--base", hint="give --base PATH, or --round N and --store")
    from oracle.cli.session import open_session
    from oracle.node import pipeline

    session = open_session(asked.rpc, asked.contract, asked.store)
    terms = session.market.terms(asked.round)
    specification = pipeline.load(session.store, terms.pipeline_hash)
    data = pipeline.fetch_base_model(session.store, specification, terms.base_model_hash)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "base.safetensors")
        path.write_bytes(data)
        return load_base(path, digest=terms.base_model_hash.hex())


if __name__ == "__main__":
    sys.exit(main())
