"""Who is shown a provider's texts: whatever one reader did to its key, it costs nobody but itself."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from scored_scene import POOL, Scene, build_scene, specify

from oracle.chain import transact
from oracle.chain.client import Market
from oracle.chain.devnet import Anvil
from oracle.chain.exchange import Exchange
from oracle.chain.terms import Phase
from oracle.cli.bidding import wrap_bid
from oracle.cli.main import run
from oracle.cli.session import Session
from oracle.custody.bidfile import Bid
from oracle.custody.keystore import KeyPair
from oracle.custody.manifest import SealedManifest
from oracle.custody.store import round_key
from oracle.custody.wraps import MAX_WRAPS, Wraps, sign_wraps
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import merkle, score_report
from oracle.evidence.encryption_key import shortened, sign_key
from oracle.evidence.leaf import Status
from oracle.node import opening, reporting, validation
from oracle.node.committee import committee_of
from oracle.node.pipeline import Pipeline

ONE = (1).to_bytes(32, "little")
"""A point of order four: what is wrapped to it, anybody opens."""


@dataclass
class Wrapped:
    """A round whose commit phase is over: two bids, three good operators, and some who broke their keys."""

    scene: Scene
    specification: Pipeline
    round_id: int
    bids: list[Bid]
    strangers: dict[str, LocalAccount]

    @property
    def session(self) -> Session:
        return Session(self.scene.market.w3, self.scene.market, self.scene.store, self.scene.board)

    def wrap(self, place: int = 0) -> dict[str, Any]:
        return wrap_bid(self.session, self.scene.providers[place], self.bids[place])

    def slot(self, place: int) -> tuple[str, str]:
        market = self.scene.market
        name = f"wraps-{self.bids[place].provider.lower()}"
        return round_key(market.chain_id, market.address, self.round_id), name

    def manifest(self, place: int) -> SealedManifest:
        seen = self.scene.market.commitments(self.round_id)[place]
        return opening.manifest_of(self.scene.market, self.round_id, seen, self.scene.store)

    def open(self, place: int, reader: int = 0) -> bytes:
        return opening.content_key(
            self.scene.market, self.manifest(place), self.scene.board, self.scene.readers[reader]
        )


def register(scene: Scene, account: LocalAccount, public: bytes) -> None:
    """As a client of its own would, which compares nothing."""
    call = Exchange(scene.market).contract.functions.registerEncryptionKey
    transact.send(scene.market.w3, account, call(public, *shortened(sign_key(account, public))))


def put(scene: Scene, owner: str, public: bytes, signer: LocalAccount) -> None:
    """What a false exchange, or a false node, would say: a key that somebody else signed."""
    slot = int.from_bytes(keccak(encode(["address", "uint256"], [owner, 1])), "big")
    for offset, word in enumerate((public, *shortened(sign_key(signer, public)))):
        address = Exchange(scene.market).contract.address
        scene.chain.request("anvil_setStorageAt", address, hex(slot + offset), "0x" + word.hex())


def slash(scene: Scene, operator: LocalAccount) -> None:
    """It signs two reports of one round, and somebody shows both."""
    market = scene.market
    reports = [score_report.ScoreReport(9, bytes(32), bytes(32), bytes(32), root, 1) for root in (ONE, bytes(32))]
    shown = [
        part
        for report in reports
        for part in (tuple(report.fields().values()), score_report.sign(operator, market.domain, report))
    ]
    call = market.committee.functions.slash(operator.address, market.address, *shown)
    transact.send(market.w3, scene.planner, call)


def pointer(scene: Scene, committee: bytes) -> ChecksumAddress:
    """Where ``OracleCommittee`` keeps a committee's members: Solady's SSTORE2, deployed through CREATE3."""
    proxy_code = keccak(bytes.fromhex("67363d3d37363d34f03d5260086018f3"))
    deployer = bytes.fromhex(scene.market.committee.address[2:])
    proxy = keccak(b"\xff" + deployer + committee + proxy_code)[12:]
    return to_checksum_address(keccak(b"\xd6\x94" + proxy + b"\x01")[12:])


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wrapped]:
    with Anvil(funded=14) as chain:
        scene = build_scene(chain, tmp_path_factory.mktemp("readers"))
        scene.market = Market(scene.market.w3, scene.market.address, from_block=0)
        strangers = {name: Account.create() for name in ("keyless", "robbed", "weak")}
        specification = specify(scene)
        auditors = (*specification.auditors, *(account.address for account in strangers.values()))
        specification = specification.model_copy(update={"auditors": auditors})
        for account in strangers.values():
            chain.request("anvil_setBalance", account.address, hex(10**18))
        register(scene, strangers["weak"], ONE)
        put(scene, strangers["robbed"].address, KeyPair.random().x25519_public, scene.planner)
        round_id = scene.open(specification)
        bids = scene.commit(round_id, count=2)
        yield Wrapped(scene, specification, round_id, bids, strangers)


@pytest.fixture
def wrapped(ready: Wrapped) -> Iterator[Wrapped]:
    """The commit phase is over; what a test does to the chain is undone."""
    before = ready.scene.chain.snapshot()
    ready.scene.to(ready.round_id, "commit_end")
    yield ready
    ready.scene.chain.revert(before)


def test_everybody_else_is_wrapped_to_and_who_is_left_out_is_told_why(wrapped: Wrapped) -> None:
    scene, strangers = wrapped.scene, wrapped.strangers
    assert scene.auditor is not None
    told = wrapped.wrap()
    good = [*(operator.address for operator in scene.operators), scene.auditor.address]
    assert sorted(told["readers"]) == sorted(good)
    reasons = {left["reader"]: left["reason"] for left in told["left_out"]}
    assert set(reasons) == {account.address for account in strangers.values()}
    assert "no encryption key" in reasons[strangers["keyless"].address]
    assert f"not by {strangers['robbed'].address}" in reasons[strangers["robbed"].address]
    assert "small order" in reasons[strangers["weak"].address]
    for reader in (*scene.readers, scene.auditor):
        assert (
            opening.content_key(scene.market, wrapped.manifest(0), scene.board, reader) == wrapped.bids[0].content_key
        )


@pytest.mark.parametrize("retired", [False, True])
def test_a_slashed_member_reads_nothing_any_more(wrapped: Wrapped, retired: bool) -> None:
    scene, operator = wrapped.scene, wrapped.scene.operators[1]
    slash(scene, operator)
    if retired:
        call = scene.market.committee.functions.retire(scene.committee, operator.address)
        transact.send(scene.market.w3, scene.planner, call)
    told = wrapped.wrap()
    assert operator.address not in told["readers"] and len(told["readers"]) == 4
    assert {"reader": operator.address, "reason": "it was slashed"} in told["left_out"]
    with pytest.raises(CheckFailed, match="no key is wrapped to it"):
        wrapped.open(0, reader=1)


def test_a_round_settles_though_a_member_has_a_key_of_small_order(wrapped: Wrapped) -> None:
    """It cannot read and does not score; the other three are a quorum. Nor does junk on the board stop a reveal."""
    scene, round_id = wrapped.scene, wrapped.round_id
    register(scene, scene.operators[3], ONE)
    reasons = {}
    for place in range(2):
        reasons = {left["reader"]: left["reason"] for left in wrapped.wrap(place)["left_out"]}
    assert "small order" in reasons[scene.operators[3].address]
    validation.open_sample(scene.market, round_id, POOL, wrapped.specification.validation, scene.board)
    seen = scene.score(round_id, 0)
    assert [score.status for score in seen.scores] == [Status.SCORED, Status.SCORED]
    for operator in (1, 2):
        scene.share_checkpoints(0, operator)
        scene.score(round_id, operator)
    scene.to(round_id, "observe_end")
    for operator in (0, 1, 2, 0, 1, 2):
        scene.report(round_id, operator)
    report, room = scene.market.report(round_id), wrapped.slot(0)[0]
    assert report is not None
    attested = reporting.attested_leaves(scene.market, round_id, scene.board)
    scene.board.publish(room, f"leaves-{report.root.hex()}", b"junk")  # the observations give them, too
    assert reporting.attested_leaves(scene.market, round_id, scene.board) == attested
    scene.settle(round_id, wrapped.bids)
    for name in scene.board.list(room):
        scene.board.publish(room, name, b"junk")
    with pytest.raises(CheckFailed, match="leaves of round"):
        reporting.attested_leaves(scene.market, round_id, scene.board)
    leaf, proof = reporting.leaf_and_proof(scene.market, round_id, wrapped.bids[0].provider, scene.board)
    assert leaf in attested and merkle.verify(report.root, leaf.hash(), proof)
    assert scene.market.phase(round_id) is Phase.CLAIM and len(scene.market.claims(round_id)) == 2


def test_a_planner_that_names_thousands_of_auditors_is_refused(wrapped: Wrapped) -> None:
    """Before anybody asks a node about each of them."""
    many = tuple(to_checksum_address(f"0x{number:040x}") for number in range(1, MAX_WRAPS + 1))
    with pytest.raises(CheckFailed, match="are to read") as refused:
        opening.readers_of(
            wrapped.scene.market, wrapped.round_id, wrapped.specification.model_copy(update={"auditors": many})
        )
    assert refused.value.input == f"round {wrapped.round_id}"


# --- wraps on a board that anybody writes to ---


def test_wraps_of_others_on_the_board_open_nothing_and_say_so(wrapped: Wrapped) -> None:
    scene, board = wrapped.scene, wrapped.scene.board
    for place in range(2):
        wrapped.wrap(place)
    own, others = board.read(*wrapped.slot(0)), board.read(*wrapped.slot(1))
    assert own is not None and others is not None
    shown, manifest, key = Wraps.from_bytes(own, name="wraps"), wrapped.manifest(0), wrapped.bids[0].content_key
    altered = shown.model_copy(update={"wraps": shown.wraps[1:]})
    thief = scene.providers[1]
    stolen = sign_wraps(thief, manifest.model_copy(update={"board_key": thief.address}), shown.wraps)
    cases = {
        others: "wraps for manifest",
        altered.to_bytes(): "altered",
        stolen.model_copy(update={"manifest": manifest.digest}).to_bytes(): "not signed by",
        shown.model_copy(update={"signature": None}).to_bytes(): "wrapped no keys under its signature",
        b"{": "not JSON",
    }
    for data, reason in cases.items():
        board.publish(*wrapped.slot(0), data)
        with pytest.raises(CheckFailed, match=reason):
            wrapped.open(0)
        with pytest.raises(CheckFailed):
            wrapped.open(0, reader=3)
        assert wrapped.open(1) == wrapped.bids[1].content_key
    board.publish(*wrapped.slot(0), own)
    assert wrapped.open(0) == key


def test_nobody_wraps_in_anothers_name(wrapped: Wrapped) -> None:
    with pytest.raises(BadInput, match="cannot sign wraps"):
        wrap_bid(wrapped.session, wrapped.scene.providers[1], wrapped.bids[0])


# --- at the command line ---


def mia(*arguments: object) -> tuple[int, Any]:
    said, result = io.StringIO(), io.StringIO()
    with redirect_stdout(result), redirect_stderr(said):
        code = run([*map(str, arguments), "--json"])
    return code, json.loads(result.getvalue())


def test_a_board_key_wraps_for_its_provider_and_nobody_else_does(ready: Wrapped, tmp_path: Path) -> None:
    """The wallet stays at home; who is left out is listed with the reason."""
    scene, before = ready.scene, ready.scene.chain.snapshot()
    clerk, provider = Account.create(), scene.providers[2]
    for name, account in (("provider", provider), ("clerk", clerk)):
        (tmp_path / f"{name}.json").write_text(json.dumps(Account.encrypt(account.key, name, iterations=2)))
        (tmp_path / f"{name}.pw").write_text(name + "\n")
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"id": "1", "text": "A short text about a harbour."}) + "\n")
    bid = tmp_path / "bid.json"
    place = ["--rpc", scene.chain.rpc, "--contract", scene.market.address, "--store", f"local:{scene.content}"]
    wallet = ["--keystore", tmp_path / "provider.json", "--password-file", tmp_path / "provider.pw"]
    board = ["--keystore", tmp_path / "clerk.json", "--password-file", tmp_path / "clerk.pw"]
    opens = ["--bid-password-file", tmp_path / "provider.pw"]
    commit = ["bid", "commit", ready.round_id, tmp_path / "corpus.jsonl", "--cost", 900, "--bid-file", bid, *wallet]
    assert mia(*commit, "--board-key", clerk.address, *place)[0] == 0
    again, refused = mia(*commit, *place)
    assert (again, refused["error"]["input"]) == (2, str(bid))  # the same bid, without the board key
    early, why = mia("bid", "wrap", bid, *board, *opens, *place)
    assert (early, why["error"]["input"]) == (2, f"round {ready.round_id}")
    scene.to(ready.round_id, "commit_end")
    code, told = mia("bid", "wrap", bid, *board, *opens, *place)
    assert code == 0, told
    (row,) = told["wrapped"]
    assert len(row["readers"]) == 5 and len(row["left_out"]) == 3
    assert all(set(left) == {"reader", "reason"} for left in row["left_out"])
    assert len(ready.open(2)) == 32
    stranger = Account.create()
    (tmp_path / "stranger.json").write_text(json.dumps(Account.encrypt(stranger.key, "clerk", iterations=2)))
    code, why = mia("bid", "wrap", bid, "--keystore", tmp_path / "stranger.json", *board[2:], *opens, *place)
    assert (code, why["error"]["input"]) == (2, stranger.address)
    scene.chain.revert(before)


# --- nodes that lie ---


def test_nothing_is_wrapped_under_other_terms(wrapped: Wrapped) -> None:
    """They name who reads: the committee, and the specification with its auditors."""
    bid = wrapped.bids[0].model_copy(update={"terms_hash": bytes(32)})
    wrapped.scene.board.publish(*wrapped.slot(0), b"nothing")
    with pytest.raises(CheckFailed, match="other terms") as refused:
        wrap_bid(wrapped.session, wrapped.scene.providers[0], bid)
    assert refused.value.input == f"round {wrapped.round_id}"
    assert wrapped.scene.board.read(*wrapped.slot(0)) == b"nothing"


def test_other_members_than_the_terms_name_are_refused(wrapped: Wrapped) -> None:
    """A node that names a reader of its own, by answering for a committee of other code."""
    scene = wrapped.scene
    eve = sorted((scene.planner, *scene.operators[1:]), key=lambda account: int(account.address, 16))
    form = scene.market.committee.functions.form([account.address for account in eve], 3)
    theirs = form.call()
    transact.send(scene.market.w3, scene.planner, form)
    code = scene.market.w3.eth.get_code(pointer(scene, theirs))
    scene.chain.request("anvil_setCode", pointer(scene, scene.committee), "0x" + bytes(code).hex())
    with pytest.raises(CheckFailed, match="other operators"):
        committee_of(scene.market, wrapped.round_id)
    with pytest.raises(CheckFailed, match="other operators"):
        wrapped.wrap()
