"""What ``mia influence`` refuses, and says about it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from influence_files import Files, Mia, replayed
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from oracle.cli.influence import named_by_path
from oracle.cli.influence_documents import documents_file, write_log
from oracle.errors import CheckFailed


@pytest.fixture(scope="module")
def log(mia: Mia, files: Files) -> Path:
    written = files.folder / "log.json"
    assert mia("influence", *files.options(quota=200, log=written), files["near"], files["far"]).code == 0
    return written


def test_a_poisoned_log_is_refused(mia: Mia, files: Files, log: Path, tmp_path: Path) -> None:
    poisoned = json.loads(log.read_bytes()) | {"gains": ["nan", "0.0"]}
    (tmp_path / "log.json").write_text(json.dumps(poisoned))
    found = replayed(mia, files, tmp_path / "log.json", "near", "far")
    assert found.code == 1 and "gains[0] is nan" in json.dumps(found.document)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seed": "zz"}, "seed"),
        ({"seed": {}}, "seed"),
        ({"spec": "settled"}, "spec"),
        ({"environment": None}, "environment"),
        ({"runs": ["run"]}, "runs"),
        ({"rescaled": 7}, "rescaled"),
        ({"rescaled": {"profile": "robust", "noise_floor": "0.0"}}, "rescaled.gain_ref"),
    ],
)
@pytest.mark.parametrize("spot", [None, 1])
def test_a_damaged_log_is_named_with_its_field(
    mia: Mia, files: Files, log: Path, tmp_path: Path, change: dict[str, object], field: str, spot: int | None
) -> None:
    damaged = tmp_path / "log.json"
    write_log(damaged, json.loads(log.read_bytes()) | change, documents_file(log).read_bytes().splitlines())
    found = replayed(mia, files, damaged, "near", "far", spot=spot)
    assert (found.code, found.document["error"]["input"]) == (2, str(damaged))
    assert f"damaged: {field} is " in found.document["error"]["hint"]


def damaged_base(files: Files, path: Path, factor: float) -> Path:
    """The base model with some weights times ``factor``."""
    weights = load_file(files.base)
    weights["blocks.0.think.weight"] *= factor
    with safe_open(files.base, framework="pt") as file:
        save_file(weights, path, file.metadata())
    return path


def test_a_base_that_is_not_finite_is_nobody_s_fault(mia: Mia, files: Files, tmp_path: Path) -> None:
    base = damaged_base(files, tmp_path / "base", float("nan"))
    found = mia("influence", *files.options(base=base), files["near"])
    assert (found.code, found.document["error"]["input"]) == (2, str(base))
    assert "blocks.0.think.weight is not finite" in found.document["error"]["hint"]


def test_a_loss_that_is_not_finite_is_named_and_nothing_is_written(mia: Mia, files: Files, tmp_path: Path) -> None:
    base = damaged_base(files, tmp_path / "base", 1e30)
    options = files.options(base=base, log=tmp_path / "log.json", estimator="in-run")
    found = mia("influence", *options, files["near"])
    assert found.code == 1 and found.document["error"]["input"] == "validation at step 0"
    assert "loss nan" in found.document["error"]["hint"] and not (tmp_path / "log.json").exists()


def test_no_provider_is_named_for_the_run_that_measures_the_scale(mia: Mia, files: Files, tmp_path: Path) -> None:
    base = damaged_base(files, tmp_path / "base", 1e30)
    found = mia("influence", *files.options(base=base, gain_ref=None, seed_corpus=files["seed"]), files["near"])
    assert (found.code, found.document["error"]["input"]) == (1, "reference gain")
    assert "while the reference gain was measured" in found.document["error"]["hint"]
    assert "reference corpus" in found.document["error"]["hint"] and "provider" not in found.document["error"]["hint"]


def test_a_provider_that_fails_a_check_is_called_by_its_path() -> None:
    with pytest.raises(CheckFailed, match="provider 1 is b") as caught, named_by_path([Path("a"), Path("b")]):
        raise CheckFailed("step 3: the gradient of provider 1 is not finite", input="provider 1")
    assert caught.value.input == "b"


@pytest.mark.parametrize(
    ("change", "code", "input"),
    [
        ({"spot": 1}, 2, "--spot"),
        ({"spot": 0, "replay": "log"}, 2, "--spot"),
        ({"spot": 1, "replay": "log", "log": "log"}, 2, "--log"),
        ({"estimator": "guess"}, 2, "estimator"),
        ({"quota": 0}, 2, "quota"),
        ({"repeats": 0}, 2, "repeats"),
        ({"gain_ref": -1}, 2, "--gain-ref"),
        ({"gain_ref": "nan"}, 2, "--gain-ref"),
        ({"noise_floor": -1}, 2, "--noise-floor"),
        ({"profile": "best"}, 2, "--profile"),
        ({"device": "abacus"}, 2, "device"),
        ({"precision": "float8"}, 2, "precision"),
        ({"processes": 0}, 2, "processes"),
        ({"base": None}, 2, "--base"),
        ({"base": "no/such/base"}, 3, "no/such/base"),
        ({"validation": "no/such/file"}, 2, "no/such/file"),
        ({"replay": "no/such/log"}, 2, "no/such/log"),
    ],
)
def test_bad_options_are_named(mia: Mia, files: Files, change: dict[str, object], code: int, input: str) -> None:
    found = mia("influence", *files.options(**change), files["near"])
    assert (found.code, found.document["error"]["input"]) == (code, input)
    assert found.document["error"]["hint"]


def test_bad_files_are_named(mia: Mia, files: Files, tmp_path: Path) -> None:
    missing = mia("influence", *files.options(), files["near"], "no/such/provider")
    assert missing.code == 2 and missing.document["error"]["input"] == "no/such/provider"
    empty = mia("influence", *files.options(validation=files["blank"]), files["near"])
    assert empty.code == 2 and empty.document["error"]["input"] == str(files["blank"])
    (tmp_path / "other.safetensors").write_bytes(b"not a model")
    other = mia("influence", *files.options(base=tmp_path / "other.safetensors"), files["near"])
    assert other.code == 2 and "base model" in other.document["error"]["hint"]


@pytest.mark.parametrize(
    "place",
    [
        "no/such/folder/log.json",
        "folder",
        "lines.json",
        "/proc/log.json",
        "pipe",
        "x" * 240,
        "near.jsonl",
        "link.jsonl",
        "validation.jsonl",
        "seed.jsonl",
        "base.safetensors",
        "published.json",
        "published.json.documents.jsonl",
        "corpus/log.json",
    ],
)
def test_a_log_that_cannot_or_must_not_be_written_is_refused_before_any_work(
    mia: Mia, files: Files, log: Path, tmp_path: Path, place: str
) -> None:
    here = Files(tmp_path)
    for name in ("near", "validation", "seed"):
        here[name].write_bytes(files[name].read_bytes())
    here.base.write_bytes(files.base.read_bytes())
    write_log(tmp_path / "published.json", json.loads(log.read_bytes()), [b"{}"])
    for folder in ("folder", "lines.json.documents.jsonl", "corpus"):
        (tmp_path / folder).mkdir()
    (tmp_path / "corpus" / "text.jsonl").write_bytes(files["mixed"].read_bytes())
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.jsonl").symlink_to(here["near"])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    options = here.options(seed_corpus=here["seed"], log=tmp_path / place, replay=tmp_path / "published.json")
    found = mia("influence", *options, here["near"], tmp_path / "corpus")
    assert (found.code, found.document["error"]["input"]) == (2, "--log") and not found.said.count("passes")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
