import hashlib

import pytest
from pydantic import ValidationError

from oracle.errors import CheckFailed
from oracle.evidence.leaf import Status
from oracle.evidence.observation import Observation, Score

OPERATOR = "0x1563915e194D8CfBA1943570603F7606A3115508"


def score(position: int, **changes: object) -> Score:
    fields: dict[str, object] = {
        "provider": f"0x{position + 1:040x}",
        "dataset_root": bytes([position]) * 32,
        "position": position,
        "status": Status.SCORED,
        "group": 0,
        "quality": 8000,
        "impact": 5000,
        "tokens": 1000,
        "evidence": "bafkreia",
    }
    return Score.model_validate(fields | changes)


def observation(*scores: Score, operator: str = OPERATOR, **changes: object) -> Observation:
    fields: dict[str, object] = {
        "chain_id": 31337,
        "market": "0x" + "33" * 20,
        "round": 1,
        "operator": operator,
        "commitments": b"\x01" * 32,
        "beacon": b"\x02" * 32,
        "pipeline_hash": b"\x03" * 32,
        "base_model": b"\x04" * 32,
        "scores": scores,
    }
    return Observation.model_validate(fields | changes)


def test_what_is_written_is_read() -> None:
    seen = observation(score(0), score(1, status=Status.EMPTY))
    assert Observation.from_bytes(seen.to_bytes(), name="observation") == seen
    assert seen.digest() == hashlib.sha256(seen.to_bytes()).digest()


def test_each_field_changes_the_digest() -> None:
    digests = {observation(score(0)).digest()}
    for changed in ({"round": 2}, {"beacon": b"\x09" * 32}, {"commitments": bytes(32)}, {"pipeline_hash": bytes(32)}):
        digests.add(observation(score(0), **changed).digest())
    others: dict[str, object] = {
        "quality": 1,
        "impact": 1,
        "tokens": 1,
        "status": 2,
        "group": 1,
        "evidence": "bafkreib",
    }
    for field, other in others.items():
        digests.add(observation(score(0, **{field: other})).digest())
    assert len(digests) == 11


@pytest.mark.parametrize(
    "changed",
    [
        {"quality": 10_001},
        {"impact": -1},
        {"tokens": 1 << 53},
        {"status": 9},
        {"group": 2},
        {"provider": "me"},
        {"quality": 0.5},
    ],
)
def test_scores_out_of_range_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        score(0, **changed)


def test_places_are_complete_and_providers_distinct() -> None:
    with pytest.raises(ValidationError):
        observation(score(1))
    with pytest.raises(ValidationError):
        observation(score(0), score(1, provider=score(0).provider))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"quality":8000', b'"quality":10001'),
        (b'"quality":8000', b'"quality":8000.5'),
        (b'"quality":8000', b'"quality":"8000"'),
        (b'"round":1', b'"round": 1'),
        (b'"round":1', b'"round":1,"rumour":1'),
        (b"0x1563915e", b"0x1563915E"),
        (b"mixed-mia/observation/1", b"mixed-mia/observation/2"),
        (b'"round":1,', b""),
    ],
)
def test_altered_bytes_fail_by_name(old: bytes, new: bytes) -> None:
    data = observation(score(0)).to_bytes()
    assert old in data
    with pytest.raises(CheckFailed) as failure:
        Observation.from_bytes(data.replace(old, new), name="observation of 0xab")
    assert failure.value.input == "observation of 0xab"
