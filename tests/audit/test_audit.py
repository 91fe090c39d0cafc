"""The audit of a real round: it passes, and whatever is altered afterwards fails by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from scored_scene import COSTS, Scene, build_scene, specify

from oracle.audit.audit import audit_round
from oracle.audit.content import influence_log, require_impacts
from oracle.audit.difference import AuditResult, Mismatch
from oracle.audit.outcome import rebuild
from oracle.audit.subject import Subject
from oracle.chain.client import Market, connect
from oracle.chain.devnet import Anvil
from oracle.chain.token import erc20
from oracle.custody.store import Board, LocalStore, cid_to_digest, digest_to_cid, round_key
from oracle.errors import BadInput
from oracle.evidence.leaf import Status
from oracle.influence.log import KIND, plain_spec
from oracle.node import findings, observing, pipeline, reporting
from oracle.node.compute import Computation, Result, influence_seed
from oracle.node.folder import DataFolder
from oracle.node.opening import manifest_of


@dataclass
class Settled:
    """A round played to its end by three operators with equal results; the last provider never opens its bid."""

    scene: Scene
    specification: pipeline.Pipeline
    round_id: int
    early: list[AuditResult]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    with Anvil(funded=14) as chain:
        scene = build_scene(chain, tmp_path_factory.mktemp("audit"))
        specification = specify(scene)
        round_id = scene.open(specification)
        played = Settled(scene, specification, round_id, [])
        bids = scene.commit(round_id)
        played.early.append(_audit(scene, round_id))
        scene.draw(round_id, specification, bids)
        for operator in (0, 1, 2):
            if operator:
                scene.share_checkpoints(0, operator)
            scene.score(round_id, operator)
        scene.to(round_id, "observe_end")
        for operator in (0, 1, 2, 0, 1):
            scene.report(round_id, operator)
        played.early.append(_audit(scene, round_id))
        scene.settle(round_id, bids[:5])
        yield played


def _audit(scene: Scene, round_id: int, content: Path | None = None, *, rescore: bool = False) -> AuditResult:
    """As an auditor does: an RPC URL and a folder."""
    folder = content or scene.content
    market = Market(connect(scene.chain.rpc), scene.market.address)
    return audit_round(market, round_id, LocalStore(folder), Board(folder), reader=scene.auditor if rescore else None)


@pytest.fixture
def content(settled: Settled, tmp_path: Path) -> Path:
    """A copy of the content folder that a test may spoil."""
    return Path(shutil.copytree(settled.scene.content, tmp_path / "content"))


def _spoil_block(content: Path, digest: bytes, old: bytes, new: bytes) -> None:
    cid = digest_to_cid(digest)
    path = content / "blocks" / cid[-2:] / cid
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def _slot(settled: Settled, content: Path, name: str) -> Path:
    market = settled.scene.market
    return content / "rounds" / round_key(market.chain_id, market.address, settled.round_id) / name


def _first(settled: Settled, content: Path) -> tuple[str, str]:
    result = _audit(settled.scene, settled.round_id, content)
    assert not result.ok and result.first_difference is not None
    assert json.loads(json.dumps(result.as_json()))["ok"] is False
    return result.first_difference.stage, result.first_difference.item


def test_a_true_round_passes_from_rpc_and_folder_alone(settled: Settled) -> None:
    result = _audit(settled.scene, settled.round_id, rescore=True)
    assert not any("differs at" in check.detail for check in result.checks)
    assert result.ok, result.as_json()
    assert {"scores", "signatures", "evidence", "rescore", "certificate", "rewards", "escrow"} <= {
        check.stage for check in result.checks
    }


def test_a_running_round_is_audited_as_far_as_it_has_come(settled: Settled) -> None:
    committed, reported = settled.early
    assert committed.ok and "observations" not in {check.stage for check in committed.checks}
    assert reported.ok and "certificate" not in {check.stage for check in reported.checks}


def test_an_altered_ciphertext_is_found_with_its_provider(settled: Settled, content: Path) -> None:
    bid = settled.scene.market.commitments(settled.round_id)[1]
    manifest = manifest_of(settled.scene.market, settled.round_id, bid, LocalStore(content))
    path = content / "blocks" / manifest.cid[-2:] / manifest.cid
    sealed = path.read_bytes()
    path.write_bytes(bytes([sealed[0] ^ 1]) + sealed[1:])
    assert _first(settled, content) == ("datasets", f"dataset of provider {bid.provider}")


def test_an_altered_evidence_file_is_found_with_provider_and_operator(settled: Settled, content: Path) -> None:
    observations, _ = reporting.collect_observations(settled.scene.market, settled.round_id, Board(content))
    score = observations[0].scores[3]
    _spoil_block(content, cid_to_digest(score.evidence), b'"tokens":', b'"token5":')
    stage, item = _first(settled, content)
    assert stage == "evidence" and score.provider in item and observations[0].operator in item


def test_impacts_follow_from_the_influence_log(settled: Settled) -> None:
    scene = settled.scene
    subject = Subject(scene.market, settled.round_id, scene.store, scene.board)
    observation = subject.observations[0]
    log = influence_log(subject, observation)
    require_impacts(subject, observation, log)
    score = observation.scores[1]
    other = {**log, "gains": [log["gains"][0], "-1.0" if score.impact else "1.0", *log["gains"][2:]]}
    for altered, item in (
        (other, f"impact of provider {score.provider} by operator {observation.operator}"),
        ({**log, "seed": "1"}, f"seed of influence log of operator {observation.operator}"),
        ({**log, "stderr": []}, f"influence log of operator {observation.operator}"),
    ):
        with pytest.raises(Mismatch) as caught:
            require_impacts(subject, observation, altered)
        assert caught.value.item == item


def test_an_altered_signature_is_found_with_its_operator(settled: Settled, content: Path) -> None:
    operator = settled.scene.operators[1].address
    path = _slot(settled, content, f"signature-{operator.lower()}")
    signed = json.loads(path.read_bytes())
    first = "0" if signed["signature"][10] != "0" else "1"
    signed["signature"] = signed["signature"][:10] + first + signed["signature"][11:]
    path.write_text(json.dumps(signed, sort_keys=True, separators=(",", ":")))
    assert _first(settled, content) == ("signatures", f"signature of operator {operator}")


def test_an_altered_observed_score_is_found_with_its_operator(settled: Settled, content: Path) -> None:
    operator = settled.scene.operators[2].address
    path = _slot(settled, content, f"observation-{operator.lower()}")
    observed = json.loads(path.read_bytes())
    observed["scores"][0]["quality"] += 1
    path.write_text(json.dumps(observed, sort_keys=True, separators=(",", ":")))
    assert _first(settled, content) == ("observations", f"observation of operator {operator}")


def test_an_altered_attested_score_is_found_with_its_provider(settled: Settled, content: Path) -> None:
    report = settled.scene.market.report(settled.round_id)
    assert report is not None
    path = _slot(settled, content, f"leaves-{report.root.hex()}")
    leaves = json.loads(path.read_bytes())
    leaves["leaves"][4]["impact"] = str(int(leaves["leaves"][4]["impact"]) + 10**14)
    path.write_text(json.dumps(leaves, sort_keys=True, separators=(",", ":")))
    assert _first(settled, content) == ("scores", f"impact of provider {leaves['leaves'][4]['provider']}")


def test_altered_specification_model_and_sample_are_found(settled: Settled, content: Path) -> None:
    path = _slot(settled, content, "validation")
    path.write_bytes(path.read_bytes().replace(b"the ", b"teh ", 1))
    stage, item = _first(settled, content)
    assert stage == "validation sample" and item.startswith("validation document")
    model = settled.specification.base_model
    _spoil_block(content, cid_to_digest(model.blocks[0]), b"mixed-mia", b"mixed_mia")
    assert _first(settled, content) == ("base model", f"base model {model.sha256.hex()}")
    _spoil_block(content, settled.specification.digest, b"robust", b"paper!")
    assert _first(settled, content)[0] == "pipeline"


def test_every_row_is_explained_and_every_unit_is_somewhere(settled: Settled) -> None:
    scene = settled.scene
    outcome = rebuild(scene.market, settled.round_id, scene.store, scene.board)
    rows, totals = outcome.rows, outcome.totals
    assert [row.bid for row in rows] == [*COSTS[:5], None]
    assert any(row.won for row in rows) and not all(row.won for row in rows)
    for row in rows:
        assert row.reward >= (row.bid or 0) if row.won else row.reward == row.cash == row.units == row.shares == 0
        assert row.why and row.why == row.why.strip()
        assert bool(row.binding) == row.won
    assert rows[2].status is Status.EMPTY and "nothing was left" in rows[2].why
    assert "never opened" in rows[5].why and rows[5].bond == 0
    assert rows[1].reasons.quality.cleanliness
    assert totals.escrow == totals.cash_paid + totals.fees_paid + totals.refunded
    assert totals.money_held == totals.cash_owed == totals.fees_owed == totals.refund_owed == 0
    assert totals.bonds == totals.bonds_returned + totals.bonds_burned and totals.bonds_owed == 0
    assert totals.units + totals.units_refunded == outcome.budget
    assert totals.reward == sum(row.reward for row in rows)
    with pytest.raises(BadInput, match="no bid"):
        outcome.row(scene.planner.address)


def test_a_quorum_that_lies_is_found_by_scoring_again(settled: Settled) -> None:
    """Everything they signed fits together; only the texts say otherwise. Then money goes missing as well."""
    scene, market = settled.scene, settled.scene.market
    round_id = scene.open(settled.specification)
    bid, _ = bids = scene.commit(round_id, 2)
    scene.draw(round_id, settled.specification, bids)
    lie = Result(Status.SCORED, 0, 9_999, 5_000, 123, {"because": "we say so"})
    log = {
        "kind": KIND,
        "spec": plain_spec(settled.specification.influence_spec),
        "seed": str(influence_seed(market.beacon(round_id))),
        "base": settled.specification.base_model.sha256.hex(),
        "gains": [repr(settled.specification.gain_ref / 2)] * 2,
        "stderr": ["0.0"] * 2,
    }
    for operator in (0, 1, 2):
        folder, account = DataFolder(scene.data_dir(operator)), scene.operators[operator]
        found = Computation((lie, lie), log)
        observation = findings.observe(market, round_id, account.address, found, folder.evidence)
        observing.commit_observation(market, account, observation, folder)
    scene.to(round_id, "observe_end")
    for operator in (0, 1, 2, 0, 1):
        scene.report(round_id, operator)
    assert market.report(round_id) is not None

    def differs(**options: bool) -> tuple[str, str]:
        first = _audit(scene, round_id, **options).first_difference
        return (first.stage, first.item) if first else ("", "")

    assert differs() == ("", "")
    assert differs(rescore=True) == ("rescore", f"tokens of provider {bid.provider}")

    token = erc20(market.w3, scene.token)
    scene.chain.request("anvil_impersonateAccount", market.address)
    scene.chain.request("anvil_setBalance", market.address, hex(10**20))
    token.functions.transfer(scene.planner.address, 1).transact({"from": market.address})
    assert differs() == ("escrow", "payment token held by the market")
