from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.influence.base import BaseModel, load_base
from oracle.influence.gpt import GPT, Architecture
from oracle.influence.pretrain import BaseSpec, mean_loss, split_seed, train_base
from oracle.influence.sequences import cut_windows


def test_training_twice_gives_the_same_file(
    base: BaseModel, seed_corpus: list[str], tiny: BaseSpec, tmp_path: Path
) -> None:
    again = train_base(seed_corpus, tiny)
    again.save(tmp_path / "base")
    assert (tmp_path / "base").read_bytes() == base.data
    assert base.digest == hashlib.sha256(base.data).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_training_learns_and_the_held_out_loss_says_so(base: BaseModel, seed_corpus: list[str], tiny: BaseSpec) -> None:
    curve = [float(loss) for loss in base.record["held_out_losses"]]
    held_out, training = split_seed(seed_corpus, tiny.seed)
    assert curve[-1] < curve[0] - 0.3
    assert not set(held_out) & set(training)
    windows = cut_windows(held_out, base.tokenizer, base.end, 32, quota=17 * 32)  # a tenth of the time
    assert mean_loss(base.model, windows) == pytest.approx(curve[-1], abs=1e-3)


def test_a_saved_model_loads_as_it_was(base: BaseModel, tmp_path: Path) -> None:
    base.save(tmp_path / "base")
    loaded = load_base(tmp_path / "base", digest=base.digest)
    assert loaded.digest == base.digest and loaded.record == base.record
    tokens = torch.arange(32)[None]
    assert torch.equal(loaded.model(tokens), base.model(tokens))
    assert loaded.tokenizer.to_str() == base.tokenizer.to_str()


def test_the_default_model_is_as_large_as_promised() -> None:
    model = GPT(BaseSpec().architecture)
    assert sum(parameter.numel() for parameter in model.parameters()) >= 600_000
    assert BaseSpec().tokens >= 300_000


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match="No such file") as caught:
        load_base(tmp_path / "absent")
    assert caught.value.input == str(tmp_path / "absent")


def test_a_changed_model_is_refused(base: BaseModel, tmp_path: Path) -> None:
    data = bytearray(base.data)
    data[-1] ^= 1
    (tmp_path / "base").write_bytes(data)
    with pytest.raises(CheckFailed, match="changed"):
        load_base(tmp_path / "base", digest=base.digest)


@pytest.mark.parametrize("data", [b"", b"not a model", safetensors.torch.save({"x": torch.zeros(1)})])
def test_another_kind_of_file_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(data)
    with pytest.raises(BadInput, match="not a base model"):
        load_base(tmp_path / "base")


def test_weights_of_another_architecture_are_refused(base: BaseModel, tmp_path: Path) -> None:
    metadata = _metadata(base, tmp_path)
    other = GPT(Architecture(vocabulary=400, width=16, layers=1, heads=2, context=32)).state_dict()
    _written(tmp_path / "b", safetensors.torch.save(other, metadata))
    with pytest.raises(BadInput, match="size mismatch"):
        load_base(tmp_path / "b")


SHAPE = {"vocabulary": 400, "width": 32, "layers": 1, "heads": 2, "context": 32}
"""Of the base model in conftest.py."""


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(base: BaseModel, tmp_path: Path, value: float) -> None:
    weights = safetensors.torch.load(base.data)
    weights["blocks.0.think.weight"][0, 0] = value
    _written(tmp_path / "base", safetensors.torch.save(weights, _metadata(base, tmp_path)))
    with pytest.raises(BadInput, match=r"blocks\.0\.think\.weight is not finite") as caught:
        load_base(tmp_path / "base")
    assert caught.value.input == str(tmp_path / "base")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": None}, "the seed of its training is None"),
        ({"architecture": {"width": 32, "heads": 3}}, "3 heads"),
        ({"architecture": {"heads": 0}}, "heads is 0"),
        ({"architecture": SHAPE | {"layers": 10**9}}, "not those of 1000000000 layers"),
        ({"architecture": SHAPE | {"context": 10**9}}, "size mismatch: positions"),
        ({"architecture": SHAPE | {"vocabulary": 10**12}}, "size mismatch: tokens"),
    ],
)
def test_a_record_that_makes_no_model_is_refused(
    base: BaseModel, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    metadata = _metadata(base, tmp_path)
    about = json.loads(metadata["about"])
    about["record"]["spec"] |= change
    _written(tmp_path / "base", safetensors.torch.save(safetensors.torch.load(base.data), {"about": json.dumps(about)}))
    with pytest.raises(BadInput, match=reason) as caught:
        load_base(tmp_path / "base")
    assert caught.value.input == str(tmp_path / "base")


@pytest.mark.parametrize("size", ["vocabulary", "width", "layers", "heads", "context"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_an_architecture_has_whole_sizes(size: str, value: object) -> None:
    with pytest.raises(BadInput, match=f"{size} is {value}"):
        Architecture(**{size: value})  # type: ignore[arg-type]


def test_too_little_text_for_a_model_is_refused(tiny: BaseSpec) -> None:
    with pytest.raises(BadInput, match="too small"):
        train_base(["a few words"], replace(tiny, tokens=100))


def test_a_tokenizer_with_a_key_twice_is_refused(base: BaseModel, tmp_path: Path) -> None:
    """Of one the library would say what is no text, and end the process."""
    about = json.loads(_metadata(base, tmp_path)["about"])
    twice = about["tokenizer"].replace(
        '"continuing_subword_prefix":', '"continuing_subword_prefix":"x",' * 2 + '"c":', 1
    )
    assert twice != about["tokenizer"]
    metadata = {"about": json.dumps(about | {"tokenizer": twice})}
    _written(tmp_path / "base", safetensors.torch.save(safetensors.torch.load(base.data), metadata))
    with pytest.raises(BadInput, match="a key of the tokenizer stands there twice"):
        load_base(tmp_path / "base")


def _metadata(base: BaseModel, folder: Path) -> dict[str, str]:
    with safetensors.safe_open(_written(folder / "whole", base.data), framework="pt") as file:
        return dict(file.metadata())


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
