"""``mia influence`` on a tiny base model: its document, its rules, its log, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from influence_files import SEED, TINY, Files, Mia
from typer.testing import CliRunner

from oracle.cli.base_model import trained_base
from oracle.cli.corpora import read_corpus
from oracle.cli.main import app
from oracle.influence.estimators import ESTIMATORS
from oracle.influence.log import log_bytes, log_hash
from oracle.influence.pretrain import BaseSpec
from oracle.influence.spec import InfluenceSpec
from oracle.node.validation import pool_root


def test_the_document_is_the_contract_s_in_argument_order(answer: Any, files: Files) -> None:
    run, providers = answer.document["run"], answer.document["providers"]
    assert {"estimator", "passes", "seconds", "device", "log_hash", "gain_ref"} <= run.keys()
    assert (run["estimator"], run["gain_ref"], run["seed"], run["quota"]) == (InfluenceSpec().estimator, 0.5, 0, 1_500)
    assert [row["path"] for row in providers] == [str(files[name]) for name in ("near", "far", "mixed")]
    for row in providers:
        assert {"path", "gain", "stderr", "phi", "tokens"} <= row.keys()
        assert 0 <= row["phi"] <= 1 and row["stderr"] >= 0 and row["tokens"] <= 1_500
        assert (row["why"] is None) == (row["phi"] > 0)
    near, far, mixed = providers
    assert near["gain"] > far["gain"] and near["phi"] > far["phi"]
    assert near["credited"] <= near["gain"]
    assert mixed["removed"]["near_validation"] == 1 and mixed["documents"] == 5


def test_the_cost_is_told_before_it_starts(answer: Any) -> None:
    before, _, after = answer.said.partition("marginal utility")
    assert "gradient passes" in before and "gradient passes" not in after


def test_people_see_a_table(files: Files) -> None:
    arguments: list[object] = ["influence", *map(str, files.options()), str(files["near"]), str(files["leak"])]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0
    for word in ("path", "gain", "±", "phi", "tokens", "near.jsonl", "close to the validation text", "log "):
        assert word in shown.stdout, word


def test_who_has_nothing_gains_nothing_and_is_told_why(mia: Mia, files: Files) -> None:
    names = ("near", "copy", "leak", "blank", "word", "german")
    found = mia("influence", *files.options(), *(files[name] for name in names))
    assert found.code == 0, found.said
    rows = dict(zip(names, found.document["providers"], strict=True))
    for name, why in (("copy", "repeats"), ("leak", "close to the validation"), ("blank", "holds no text")):
        row = rows[name]
        assert (row["gain"], row["stderr"], row["phi"], row["tokens"]) == (0, 0, 0, 0) and why in row["why"], name
    assert rows["word"]["tokens"] == 1
    assert rows["german"]["phi"] < rows["near"]["phi"]


def test_earlier_paths_own_what_two_paths_share(mia: Mia, files: Files) -> None:
    found = mia("influence", *files.options(), files["copy"], files["near"]).document["providers"]
    assert found[0]["removed"]["exact"] == 0 and found[1]["removed"]["exact"] == 4


def test_a_market_without_any_text_is_refused_with_the_reasons(mia: Mia, files: Files) -> None:
    found = mia("influence", *files.options(), files["leak"], files["blank"])
    assert found.code == 2 and "close to the validation text" in found.document["error"]["hint"]


def test_the_same_run_has_the_same_log_and_the_log_has_that_hash(mia: Mia, answer: Any, files: Files) -> None:
    again = mia("influence", *files.options(), *(files[name] for name in ("near", "far", "mixed")))
    assert again.document["providers"] == answer.document["providers"]
    assert again.document["run"]["log_hash"] == answer.document["run"]["log_hash"]
    raw = (files.folder / "log.json").read_bytes()
    log = json.loads(raw)
    assert log_bytes(log) == raw and log_hash(log) == answer.document["run"]["log_hash"]
    assert log["rescaled"]["phi"] == [round(row["phi"] * 10_000) for row in answer.document["providers"]]
    other = mia("influence", *files.options(seed=1), *(files[name] for name in ("near", "far", "mixed")))
    assert other.document["run"]["log_hash"] != answer.document["run"]["log_hash"]


def test_a_killed_run_goes_on_to_the_same_log(mia: Mia, files: Files, tmp_path: Path) -> None:
    arguments = [
        "influence",
        *files.options(repeats=3, quota=2_000, state=tmp_path / "state"),
        files["near"],
        files["mixed"],
    ]
    whole = mia(*arguments, "--state", tmp_path / "other").document["run"]["log_hash"]
    process = subprocess.Popen(
        [sys.executable, "-m", "oracle.cli.main", *map(str, arguments), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"OMP_NUM_THREADS": "1", "PATH": ""},
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "state").glob("*.done")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list((tmp_path / "state").glob("*.done")), "killed too late or too early"
    assert mia(*arguments).document["run"]["log_hash"] == whole
    assert not list((tmp_path / "state").iterdir())


def test_the_scale_is_measured_where_none_is_given(mia: Mia, files: Files) -> None:
    options = files.options(gain_ref=None, seed_corpus=files["seed"])
    found = mia("influence", *options, files["near"], files["far"])
    assert found.code == 0 and "reference gain" in found.said
    run, (near, _) = found.document["run"], found.document["providers"]
    assert run["gain_ref"] > near["gain"] and run["noise_floor"] >= 0 and near["phi"] < 0.5
    foreign = mia("influence", *files.options(gain_ref=None, seed_corpus=files["near"]), files["mixed"])
    assert foreign.code == 2 and foreign.document["error"]["input"] == "seed corpus"
    missing = mia("influence", *files.options(gain_ref=None), files["near"])
    assert missing.code == 2 and missing.document["error"]["input"] == "--seed-corpus"


def test_the_base_model_is_trained_once(files: Files, tmp_path: Path) -> None:
    spec, told = BaseSpec(TINY.architecture, tokens=8_000, epochs=1, sequences=8), []
    tell = lambda *told_now: told.append(told_now)  # noqa: E731
    first = trained_base(SEED[:20], spec, tmp_path, progress=tell)
    trained = len(told)
    (file,) = tmp_path.iterdir()
    assert trained and trained_base(SEED[:20], spec, tmp_path, progress=tell).digest == first.digest
    assert len(told) == trained
    file.write_bytes(file.read_bytes()[:-100])
    assert trained_base(SEED[:20], spec, tmp_path, progress=tell).digest == first.digest
    assert len(told) == 2 * trained
    assert trained_base(SEED[1:20], spec, tmp_path).digest != first.digest


def test_the_validation_text_is_held_to_its_commitment(mia: Mia, files: Files) -> None:
    root = pool_root(read_corpus(files["validation"], None, lambda *_: None)).hex()
    assert mia("influence", *files.options(validation_root="0x" + root.upper()), files["near"]).code == 0
    found = mia("influence", *files.options(validation=files["seed"], validation_root=root), files["near"])
    assert found.code == 1 and found.document["error"]["name"] == "CheckFailed"
    assert found.document["error"]["input"] == str(files["seed"])


def test_paper_takes_its_own_estimator_and_min_max(mia: Mia, files: Files) -> None:
    found = mia("influence", *files.options(profile="paper", gain_ref=None), files["near"], files["far"])
    assert found.code == 0, found.said
    assert found.document["run"]["estimator"] == "diagonal" and found.document["run"]["gain_ref"] is None
    assert sorted(row["phi"] for row in found.document["providers"]) == [0.001, 1.0]


def test_help_names_every_estimator() -> None:
    shown = CliRunner().invoke(app, ["influence", "--help"], env={"COLUMNS": "200"}).output
    assert all(name in shown for name in ESTIMATORS)


def test_how_exactly_it_computes_is_chosen_and_in_the_log(
    mia: Mia, answer: Any, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch._dynamo.config.disable", True)  # compiling takes this toy model a minute on a CPU
    options = files.options(precision="bfloat16", compile=True, log=tmp_path / "log.json")
    found = mia("influence", *options, *(files[name] for name in ("near", "far", "mixed")))
    assert found.code == 0, found.said
    environment = json.loads((tmp_path / "log.json").read_bytes())["environment"]
    assert (environment["precision"], environment["compiled"], environment["processes"]) == ("bfloat16", True, 1)
    rough, exact = found.document["providers"][0]["gain"], answer.document["providers"][0]["gain"]
    assert rough != exact and rough == pytest.approx(exact, rel=0.1)


def test_the_work_is_shared_by_several_processes(mia: Mia, answer: Any, files: Files, tmp_path: Path) -> None:
    options = files.options(processes=2, log=tmp_path / "log.json")
    found = mia("influence", *options, *(files[name] for name in ("near", "far", "mixed")))
    assert found.code == 0, found.said
    assert json.loads((tmp_path / "log.json").read_bytes())["environment"]["processes"] == 2
    for shared, alone in zip(found.document["providers"], answer.document["providers"], strict=True):
        assert shared["gain"] == pytest.approx(alone["gain"], rel=1e-3)
