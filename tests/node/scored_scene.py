"""A market with real texts: documentation inside Python, a small base model, operators with folders of their own."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from pydoc_data.topics import topics

from eth_account.signers.local import LocalAccount

from oracle.audit.auctions import clear_round
from oracle.chain import transact
from oracle.chain.client import Market, connect
from oracle.chain.deploy import deploy_demo_token, deploy_market
from oracle.chain.devnet import Anvil, LocalChain
from oracle.chain.exchange import Exchange
from oracle.chain.settlement import settle_auction
from oracle.chain.terms_file import load_terms
from oracle.chain.token import approve, erc20, read_token
from oracle.corpus.document import Document
from oracle.custody.bidfile import Bid
from oracle.custody.context import Context
from oracle.custody.keystore import KeyPair, Keys
from oracle.custody.sealed import Packed, SealedManifest, pack
from oracle.custody.store import Board, LocalStore, digest_to_cid
from oracle.evidence import commitment, score_report
from oracle.influence.gpt import Architecture
from oracle.influence.pretrain import BaseSpec, train_base
from oracle.influence.spec import InfluenceSpec
from oracle.mechanism import liquidity
from oracle.node import opening, pipeline, reporting, scoring, validation
from oracle.node.sealing import Sealing
from oracle.quality.spec import QualitySpec

ARCHITECTURE = Architecture(vocabulary=320, width=32, layers=1, heads=2, context=64)
INFLUENCE = InfluenceSpec(quota=1_500, validation_sequences=8)
QUORUM = 3
COSTS = (40_000, 60_000, 1_000, 30_000, 500_000, 20_000)


def passages(topic: str, name: str, count: int = 6, size: int = 1_000) -> list[Document]:
    """``count`` documents of about ``size`` characters from one chapter of the Python reference."""
    text = topics[topic]
    return [
        Document(id=f"{name}-{at}", text=text[at * size : (at + 1) * size], source="docs.python.org", lang="en")
        for at in range(min(count, len(text) // size))
    ]


def shuffled(documents: Sequence[Document]) -> list[Document]:
    """The same words in no order."""
    source = random.Random(7)
    mixed = []
    for document in documents:
        words = document.text.split()
        source.shuffle(words)
        mixed.append(replace(document, id=f"shuffled {document.id}", text=" ".join(words)))
    return mixed


POOL = passages("typesseq", "validation", 6)
CORPORA = (
    [*passages("specialnames", "data model"), replace(POOL[2], id="leak")],
    passages("compound", "statements"),
    passages("specialnames", "copy"),
    shuffled(passages("types", "types")),
    passages("formatstrings", "format"),
)


@dataclass
class Scene:
    """Planner, four operators (quorum three) and six providers, all funded; content store and board in one folder."""

    chain: LocalChain
    market: Market
    token: str
    planner: LocalAccount
    operators: list[LocalAccount]
    providers: list[LocalAccount]
    folder: Path
    content: Path
    committee: bytes
    readers: list[opening.Reader] = field(default_factory=list)
    auditor: opening.Reader | None = None

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.content)

    @property
    def board(self) -> Board:
        return Board(self.content)

    def data_dir(self, operator: int) -> Path:
        return self.folder / f"operator-{operator}"

    def send(self, account: LocalAccount, name: str, *arguments: object, value: int = 0) -> None:
        transact.send(self.market.w3, account, self.market.contract.functions[name](*arguments), value)

    def to(self, round_id: int, deadline: str) -> None:
        self.chain.warp_to(getattr(self.market.terms(round_id), deadline))

    def open(self, specification: pipeline.Pipeline, **changes: object) -> int:
        w3 = self.market.w3
        terms = load_terms().resolve(
            planner=self.planner.address,
            token=read_token(w3, self.token),
            now=self.chain.now(),
            committee=self.committee,
            arbitrator=self.market.committee.address,
            pipeline_hash=pipeline.publish(self.store, specification),
            base_model_hash=specification.base_model.sha256,
            validation_root=validation.pool_root(POOL),
            agreement_hash=bytes(32),
        )
        terms = replace(terms, max_bids=8, **changes)  # type: ignore[arg-type]
        cash, _ = liquidity.split(terms.budget, terms.utility_pool, terms.liquidity)
        escrow = (cash + terms.max_bids + len(self.operators) * terms.operator_fee) * terms.money_unit
        approve(w3, self.planner, self.token, self.market.address, escrow)
        self.send(self.planner, "open", terms.as_tuple())
        return self.market.rounds()

    def commit(self, round_id: int, count: int = 6) -> list[Bid]:
        """The first ``count`` providers bid; the sixth commits to texts that it never publishes."""
        hidden = LocalStore(self.folder / "hidden")
        return [
            self.bid(round_id, place, self.store, CORPORA[place])
            if place < len(CORPORA)
            else self.bid(round_id, place, hidden, passages("debugger", "hidden"))
            for place in range(count)
        ]

    def bid(
        self,
        round_id: int,
        place: int,
        store: LocalStore,
        documents: Sequence[Document],
        twist: Callable[[LocalStore, Packed], SealedManifest] = lambda _, packed: packed.manifest,
    ) -> Bid:
        """A provider packs and commits; ``twist`` makes of what it packed the manifest that it commits to."""
        provider = self.providers[place]
        context = Context.new(
            chain_id=self.market.chain_id,
            market=self.market.address.lower(),
            round=round_id,
            provider=provider.address,
        )
        packed = pack(store, context, documents)
        manifest, key = twist(store, packed), packed.key
        bid = Bid(
            chain=self.market.chain_id,
            market=self.market.address,
            round=round_id,
            provider=provider.address,
            terms_hash=self.market.terms(round_id).hash(),
            dataset_root=manifest.dataset_root,
            manifest=manifest.digest,
            cost=COSTS[place],
            salt=commitment.new_salt(),
            content_key=key,
        )
        bond = self.market.terms(round_id).bid_bond
        self.send(provider, "commit", round_id, bid.sealed(), bid.dataset_root, bid.manifest, value=bond)
        return bid

    def wrap(self, round_id: int, bids: Sequence[Bid], specification: pipeline.Pipeline) -> None:
        """Every provider but the hidden one wraps its key to committee and auditors."""
        readers = opening.readers_of(self.market, round_id, specification)
        for bid, seen in zip(bids, self.market.commitments(round_id), strict=True):
            if not self.store.has(digest_to_cid(bid.manifest)):
                continue
            manifest = opening.manifest_of(self.market, round_id, seen, self.store)
            assert bid.content_key is not None
            key, signer = bid.content_key, self.providers[bids.index(bid)]
            opening.publish_wraps(self.market, round_id, manifest, key, readers, self.board, signer)

    def draw(self, round_id: int, specification: pipeline.Pipeline, bids: Sequence[Bid]) -> None:
        self.to(round_id, "commit_end")
        self.wrap(round_id, bids, specification)
        validation.open_sample(self.market, round_id, POOL, specification.validation, self.board)

    def observe(self, round_id: int, operator: int, digest: bytes) -> None:
        """Put any digest on chain in an operator's name."""
        account = self.operators[operator]
        seal = score_report.ObservationSeal(round_id, self.market.state(round_id).commitments, digest)
        signature = score_report.sign(account, self.market.domain, seal)
        self.send(self.planner, "observe", round_id, account.address, digest, signature)

    def share_checkpoints(self, giver: int, taker: int) -> None:
        """Let an operator go on from another one's finished stages, as it would from its own after a crash."""
        mine, others = (Sealing(self.readers[operator].checkpoint_key) for operator in (giver, taker))
        folder = self.data_dir(taker) / "checkpoints"
        folder.mkdir(parents=True)
        for path in (self.data_dir(giver) / "checkpoints").iterdir():
            key = path.name.rpartition("-")[2]
            plain = mine.open(path.read_bytes(), key)
            assert plain is not None
            (folder / path.name).write_bytes(b"".join(others.seal(plain, key)))

    def transactions(self, operator: int) -> int:
        return int(self.market.w3.eth.get_transaction_count(self.operators[operator].address))

    def score(self, round_id: int, operator: int, **options: object) -> scoring.Observation:
        account, folder = self.operators[operator], self.data_dir(operator)
        return scoring.score_round(
            self.market,
            round_id,
            account,
            self.readers[operator],
            self.store,
            self.board,
            folder,
            **options,  # type: ignore[arg-type]
        )

    def report(self, round_id: int, operator: int) -> reporting.ReportStatus:
        account, folder = self.operators[operator], self.data_dir(operator)
        return reporting.report_round(self.market, round_id, account, self.store, self.board, folder)

    def settle(self, round_id: int, bids: Sequence[Bid]) -> None:
        """Reveal ``bids``, settle, and let everybody pull what is theirs."""
        market = self.market
        self.to(round_id, "challenge_end")
        for bid in bids:
            leaf, proof = reporting.leaf_and_proof(market, round_id, bid.provider, self.board)
            self.send(self.planner, "reveal", round_id, leaf.as_tuple(), proof, bid.cost, bid.salt)
        self.to(round_id, "reveal_end")
        for auction in reversed(clear_round(market.terms(round_id), market.reveals(round_id))):
            certificate = auction.outcome.certificate
            list(settle_auction(market, self.planner, round_id, auction.group, auction.bids, certificate, batch=100))
        for bid in bids:
            self.send(self.planner, "claim", round_id, bid.provider)
        for seen in market.observations(round_id):
            self.send(self.planner, "claimOperatorFee", round_id, seen.operator)
        self.send(self.planner, "refund", round_id)


def build_scene(chain: Anvil, folder: Path) -> Scene:
    """Deploy a market on ``chain``, fund everybody and form the committee; content goes to ``folder``."""
    w3 = connect(chain.rpc)
    deployer, planner, *others = chain.accounts
    operators = sorted(others[:4], key=lambda account: int(account.address, 16))
    market = deploy_market(w3, deployer).connect(w3)
    token = deploy_demo_token(w3, deployer)
    transact.send(w3, deployer, erc20(w3, token).functions.mint(planner.address, 10**15))
    stake = market.committee.functions.MIN_STAKE().call()
    for operator in operators:
        transact.send(w3, deployer, market.committee.functions.stake(operator.address), stake)
    form = market.committee.functions.form([operator.address for operator in operators], QUORUM)
    committee = form.call()
    transact.send(w3, deployer, form)
    scene = Scene(chain, market, token, planner, operators, others[4:10], folder, folder / "content", committee)
    exchange = Exchange(market)
    for account in (*operators, deployer):
        keys = Keys(account.address, (KeyPair.random(),))
        exchange.register_encryption_key(account, keys.public.x25519)
        scene.readers.append(opening.Reader.of(keys))
    scene.auditor = scene.readers.pop()
    return scene


def specify(scene: Scene, limits: pipeline.BidLimits | None = None) -> pipeline.Pipeline:
    """Train the base model and publish the scoring specification; the whole validation pool is drawn."""
    seed = [*passages("typesmapping", "seed", 20), *passages("string-methods", "seed", 20)]
    base = train_base([document.text for document in seed], BaseSpec(ARCHITECTURE, tokens=30_000))
    return pipeline.build(
        scene.store,
        scene.planner.address,
        quality=QualitySpec(),
        influence=INFLUENCE,
        gain_ref=0.02,
        noise_floor=0.0,
        base_model=base.data,
        seed=seed,
        reference=passages("comparisons", "reference", 4),
        pool=len(POOL),
        sample=len(POOL),
        bid_limits=limits,
        auditors=[scene.auditor.address] if scene.auditor else [],
    )
