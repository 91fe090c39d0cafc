"""``mia data fetch`` on a settled round: whose data come, what is checked, and what happens when something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet
import pytest
from conftest import PASSWORD, Answer, Mia, World
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from oracle.chain import transact
from oracle.chain.exchange import Exchange
from oracle.chain.keys import load_account
from oracle.chain.settlement import settle_auction
from oracle.chain.terms_file import load_terms
from oracle.chain.token import approve, read_token
from oracle.cli.handover import dispute_key
from oracle.cli.session import open_session
from oracle.corpus.canonical import canonical_line
from oracle.corpus.document import Document
from oracle.corpus.exports.export import read_rows
from oracle.corpus.exports.formats import FORMATS
from oracle.corpus.exports.manifest import read_export
from oracle.custody import bn254, documents
from oracle.custody.bidfile import Bid
from oracle.custody.context import Context
from oracle.custody.keystore import create_keys, load_keys
from oracle.custody.sealed import Packed, pack
from oracle.custody.store import LocalStore
from oracle.evidence import commitment, merkle
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.evidence.licence import licence_hash
from oracle.evidence.score_report import ObservationSeal, ScoreReport, sign
from oracle.mechanism import clearing

LICENCE = "For training one model.\n"
OTHER = "For reading aloud.\n"
WORK = 2**12
NAMES = ("anna", "bert", "carl")


def corpus(name: str) -> list[Document]:
    nasty = Document("../../" + name, f'the "first"\r\n\x00 of {name}', source="\\ud800", lang="de", licence="")
    return [nasty, *(Document(f"{name}-{n}", f"Text {n} by {name}. " * 40) for n in range(60))]


@dataclass
class Sold:
    """A settled round of sealed data sets; all three won and nobody has delivered."""

    world: World
    round: int
    packed: dict[str, Packed]
    accounts: dict[str, LocalAccount]
    mia: Mia

    @property
    def exchange(self) -> Exchange:
        return Exchange(self.world.market)

    def deliver(self, name: str, key: bytes | None = None) -> None:
        account, packed = self.accounts[name], self.packed[name]
        words = {"content_hash": packed.manifest.content_hash, "key_commit": packed.manifest.key_commit}
        self.exchange.deliver(account, self.round, account.address, key or packed.key, **words)

    def fetch(self, out: Path, *more: object) -> Answer:
        keys = ["--key", self.world.folder / "planner.keys.json", "--password-file", self.world.folder / "password.txt"]
        return self.mia("data", "fetch", self.round, "--out", out, *keys, *self.world.here, *more)


@pytest.fixture(scope="module")
def settled(world: World, mia: Mia) -> Sold:
    folder, market = world.folder, world.market
    people = {name: world.person(name) for name in NAMES}
    accounts = {name: account_of(world, name) for name in ("planner", *people, "operator0", "operator1", "operator2")}
    keys = create_keys(folder / "planner.keys.json", accounts["planner"].address, PASSWORD, work=WORK)
    Exchange(market).register_delivery_key(accounts["planner"], keys.bn254)
    round = open_round(world, accounts, keccak(bn254.encode(keys.public.bn254)))
    terms = market.terms(round)
    store = LocalStore(folder / "store")
    packed, bids = {}, []
    for name, address in people.items():
        context = Context.new(chain_id=market.chain_id, market=market.address, round=round, provider=address)
        named = licence_hash(OTHER) if name == "carl" else bytes(32)
        packed[name] = pack(store, context, corpus(name), licence=named)
        bid = Bid(
            chain=market.chain_id,
            market=market.address,
            round=round,
            provider=address,
            terms_hash=terms.hash(),
            dataset_root=packed[name].manifest.dataset_root,
            manifest=packed[name].manifest.digest,
            cost=1000,
            salt=commitment.new_salt(),
        )
        bids.append(bid)
        call = market.contract.functions.commit(round, bid.sealed(), bid.dataset_root, bid.manifest)
        transact.send(market.w3, accounts[name], call, terms.bid_bond)
    play(world, round, bids, accounts)
    return Sold(world, round, packed, accounts, mia)


def account_of(world: World, name: str) -> LocalAccount:
    return load_account(world.folder / f"{name}.json", prompt=lambda _: PASSWORD)


def open_round(world: World, accounts: dict[str, LocalAccount], delivery_key: bytes) -> int:
    from oracle.cli.opening import escrow_of
    from oracle.node.committee import committee_id

    market, token = world.market, read_token(world.market.w3, world.token)
    members = sorted((accounts[f"operator{n}"].address for n in range(3)), key=lambda address: int(address, 16))
    transact.send(market.w3, accounts["operator0"], market.committee.functions.form(members, 3))
    terms = load_terms().resolve(
        planner=accounts["planner"].address,
        token=token,
        now=world.chain.now(),
        committee=committee_id(members, 3),
        arbitrator=market.committee.address,
        pipeline_hash=b"\x01" * 32,
        base_model_hash=b"\x02" * 32,
        validation_root=b"\x03" * 32,
        agreement_hash=licence_hash(LICENCE),
    )
    end = terms.settle_end + 3600
    terms = replace(terms, deliver_end=end, bounty_end=end + 3600, dispute_window=3600, delivery_key=delivery_key)
    approve(market.w3, accounts["planner"], token.address, market.address, escrow_of(terms, 3))
    transact.send(market.w3, accounts["planner"], market.contract.functions.open(terms.as_tuple()))
    return market.rounds()


def play(world: World, round: int, bids: list[Bid], accounts: dict[str, LocalAccount]) -> None:
    market, w3, functions = world.market, world.market.w3, world.market.contract.functions
    terms = market.terms(round)
    operators = sorted((accounts[f"operator{n}"] for n in range(3)), key=lambda account: int(account.address, 16))
    world.chain.warp_to(terms.commit_end)
    for operator in operators:
        digest = keccak(text=operator.address)
        seal = sign(operator, market.domain, ObservationSeal(round, market.state(round).commitments, digest))
        transact.send(w3, operator, functions.observe(round, operator.address, digest, seal))
    world.chain.warp_to(terms.observe_end)
    leaves = [ScoreLeaf(b.provider, b.dataset_root, Status.SCORED, 0, 8 * 10**17, 8 * 10**17, 1000, 0) for b in bids]
    state = market.state(round)
    root = merkle.root([leaf.hash() for leaf in leaves])
    report = ScoreReport(round, state.terms_hash, state.commitments, state.observations, root, len(leaves))
    signatures = [sign(operator, market.domain, report) for operator in operators]
    addresses = [operator.address for operator in operators]
    transact.send(w3, operators[0], functions.postReport(round, root, len(leaves), addresses, signatures))
    world.chain.warp_to(terms.challenge_end)
    for bid, leaf in zip(bids, leaves, strict=True):
        proof = merkle.proof([leaf.hash() for leaf in leaves], leaf.hash())
        call = functions.reveal(round, leaf.as_tuple(), proof, bid.cost, bid.salt)
        transact.send(w3, operators[0], call)
    world.chain.warp_to(terms.reveal_end)
    records = [clearing.Bid(reveal.cost, reveal.weight) for reveal in market.reveals(round)]
    total = terms.budget * terms.liquidity // 10**18 + terms.utility_pool * (10**18 - terms.liquidity) // 10**18
    outcome = clearing.clear(records, total, terms.reserve, terms.cap)
    assert all(outcome.rewards)
    list(settle_auction(market, accounts["planner"], round, 0, records, outcome.certificate, batch=100))
    world.chain.warp_to(terms.settle_end)


@pytest.fixture
def sold(settled: Sold) -> Iterator[Sold]:
    """The settled round for one test alone, its store included."""
    store, copy = settled.world.folder / "store", settled.world.folder / "untouched"
    shutil.copytree(store, copy)
    before = settled.world.chain.snapshot()
    yield settled
    settled.world.chain.revert(before)
    shutil.rmtree(store)
    copy.rename(store)


@pytest.fixture
def accept(tmp_path: Path) -> list[object]:
    """The option that accepts carl's licence."""
    (tmp_path / "other.txt").write_text(OTHER)
    return ["--licence", tmp_path / "other.txt"]


def test_what_was_bought_comes_in_every_format(sold: Sold, tmp_path: Path, accept: list[object]) -> None:
    for name in NAMES:
        sold.deliver(name)
    out = tmp_path / "bought"
    done = sold.fetch(out, "--format", "all", *accept)
    assert done.code == 0, done.said
    assert done.document["documents"] == 183
    assert [row["key"] for row in done.document["datasets"]] == ["delivered"] * 3
    assert (done.document["missing"], done.document["wrong"], done.document["reversed"]) == ([], [], [])
    export = read_export(out)
    for format in FORMATS:
        rows = list(read_rows(out, export, format))
        for name, packed in sold.packed.items():
            manifest = packed.manifest
            lines = [canonical_line(d) for d, origin in rows if origin.dataset_root == manifest.dataset_root]
            tree = documents.Tree()
            for leaf in documents.leaves(documents.salt_key(packed.key, manifest.context, manifest.salt), 0, lines):
                tree.add(leaf)
            assert tree.root() == manifest.document_root, (format, name)
        licences = {origin.provider: origin.licence for _, origin in rows}
        assert licences[sold.accounts["anna"].address] == licence_hash(LICENCE)
        assert licences[sold.accounts["carl"].address] == licence_hash(OTHER)
        assert {origin.round for _, origin in rows} == {sold.round}
    assert (out / "licences" / f"{licence_hash(OTHER).hex()}.txt").read_text() == OTHER
    again = sold.fetch(out, "--format", "all", *accept)
    assert (again.code, again.document) == (0, done.document)


def test_a_key_of_a_single_data_set_opens_it(sold: Sold, tmp_path: Path, accept: list[object]) -> None:
    files = []
    for name, packed in sold.packed.items():
        file = tmp_path / f"{name}.key.json"
        words = {"kind": "mixed-mia/content-key/1", "manifest": "0x" + packed.manifest.digest.hex()}
        file.write_text(json.dumps(words | {"key": "0x" + packed.key.hex()}))
        files += ["--key", file]
    done = sold.mia("data", "fetch", sold.round, "--out", tmp_path / "bought", *files, *accept, *sold.world.here)
    assert done.code == 0, done.said
    assert [row["key"] for row in done.document["datasets"]] == ["file"] * 3
    table = pyarrow.parquet.read_table(tmp_path / "bought" / "parquet")
    assert table.num_rows == 183


def test_who_has_not_delivered_is_named(sold: Sold, tmp_path: Path) -> None:
    sold.deliver("anna")
    out = tmp_path / "bought"
    late = sold.fetch(out)
    assert (late.code, late.document["error"]["input"]) == (1, sold.accounts["bert"].address)
    assert list(tmp_path.iterdir()) == []
    some = sold.fetch(out, "--partial")
    assert some.code == 0, some.said
    assert [row["provider"] for row in some.document["datasets"]] == [sold.accounts["anna"].address]
    assert some.document["missing"] == [sold.accounts[name].address for name in ("bert", "carl")]
    nothing = sold.fetch(tmp_path / "other", "--partial", "--format", "csv,tfrecord")
    assert nothing.code == 0 and set(nothing.document["formats"]) == {"csv", "tfrecord"}


def test_a_wrong_key_is_found_before_anything_is_decrypted(sold: Sold, tmp_path: Path) -> None:
    sold.deliver("anna")
    sold.deliver("bert", bytes(32))
    refused = sold.fetch(tmp_path / "bought")
    assert (refused.code, refused.document["error"]["input"]) == (1, sold.accounts["bert"].address)
    assert "mia delivery dispute" in refused.document["error"]["hint"]
    some = sold.fetch(tmp_path / "bought", "--partial")
    assert some.code == 0, some.said
    assert some.document["wrong"] == [sold.accounts["bert"].address]


def test_who_was_shown_to_have_cheated_is_passed_over(sold: Sold, tmp_path: Path, accept: list[object]) -> None:
    for name, key in (("anna", None), ("bert", bytes(32)), ("carl", None)):
        sold.deliver(name, key)
    keys = load_keys(sold.world.folder / "planner.keys.json", PASSWORD)
    session = open_session(sold.world.chain.rpc, sold.world.market.address, f"local:{sold.world.folder / 'store'}")
    dispute_key(session, sold.accounts["planner"], sold.round, sold.accounts["bert"].address, keys)
    done = sold.fetch(tmp_path / "bought", *accept)
    assert done.code == 0, done.said
    assert done.document["reversed"] == [sold.accounts["bert"].address]
    assert [row["provider"] for row in done.document["datasets"]] == [
        sold.accounts[n].address for n in ("anna", "carl")
    ]


def test_a_licence_that_nobody_accepted_is_refused(sold: Sold, tmp_path: Path) -> None:
    for name in NAMES:
        sold.deliver(name)
    refused = sold.fetch(tmp_path / "bought")
    assert (refused.code, refused.document["error"]["input"]) == (1, sold.accounts["carl"].address)
    assert "--licence" in refused.document["error"]["hint"]
    assert list(tmp_path.iterdir()) == []


def test_an_agreement_is_checked_and_kept(sold: Sold, tmp_path: Path, accept: list[object]) -> None:
    for name in NAMES:
        sold.deliver(name)
    file, world = tmp_path / "agreement.json", sold.world
    place = ["--round", sold.round, *world.here]
    assert sold.mia("licence", "sign", "--yes", file, "--revenue-share", "0.1", *place, *world.key("anna")).code == 0
    assert sold.mia("licence", "sign", "--yes", file, *place, *world.key("planner")).code == 0
    done = sold.fetch(tmp_path / "bought", *accept)
    assert done.code == 0, done.said
    assert [row["signed"] for row in done.document["datasets"]] == [["provider", "planner"], None, None]
    anna = sold.accounts["anna"].address.lower()
    assert (tmp_path / "bought" / "licences" / f"{anna}.json").read_bytes() == file.read_bytes()

    session = open_session(world.chain.rpc, world.market.address, f"local:{world.folder / 'store'}")
    altered = json.loads(file.read_bytes()) | {"expiry": 4_000_000_000}
    key = f"{world.market.chain_id}-{world.market.address.lower()}-{sold.round}"
    from oracle.evidence import canonical

    session.board.publish(key, f"licence-{anna}", canonical.dumps(altered))
    refused = sold.fetch(tmp_path / "other", *accept)
    assert (refused.code, refused.document["error"]["input"]) == (1, "provider")
    assert not (tmp_path / "other").exists()


def test_an_altered_block_leaves_nothing(sold: Sold, tmp_path: Path, accept: list[object]) -> None:
    for name in NAMES:
        sold.deliver(name)
    cid = sold.packed["carl"].manifest.cid
    (block,) = (sold.world.folder / "store" / "blocks").rglob(cid)
    block.write_bytes(block.read_bytes()[:-1] + b"\x00")
    before = sorted(tmp_path.iterdir())
    refused = sold.fetch(tmp_path / "bought", *accept)
    assert refused.code == 1
    assert sorted(tmp_path.iterdir()) == before
    done = sold.fetch(tmp_path / "bought", "--without", sold.accounts["carl"].address)
    assert done.code == 0, done.said
    assert done.document["documents"] == 122
    stranger = sold.fetch(tmp_path / "other", "--without", sold.accounts["planner"].address)
    assert stranger.code == 2 and "no winner" in stranger.document["error"]["hint"]


def test_a_manifest_of_another_round_is_refused(sold: Sold, tmp_path: Path) -> None:
    cid = sold.packed["anna"].manifest.own_cid
    (block,) = (sold.world.folder / "store" / "blocks").rglob(cid)
    block.write_bytes(sold.packed["bert"].manifest.to_bytes())
    assert sold.fetch(tmp_path / "bought").code == 1


def test_a_killed_fetch_goes_on(sold: Sold, tmp_path: Path, accept: list[object]) -> None:
    for name in NAMES:
        sold.deliver(name)
    straight, out = tmp_path / "straight", tmp_path / "bought"
    assert sold.fetch(straight, "--format", "jsonl", *accept).code == 0
    (tmp_path / "killed.py").write_text(
        "import os, signal, sys\n"
        "from oracle.corpus.exports import shard\n"
        "from oracle.cli.main import run\n"
        "write = shard.Shard.write\n"
        "def stop(self, record):\n"
        "    if self.rows == 100: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    write(self, record)\n"
        "shard.Shard.write = stop\n"
        "run(sys.argv[1:])\n"
    )
    keys = ["--key", sold.world.folder / "planner.keys.json", "--password-file", sold.world.folder / "password.txt"]
    command = ["data", "fetch", sold.round, "--out", out, "--format", "jsonl", *keys, *accept, *sold.world.here]
    done = subprocess.run([sys.executable, tmp_path / "killed.py", *map(str, command)], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()
    assert sold.fetch(out, "--format", "jsonl", *accept).code == 0
    assert (out / "export.json").read_bytes() == (straight / "export.json").read_bytes()


def test_who_stayed_silent_for_too_long_is_not_waited_for(sold: Sold, tmp_path: Path) -> None:
    sold.deliver("anna")
    sold.world.chain.warp_to(sold.world.market.terms(sold.round).bounty_end)
    done = sold.fetch(tmp_path / "bought")
    assert done.code == 0, done.said
    assert done.document["reversed"] == [sold.accounts[name].address for name in ("bert", "carl")]
    assert [row["provider"] for row in done.document["datasets"]] == [sold.accounts["anna"].address]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--format", "xls"], "no format"),
        (["--licence", "nowhere.txt"], "cannot read"),
    ],
)
def test_bad_input(sold: Sold, tmp_path: Path, more: list[str], told: str) -> None:
    refused = sold.fetch(tmp_path / "bought", *more)
    assert refused.code == 2 and told in refused.document["error"]["hint"]
    assert list(tmp_path.iterdir()) == []


def test_without_the_planners_keys_there_is_no_way_in(sold: Sold, tmp_path: Path) -> None:
    sold.deliver("anna")
    refused = sold.mia("data", "fetch", sold.round, "--out", tmp_path / "bought", *sold.world.here)
    assert refused.code == 2 and "planner.keys.json" in refused.document["error"]["hint"]


def test_a_round_that_is_not_settled_has_bought_nothing(sold: Sold, tmp_path: Path) -> None:
    refused = sold.mia("data", "fetch", 1, "--out", tmp_path / "bought", *sold.world.here)
    assert refused.code == 2 and "not settled" in refused.document["error"]["hint"]
