"""A deployment's file is read as types: it says where a market is, and which block to read from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracle.chain.deploy import Deployment
from oracle.errors import BadInput

DEPLOYMENT = Deployment(31337, "0x" + "33" * 20, "0x" + "44" * 20, "0x" + "55" * 20, 12)


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    DEPLOYMENT.save(tmp_path / "deployment.json")
    assert Deployment.load(tmp_path / "deployment.json") == DEPLOYMENT


@pytest.mark.parametrize(
    ("field", "value"),
    [("block", "12"), ("block", -1), ("chain_id", 1.5), ("market", "here"), ("shares", None), ("more", 1)],
)
def test_other_types_are_refused(tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "deployment.json"
    DEPLOYMENT.save(path)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {field: value}))
    with pytest.raises(BadInput, match=f"{path.name}: {field}: "):
        Deployment.load(path)


@pytest.mark.parametrize("data", [b"[" * 100_000, b"[]", b"", b"\xff"])
def test_what_is_no_deployment_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "deployment.json").write_bytes(data)
    with pytest.raises(BadInput, match="cannot read the deployment"):
        Deployment.load(tmp_path / "deployment.json")
