"""What peers show each other in a round: signatures, leaves, evidence, the validation sample, the specification."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from fuzz.change import change
from fuzz.forms import few, is_canonical, record, varied
from fuzz.parties import ACCOUNTS, CHAIN, MARKET, OPERATOR, PLANNER, ROUND, Memory, documents, folder
from fuzz.spelling import spell
from fuzz.target import Input, Target
from fuzz.targets.evidence import observation
from oracle.chain.client import Market
from oracle.corpus.canonical import canonical_line
from oracle.custody.store import Board, block_cid, round_key
from oracle.errors import CheckFailed
from oracle.evidence import merkle
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.evidence.score_report import Domain, ScoreReport, sign
from oracle.influence.log import KIND as INFLUENCE_KIND
from oracle.influence.spec import InfluenceSpec
from oracle.node import exchange, findings, pipeline, validation
from oracle.quality.spec import QualitySpec

BEACON = b"\x0b" * 32
SIZE = pipeline.SampleSize(pool=4, sample=4)
REPORT = ScoreReport(ROUND, b"\x05" * 32, b"\x01" * 32, b"\x06" * 32, b"\x08" * 32, 3)


@dataclass
class Place:
    """What readers of the board ask a market: where it is, and words that its contract keeps."""

    root: bytes = bytes(32)
    chain_id: int = CHAIN
    address: str = MARKET
    domain: Domain = field(default_factory=lambda: Domain(CHAIN, MARKET))

    def report(self, _: int) -> Any:
        return SimpleNamespace(root=self.root, count=3)

    def terms(self, _: int) -> Any:
        return SimpleNamespace(validation_root=self.root)

    def beacon(self, _: int) -> bytes:
        return BEACON


def _place(root: bytes = bytes(32)) -> Market:
    return cast(Market, Place(root))


def _board() -> Board:
    return Board(folder() / "board")


def _show(name: str, data: bytes) -> Board:
    """The slot as a peer left it: a file that anybody may write."""
    slot = folder() / "board" / "rounds" / round_key(CHAIN, MARKET, ROUND) / name
    slot.parent.mkdir(parents=True, exist_ok=True)
    slot.write_bytes(data)
    return _board()


def _shown(name: str) -> bytes:
    return (folder() / "board" / "rounds" / round_key(CHAIN, MARKET, ROUND) / name).read_bytes()


# --- signatures ---


def _signature(source: Random) -> bytes:
    signature = sign(OPERATOR, Domain(CHAIN, MARKET), REPORT)
    exchange.publish_signature(_place(), OPERATOR.address, REPORT, signature, _board())
    return _shown(f"signature-{OPERATOR.address.lower()}")


def _read_signature(data: bytes) -> None:
    board = _show(f"signature-{OPERATOR.address.lower()}", data)
    found = exchange.read_signature(_place(), OPERATOR.address, REPORT, board)
    assert found is not None and len(found) == 65


# --- leaves ---


def _leaves(source: Random) -> list[ScoreLeaf]:
    return [
        ScoreLeaf(
            account.address,
            source.randbytes(32),
            source.choice(list(Status)),
            source.randint(0, 1),
            *(source.randrange(1 << 64) for _ in range(4)),
        )
        for account in ACCOUNTS[:3]
    ]


def _leaves_shown(source: Random) -> bytes:
    leaves = _leaves(source)
    exchange.publish_leaves(_place(), ROUND, leaves, _board())
    return _shown(f"leaves-{merkle.root([leaf.hash() for leaf in leaves]).hex()}")


def _read_leaves(data: bytes) -> None:
    board = _show(f"leaves-{bytes(32).hex()}", data)
    for leaf in exchange.shown_leaves(_place(), ROUND, bytes(32), board):
        leaf.hash()
    exchange.read_leaves(_place(), ROUND, board)


def _read_leaves_warm(data: bytes) -> None:
    """Valid leaves hash to a root of their own, which no market here has: that check is what they end at."""
    try:
        _read_leaves(data)
    except CheckFailed as error:
        if "do not hash to the root" not in str(error):
            raise


# --- evidence ---


def evidence_of(seen: Any, score: Any, source: Random) -> findings.Evidence:
    return findings.Evidence(
        manifest=source.randbytes(32),
        reasons={"quality": {"axes": [1, 2, "x"]}, "why": "é"},
        influence_log=block_cid(b"log"),
        **{name: value for name, value in seen if name not in ("kind", "operator", "scores")},
        **{name: value for name, value in score if name != "evidence"},
    )


def _evidence(source: Random) -> bytes:
    seen = observation(Random(3))
    return evidence_of(seen, seen.scores[0], source).to_bytes()


def _read_evidence(data: bytes) -> None:
    seen = observation(Random(3))
    store = Memory()
    score = seen.scores[0].model_copy(update={"evidence": store.put(data) if len(data) <= 1 << 20 else "none"})
    findings.read_evidence(store, seen, score)


# --- the validation sample ---


def _opening(lines: list[bytes]) -> bytes:
    drawn = validation.draw(BEACON, SIZE)
    opened = [{"index": at, "line": lines[at].decode(), "path": _path(lines, at)} for at in drawn]
    return spell({"beacon": f"0x{BEACON.hex()}", "documents": opened})


def _path(lines: list[bytes], at: int) -> list[str]:
    return [f"0x{node.hex()}" for node in merkle.document_proof(lines, at).path]


def _sample(source: Random) -> bytes:
    return _opening([canonical_line(document) for document in documents(source, SIZE.pool)])


def _sample_varied(source: Random) -> Input:
    """One thing changed in a line, under a root that commits to it; or in the opening."""
    if source.random() < 0.5:
        return varied(source, _sample)
    lines = [canonical_line(document) for document in documents(source, SIZE.pool)]
    at = source.randrange(len(lines))
    changed = change(source, json.loads(lines[at]))
    line = spell(changed.value)
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return varied(source, _sample)
    lines[at] = line
    return Input(_opening(lines), f"document {at}: {changed.how}")


def _read_sample(data: bytes) -> None:
    board = _show(validation.SLOT, data)
    try:  # the pool is opened whole: its root, as the planner committed to it, is that of the lines in their order
        opened = {document["index"]: document["line"].encode() for document in json.loads(data)["documents"]}
        root = merkle.document_root([opened[at] for at in range(SIZE.pool)])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        root = bytes(32)
    for found in validation.read_sample(_place(root), ROUND, SIZE, board):
        assert {type(value) for value in asdict(found).values()} <= {str, type(None)}
        assert type(found.id) is type(found.text) is str


# --- the specification ---


@cache
def _quality() -> dict[str, Any]:
    return pipeline._plain(QualitySpec().published())


def specification(source: Random) -> bytes:
    def digest() -> bytes:
        return source.randbytes(32)

    ref = pipeline.CorpusRef(provider=PLANNER.address, dataset_root=digest(), manifest=digest())
    return pipeline.Pipeline(
        quality=_quality(),
        influence=pipeline._plain({"kind": INFLUENCE_KIND, **asdict(InfluenceSpec())}),
        gain_ref=source.choice((1.0, 0.25, 3.0)),
        noise_floor=0.001,
        base_model=pipeline.Blob(sha256=digest(), size=3, blocks=(block_cid(b"abc"),)),
        seed_corpus=ref,
        reference=source.choice((None, ref)),
        validation=SIZE,
        bid_limits=pipeline.BidLimits(),
        tolerance=pipeline.Tolerance(quality=1, impact=10),
        tranche_languages=("fi", "sw"),
        auditors=(ACCOUNTS[4].address,),
    ).to_bytes()


def _load_specification(data: bytes) -> None:
    store = Memory()
    if len(data) > 1 << 20:
        raise CheckFailed("no block is longer")
    store.put(data)
    from hashlib import sha256

    found = pipeline.load(store, sha256(data).digest())
    assert found.to_bytes() == data
    assert found.influence_spec.quota >= 1
    assert 1 <= found.validation.sample <= found.validation.pool  # or the draw of a sample never ends


TARGETS = (
    record("signed report", few(_signature), _read_signature, allowed=(CheckFailed,)),
    record("leaves", few(_leaves_shown), _read_leaves_warm, allowed=(CheckFailed,)),
    record("evidence", _evidence, _read_evidence, allowed=(CheckFailed,)),
    Target("validation sample", _sample, _sample_varied, is_canonical, _read_sample, allowed=(CheckFailed,)),
    record("scoring specification", specification, _load_specification, cost=2),
)
