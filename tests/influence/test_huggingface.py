"""Tiny models of two families, random, saved the way their users save them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.influence.base import load_base
from oracle.influence.device import Compute
from oracle.influence.finetune import Weights
from oracle.influence.marginal import marginal_utility
from oracle.influence.sequences import cut_windows, train_tokenizer
from oracle.influence.spec import InfluenceSpec

os.environ["HF_HUB_OFFLINE"] = "1"  # a look-up would fail the test
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertLMHeadModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)

CPU = Compute(torch.device("cpu"))
VOCABULARY = 300
END = VOCABULARY - 1
SIZES: dict[str, Any] = {"vocab_size": VOCABULARY, "eos_token_id": END, "bos_token_id": END}


def gpt2() -> PreTrainedModel:
    return GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=32, **SIZES))


def llama() -> PreTrainedModel:
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(max_position_embeddings=4096, **shape, **SIZES))


def bert(kind: type[PreTrainedModel]) -> PreTrainedModel:
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return kind(BertConfig(**shape, **SIZES))


def saved(make: Callable[[], PreTrainedModel], folder: Path, texts: list[str]) -> Path:
    torch.manual_seed(0)
    make().save_pretrained(folder)
    tokenizer = train_tokenizer(texts, VOCABULARY)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    assert tokenizer.token_to_id("<|endoftext|>") == END
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, seed_corpus: list[str]) -> Path:
    return saved(gpt2, tmp_path_factory.mktemp("gpt2"), seed_corpus[:20])


@pytest.fixture
def changeable(tmp_path: Path, folder: Path) -> Path:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize(("make", "context"), [(gpt2, 32), (llama, 1024)])
def test_a_model_scores_and_stays_as_it_was(
    make: Callable[[], PreTrainedModel],
    context: int,
    tmp_path: Path,
    seed_corpus: list[str],
    market: dict[str, list[str]],
) -> None:
    base = load_base(saved(make, tmp_path, seed_corpus[:20]))
    assert (base.end, base.context) == (END, context)
    assert base.parameters == sum(own.numel() for own in make().parameters())
    before = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    short = replace(base, context=32)
    spec = InfluenceSpec(quota=1_000, validation_sequences=8, learning_rate=1e-3)
    corpora = [market["near"], market["noise"]]
    runs = [marginal_utility(short, corpora, market["validation"][:2], spec, seed=3, compute=CPU) for _ in range(2)]
    assert runs[0].log == runs[1].log
    assert runs[0].gains[0] > max(0, runs[0].gains[1])
    in_run = marginal_utility(
        short, corpora, market["validation"][:2], replace(spec, estimator="in-run"), seed=3, compute=CPU
    )
    (log,) = in_run.log["runs"]
    assert float(log["validation_loss_after"]) < float(log["validation_loss_before"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.model.state_dict().items())


@torch.no_grad()
def test_its_loss_is_that_of_transformers(folder: Path, market: dict[str, list[str]]) -> None:
    base = load_base(folder)
    windows = cut_windows(market["validation"], base.tokenizer, base.end, base.context, quota=4 * 32)
    network = GPT2LMHeadModel.from_pretrained(folder).eval()
    logits = network(input_ids=windows.inputs).logits
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows.targets.flatten(), reduction="sum")
    assert float(base.model.loss(windows.inputs, windows.targets)) == pytest.approx(float(expected), rel=1e-6)


def test_tied_weights_stay_one_and_move_with_the_flat_vector(folder: Path) -> None:
    weights = Weights(load_base(folder), CPU)
    network: Any = weights.model.network
    assert network.lm_head.weight is network.transformer.wte.weight
    assert len(weights.flat) == sum(own.numel() for own in gpt2().parameters())
    weights.flat += 1
    assert torch.equal(network.lm_head.weight, network.transformer.wte.weight)
    assert network.lm_head.weight.flatten()[0] == weights.flat[0]


def test_text_cannot_spell_the_end_of_text(folder: Path) -> None:
    base = load_base(folder)
    assert END not in cut_windows(["a<|endoftext|>b"], base.tokenizer, base.end, 32).targets


def test_the_digest_fixes_config_tokenizer_and_weights_and_nothing_else(changeable: Path) -> None:
    digest = load_base(changeable).digest
    (changeable / "README.md").write_text("about")
    assert load_base(changeable, digest=digest).digest == digest
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        path = changeable / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + b" ")
        with pytest.raises(CheckFailed, match="changed"):
            load_base(changeable, digest=digest)
        path.write_bytes(whole)


def test_a_folder_is_no_file_to_publish(folder: Path) -> None:
    base = load_base(folder)
    with pytest.raises(BadInput, match="cannot be published"):
        _ = base.data


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match="No such file"):
        load_base(tmp_path / "absent")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_what_a_folder_lacks_is_named(changeable: Path, name: str) -> None:
    (changeable / name).unlink()
    with pytest.raises(BadInput, match=f"no {name}"):
        load_base(changeable)


def test_pickled_weights_are_not_opened(changeable: Path) -> None:
    (changeable / "model.safetensors").rename(changeable / "pytorch_model.bin")
    with pytest.raises(BadInput, match="pickled"):
        load_base(changeable)


def test_weights_that_are_not_finite_are_named(changeable: Path) -> None:
    path = changeable / "model.safetensors"
    weights = load_file(path)
    weights["transformer.h.1.mlp.c_fc.weight"][0, 0] = float("nan")
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(BadInput, match=r"h\.1\.mlp\.c_fc\.weight is not finite") as caught:
        load_base(changeable)
    assert caught.value.input == str(changeable)


def test_an_adapter_is_refused(changeable: Path) -> None:
    (changeable / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "gpt2"}))
    with pytest.raises(BadInput, match="adapter"):
        load_base(changeable)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(lambda: bert(BertForMaskedLM), "its architecture is BertForMaskedLM"), (lambda: bert(BertLMHeadModel), "later")],
)
def test_a_model_that_is_not_causal_is_refused(
    make: Callable[[], PreTrainedModel], reason: str, tmp_path: Path, seed_corpus: list[str]
) -> None:
    with pytest.raises(BadInput, match=reason) as caught:
        load_base(saved(make, tmp_path, seed_corpus[:20]))
    assert caught.value.input == str(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"eos_token_id": None}, "no eos_token_id"), ({"n_embd": 8}, "size|shape"), ({"vocab_size": 200}, "fit|size")],
)
def test_a_config_that_does_not_fit_is_refused(changeable: Path, change: dict[str, Any], reason: str) -> None:
    path = changeable / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadInput, match=reason):
        load_base(changeable)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"5a" * 32 + b"\nsize 5000000\n"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    ("content", "what", "way_out"),
    [
        (POINTER, "Git LFS pointer", "git lfs pull"),
        (b"/annex/objects/SHA256E-s5--00.safetensors\n", "git-annex pointer", "git annex get"),
        (b"", "empty", "download it again"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "web page", "log in"),
        (bytes(5000), "zeros", "download it again"),
    ],
)
def test_a_file_that_stands_for_another_is_named(
    changeable: Path, name: str, content: bytes, what: str, way_out: str
) -> None:
    (changeable / name).write_bytes(content)
    for digest in (None, "5a" * 32):
        with pytest.raises(BadInput, match=f"{name} is .*{what}") as caught:
            load_base(changeable, digest=digest)
        assert caught.value.input == str(changeable / name) and way_out in caught.value.hint


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_links_into_a_cache_that_is_gone_are_named(changeable: Path, name: str) -> None:
    blobs = changeable / "blobs"
    blobs.mkdir()
    (changeable / name).rename(blobs / "5a5a")
    (changeable / name).symlink_to("blobs/5a5a")
    load_base(changeable)  # as the cache of Hugging Face keeps it
    (blobs / "5a5a").unlink()
    with pytest.raises(BadInput, match=f"{name} is a link to blobs/5a5a") as caught:
        load_base(changeable)
    assert caught.value.input == str(changeable / name)


def test_a_download_under_way_is_named(changeable: Path) -> None:
    (changeable / "model.safetensors").rename(changeable / "model.safetensors.incomplete")
    with pytest.raises(BadInput, match=r"model\.safetensors\.incomplete: a download") as caught:
        load_base(changeable)
    assert caught.value.input.endswith("model.safetensors.incomplete")
    (changeable / "config.json").unlink()
    with pytest.raises(BadInput, match=r"no config\.json") as caught:
        load_base(changeable)
    assert "model.safetensors.incomplete" in caught.value.hint


def test_a_cache_of_many_snapshots_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    with pytest.raises(BadInput) as caught:
        load_base(tmp_path)
    assert "snapshots" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("model.safetensors", b"Entry not found", "cannot be read"),
        ("config.json", b"Entry not found", "is not JSON"),
        ("config.json", b"[]", "no object"),
        ("tokenizer.json", b"Entry not found", "is not a tokenizer"),
        ("tokenizer.json", b"{}", "is not a tokenizer"),
    ],
)
def test_a_file_of_another_kind_is_named(changeable: Path, name: str, content: bytes, told: str) -> None:
    (changeable / name).write_bytes(content)
    with pytest.raises(BadInput, match=f"{name} {told}|{name} holds {told}") as caught:
        load_base(changeable)
    assert caught.value.input == str(changeable / name) and caught.value.hint


def test_more_layers_than_tensors_are_refused_before_they_are_made(changeable: Path) -> None:
    config = json.loads((changeable / "config.json").read_bytes()) | {"n_layer": 10**9}
    (changeable / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match="1000000000 layers"):
        load_base(changeable)


def test_a_tokenizer_with_a_key_twice_is_refused(changeable: Path) -> None:
    path = changeable / "tokenizer.json"
    path.write_text(path.read_text().replace('"version":', '"version": "1.0", "version":', 1))
    with pytest.raises(BadInput, match="twice"):
        load_base(changeable)


def test_weights_cut_off_and_shards_that_lack_are_named(tmp_path: Path, folder: Path) -> None:
    gpt2().save_pretrained(tmp_path, max_shard_size="10KB")
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    load_base(tmp_path)
    second = sorted(tmp_path.glob("model-*.safetensors"))[1]
    whole = second.read_bytes()
    second.write_bytes(whole[:-3])
    with pytest.raises(BadInput, match=f"{second.name} cannot be read") as caught:
        load_base(tmp_path)
    assert caught.value.input == str(second)
    second.unlink()
    with pytest.raises(BadInput, match=f"{second.name} is not there") as caught:
        load_base(tmp_path)
    assert caught.value.input == str(second)
    second.write_bytes(whole)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(index.read_text().replace(second.name, f"../{second.name}"))
    with pytest.raises(BadInput, match="is not there"):  # the digest would not fix it
        load_base(tmp_path)
    for odd in (b"{}", b'{"weight_map": {"a": 5}}'):
        index.write_bytes(odd)
        with pytest.raises(BadInput, match="does not name the weights' files"):
            load_base(tmp_path)


def test_one_file_that_stands_for_a_base_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "base.safetensors"
    path.write_bytes(POINTER)
    with pytest.raises(BadInput, match="Git LFS pointer"):
        load_base(path, digest="5a" * 32)
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(BadInput, match="link to nowhere"):
        load_base(path)
