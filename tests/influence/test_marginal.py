from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical
from oracle.influence.base import BaseModel
from oracle.influence.log import log_bytes, plain_spec, read_log, read_spec, require_finite
from oracle.influence.marginal import Influence, marginal_utility
from oracle.influence.replay import GAIN, Difference, first_difference
from oracle.influence.spec import InfluenceSpec

SPEC = InfluenceSpec(quota=600, validation_sequences=8)
Market = dict[str, list[str]]


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def corpora(market: Market) -> list[list[str]]:
    return [market["near"], market["far"], []]


@pytest.fixture(scope="module")
def run(base: BaseModel, market: Market, corpora: list[list[str]]) -> Influence:
    return marginal_utility(base, corpora, market["validation"], SPEC, seed=5)


def test_repeats_average_and_their_spread_is_the_standard_error(
    base: BaseModel, market: Market, corpora: list[list[str]], run: Influence
) -> None:
    spec = replace(SPEC, repeats=3)
    three = marginal_utility(base, corpora, market["validation"], spec, seed=5)
    runs = [list(map(float, repeat["gains"])) for repeat in three.log["runs"]]
    assert runs[0] == list(run.gains) and len({tuple(gains) for gains in runs}) == 3
    mean = sum(gains[0] for gains in runs) / 3
    variance = sum((gains[0] - mean) ** 2 for gains in runs) / 2
    assert three.gains[0] == pytest.approx(mean)
    assert three.stderr[0] == pytest.approx((variance / 3) ** 0.5)
    assert three.gains[2] == three.stderr[2] == 0
    assert three.passes == pytest.approx(3 * run.passes, rel=0.1)


def test_the_cost_is_told_before_anything_is_computed(base: BaseModel, market: Market) -> None:
    told: list[str] = []
    result = marginal_utility(
        base,
        [market["near"]],
        market["validation"],
        SPEC,
        seed=5,
        announce=lambda passes: told.append(f"{passes:.3f}"),
        progress=lambda stage, done, total: told.append(stage),
    )
    assert told[0] == f"{result.passes:.3f}" and told[1] == "marginal utility"


def test_a_killed_run_goes_on_to_the_same_log(
    base: BaseModel, market: Market, corpora: list[list[str]], tmp_path: Path
) -> None:
    """Killed in its second repeat, it does not compute the first again."""
    spec = replace(SPEC, repeats=2)
    whole = marginal_utility(base, corpora, market["validation"], spec, seed=5)
    steps: list[int] = []

    def killing(stage: str, done: int, total: int) -> None:
        steps.append(done)
        if len(steps) == total + 1:
            raise Killed

    with pytest.raises(Killed):
        marginal_utility(base, corpora, market["validation"], spec, seed=5, state=tmp_path, progress=killing)
    assert [path.suffix for path in tmp_path.iterdir()] == [".done"]
    again: list[int] = []
    resumed = marginal_utility(
        base,
        corpora,
        market["validation"],
        spec,
        seed=5,
        state=tmp_path,
        progress=lambda stage, done, total: again.append(done),
    )
    assert resumed.log_hash == whole.log_hash and resumed.gains == whole.gains
    assert len(again) < len(steps) and not list(tmp_path.iterdir())


def test_a_log_has_one_text_and_its_specification_reads_back(run: Influence, tmp_path: Path) -> None:
    assert log_bytes(run.log) == canonical.dumps(run.log)
    assert read_spec(run.log["spec"]) == SPEC
    file = tmp_path / "log.json"
    file.write_bytes(log_bytes(run.log))
    assert read_log(file) == run.log


@pytest.mark.parametrize(
    "change", [{"quota": "many"}, {"quota": 0}, {"colour": "red"}, {"betas": ["0.9"]}, {"clip": "x"}, {"quota": 1.5}]
)
def test_a_specification_of_another_version_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        read_spec(plain_spec(SPEC) | change)


def test_what_is_no_log_is_named(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    for text, message in (("{", "not JSON"), ("[1]", "no replay log"), ('{"kind": "other"}', "other")):
        file.write_text(text)
        with pytest.raises(BadInput, match=message):
            read_log(file)
    with pytest.raises(BadInput, match="cannot read"):
        read_log(tmp_path / "missing")


@pytest.mark.parametrize("value", ["nan", "-inf", "1e999"])
def test_a_poisoned_log_is_refused(run: Influence, value: str) -> None:
    repeat = run.log["runs"][0]
    bad = run.log | {"runs": [repeat | {"losses": [*repeat["losses"][:1], value]}]}
    with pytest.raises(CheckFailed, match=r"runs\[0\].losses\[1\] is " + value):
        require_finite(bad, "log")
    with pytest.raises(CheckFailed, match="poisoned"):
        first_difference(bad, run.log, scale=1.0)


def changed(run: Influence, **changes: object) -> dict[str, object]:
    """The log with another first repeat."""
    return run.log | {"runs": [run.log["runs"][0] | changes]}


def test_a_log_replays_itself_and_what_other_machines_compute(run: Influence) -> None:
    assert first_difference(run.log, run.log, scale=1.0) is None
    moved = [repr(float(loss) * (1 + 5e-4)) for loss in run.log["runs"][0]["losses"]]
    assert first_difference(changed(run, losses=moved), run.log, scale=1.0) is None
    gains = [repr(float(gain) + 0.5 * GAIN) for gain in run.log["gains"]]
    assert first_difference(run.log | {"gains": gains}, run.log, scale=1.0) is None


def test_the_first_difference_is_named_with_its_path(run: Influence) -> None:
    gains = run.log["gains"]
    other = repr(float(gains[1]) + 2 * GAIN)
    found = first_difference(run.log | {"gains": [gains[0], other, gains[2]]}, run.log, scale=1.0)
    assert found == Difference("gains[1]", gains[1], other)
    found = first_difference(run.log | {"seed": "6", "gains": []}, run.log, scale=1.0)
    assert found == Difference("seed", "5", "6")
    order = run.log["runs"][0]["order"]
    found = first_difference(changed(run, order=order[:-1]), run.log, scale=1.0)
    assert found == Difference("runs[0].order", f"{len(order)} items", f"{len(order) - 1} items")
    found = first_difference({**run.log, "note": "x"}, run.log, scale=1.0)
    assert found == Difference("note", "nothing", "a value")
    losses = ["9.5", *run.log["runs"][0]["losses"][1:]]
    found = first_difference(changed(run, losses=losses), run.log, scale=1.0)
    assert found is not None and found.path == "runs[0].losses[0]"


def test_fingerprints_count_in_the_same_environment_only(run: Influence) -> None:
    other = changed(run, direction="0" * 64)
    found = first_difference(other, run.log, scale=1.0)
    assert found is not None and found.path == "runs[0].direction"
    elsewhere = other | {"environment": run.log["environment"] | {"device": "another"}}
    assert first_difference(elsewhere, run.log, scale=1.0) is None
    assert first_difference(elsewhere | {"base": "0" * 64}, run.log, scale=1.0) is not None
