from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import pytest
from typer.testing import CliRunner

from oracle.cli.main import app

FIELDS = {"quality", "cleanliness", "diversity", "novelty", "metadata", "tokens", "documents", "duplicates_removed"}
TEXTS = [str(topics[name]) for name in sorted(topics) if 1_500 < len(topics[name]) < 9_000]

Mia = Callable[..., Any]


def corpus(file: Path, texts: list[str]) -> Path:
    lines = [json.dumps({"id": f"{at}", "text": text, "lang": "en"}) for at, text in enumerate(texts)]
    data = "\n".join(lines).encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


def test_score_and_scan_give_the_same_numbers(mia: Mia, tmp_path: Path) -> None:
    first, second = corpus(tmp_path / "a.jsonl.gz", TEXTS[:4]), corpus(tmp_path / "b.jsonl", TEXTS[2:6])
    scored = mia("score", first, second)
    assert scored.code == 0 and scored.document["profile"] == "robust" and len(scored.document["pipeline_hash"]) == 64
    one, other = scored.document["results"]
    assert {"path", "languages", "abstained", "evidence_hash", *FIELDS} <= one.keys()
    assert [one["path"], other["path"]] == [str(first), str(second)]
    assert one["quality"] > 0.5 and one["languages"].keys() == {"en"}
    assert other["duplicates_removed"] >= 2 and other["quality"] < one["quality"]
    (scanned,) = mia("data", "scan", first).document["results"]
    assert scanned == one
    assert all(
        any(character.isdigit() for character in scanned["explanation"][axis]) for axis in ("cleanliness", "filters")
    )


def test_the_reader_sees_a_sentence_for_every_number(tmp_path: Path) -> None:
    file = corpus(tmp_path / "a.jsonl", TEXTS[:4])
    shown = CliRunner().invoke(app, ["data", "scan", str(file)]).stdout
    for word in (
        "cleanliness",
        "look like damage",
        "for example",
        "sampled sentences",
        "usual filters",
        "no document has a date",
    ):
        assert word in shown, word


def test_processes_change_nothing_and_a_reference_makes_old_what_it_holds(mia: Mia, tmp_path: Path) -> None:
    file, known = corpus(tmp_path / "a.jsonl", TEXTS[:6]), corpus(tmp_path / "known.jsonl", TEXTS[4:7])
    (alone,) = mia("score", file, "--workers", 2).document["results"]
    assert alone == mia("score", file).document["results"][0]
    held = mia("score", file, "--reference", known)
    (sampled,) = held.document["results"]
    asked = mia("score", file, "--reference", known, "--index", tmp_path / "index")
    assert sampled["duplicates_removed"] == 2 and sampled["tokens"] < alone["tokens"]
    assert asked.document["pipeline_hash"] != held.document["pipeline_hash"]
    assert asked.document["results"][0]["novelty"] <= sampled["novelty"]
    assert len(list((tmp_path / "index").iterdir())) == 1


def test_a_corpus_may_come_through_a_pipe(mia: Mia, tmp_path: Path) -> None:
    file = corpus(tmp_path / "a.jsonl", TEXTS[:3])
    command = [sys.executable, "-m", "oracle.cli.main", "score", "-", "--json"]
    piped = subprocess.run(command, input=file.read_bytes(), capture_output=True)
    (there,), (here,) = json.loads(piped.stdout)["results"], mia("score", file).document["results"]
    assert {**there, "path": ""} == {**here, "path": ""}


@pytest.mark.parametrize(
    ("options", "input"),
    [
        (["--profile", "best"], "best"),
        (["--option", "w1=90"], "weights"),
        (["--option", "colour=red"], "colour=red"),
        (["--seed", "xyz"], "--seed"),
        (["--index", "somewhere"], "--index"),
        (["--reference", "no/such/file"], "no/such/file"),
    ],
)
def test_bad_options_are_named(mia: Mia, tmp_path: Path, options: list[str], input: str) -> None:
    answer = mia("score", corpus(tmp_path / "a.jsonl", TEXTS[:1]), *options)
    assert answer.code == 2 and answer.document["error"]["input"] == input


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.jsonl", b"", "holds no text"),
        ("cut.jsonl.gz", gzip.compress(b'{"text": "a"}\n' * 4_000, mtime=0)[:-20], "damaged"),
        ("columns.csv", b"title,body\na,b\n", "text"),
        ("binary.txt", bytes(range(256)) * 64, "binary"),
        ("broken.jsonl", b'{"text": "fine"}\n{"text": \n', "broken.jsonl:2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_no_corpus_are_named(mia: Mia, tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    answer = mia("data", "scan", tmp_path / name)
    assert answer.code == 2 and message in json.dumps(answer.document)


@pytest.mark.parametrize(
    "text",
    [
        "One sentence only, but a good one.",
        "\x00 \x00",
        "😀 🚀 👍🏽",
        "هذا نص قصير باللغة العربية عن القانون.",
        "word " * 50_000,
        "x" * 2_000_000,
    ],
)
def test_odd_texts_have_a_defined_score(mia: Mia, tmp_path: Path, text: str) -> None:
    answer = mia("score", corpus(tmp_path / "odd.jsonl", [text]))
    if answer.code == 0:
        (found,) = answer.document["results"]
        assert 0 <= found["quality"] <= 1
    else:
        assert answer.code == 2 and "holds no text" in json.dumps(answer.document)
