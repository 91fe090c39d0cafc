"""A round with bids that were made to stop it: each has its status and its reason, the others their scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import orjson
import pytest
from scored_scene import CORPORA, Scene, build_scene, specify

from oracle.chain.devnet import Anvil
from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.custody import cid as cids
from oracle.custody import dagpb, stream
from oracle.custody.local import LocalStore
from oracle.custody.manifest import key_commit
from oracle.custody.sealed import Packed, SealedManifest
from oracle.custody.store import round_key
from oracle.custody.unixfs import Block
from oracle.errors import BadInput, EnvironmentFailure
from oracle.evidence import commitment
from oracle.evidence.leaf import Status
from oracle.evidence.observation import Observation
from oracle.node import findings
from oracle.node.pipeline import BidLimits

HONEST, NUMBER, LIST, VAST, LYING, ODD = range(6)
STATUSES = [
    Status.SCORED,
    Status.UNAVAILABLE,
    Status.UNAVAILABLE,
    Status.UNSUPPORTED,
    Status.UNAVAILABLE,
    Status.EMPTY,
]
LIMITS = BidLimits(bytes=4 << 20, documents=1_000)


@dataclass
class Played:
    scene: Scene
    round_id: int
    observations: list[Observation]
    posted: bool

    def reason(self, place: int) -> str:
        observation = self.observations[0]
        return str(findings.read_evidence(self.scene.store, observation, observation.scores[place]).reasons["missing"])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with Anvil(funded=14) as chain, pytest.MonkeyPatch.context() as patch:
        scene = build_scene(chain, tmp_path_factory.mktemp("hostile"))
        specification = specify(scene, LIMITS)
        round_id = scene.open(specification)
        patch.setattr("oracle.custody.tally.canonical_line", _unchecked_line)
        others = CORPORA[4]
        bids = [
            scene.bid(round_id, HONEST, scene.store, CORPORA[1]),
            scene.bid(round_id, NUMBER, scene.store, [*others[:2], Document(id="x", text=17)]),  # type: ignore[arg-type]
            scene.bid(round_id, LIST, scene.store, [Document(id="x", text="good", lang=["en"]), *others]),  # type: ignore[arg-type]
            scene.bid(round_id, VAST, scene.store, others, _claims_64_gib),
            scene.bid(round_id, LYING, scene.store, others, _lies_about_sizes),
            scene.bid(
                round_id, ODD, scene.store, [Document(id="", text=" \n\t "), Document(id="", text="", lang="../")]
            ),
        ]
        scene.draw(round_id, specification, bids)
        observations = [scene.score(round_id, operator) for operator in range(3)]
        scene.to(round_id, "observe_end")
        reports = [scene.report(round_id, operator) for operator in (0, 1, 2, 0, 1, 2)]
        yield Played(scene, round_id, observations, reports[-1].posted)


def test_bad_bids_have_their_status_and_the_others_their_scores(played: Played) -> None:
    assert [score.status for score in played.observations[0].scores] == STATUSES
    assert played.observations[0].scores[HONEST].quality > 0
    assert all(observation.scores == played.observations[0].scores for observation in played.observations)


def test_the_round_is_reported(played: Played) -> None:
    assert played.posted


def test_every_reason_is_told(played: Played) -> None:
    assert "document 2" in played.reason(NUMBER) and "its text is no text but int" in played.reason(NUMBER)
    assert "document 0" in played.reason(LIST) and "its lang is no text but list" in played.reason(LIST)
    assert f"it offers {1 << 36} bytes" in played.reason(VAST) and str(LIMITS.bytes) in played.reason(VAST)
    assert "is refused" in played.reason(LYING)


def test_what_does_not_open_is_not_pinned(played: Played) -> None:
    scene = played.scene
    key = round_key(scene.market.chain_id, scene.market.address, played.round_id)
    pinned = {name.removeprefix(f"{key}.") for name in scene.store.pins() if name.startswith(key)}
    content = {name.removesuffix(".content") for name in pinned if name.endswith(".content")}
    assert content == {scene.providers[place].address.lower() for place in (HONEST, ODD)}


def test_our_own_disk_is_nobodys_fault(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = played.scene
    specification = played.observations[0].pipeline_hash

    class Broken(LocalStore):
        def get(self, cid: str) -> bytes:
            if cids.decode(cid)[1] != specification:
                raise EnvironmentFailure("the disk is gone", input=cid)
            return super().get(cid)

    monkeypatch.setattr(Scene, "store", property(lambda scene: Broken(scene.content)))
    monkeypatch.setattr(Scene, "data_dir", lambda scene, operator: scene.folder / f"other-{operator}")
    with pytest.raises(EnvironmentFailure, match="the disk is gone"):
        scene.score(played.round_id, 0)


def test_our_own_packing_writes_no_such_document() -> None:
    with pytest.raises(BadInput, match="its text is no text but int"):
        canonical_line(Document(id="x", text=17))  # type: ignore[arg-type]


def _unchecked_line(document: Document) -> bytes:
    """What somebody else's program packs."""
    return orjson.dumps(asdict(document), option=orjson.OPT_SORT_KEYS)


def _with(manifest: SealedManifest, key: bytes, **changes: object) -> SealedManifest:
    """The manifest changed, and committed to as if it were right."""
    changed = manifest.model_copy(update=changes)
    content = commitment.content_hash(changed.ciphertext_digest, changed.codec, changed.document_root)
    return changed.model_copy(update={"key_commit": key_commit(changed.context, content, key)})


def _claims_64_gib(store: LocalStore, packed: Packed) -> SealedManifest:
    node = dagpb.encode([dagpb.Link(packed.manifest.cid, 1, 1)])
    cid = cids.of(node, cids.DAG_PB)
    manifest = _with(packed.manifest, packed.key, size=1 << 36, ciphertext_size=stream.sealed_size(1 << 36), cid=cid)
    store.put(manifest.to_bytes())
    return manifest


def _lies_about_sizes(store: LocalStore, packed: Packed) -> SealedManifest:
    """Levels of nodes that each claim a few bytes, whatever is below them: thousands of blocks for whoever walks."""
    size = 2 << 20
    below = [store.put(str(number).encode()) for number in range(40)]
    for _ in range(3):
        below = [_node(store, [dagpb.Link(name, 7, 7) for name in (*below[at:], *below[:at])]) for at in range(40)]
    root = _node(store, [dagpb.Link(name, size // 40, 1) for name in below])
    manifest = _with(packed.manifest, packed.key, size=size, ciphertext_size=stream.sealed_size(size), cid=root)
    store.put(manifest.to_bytes())
    return manifest


def _node(store: LocalStore, links: list[dagpb.Link]) -> str:
    """Store a node, whatever it says."""
    data = dagpb.encode(links)
    block = Block(cids.of(data, cids.DAG_PB), data, 0)
    store.write([block])
    return block.cid
