"""The published specification, the sample drawn by it, and checkpoints that never answer for other texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracle.corpus.document import Document
from oracle.custody.store import MAX_BLOCK, LocalStore, cid_to_digest
from oracle.errors import BadInput, CheckFailed, EnvironmentFailure
from oracle.evidence import canonical
from oracle.influence.log import KIND
from oracle.influence.spec import InfluenceSpec
from oracle.node import pipeline, validation
from oracle.node.folder import DataFolder
from oracle.node.held import Held
from oracle.quality.spec import QualitySpec

PLANNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
MODEL = bytes(range(256)) * 5_000  # more than one block


def build(store: LocalStore, *, pool: int = 9, sample: int = 4, estimator: str = "in-run") -> pipeline.Pipeline:
    return pipeline.build(
        store,
        PLANNER,
        quality=QualitySpec(),
        influence=InfluenceSpec(estimator, quota=5_000),
        gain_ref=0.25,
        noise_floor=0.001,
        base_model=MODEL,
        seed=[Document("seed", "public text")],
        reference=[Document("reference", "nothing new")],
        pool=pool,
        sample=sample,
    )


def test_the_hash_in_the_terms_opens_to_the_specification(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    made = build(store)
    loaded = pipeline.load(store, pipeline.publish(store, made))
    assert loaded == made and loaded.influence_spec == InfluenceSpec("in-run", quota=5_000)
    assert len(MODEL) > MAX_BLOCK and pipeline.fetch_base_model(store, loaded, made.base_model.sha256) == MODEL
    assert made.reference is not None
    assert pipeline.fetch_corpus(store, made.reference) == (Document("reference", "nothing new"),)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"kind": "mixed-mia/pipeline/1"}, EnvironmentFailure, "this installation computes"),
        ({"quality": {"options": {"profile": "paper"}}}, EnvironmentFailure, "quality options"),
        ({"quality": QualitySpec().published() | {"version": 99}}, EnvironmentFailure, "installed is"),
        (
            {"quality": QualitySpec(reference_index="ab").published()},
            EnvironmentFailure,
            "nodes compare with a sample",
        ),
        ({"influence": {"kind": "other"}}, EnvironmentFailure, "influence by 'other'"),
        ({"influence": {"kind": KIND, "estimator": "guess"}}, EnvironmentFailure, "unknown estimator 'guess'"),
        ({"influence": {"kind": KIND, "quota": 0}}, EnvironmentFailure, "quota is 0"),
        ({"influence": {"kind": KIND, "clip": "much"}}, EnvironmentFailure, "influence parameters"),
        ({"influence": {"kind": KIND, "colour": 1}}, EnvironmentFailure, "colour"),
        ({"gain_ref": 0}, CheckFailed, "gain_ref"),
        ({"surprise": 1}, CheckFailed, "surprise"),
    ],
)
def test_another_specification_is_refused_clearly(
    tmp_path: Path, change: dict[str, object], error: type[Exception], message: str
) -> None:
    store = LocalStore(tmp_path)
    block = canonical.dumps(json.loads(build(store).to_bytes()) | change)
    with pytest.raises(error, match=message):
        pipeline.load(store, cid_to_digest(store.put(block)))


def test_what_is_missing_or_not_canonical_is_named(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with pytest.raises(CheckFailed, match="cannot be had from the content store"):
        pipeline.load(store, bytes(32))
    loose = json.dumps(json.loads(build(store).to_bytes()), indent=1).encode()
    with pytest.raises(CheckFailed, match="not canonical"):
        pipeline.load(store, cid_to_digest(store.put(loose)))
    with pytest.raises(CheckFailed, match="the terms"):
        pipeline.fetch_base_model(store, build(store), bytes(32))
    with pytest.raises(BadInput, match="sample of 10"):
        build(store, pool=9, sample=10)
    with pytest.raises(BadInput, match="unknown estimator"):
        build(store, estimator="guess")


def test_the_beacon_draws_different_documents_evenly() -> None:
    size = pipeline.SampleSize(pool=50, sample=10)
    counts = [0] * 50
    for round_id in range(500):
        drawn = validation.draw(round_id.to_bytes(32, "big"), size)
        assert len(set(drawn)) == 10
        for index in drawn:
            counts[index] += 1
    assert validation.draw(bytes(32), size) == validation.draw(bytes(32), size)
    assert min(counts) > 60 and max(counts) < 145  # 100 each on average, standard deviation 9
    assert sorted(validation.draw(bytes(32), pipeline.SampleSize(pool=5, sample=5))) == [0, 1, 2, 3, 4]


def test_a_checkpoint_answers_for_its_own_texts_only(tmp_path: Path) -> None:
    folder, worked = DataFolder(tmp_path, bytes(32)), []

    def stage(text: str) -> object:
        held = Held((Document("a", text),))
        return folder.stage("quality", {"texts": [held.digest]}, lambda: worked.append(text) or len(worked))

    assert [stage("one"), stage("one"), stage("two"), stage("one")] == [1, 1, 2, 1]
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(
            path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])
        )  # damaged: worked out again, not believed
    assert stage("two") == 3


def test_checkpoints_show_nothing_of_the_texts(tmp_path: Path) -> None:
    DataFolder(tmp_path, bytes(32)).stage("quality", {}, lambda: {"kept": ["confidential"]})
    (path,) = (tmp_path / "checkpoints").iterdir()
    assert b"confidential" not in path.read_bytes()
    other = DataFolder(tmp_path, bytes([1] * 32))
    assert other.stage("quality", {}, lambda: "worked out again") == "worked out again"


def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    with (
        DataFolder(tmp_path).lock(),
        pytest.raises(EnvironmentFailure, match="another process"),
        DataFolder(tmp_path).lock(),
    ):
        pass
