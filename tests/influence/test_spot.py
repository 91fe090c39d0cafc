from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from oracle.errors import BadInput
from oracle.evidence.merkle import document_proof, document_root, verify_document
from oracle.influence.base import BaseModel
from oracle.influence.curvature import Diagonal
from oracle.influence.finetune import Weights
from oracle.influence.job import Estimate, Job
from oracle.influence.marginal import make_job
from oracle.influence.spec import InfluenceSpec
from oracle.influence.spot import Probe, check_documents, document_values

SPEC = InfluenceSpec(quota=600, probes=2, validation_sequences=16)
Market = dict[str, list[str]]


@pytest.fixture(scope="module")
def job(base: BaseModel, market: Market) -> Job:
    return make_job(base, [market["near"], [], market["noise"]], market["validation"][:1], SPEC, seed=3)


@pytest.fixture(scope="module")
def direction(job: Job) -> Tensor:
    return Diagonal().direction(job).vector


@pytest.fixture(scope="module")
def lines(job: Job, direction: Tensor) -> list[bytes]:
    return document_values(job, direction)


@pytest.fixture(scope="module")
def score(job: Job) -> Estimate:
    return Diagonal().estimate(job)


def check(job: Job, direction: Tensor, lines: list[bytes], score: Estimate, **changes: object) -> str | None:
    given = {"root": document_root(lines), "gains": score.gains, "sample": [0, 7, len(lines) - 1], "tolerance": 1e-4}
    found = check_documents(job, direction, lines, **(given | changes))  # type: ignore[arg-type]
    return found and f"{found.path}: {found.expected}, {found.found}"


def forged(line: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(line) | changes, sort_keys=True, separators=(",", ":")).encode()


def test_two_forward_passes_find_what_the_gradient_says(job: Job, direction: Tensor) -> None:
    weights, probe = Weights(job.base, job.compute), Probe(job, direction)
    own = job.data[0]
    exact = [
        float(weights.gradient(own[place : place + 1], SPEC.quota)[0].double() @ direction.double())
        for place in range(len(own))
    ]
    size = (sum(value * value for value in exact) / len(exact)) ** 0.5
    assert max(abs(a - b) for a, b in zip(exact, probe.values(own), strict=True)) < 2e-5 * size


def test_the_lines_are_those_under_the_logs_root_and_open_one_by_one(lines: list[bytes], score: Estimate) -> None:
    root = bytes.fromhex(score.log["documents_root"])
    assert root == document_root(lines)
    assert verify_document(root, lines[5], document_proof(lines, 5))


def test_an_honest_score_has_no_difference(job: Job, direction: Tensor, lines: list[bytes], score: Estimate) -> None:
    assert check(job, direction, lines, score) is None
    assert check(job, direction, lines, score, sample=[]) is None


def test_the_first_difference_is_named(job: Job, direction: Tensor, lines: list[bytes], score: Estimate) -> None:
    value = float(json.loads(lines[7])["value"])
    raised = [*lines[:7], forged(lines[7], value=repr(value + 0.01 * abs(score.gains[0]))), *lines[8:]]
    assert str(check(job, direction, raised, score)).startswith("gains[0]: ")
    paid = (score.gains[0] + 0.01 * abs(score.gains[0]), *score.gains[1:])
    found = str(check(job, direction, raised, score, gains=paid))
    assert found.startswith('documents[7]: {"place":7,"provider":0,"value":') and found.endswith(raised[7].decode())
    assert check(job, direction, raised, score, gains=paid, sample=[8]) is None, "only what is drawn is recomputed"
    assert str(check(job, direction, raised, score, root=document_root(lines))).startswith("documents_root: ")
    fewer = f"documents: {len(lines)} lines, {len(lines) - 1} lines"
    assert check(job, direction, lines[:-1], score) == fewer
    swapped = [lines[1], lines[0], *lines[2:]]
    assert str(check(job, direction, swapped, score)).startswith('documents[0]: {"place":0,')
    for broken in (b"{}", b"\xff", b"[" * 100_000):
        assert str(check(job, direction, [*lines[:3], broken, *lines[4:]], score)).startswith("documents[3]: ")
    other = torch.roll(direction, 1)
    assert str(check(job, other, lines, score)).startswith("documents[0]: ")


def test_what_cannot_be_audited_is_refused(job: Job, direction: Tensor, lines: list[bytes], score: Estimate) -> None:
    with pytest.raises(BadInput, match="windows"):
        check(job, direction, lines, score, sample=[len(lines)])
    clipped = replace(job, spec=replace(SPEC, document_clip=1.0))
    with pytest.raises(BadInput, match="clipped"):
        document_values(clipped, direction)
