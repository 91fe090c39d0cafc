from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oracle.errors import BadInput
from oracle.lab.market import load_market


def pack(folder: Path, name: str, texts: list[str]) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps({"id": f"{name}/{place}", "text": text}) for place, text in enumerate(texts)]
    path.write_bytes(gzip.compress("\n".join(rows).encode(), mtime=0))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"id": name, "file": file, "sha256": pack(tmp_path, file, [f"{name} document {place}" for place in range(5)])}
        for name, file in (("second", "providers/b.jsonl.gz"), ("first", "providers/a.jsonl.gz"))
    ]
    sets = [
        {"file": f"{name}.jsonl.gz", "sha256": pack(tmp_path, f"{name}.jsonl.gz", [f"{name} text"])}
        for name in ("seed", "reference", "validation")
    ]
    manifest = {"providers": rows, "sets": sets, "target_domain": "tests"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def test_providers_come_in_the_order_of_the_manifest(folder: Path) -> None:
    market = load_market(folder)
    assert [name for name, _, _ in market.providers] == ["second", "first"]
    assert [document.text for document in market.providers[0].documents][:2] == [
        "second document 0",
        "second document 1",
    ]
    assert market.providers[1].path == folder / "providers/a.jsonl.gz"
    assert [d.text for d in (*market.seed, *market.reference, *market.validation)] == [
        "seed text",
        "reference text",
        "validation text",
    ]
    assert market.target == "tests"


def test_a_sample_bounds_the_documents_of_each_provider(folder: Path) -> None:
    assert [len(provider.documents) for provider in load_market(folder, 2).providers] == [2, 2]
    with pytest.raises(BadInput, match="sample of 0"):
        load_market(folder, 0)


@pytest.mark.parametrize("name", ["manifest.json", "providers/a.jsonl.gz", "seed.jsonl.gz", "validation.jsonl.gz"])
def test_what_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadInput) as caught:
        load_market(folder)
    assert caught.value.input == str(folder / name)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["providers/b.jsonl.gz", "reference.jsonl.gz"])
def test_a_file_that_the_manifest_does_not_describe_is_named(folder: Path, name: str) -> None:
    pack(folder, name, ["something else"])
    with pytest.raises(BadInput, match="not the one") as caught:
        load_market(folder)
    assert caught.value.input == str(folder / name)


def test_digests_are_checked_only_where_they_are_given(folder: Path) -> None:
    def drop(manifest: dict[str, Any]) -> None:
        del manifest["sets"]
        del manifest["providers"][0]["sha256"]

    edit(folder, drop)
    pack(folder, "providers/b.jsonl.gz", ["another text"])
    assert load_market(folder).providers[0].documents[0].text == "another text"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"providers": []}', '{"providers": [{"id": "x"}]}'])
def test_a_manifest_without_providers_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BadInput) as caught:
        load_market(folder)
    assert caught.value.input == str(folder / "manifest.json")


def test_two_providers_of_one_name_are_refused(folder: Path) -> None:
    edit(folder, lambda manifest: manifest["providers"][1].update(id="second"))
    with pytest.raises(BadInput, match="same id"):
        load_market(folder)


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
