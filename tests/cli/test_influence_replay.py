"""Logs of ``mia influence``: computed again as a whole, or checked at a few windows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from influence_files import NAMES, Files, Mia, replayed
from typer.testing import CliRunner

from oracle.cli.influence_documents import documents_file, write_log
from oracle.cli.main import app
from oracle.errors import BadInput
from oracle.evidence import canonical
from oracle.evidence.merkle import document_root
from oracle.influence.estimators import ESTIMATORS
from oracle.influence.log import log_hash

REPLAYS: dict[str, Any] = {"ok": True, "first_difference": None, "environment_differs": []}


def test_a_log_replays_by_its_own_settings(mia: Mia, answer: Any, files: Files) -> None:
    found = replayed(mia, files, files.folder / "log.json", *NAMES)
    assert found.code == 0 and found.document["replay"] == REPLAYS
    assert found.document["run"]["log_hash"] == answer.document["run"]["log_hash"]


def test_what_does_not_replay_is_named(mia: Mia, answer: Any, files: Files, tmp_path: Path) -> None:
    log = json.loads((files.folder / "log.json").read_bytes())
    gains = [repr(float(log["gains"][0]) * 1.5), *log["gains"][1:]]
    (tmp_path / "raised.json").write_text(json.dumps(log | {"gains": gains}))
    found = replayed(mia, files, tmp_path / "raised.json", *NAMES)
    assert found.code == 1 and not found.document["replay"]["ok"]
    assert found.document["replay"]["first_difference"] == {
        "path": "gains[0]",
        "expected": log["gains"][0],
        "found": gains[0],
    }
    other = replayed(mia, files, files.folder / "log.json", "near", "german", "mixed")
    assert other.code == 1 and other.document["replay"]["first_difference"]["path"] == "data[1]"
    seeded = replayed(mia, files, files.folder / "log.json", *NAMES, seed=9)
    assert seeded.document["replay"]["first_difference"] == {"path": "seed", "expected": "9", "found": "0"}


def test_a_log_does_not_choose_its_own_tolerance(mia: Mia, answer: Any, files: Files, tmp_path: Path) -> None:
    log = json.loads((files.folder / "log.json").read_bytes())
    gains = ["5.0", "4.0", "3.0"]
    scale = log["rescaled"] | {"gain_ref": "1000000000.0", "phi": [0, 0, 0]}
    run = log["runs"][0] | {"gains": gains}
    (tmp_path / "log.json").write_text(json.dumps(log | {"runs": [run], "gains": gains, "rescaled": scale}))
    found = replayed(mia, files, tmp_path / "log.json", *NAMES)
    assert found.code == 1 and found.document["replay"]["first_difference"]["path"] == "runs[0].gains[0]"


def test_a_log_of_another_environment_replays_and_it_is_said(mia: Mia, answer: Any, files: Files) -> None:
    log = json.loads((files.folder / "log.json").read_bytes())
    elsewhere = files.folder / "elsewhere.json"
    lines = documents_file(files.folder / "log.json").read_bytes().splitlines()
    write_log(elsewhere, log | {"environment": log["environment"] | {"threads": 99}}, lines)
    for spot in (None, 2):
        found = replayed(mia, files, elsewhere, *NAMES, spot=spot)
        assert found.code == 0 and found.document["replay"] == REPLAYS | {"environment_differs": ["threads: 1, 99"]}
    options = files.options(quota=None, gain_ref=None, replay=elsewhere, spot=1)
    shown = CliRunner().invoke(app, ["influence", *map(str, [*options, *map(files.__getitem__, NAMES)])]).stdout
    assert "fingerprints were not compared: the log was made with other threads\n" in shown
    write_log(elsewhere, log | {"environment": {"threads": 99}}, lines)
    found = replayed(mia, files, elsewhere, *NAMES)
    assert found.code == 1 and found.document["replay"]["first_difference"]["path"] == "environment"


def test_a_replay_writes_the_log_it_found_only_where_it_is_the_published_one(
    mia: Mia, answer: Any, files: Files, tmp_path: Path
) -> None:
    published = files.folder / "log.json"
    found = replayed(mia, files, published, *NAMES, log=tmp_path / "mine.json")
    assert found.code == 0 and (tmp_path / "mine.json").read_bytes() == published.read_bytes()
    other = replayed(mia, files, published, "near", "german", "mixed", log=tmp_path / "other.json")
    assert other.code == 1 and "other.json is not written" in other.said
    assert not list(tmp_path.glob("other.json*"))


def test_no_lines_of_an_older_log_stay_beside_a_new_one(mia: Mia, files: Files, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    assert mia("influence", *files.options(log=log, quota=200), files["near"]).code == 0
    assert documents_file(log).exists()
    assert mia("influence", *files.options(log=log, quota=200, estimator="in-run"), files["near"]).code == 0
    assert list(tmp_path.iterdir()) == [log]


def test_a_log_stays_where_the_lines_of_a_new_one_cannot_be_written(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    write_log(log, {"old": 1}, [])
    documents_file(log).mkdir()
    with pytest.raises(BadInput, match="no file that could be replaced"):
        write_log(log, {"new": 1}, [b"{}"])
    assert json.loads(log.read_bytes()) == {"old": 1} and len(list(tmp_path.iterdir())) == 2


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
    assert found.code == 0 and found.document["replay"] == REPLAYS
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
