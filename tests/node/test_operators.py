"""Operators score a real market in folders of their own, one of them with an altered text, and report together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from scored_scene import CORPORA, Scene, build_scene, specify

from oracle.chain.devnet import Anvil
from oracle.custody.store import round_key
from oracle.custody.wraps import sign_wraps
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical
from oracle.evidence.leaf import Status
from oracle.evidence.observation import Observation
from oracle.node import findings, opening, reporting, scoring, validation
from oracle.node.folder import DataFolder
from oracle.node.pipeline import Pipeline
from oracle.node.reporting import ReportStatus
from oracle.node.signing import SigningKey

TEXT, STATEMENTS, COPY, NOISE, FORMAT, GHOST = range(6)


@dataclass
class Played:
    """A scored and reported round, and what was seen on the way."""

    scene: Scene
    specification: Pipeline
    round_id: int
    observations: dict[int, Observation] = field(default_factory=dict)
    resumed: set[str] = field(default_factory=set)
    waiting: list[ReportStatus] = field(default_factory=list)
    conflict: str = ""
    reports: list[ReportStatus] = field(default_factory=list)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with Anvil(funded=14) as chain:
        scene = build_scene(chain, tmp_path_factory.mktemp("operators"))
        specification = specify(scene)
        played = Played(scene, specification, scene.open(specification))
        bids = scene.commit(played.round_id)
        with pytest.raises(BadInput, match="phase"):
            scene.score(played.round_id, 0)
        scene.draw(played.round_id, specification, bids)
        _score(played)
        scene.to(played.round_id, "observe_end")
        _report(played)
        yield played


def _score(played: Played) -> None:
    """Two honest operators; to a third one key was wrapped wrongly; the fourth goes on from finished stages."""
    scene, round_id = played.scene, played.round_id
    for operator in (0, 1):
        played.observations[operator] = scene.score(round_id, operator)
    scene.share_checkpoints(0, 2)
    _spoil_wrap(scene, round_id, scene.providers[STATEMENTS].address, scene.operators[2].address)
    played.observations[2] = scene.score(round_id, 2)
    scene.share_checkpoints(0, 3)
    progress = played.resumed
    played.observations[3] = scene.score(round_id, 3, progress=lambda stage, done, total: progress.add(stage))


def _spoil_wrap(scene: Scene, round_id: int, provider: str, operator: str) -> None:
    """The provider shows its wraps anew, with a bit of one flipped."""
    seen = next(bid for bid in scene.market.commitments(round_id) if bid.provider == provider)
    manifest = opening.manifest_of(scene.market, round_id, seen, scene.store)
    shown = opening.wraps_of(scene.market, manifest, scene.board)
    assert shown is not None
    wraps = list(shown.wraps)
    at = next(place for place, wrap in enumerate(wraps) if wrap.recipient == operator)
    flipped = wraps[at].ciphertext[:-1] + format(int(wraps[at].ciphertext[-1], 16) ^ 1, "x")
    wraps[at] = wraps[at].model_copy(update={"ciphertext": flipped})
    key, slot = round_key(scene.market.chain_id, scene.market.address, round_id), f"wraps-{provider.lower()}"
    again = sign_wraps(scene.providers[STATEMENTS], manifest, wraps)
    scene.board.publish(key, slot, again.to_bytes())


def _report(played: Played) -> None:
    scene, round_id = played.scene, played.round_id
    played.waiting = [scene.report(round_id, operator) for operator in (0, 1, 2)]
    state = scene.market.state(round_id)
    key = SigningKey(
        scene.market.chain_id,
        scene.market.address,
        round_id,
        "score report",
        scene.operators[3].address,
        state.commitments,
        state.observations,
    )
    DataFolder(scene.data_dir(3)).signed.claim(key, b"another root")
    with pytest.raises(CheckFailed) as refused:
        scene.report(round_id, 3)
    played.conflict = str(refused.value)
    played.reports = [scene.report(round_id, operator) for operator in (0, 1, 2)]


def test_honest_operators_agree_to_the_last_byte_of_evidence(played: Played) -> None:
    assert played.observations[0].scores == played.observations[1].scores == played.observations[3].scores
    assert len({observation.digest() for observation in played.observations.values()}) == 4


def test_every_provider_gets_what_its_texts_are_worth(played: Played) -> None:
    scores = played.observations[0].scores
    assert [score.status for score in scores] == [
        Status.SCORED,
        Status.SCORED,
        Status.EMPTY,  # an exact copy, committed later
        Status.SCORED,
        Status.SCORED,
        Status.UNAVAILABLE,  # nothing behind the commitment
    ]
    assert scores[NOISE].quality < min(scores[place].quality for place in (TEXT, STATEMENTS, FORMAT))
    assert (scores[COPY].quality, scores[COPY].impact, scores[COPY].tokens) == (0, 0, 0)


def test_evidence_says_why(played: Played) -> None:
    observation, store = played.observations[0], played.scene.store
    text, ghost = (findings.read_evidence(store, observation, observation.scores[at]) for at in (TEXT, GHOST))
    assert text.reasons["near_validation"] == 1  # the document copied out of the validation pool
    assert text.reasons["documents"] == len(CORPORA[TEXT])
    assert text.reasons["quality"]["evidence"]["cleanliness"]["examples"] == []  # evidence is public, texts are not
    assert "is not in the store" in ghost.reasons["missing"]


def test_evidence_quotes_no_text(played: Played) -> None:
    observation, store = played.observations[0], played.scene.store
    for place, corpus in enumerate(CORPORA):
        reasons = findings.read_evidence(store, observation, observation.scores[place]).reasons
        told = " ".join(canonical.dumps(reasons).decode().split())
        words = " ".join(document.text for document in corpus).split()
        assert not [quote for at in range(len(words) - 8) if (quote := " ".join(words[at : at + 8])) in told]


def test_a_wrap_that_does_not_open_changes_the_observation_and_not_the_median(played: Played) -> None:
    altered = played.observations[2].scores[STATEMENTS]
    assert altered.status == Status.UNAVAILABLE
    attested, _ = reporting.leaf_and_proof(played.scene.market, played.round_id, altered.provider, played.scene.board)
    assert attested.status == Status.SCORED
    assert attested.quality == played.observations[0].scores[STATEMENTS].quality * 10**14


def test_operators_keep_no_text_on_their_disks(played: Played) -> None:
    words = [document.text[:40].encode() for corpus in CORPORA for document in corpus]
    kept = [path.read_bytes() for path in played.scene.data_dir(0).rglob("*") if path.is_file()]
    assert len(kept) > 3
    assert not any(word in data for word in words for data in kept)


def test_finished_stages_are_not_scored_again(played: Played) -> None:
    assert played.resumed == {"open"}


def test_scoring_again_changes_nothing(played: Played) -> None:
    scene, sent = played.scene, played.scene.transactions(0)
    assert scene.score(played.round_id, 0) == played.observations[0]
    path = DataFolder(scene.data_dir(0)).observation(
        round_key(scene.market.chain_id, scene.market.address, played.round_id)
    )
    path.unlink()  # lost, but signed: computed again it must be the same
    assert scene.score(played.round_id, 0) == played.observations[0]
    assert scene.transactions(0) == sent


def test_operators_wait_for_each_other_by_name(played: Played) -> None:
    addresses = [account.address for account in played.scene.operators]
    assert [status.posted for status in played.waiting] == [False] * 3
    assert set(played.waiting[0].missing) == set(addresses[1:])
    assert set(played.waiting[2].missing) == {addresses[3]}
    assert played.waiting[0].until == played.scene.market.terms(played.round_id).report_end


def test_a_conflicting_signature_is_refused(played: Played) -> None:
    assert "already signed another score report" in played.conflict
    assert played.scene.operators[3].address in played.conflict


def test_one_transaction_posts_the_report(played: Played) -> None:
    assert [status.posted for status in played.reports] == [False, False, True]
    assert played.reports[2].count == 6 and len(played.reports[2].signers) == 3
    before = [played.scene.transactions(operator) for operator in range(4)]
    assert all(played.scene.report(played.round_id, operator).posted for operator in (0, 1, 2))
    assert [played.scene.transactions(operator) for operator in range(4)] == before


def test_strangers_and_leaves_of_strangers(played: Played) -> None:
    scene, stranger = played.scene, played.scene.planner
    folder = scene.folder / "stranger"
    with pytest.raises(BadInput, match="not an operator"):
        scoring.score_round(scene.market, played.round_id, stranger, scene.readers[0], scene.store, scene.board, folder)
    with pytest.raises(BadInput, match="no bid in round"):
        reporting.leaf_and_proof(scene.market, played.round_id, stranger.address, scene.board)


def test_an_altered_validation_document_is_named(played: Played) -> None:
    scene, size = played.scene, played.specification.validation
    key = round_key(scene.market.chain_id, scene.market.address, played.round_id)
    shown = scene.board.read(key, validation.SLOT)
    assert shown is not None
    index = validation.draw(scene.market.beacon(played.round_id), size)[0]
    try:
        scene.board.publish(key, validation.SLOT, shown.replace(b'"line":"{', b'"line":"{ ', 1))
        with pytest.raises(CheckFailed, match=f"validation document {index} does not open"):
            validation.read_sample(scene.market, played.round_id, size, scene.board)
        with pytest.raises(BadInput, match="not the one committed"):
            validation.open_sample(scene.market, played.round_id, CORPORA[0], size, scene.board)
    finally:
        scene.board.publish(key, validation.SLOT, shown)


def test_below_quorum_names_who_is_missing(played: Played) -> None:
    scene = played.scene
    round_id = scene.open(played.specification)
    bids = scene.commit(round_id)
    scene.draw(round_id, played.specification, bids)
    garbage = b"not an observation"
    for operator in (0, 1):
        scene.observe(round_id, operator, _sha256(garbage))
    with pytest.raises(BadInput, match="phase"):
        scene.report(round_id, 0)
    scene.to(round_id, "observe_end")
    with pytest.raises(CheckFailed, match="2 observations of the 3 it needs") as error:
        scene.report(round_id, 0)
    assert all(scene.operators[operator].address in str(error.value) for operator in (2, 3))


def test_an_observation_without_sense_counts_for_nobody(played: Played) -> None:
    scene = played.scene
    round_id = scene.open(played.specification)
    bids = scene.commit(round_id)
    scene.draw(round_id, played.specification, bids)
    garbage = b"not an observation"
    for operator in (0, 1, 2):
        scene.observe(round_id, operator, _sha256(garbage))
    scene.to(round_id, "observe_end")
    status = scene.report(round_id, 0)
    assert status.root is None and set(status.missing) == {account.address for account in scene.operators[:3]}
    key = round_key(scene.market.chain_id, scene.market.address, round_id)
    for account in scene.operators[:3]:
        scene.board.publish(key, f"observation-{account.address.lower()}", garbage)
    with pytest.raises(CheckFailed, match="only 0 observations"):
        scene.report(round_id, 0)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
