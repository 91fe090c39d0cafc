"""Logs that are not as logs are: named by file and field, before anything is computed from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oracle.errors import BadInput
from oracle.influence.log import KIND, plain_spec, read_log
from oracle.influence.spec import InfluenceSpec

WHOLE: dict[str, Any] = {
    "kind": KIND,
    "spec": plain_spec(InfluenceSpec()),
    "seed": "5",
    "environment": {"threads": 1},
    "runs": [{"gains": ["0.25"]}],
    "rescaled": {"profile": "robust", "gain_ref": "0.5", "noise_floor": "0.0", "phi": [5000]},
}


def read(folder: Path, log: object) -> Any:
    (folder / "log.json").write_text(json.dumps(log))
    return read_log(folder / "log.json")


def test_a_whole_log_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == WHOLE
    fresh = {name: value for name, value in WHOLE.items() if name != "rescaled"}
    assert read(tmp_path, fresh) == fresh
    assert read(tmp_path, WHOLE | {"seed": "-" + "9" * 78})["seed"] == "-" + "9" * 78


@pytest.mark.parametrize("name", ["spec", "seed", "environment", "runs"])
def test_a_field_that_is_lacking_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=f"lacks its {name}"):
        read(tmp_path, {key: value for key, value in WHOLE.items() if key != name})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("spec", ["settled", None, [1], 7]),
        ("environment", ["cpu", None, [1], 7]),
        ("rescaled", ["robust", None, [1], 7]),
        ("seed", ["zz", "", "5.0", " 5", "5_0", "9" * 100, None, [1], {}, 7]),
        ("runs", ["zz", None, {}, 7, [1], ["run"], [{}, None]]),
    ],
)
def test_a_field_of_another_kind_is_named(tmp_path: Path, field: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(BadInput, match=f"damaged: {field} is ") as caught:
            read(tmp_path, WHOLE | {field: value})
        assert caught.value.input == str(tmp_path / "log.json") and caught.value.hint


@pytest.mark.parametrize("gains", [7, "0.25", [0], [10**400], [None]])
def test_gains_of_a_run_are_texts(tmp_path: Path, gains: object) -> None:
    with pytest.raises(BadInput, match=r"runs\[1\]\.gains is "):
        read(tmp_path, WHOLE | {"runs": [{}, {"gains": gains}]})


@pytest.mark.parametrize("field", ["profile", "gain_ref", "noise_floor"])
@pytest.mark.parametrize("value", [None, 0.5, [1], {}])
def test_a_scale_of_another_kind_is_named(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(BadInput, match=f"rescaled.{field} is "):
        read(tmp_path, WHOLE | {"rescaled": WHOLE["rescaled"] | {field: value}})
    lacking = {name: own for name, own in WHOLE["rescaled"].items() if name != field}
    with pytest.raises(BadInput, match=f"rescaled.{field} is None"):
        read(tmp_path, WHOLE | {"rescaled": lacking})


@pytest.mark.parametrize("field", ["gain_ref", "noise_floor"])
@pytest.mark.parametrize("value", ["zz", "-1", "", "ab" * 32])
def test_a_scale_is_a_number(tmp_path: Path, field: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"rescaled.{field} is "):
        read(tmp_path, WHOLE | {"rescaled": WHOLE["rescaled"] | {field: value}})


@pytest.mark.parametrize(("field", "value"), [("quota", 0), ("betas", 7), ("colour", "red"), ("estimator", None)])
def test_a_specification_is_one_of_this_version(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(BadInput, match="damaged: spec: ") as caught:
        read(tmp_path, WHOLE | {"spec": WHOLE["spec"] | {field: value}})
    assert caught.value.input == str(tmp_path / "log.json")


@pytest.mark.parametrize("text", ['{"kind": "\\ud800"}', "[" * 100_000, '{"kind": ' + "9" * 5_000 + "}"])
def test_what_has_no_canonical_text_is_no_log(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.json").write_text(text)
    with pytest.raises(BadInput, match="not JSON"):
        read_log(tmp_path / "log.json")
