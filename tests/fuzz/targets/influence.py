"""What an influence run left: its replay log, the lines under it, its state; and the base model it began with."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import cache
from pydoc_data.topics import topics
from random import Random
from typing import Any

import torch

from fuzz.change import change
from fuzz.forms import document, is_json, record, varied
from fuzz.parties import File, folder, sentence
from fuzz.spelling import spell
from fuzz.target import Input, Target
from oracle.errors import CheckFailed, MiaError
from oracle.evidence import canonical
from oracle.influence.base import load_base
from oracle.influence.device import Compute
from oracle.influence.gpt import Architecture
from oracle.influence.log import KIND, Log, log_bytes, plain_spec, read_log, read_spec, with_scores
from oracle.influence.marginal import environment
from oracle.influence.pretrain import BaseSpec, train_base
from oracle.influence.replay import first_difference, other_environment
from oracle.influence.rescale import gain_scale
from oracle.influence.spec import InfluenceSpec
from oracle.influence.spot import shown, stated_value
from oracle.influence.spot_audit import read_claims
from oracle.influence.state import StateFile

SPEC = InfluenceSpec()


@cache
def _environment() -> dict[str, Any]:
    return environment(Compute(torch.device("cpu")))


def log_of_two(source: Random) -> Log:
    """A log as a run with two providers writes it."""
    gains = [repr(source.uniform(-0.1, 0.4)) for _ in range(2)]
    run = {
        "seed": "7",
        "losses": [repr(source.uniform(1, 9)) for _ in range(4)],
        "documents_root": source.randbytes(32).hex(),
        "order": source.randbytes(32).hex(),
        "gains": gains,
    }
    given = {
        "kind": KIND,
        "spec": plain_spec(SPEC),
        "seed": "7",
        "environment": _environment(),
        "base": "01" * 32,
        "tokenizer": "02" * 32,
        "validation": "03" * 32,
        "data": ["04" * 32, "05" * 32],
        "tokens": [100, 200],
        "empty": [],
    }
    log = {**given, "runs": [run], "gains": gains, "stderr": ["0.01", "0.02"]}
    return with_scores(log, [1, 2], gain_ref=0.5, profile="robust", noise_floor=0.001)


def _log_file(source: Random) -> bytes:
    return log_bytes(log_of_two(source))


def _replay(data: bytes) -> None:
    """As `mia influence --replay`: read, take the run's parameters from it, compare, show."""
    published = read_log(File("log.json").holding(data))
    read_spec(published["spec"])
    int(published["seed"])
    own = log_of_two(Random(1))
    gain_ref = float(published["rescaled"]["gain_ref"]) if published.get("rescaled") else 0.5
    scale = gain_scale([float(gain) for gain in own["gains"]], gain_ref or 1.0)
    difference = first_difference(published, own, scale=scale)
    if difference is None or difference.path != "environment":
        other_environment(published, own)
    for claim in read_claims(published, SPEC, providers=2):
        assert len(claim.gains) == 2


def _line(source: Random) -> bytes:
    return canonical.dumps(
        {"provider": 0, "place": source.randrange(9), "window": "ab" * 32, "value": repr(source.uniform(-9, 9))}
    )


def _stated(data: bytes) -> None:
    assert type(stated_value(data)) is float
    shown(data).encode()


def _spec(source: Random) -> bytes:
    return spell(plain_spec(SPEC))


def _read_spec(data: bytes) -> None:
    """Parameters out of a specification, an object there."""
    if not is_json(data) or not isinstance(value := json.loads(data), dict):
        raise CheckFailed("no object")
    found = read_spec(value)
    for name, default in vars(SPEC).items():
        assert type(getattr(found, name)) is type(default), name


# --- safetensors: eight bytes of length, a JSON header, the weights ---


def _split(data: bytes) -> tuple[Any, bytes]:
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def _joined(header: bytes, weights: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + weights


def _tensors_varied(valid: Callable[[Random], bytes]) -> Callable[[Random], Input]:
    """One thing changed in what is told about the tensors, in their header, or in their numbers."""

    def vary(source: Random) -> Input:
        header, weights = _split(valid(source))
        match source.randrange(5):
            case 0:
                made = varied(source, lambda _: spell(header))
                return Input(_joined(made.data, weights), f"header: {made.change}")
            case 1:
                at = source.randrange(0, max(1, len(weights) - 4), 4)
                number = source.choice((b"\x00\x00\xc0\x7f", b"\x00\x00\x80\xff", b"\xff\xff\x7f\x7f"))
                return Input(_joined(spell(header), weights[:at] + number + weights[at + 4 :]), f"number {at // 4}")
            case _:
                changed = change(source, json.loads(header["__metadata__"]["about"]))
                header["__metadata__"]["about"] = spell(changed.value).decode("utf-8", "replace")
                return Input(_joined(spell(header), weights), f"about: {changed.how}")

    return vary


def _has_header(data: bytes) -> bool:
    if len(data) < 8:
        return False
    (size,) = struct.unpack("<Q", data[:8])
    return is_json(data[8 : 8 + size]) if size < len(data) else False


@cache
def _trained() -> bytes:
    texts = [topics[name] for name in sorted(topics)][::8]
    shape = Architecture(vocabulary=300, width=8, layers=1, heads=1, context=16)
    return train_base(texts, BaseSpec(shape, tokens=500, epochs=1, sequences=2), device=torch.device("cpu")).data


def _load_base(data: bytes) -> None:
    found = load_base(File("base.safetensors").holding(data))
    assert type(found.record) is dict and found.context >= 1


def _state(source: Random) -> bytes:
    file = StateFile(folder() / "own.state", "job")
    file.save({"weights": torch.zeros(4)}, {"step": source.randrange(9), "losses": [sentence(source)]})
    assert file.path is not None
    return file.path.read_bytes()


def _load_state(data: bytes) -> None:
    found = StateFile(File("given.state").holding(data), "job").load(torch.device("cpu"))
    if found is not None:
        assert type(found[1]) is dict


TARGETS = (
    record("influence log", _log_file, _replay),
    record("line under an influence log", _line, _stated, allowed=()),
    document("influence parameters", _spec, _read_spec),
    Target(
        "base model",
        lambda _: _trained(),
        _tensors_varied(lambda _: _trained()),
        _has_header,
        _load_base,
        allowed=(MiaError,),
        memory=300,
        cost=2,
    ),
    Target("influence state", _state, _tensors_varied(_state), _has_header, _load_state),
)
