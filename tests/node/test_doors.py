"""What operators read of each other and of the planner: any JSON in place of any field is refused by name, or taken."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_specification import PLANNER, build

from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.custody.context import Context
from oracle.custody.dataset import DatasetManifest, fetch_dataset, publish_dataset
from oracle.custody.sealed import pack, read_manifest
from oracle.custody.store import LocalStore, cid_to_digest
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence import canonical, merkle
from oracle.evidence.leaf import Status
from oracle.evidence.observation import Observation, Score
from oracle.node import exchange, findings, pipeline, validation

ZERO = bytes(32)
VALUES: list[Any] = [
    *(None, True, 0, -1, 2**53 - 1, 1.5, 5e-324, 1e308, "", "x" * 50_000, "\0", "0x" + "00" * 32, "../"),
    *([], [[]], [1], ["a"] * 3, {}, {"a": {"b": []}}, ["x"] * 2_000, json.loads("[" * 60 + "]" * 60)),
]
ROUND = {"chain_id": 1, "market": PLANNER, "round": 1, "commitments": ZERO, "beacon": ZERO}
ROUND |= {"pipeline_hash": ZERO, "base_model": ZERO}
SCORED = {"provider": PLANNER, "dataset_root": ZERO, "position": 0, "status": Status.SCORED}
SCORED |= {"group": 0, "quality": 1, "impact": 1, "tokens": 1}
LINES = [canonical_line(Document(str(number), "text")) for number in range(5)]

Door = tuple[bytes, Callable[[bytes], object]]


def doors(store: LocalStore) -> dict[str, Door]:
    """A good record of each kind, and what reads it."""

    def specification(data: bytes) -> None:
        found = pipeline.load(store, cid_to_digest(store.put(data)))
        validation.draw(ZERO, found.validation)

    def observed(evidence: str) -> Observation:
        return Observation(operator=PLANNER, scores=(Score(evidence=evidence, **SCORED),), **ROUND)

    def evidence(data: bytes) -> None:
        seen = observed(store.put(data))
        findings.read_evidence(store, seen, seen.scores[0])

    def observation(data: bytes) -> None:
        seen = Observation.from_bytes(data, name="observation")
        for score in seen.scores:
            findings.read_evidence(store, seen, score)

    def leaves(data: bytes) -> None:
        for leaf in exchange._Leaves.from_bytes(data, name="leaves").leaves:
            exchange.ScoreLeaf(**dict(leaf)).hash()

    def opening(data: bytes) -> None:
        for document in validation.Opening.from_bytes(data, name="opening").documents:
            validation._verified(document, merkle.document_root(LINES), len(LINES))

    def sealed(data: bytes) -> None:
        manifest = read_manifest(data, name="manifest")
        assert manifest.context.aad() and manifest.dataset_root
        manifest.check_key(packed.key)

    def dataset(data: bytes) -> None:
        named = DatasetManifest.from_bytes(data, name="data set")
        digest = cid_to_digest(store.put(data))
        fetch_dataset(store, digest, provider=named.provider, dataset_root=named.dataset_root)

    packed = pack(store, Context.new(), [Document("a", "b")], metadata={"keywords": ["a"]})
    drawn = [
        validation.OpenedDocument(
            index=index, line=LINES[index].decode(), path=merkle.document_proof(LINES, index).path
        )
        for index in (3, 1)
    ]
    leaf = exchange._Leaf(**{key: value for key, value in SCORED.items() if key != "position"}, shares=2**64 - 1)
    why = findings.Evidence(**ROUND, **SCORED, manifest=ZERO, reasons={"a": 1}, influence_log=store.put(b"{}"))
    return {
        "specification": (build(store).to_bytes(), specification),
        "evidence": (why.to_bytes(), evidence),
        "observation": (observed(store.put(why.to_bytes())).to_bytes(), observation),
        "leaves": (exchange._Leaves(leaves=(leaf,)).to_bytes(), leaves),
        "opening": (validation.Opening(beacon=ZERO, documents=tuple(drawn)).to_bytes(), opening),
        "sealed manifest": (packed.manifest.to_bytes(), sealed),
        "manifest": (publish_dataset(store, PLANNER, [Document("a", "b")]).to_bytes(), dataset),
    }


def changed(value: Any) -> Iterator[Any]:
    """``value`` with every one of VALUES in each of its places."""
    yield from VALUES
    keys: list[Any] = list(value) if isinstance(value, dict) else []
    if isinstance(value, list):
        keys = [*range(len(value))]
    for key in keys:
        for inner in changed(value[key]):
            other = copy.copy(value)
            other[key] = inner
            yield other


@pytest.mark.parametrize(
    "kind", ["specification", "evidence", "observation", "leaves", "opening", "sealed manifest", "manifest"]
)
def test_any_value_anywhere_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    good, door = doors(LocalStore(tmp_path))[kind]
    door(good)
    refused = 0
    record = json.loads(good)
    own = record.get("quality", {})  # a specification's: of what has to equal the installed, one part will do
    for value in changed(
        {**record, "quality": {"options": own["options"]}} if own and kind == "specification" else record
    ):
        try:
            data = canonical.dumps(value)
        except BadInput:
            continue  # nobody can write it
        try:
            door(data)
        except (CheckFailed, EnvironmentFailure) as error:
            refused += 1
            assert len(str(error)) < 2_000
    assert refused > 100


def test_deep_nesting_is_refused_whoever_asks() -> None:
    for depth in (66, 200, 900, 100_000):
        with pytest.raises(CheckFailed, match=r"nested|recursion"):
            canonical.loads(b"[" * depth + b"]" * depth, name="record")
