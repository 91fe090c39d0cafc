from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from oracle.errors import BadInput
from oracle.evidence.merkle import document_proof, document_root, verify_document
from oracle.influence.base import BaseModel
from oracle.influence.curvature import Diagonal
from oracle.influence.device import reproducible
from oracle.influence.estimators import ESTIMATORS
from oracle.influence.finetune import Weights
from oracle.influence.job import Estimate, Job
from oracle.influence.marginal import make_job
from oracle.influence.settled import Settled
from oracle.influence.spec import InfluenceSpec
from oracle.influence.spot import COARSE, EXACT, FAST, Aim, Aiming, Probe, check_documents

SPEC = InfluenceSpec(quota=600, probes=2, validation_sequences=16)
Market = dict[str, list[str]]


@pytest.fixture(scope="module")
def job(base: BaseModel, market: Market) -> Job:
    return make_job(base, [market["near"], [], market["noise"]], market["validation"][:1], SPEC, seed=3)


@pytest.fixture(scope="module", params=[Diagonal, Settled])
def engine(request: pytest.FixtureRequest) -> Diagonal | Settled:
    found: Diagonal | Settled = request.param()
    return found


@pytest.fixture(scope="module")
def aim(job: Job, engine: Aiming) -> Aim:
    with reproducible():
        return engine.aim(job)


@pytest.fixture(scope="module")
def score(job: Job, engine: Diagonal | Settled) -> Estimate:
    with reproducible():
        return engine.estimate(job)


@pytest.fixture(scope="module")
def lines(score: Estimate) -> list[bytes]:
    return [line.encode() for line in score.documents]


def check(job: Job, aim: Aim, lines: list[bytes], score: Estimate, **changes: object) -> str | None:
    given = {"root": document_root(lines), "gains": score.gains, "sample": [0, 2, len(lines) - 1]}
    found = check_documents(job, aim, lines, **(given | changes))  # type: ignore[arg-type]
    return f"{found.path}: {found.expected}, {found.found}" if found else None


def forged(line: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(line) | changes, sort_keys=True, separators=(",", ":")).encode()


def test_two_forward_passes_find_what_the_gradient_says(job: Job, aim: Aim) -> None:
    probe, weights = Probe(aim, aim.weights_of(job)), Weights(job.base, job.compute)
    weights.flat.copy_(aim.weights)
    own, unit = aim.windows[0], aim.units[0]
    exact = [
        unit * float(weights.gradient(own[place : place + 1], 1)[0].double() @ aim.vector.double())
        for place in range(len(own))
    ]
    size = (sum(value * value for value in exact) / len(exact)) ** 0.5
    worst = max(abs(a - b) for a, b in zip(exact, probe.values(0, own), strict=True)) / size
    assert worst < (2e-5 if aim.precision is EXACT else FAST.value / 2)


def test_runs_in_bfloat16_are_checked_as_coarsely_as_they_are_measured(job: Job, aim: Aim, lines: list[bytes]) -> None:
    own = aim.windows[0]
    exact = [float(json.loads(line)["value"]) for line in lines[: len(own)]]
    coarse = Probe(replace(aim, precision=COARSE), Weights(job.base, job.compute)).values(0, own)
    size = (sum(value**2 for value in exact) / len(exact)) ** 0.5
    assert max(abs(a - b) for a, b in zip(exact, coarse, strict=True)) / size < COARSE.value / 2
    assert Settled().aim(replace(job, compute=replace(job.compute, precision="bfloat16"))).precision is COARSE


def test_estimators_whose_gains_are_such_sums_can_be_audited() -> None:
    able = {name for name, engine in ESTIMATORS.items() if isinstance(engine(), Aiming)}
    assert able == {"settled", "cg", "diagonal"}


def test_the_lines_are_those_under_the_logs_root_and_open_one_by_one(lines: list[bytes], score: Estimate) -> None:
    root = bytes.fromhex(score.log["documents_root"])
    assert root == document_root(lines)
    assert verify_document(root, lines[5], document_proof(lines, 5))


def test_the_lines_are_of_the_measured_windows(job: Job, engine: Aiming, aim: Aim, lines: list[bytes]) -> None:
    measured = engine.measured(job)
    assert [own.digest for own in measured] == [own.digest for own in aim.windows]
    digests = [own[place : place + 1].digest for own in measured for place in range(len(own))]
    assert [json.loads(line)["window"] for line in lines] == digests


def test_an_honest_score_has_no_difference(job: Job, aim: Aim, lines: list[bytes], score: Estimate) -> None:
    assert check(job, aim, lines, score, sample=range(len(lines))) is None
    assert check(job, aim, lines, score, sample=[]) is None


def test_the_first_difference_is_named(job: Job, aim: Aim, lines: list[bytes], score: Estimate) -> None:
    largest = max(abs(float(json.loads(line)["value"])) for line in lines)
    value = float(json.loads(lines[2])["value"])
    raised = [*lines[:2], forged(lines[2], value=repr(value + largest)), *lines[3:]]
    assert str(check(job, aim, raised, score)).startswith("gains[0]: ")
    paid = (score.gains[0] + largest, *score.gains[1:])
    found = str(check(job, aim, raised, score, gains=paid))
    assert found.startswith('documents[2]: {"place":2,"provider":0,"value":') and found.endswith(raised[2].decode())
    assert check(job, aim, raised, score, gains=paid, sample=[3]) is None, "only what is drawn is recomputed"
    assert str(check(job, aim, raised, score, root=document_root(lines))).startswith("documents_root: ")
    fewer = f"documents: {len(lines)} lines, {len(lines) - 1} lines"
    assert check(job, aim, lines[:-1], score) == fewer
    swapped = [lines[1], lines[0], *lines[2:]]
    assert str(check(job, aim, swapped, score)).startswith('documents[0]: {"place":0,')
    for broken in (b"{}", b"\xff", b"[" * 100_000):
        assert str(check(job, aim, [*lines[:3], broken, *lines[4:]], score)).startswith("documents[3]: ")
    other = replace(aim, vector=torch.roll(aim.vector, 1))
    assert str(check(job, other, lines, score)).startswith("documents[0]: ")


def test_another_thread_count_is_within_the_precision(
    job: Job, engine: Aiming, lines: list[bytes], score: Estimate
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(threads, 2))
    try:
        with reproducible():
            assert check(job, engine.aim(job), lines, score, sample=range(len(lines))) is None
    finally:
        torch.set_num_threads(threads)


def test_what_cannot_be_audited_is_refused(job: Job, aim: Aim, lines: list[bytes], score: Estimate) -> None:
    with pytest.raises(BadInput, match="windows"):
        check(job, aim, lines, score, sample=[len(lines)])
    clipped = replace(job, spec=replace(SPEC, estimator="diagonal", document_clip=1.0))
    with pytest.raises(BadInput, match="clipped"):
        Diagonal().aim(clipped)
