"""A market on a chain of its own, and rounds played on it with made-up scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import TxReceipt

from oracle.chain import transact
from oracle.chain.client import Market, connect
from oracle.chain.deploy import deploy_demo_token, deploy_market
from oracle.chain.devnet import Anvil
from oracle.chain.terms import Terms
from oracle.chain.terms_file import load_terms
from oracle.chain.token import Token, approve, erc20, read_token
from oracle.custody.bidfile import Bid
from oracle.evidence import commitment, merkle
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.evidence.score_report import ObservationSeal, ScoreReport, sign

QUORUM = 3
WAD = 10**18


@dataclass
class Scene:
    """One planner, four operators, providers; all of them funded."""

    chain: Anvil
    w3: Web3
    market: Market
    token: Token
    planner: LocalAccount
    operators: list[LocalAccount]
    providers: list[LocalAccount]
    committee: bytes
    bids: dict[int, dict[str, Bid]] = field(default_factory=dict)

    def call(self, account: LocalAccount, name: str, *arguments: Any, value: int = 0) -> TxReceipt:
        return transact.send(self.w3, account, self.market.contract.functions[name](*arguments), value)

    def terms(self, **changes: Any) -> Terms:
        resolved = load_terms().resolve(
            planner=self.planner.address,
            token=self.token,
            now=self.chain.now(),
            committee=self.committee,
            arbitrator=self.market.committee.address,
            pipeline_hash=b"\x01" * 32,
            base_model_hash=b"\x02" * 32,
            validation_root=b"\x03" * 32,
            agreement_hash=b"\x04" * 32,
        )
        return replace(resolved, **changes)

    def open(self, **changes: Any) -> int:
        terms = self.terms(**changes)
        approve(self.w3, self.planner, self.token.address, self.market.address, escrow(terms, len(self.operators)))
        self.call(self.planner, "open", terms.as_tuple())
        return self.market.rounds()

    def bid(self, round: int, provider: LocalAccount, cost: int, root: bytes = b"\x07" * 32) -> Bid:
        bid = Bid(
            chain=self.market.chain_id,
            market=self.market.address,
            round=round,
            provider=provider.address,
            terms_hash=self.market.terms(round).hash(),
            dataset_root=commitment.dataset_root(provider.address, root),
            manifest=b"\x08" * 32,
            cost=cost,
            salt=commitment.new_salt(),
        )
        self.bids.setdefault(round, {})[provider.address] = bid
        return bid

    def commit(self, round: int, provider: LocalAccount, cost: int, root: bytes = b"\x07" * 32) -> Bid:
        bid = self.bid(round, provider, cost, root)
        known = provider.address in {c.provider for c in self.market.commitments(round)}
        value = 0 if known else self.market.terms(round).bid_bond
        self.call(provider, "commit", round, bid.sealed(), bid.dataset_root, bid.manifest, value=value)
        return bid

    def observe(self, round: int, operator: LocalAccount, digest: bytes) -> None:
        seal = ObservationSeal(round, self.market.state(round).commitments, digest)
        signature = sign(operator, self.market.domain, seal)
        self.call(self.planner, "observe", round, operator.address, digest, signature)

    def post_report(self, round: int, leaves: Sequence[ScoreLeaf], signers: Sequence[LocalAccount]) -> ScoreReport:
        state = self.market.state(round)
        report = ScoreReport(
            round=round,
            terms_hash=state.terms_hash,
            commitments=state.commitments,
            observations=state.observations,
            root=merkle.root([leaf.hash() for leaf in leaves]),
            count=len(leaves),
        )
        signatures = [sign(signer, self.market.domain, report) for signer in signers]
        addresses = [signer.address for signer in signers]
        self.call(self.operators[0], "postReport", round, report.root, report.count, addresses, signatures)
        return report

    def reveal(self, round: int, bid: Bid, leaves: Sequence[ScoreLeaf], sender: LocalAccount) -> None:
        (leaf,) = (leaf for leaf in leaves if leaf.provider == bid.provider)
        proof = merkle.proof([leaf.hash() for leaf in leaves], leaf.hash())
        self.call(sender, "reveal", round, leaf.as_tuple(), proof, bid.cost, bid.salt)

    def to(self, round: int, deadline: str) -> None:
        self.chain.warp_to(getattr(self.market.terms(round), deadline))

    def balance(self, address: str) -> int:
        return int(erc20(self.w3, self.token.address).functions.balanceOf(address).call())


def escrow(terms: Terms, operators: int) -> int:
    """What `open` takes, in smallest units."""
    cash = terms.budget * terms.liquidity // WAD
    return (cash + terms.max_bids + operators * terms.operator_fee) * terms.money_unit


def scored(bid: Bid, quality: int, impact: int, shares: int = 0, status: Status = Status.SCORED) -> ScoreLeaf:
    return ScoreLeaf(bid.provider, bid.dataset_root, status, 0, quality * 10**14, impact * 10**14, 1000, shares)


@pytest.fixture
def scene(world: Scene) -> Iterator[Scene]:
    """The world as it was built, for one test alone."""
    untouched = world.chain.snapshot()
    yield replace(world, market=Market(world.w3, world.market.address, from_block=0), bids={})
    world.chain.revert(untouched)


@pytest.fixture(scope="session")
def world() -> Iterator[Scene]:
    with Anvil(funded=14) as chain:
        w3 = connect(chain.rpc)
        deployer, planner, *others = chain.accounts
        operators = sorted(others[:4], key=lambda account: int(account.address, 16))
        market = deploy_market(w3, deployer).connect(w3)
        token = read_token(w3, deploy_demo_token(w3, deployer))
        transact.send(w3, deployer, erc20(w3, token.address).functions.mint(planner.address, 10**15))
        stake = market.committee.functions.MIN_STAKE().call()
        for operator in operators:
            transact.send(w3, deployer, market.committee.functions.stake(operator.address), stake)
        form = market.committee.functions.form([operator.address for operator in operators], QUORUM)
        committee = form.call()
        transact.send(w3, deployer, form)
        yield Scene(chain, w3, market, token, planner, operators, others[4:], committee)
