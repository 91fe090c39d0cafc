"""Another market out of the documents of one, with other wants and other flaws: what was chosen is judged on it.

    .venv/bin/python -m benchmarks.influence.other_market MARKET FOLDER
    .venv/bin/python -m benchmarks.influence.evaluation FOLDER --quota 12000

MARKET is the development market, FOLDER is made. Its planner wants *everyday English*: health questions, law, news,
dialogues and novels, a seventh of the documents of five providers, which are then not for sale. What helped on the
first market (standards, textbooks, articles) is far from the target here and the other way round. Twelve natural
corpora stay; six new ones are spoilt in ways that the first market does not have. Seed corpus and reference are the
same, so that the base model is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.influence.subject import up_to
from oracle.corpus.document import Document
from oracle.errors import BadInput
from oracle.lab import degrade
from oracle.lab.market import load_market, write_corpus

TARGET = "everyday English: health, law, news, dialogue, novels"
WANTED = ("p03", "p06", "p08", "p11", "p14")
WITHHELD = 7  # one document in so many of those is validation text
VALIDATION_CHARACTERS = 60_000  # of each
NATURAL = ("p01", "p02", "p03", "p04", "p06", "p07", "p08", "p09", "p10", "p11", "p12", "p14")
SPOILT: dict[str, tuple[str, degrade.Degrade]] = {
    "scanned-news": ("p11", partial(degrade.ocr, share=0.05)),
    "half-spam-health": ("p03", partial(degrade.spam, share=0.5)),
    "form-letters": ("p08", degrade.template),
    "shuffled-law": ("p06", degrade.shuffle),
    "word-salad": ("p14", degrade.salad),
    "gibberish": ("p02", degrade.gibberish),
}

SOURCES = {own for own, _ in SPOILT.values()}
"""Their owners sell the earlier half, the later half is spoilt."""


def withheld(document: Document) -> bool:
    """Decided by the document alone, so that its copies go the same way."""
    return int.from_bytes(hashlib.sha256(document.text.encode()).digest()[:8]) % WITHHELD == 0


def spoil(documents: Sequence[Document], way: degrade.Degrade, name: str) -> list[Document]:
    """The later half of a corpus, spoilt: what is left of it in clean form is sold by its owner."""
    half = documents[len(documents) // 2 :]
    texts = way([document.text for document in half], Random(name))
    return [replace(one, id=f"{name}/{one.id}", text=text) for one, text in zip(half, texts, strict=True)]


def build(market: Path, folder: Path) -> None:
    """Raises BadInput when ``folder`` exists, or ``market`` lacks a provider."""
    if folder.exists():
        raise BadInput("this folder exists", input=str(folder), hint="name a new one")
    corpora = {provider.id.split("-")[0]: provider for provider in load_market(market).providers}
    if missing := sorted({*NATURAL, *WANTED} - corpora.keys()):
        raise BadInput(
            f"the market has no provider {missing[0]}", input=str(market), hint="give the development market"
        )
    for_sale = {
        own: [one for one in corpora[own].documents if own not in WANTED or not withheld(one)] for own in NATURAL
    }
    validation = [
        one for own in WANTED for one in up_to(VALIDATION_CHARACTERS, filter(withheld, corpora[own].documents))
    ]
    partial_folder = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    (partial_folder / "providers").mkdir(parents=True)
    rows: list[dict[str, Any]] = []

    def sell(name: str, kind: str, documents: Iterable[Document]) -> None:
        rows.append({"id": name, "kind": kind, **write_corpus(partial_folder, f"providers/{name}.jsonl.gz", documents)})

    for own in NATURAL:
        sell(corpora[own].id, "natural", for_sale[own][: len(for_sale[own]) // 2] if own in SOURCES else for_sale[own])
    for name, (own, way) in SPOILT.items():
        sell(name, "made", spoil(for_sale[own], way, name))
    sets = [write_corpus(partial_folder, "validation.jsonl.gz", validation)]
    for name in ("seed.jsonl.gz", "reference.jsonl.gz"):
        shutil.copyfile(market / name, partial_folder / name)
    manifest = {"target_domain": TARGET, "providers": rows, "sets": sets}
    (partial_folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    partial_folder.rename(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("market", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    build(options.market, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
