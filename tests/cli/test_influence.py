"""``mia influence`` on a tiny base model: its document, its rules, its log, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from oracle.cli.base_model import trained_base
from oracle.cli.influence import named_by_path
from oracle.cli.influence_documents import documents_file, write_log
from oracle.cli.main import app
from oracle.cli.scoring import read_corpus
from oracle.errors import CheckFailed
from oracle.evidence import canonical
from oracle.evidence.merkle import document_root
from oracle.influence.estimators import ESTIMATORS
from oracle.influence.gpt import Architecture
from oracle.influence.log import log_bytes, log_hash
from oracle.influence.pretrain import BaseSpec
from oracle.influence.spec import InfluenceSpec
from oracle.node.validation import pool_root

TINY = BaseSpec(Architecture(vocabulary=320, width=16, layers=1, heads=2, context=32), tokens=40_000, sequences=8)
TEXTS = [topics[name] for name in sorted(topics)]
SEED, REST = TEXTS[0::2], TEXTS[1::2]
GERMAN = (
    "Der Fluss trug das Eis hinab zum Meer, und niemand im Dorf wusste, wann das Wasser wieder steigen würde. "
) * 30

Mia = Callable[..., Any]


def corpus(file: Path, texts: list[str]) -> Path:
    file.write_text("\n".join(json.dumps({"id": f"{file.stem}-{at}", "text": text}) for at, text in enumerate(texts)))
    return file


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Files:
    """Corpora on disk, and the options of a short run on them."""

    folder: Path

    def __getitem__(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    @property
    def base(self) -> Path:
        return self.folder / "base.safetensors"

    def options(self, **changes: object) -> list[object]:
        chosen = {
            "validation": self["validation"],
            "base": self.base,
            "quota": 600,
            "gain_ref": 0.5,
            "state": self.folder / "unfinished",
        } | changes
        return [
            part
            for name, value in chosen.items()
            if value is not None
            for part in (f"--{name.replace('_', '-')}", value)
        ]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    made = Files(tmp_path_factory.mktemp("influence"))
    corpus(made["seed"], SEED)
    corpus(made["validation"], REST[:10])
    corpus(made["near"], REST[10:20])
    corpus(made["far"], ["0x3f 0b11 " * 300])
    corpus(made["copy"], REST[12:16])
    corpus(made["leak"], [REST[2], REST[4]])
    corpus(made["mixed"], [REST[3], *REST[20:24]])
    corpus(made["word"], ["x"])
    corpus(made["blank"], ["  \n"])
    corpus(made["german"], [GERMAN])
    base = trained_base(
        [document.text for document in read_corpus(made["seed"], None, lambda *_: None)], TINY, made.folder
    )
    base.save(made.base)
    return made


@pytest.fixture(scope="module")
def answer(mia: Mia, files: Files) -> Any:
    found = mia(
        "influence", *files.options(log=files.folder / "log.json"), *(files[name] for name in ("near", "far", "mixed"))
    )
    assert found.code == 0, found.said
    return found


def test_the_document_is_the_contract_s_in_argument_order(answer: Any, files: Files) -> None:
    run, providers = answer.document["run"], answer.document["providers"]
    assert {"estimator", "passes", "seconds", "device", "log_hash", "gain_ref"} <= run.keys()
    assert (run["estimator"], run["gain_ref"], run["seed"], run["quota"]) == (InfluenceSpec().estimator, 0.5, 0, 600)
    assert [row["path"] for row in providers] == [str(files[name]) for name in ("near", "far", "mixed")]
    for row in providers:
        assert {"path", "gain", "stderr", "phi", "tokens"} <= row.keys()
        assert 0 <= row["phi"] <= 1 and row["stderr"] >= 0 and row["tokens"] <= 600
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


def replayed(mia: Mia, files: Files, log: Path, *names: str, **changes: object) -> Any:
    options = files.options(quota=None, gain_ref=None, replay=log, **changes)
    return mia("influence", *options, *(files[name] for name in names))


def test_a_log_replays_by_its_own_settings(mia: Mia, answer: Any, files: Files) -> None:
    found = replayed(mia, files, files.folder / "log.json", "near", "far", "mixed")
    assert found.code == 0 and found.document["replay"] == {"ok": True, "first_difference": None}
    assert found.document["run"]["log_hash"] == answer.document["run"]["log_hash"]


def test_what_does_not_replay_is_named(mia: Mia, answer: Any, files: Files, tmp_path: Path) -> None:
    log = json.loads((files.folder / "log.json").read_bytes())
    gains = [repr(float(log["gains"][0]) * 1.5), *log["gains"][1:]]
    (tmp_path / "raised.json").write_text(json.dumps(log | {"gains": gains}))
    found = replayed(mia, files, tmp_path / "raised.json", "near", "far", "mixed")
    assert found.code == 1 and not found.document["replay"]["ok"]
    assert found.document["replay"]["first_difference"] == {
        "path": "gains[0]",
        "expected": log["gains"][0],
        "found": gains[0],
    }
    other = replayed(mia, files, files.folder / "log.json", "near", "german", "mixed")
    assert other.code == 1 and other.document["replay"]["first_difference"]["path"] == "data[1]"
    seeded = replayed(mia, files, files.folder / "log.json", "near", "far", "mixed", seed=9)
    assert seeded.document["replay"]["first_difference"] == {"path": "seed", "expected": "9", "found": "0"}


def test_a_poisoned_log_is_refused(mia: Mia, answer: Any, files: Files, tmp_path: Path) -> None:
    log = json.loads((files.folder / "log.json").read_bytes())
    (tmp_path / "log.json").write_text(json.dumps(log | {"gains": ["nan", *log["gains"][1:]]}))
    found = replayed(mia, files, tmp_path / "log.json", "near", "far", "mixed")
    assert found.code == 1 and "gains[0] is nan" in json.dumps(found.document)


def test_a_loss_that_is_not_finite_is_named_and_nothing_is_written(mia: Mia, files: Files, tmp_path: Path) -> None:
    weights = load_file(files.base)
    weights["blocks.0.think.weight"][0] = float("nan")
    with safe_open(files.base, framework="pt") as file:
        save_file(weights, tmp_path / "damaged.safetensors", file.metadata())
    options = files.options(base=tmp_path / "damaged.safetensors", log=tmp_path / "log.json", estimator="in-run")
    found = mia("influence", *options, files["near"])
    assert found.code == 1 and found.document["error"]["input"] == "validation at step 0"
    assert "loss nan" in found.document["error"]["hint"] and not (tmp_path / "log.json").exists()


def test_a_provider_that_fails_a_check_is_called_by_its_path() -> None:
    with pytest.raises(CheckFailed, match="provider 1 is b") as caught, named_by_path([Path("a"), Path("b")]):
        raise CheckFailed("step 3: the gradient of provider 1 is not finite", input="provider 1")
    assert caught.value.input == "b"


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


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_estimator_replays(mia: Mia, files: Files, tmp_path: Path, name: str) -> None:
    options = files.options(estimator=name, quota=100, log=tmp_path / "log.json")
    assert mia("influence", *options, files["near"], files["far"]).code == 0
    assert replayed(mia, files, tmp_path / "log.json", "near", "far").document["replay"]["ok"]


@pytest.fixture(scope="module")
def spotted(request: pytest.FixtureRequest, mia: Mia, files: Files) -> Path:
    """The log of an estimator that can be checked by windows: of one run, of ``diagonal`` of two."""
    log = files.folder / f"{request.param}.json"
    options = files.options(estimator=request.param, repeats=1 + (request.param == "diagonal"), log=log)
    assert mia("influence", *options, files["near"], files["blank"], files["mixed"]).code == 0
    return log


def spot(mia: Mia, files: Files, log: Path, windows: int = 99, **changes: object) -> Any:
    return replayed(mia, files, log, "near", "blank", "mixed", **({"spot": windows} | changes))


@pytest.mark.parametrize("spotted", ["diagonal", "cg", "settled"], indirect=True)
def test_drawn_windows_are_checked_without_the_run(mia: Mia, files: Files, spotted: Path, tmp_path: Path) -> None:
    found = spot(mia, files, spotted, windows=2)
    assert found.code == 0 and found.document["replay"] == {"ok": True, "first_difference": None}
    log, lines = json.loads(spotted.read_bytes()), documents_file(spotted).read_bytes().splitlines()
    assert found.document["spot"] == {"checked": 4 * len(log["runs"]), "windows": len(lines)}
    assert found.document["run"]["log_hash"] == log_hash(log) and "gradient passes" not in found.said
    write_log(tmp_path / "log.json", log | {"stderr": [repr(float(log["stderr"][0]) + 1), *log["stderr"][1:]]}, lines)
    surer = spot(mia, files, tmp_path / "log.json", windows=1)
    assert surer.code == 1 and surer.document["replay"]["first_difference"]["path"] == "stderr[0]"


@pytest.mark.parametrize("spotted", ["diagonal"], indirect=True)
def test_what_does_not_hold_where_it_is_checked_is_named(mia: Mia, files: Files, spotted: Path, tmp_path: Path) -> None:
    log, lines = json.loads(spotted.read_bytes()), documents_file(spotted).read_bytes().splitlines()
    half = len(lines) // 2

    def first(changed: Any, own: list[bytes], **changes: object) -> str:
        write_log(tmp_path / "log.json", changed, own)
        found = spot(mia, files, tmp_path / "log.json", **changes)
        assert found.code == 1, found.said
        return str(found.document["replay"]["first_difference"]["path"])

    def with_run(number: int, **changes: object) -> Any:
        runs = [run | changes if at == number else run for at, run in enumerate(log["runs"])]
        return log | {"runs": runs}

    line = json.loads(lines[half + 3])
    raised = 2 * abs(float(line["value"])) + 1e-3
    forged = [*lines]
    forged[half + 3] = canonical.dumps(line | {"value": repr(float(line["value"]) + raised)})
    assert first(log, forged) == "runs[1].documents_root"
    root = document_root(forged[half:]).hex()
    assert first(with_run(1, documents_root=root), forged) == "runs[1].gains[0]"
    gains = log["runs"][1]["gains"]
    paid = [repr(float(gains[0]) + raised), *gains[1:]]
    assert first(with_run(1, documents_root=root, gains=paid), forged) == "runs[1].documents[3]"
    assert first(with_run(1, direction="0" * 64), lines) == "runs[1].direction"
    assert first(log | {"gains": [repr(float(log["gains"][0]) + 1), *log["gains"][1:]]}, lines) == "gains[0]"
    assert first(log, lines[:-1]) == "documents"
    assert first(log, lines, validation=files["seed"]) == "validation"
    (tmp_path / "log.json.documents.jsonl").unlink()
    missing = spot(mia, files, tmp_path / "log.json")
    assert missing.code == 2 and missing.document["error"]["input"] == str(documents_file(tmp_path / "log.json"))


@pytest.mark.parametrize("spotted", ["diagonal"], indirect=True)
def test_people_see_what_was_checked(files: Files, spotted: Path) -> None:
    options = files.options(quota=None, gain_ref=None, replay=spotted, spot=1)
    arguments = ["influence", *map(str, [*options, *(files[name] for name in ("near", "blank", "mixed"))])]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0 and "windows computed again" in shown.stdout and "the log replays" in shown.stdout


def test_only_sums_over_windows_can_be_spot_checked(mia: Mia, files: Files, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    assert mia("influence", *files.options(estimator="in-run", log=log), files["near"], files["far"]).code == 0
    documents_file(log).write_bytes(b"")
    found = replayed(mia, files, log, "near", "far", spot=1)
    assert found.code == 2 and found.document["error"]["input"] == "estimator"


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
