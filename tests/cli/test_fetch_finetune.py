"""The example: what was bought lowers the base model's loss on the planner's text; copies of that text are left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.corpus.exports.export import Lot, write_export
from oracle.corpus.exports.manifest import read_export
from oracle.corpus.exports.rows import Origin
from oracle.influence.gpt import Architecture
from oracle.influence.pretrain import BaseSpec, train_base

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "finetune_on_purchase.py"
TEXTS = [topics[name] for name in sorted(topics)]
TINY = BaseSpec(
    architecture=Architecture(vocabulary=400, width=32, layers=1, heads=2, context=32),
    tokens=60_000,
    sequences=8,
    learning_rate=3e-3,
    embedding_rate=1e-2,
)


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("purchase")
    rest = TEXTS[1::2]
    hidden = [Document(str(n), text) for n, text in enumerate(rest[:10])]
    sold = [Document(f"sold {n}", text) for n, text in enumerate(rest[10:40])]
    train_base(TEXTS[0::8], TINY).save(folder / "base.safetensors")
    (folder / "hidden.jsonl").write_bytes(b"".join(canonical_line(document) + b"\n" for document in hidden))
    corpora = [sold[:15], [*sold[15:], hidden[0]]]
    lots = [
        Lot(Origin("0x" + f"{n}{n}" * 20, bytes([n]) * 32, bytes(32), 1), bytes(32), len(own), lambda own=own: own)
        for n, own in enumerate(corpora, 1)
    ]
    write_export(folder / "bought", lots, ["webdataset"], title="bought", date="2026-01-31")
    return folder


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    options = ["--base", str(folder / "base.safetensors"), "--validation", str(folder / "hidden.jsonl"), *more]
    command = [sys.executable, str(SCRIPT), str(folder / "bought"), "--device", "cpu", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_loss_falls(bought: Path) -> None:
    done = run(bought, "--json", "--tokens", "20000", "--epochs", "2", "--learning-rate", "0.002")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["providers"] == 2
    assert report["documents"] + report["left_out"] == read_export(bought / "bought").documents
    assert 1 <= report["left_out"] <= 3  # the copied one, and what shares whole paragraphs with the hidden text
    assert report["loss_after"] < report["loss_before"] - 0.02


def test_it_says_what_is_missing(bought: Path, tmp_path: Path) -> None:
    refused = run(bought, "--validation", str(tmp_path / "nowhere.jsonl"))
    assert refused.returncode == 2 and "does not exist" in refused.stderr
