"""A market on an Anvil for measuring gas: what each party sends, and state that is too long-winded to play."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from oracle.chain import transact
from oracle.chain.client import Market, connect
from oracle.chain.deploy import deploy_demo_token, deploy_market
from oracle.chain.devnet import Anvil
from oracle.chain.settlement import settle_auction
from oracle.chain.terms import Terms
from oracle.chain.terms_file import load_terms
from oracle.chain.token import approve, erc20, read_token
from oracle.evidence import commitment, merkle
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.evidence.score_report import ObservationSeal, ScoreReport, sign
from oracle.mechanism import clearing, liquidity
from oracle.mechanism.clearing import Bid, Certificate
from oracle.mechanism.integers import WAD

PROVIDERS, OPERATORS = 3, 9
ROUNDS_SLOT = 1  # of DataMarket's `_rounds`
COMMITMENTS, RECORDS = 0, 3  # offsets in a round
SALT = b"\x5a" * 32


class GasScene:
    """One market; `open` begins a fresh round, to which everything after it belongs. Functions return gas used."""

    market: Market
    terms: Terms
    round: int

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.chain = stack.enter_context(Anvil(funded=1 + PROVIDERS + OPERATORS))
            self.w3 = connect(self.chain.rpc)
            self.planner, *others = self.chain.accounts
            self.providers = others[:PROVIDERS]
            self.operators = sorted(others[PROVIDERS:], key=lambda account: int(account.address, 16))
            self.market = deploy_market(self.w3, self.planner).connect(self.w3)
            self.token = read_token(self.w3, deploy_demo_token(self.w3, self.planner))
            for account in (self.planner, *self.providers):  # balances in use
                self._mint(account.address, 1)
            for operator in self.operators:
                stake = self.market.committee.functions.MIN_STAKE().call()
                self._send(self.planner, self.market.committee.functions.stake(operator.address), stake)
            self._closing = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def reward(self) -> int:
        """R of the round, money units."""
        return sum(liquidity.split(self.terms.budget, self.terms.utility_pool, self.terms.liquidity))

    def open(self, *, members: int = 7, quorum: int = 5, delivery_key: bytes | None = None, **changes: int) -> int:
        """A round of the default terms but for ``changes``; eligible is every bid below 2**64. With a ``delivery_key``
        winners deliver to it."""
        self.members = self.operators[:members]
        form = self.market.committee.functions.form([member.address for member in self.members], quorum)
        self.quorum, committee = quorum, form.call()
        self._send(self.planner, form)
        terms = load_terms().resolve(
            planner=self.planner.address,
            token=self.token,
            now=self.chain.now(),
            committee=committee,
            arbitrator=self.market.committee.address,
            pipeline_hash=b"\x01" * 32,
            base_model_hash=b"\x02" * 32,
            validation_root=b"\x03" * 32,
            agreement_hash=b"\x04" * 32,
            delivery_key=delivery_key,
        )
        unit: dict[str, Any] = {"money_unit": 1, "max_bids": 25_000, "reserve": 2**128 - 1, "cap": 2**64 - 1}
        self.terms = replace(terms, **(unit | changes))
        cash, _ = liquidity.split(self.terms.budget, self.terms.utility_pool, self.terms.liquidity)
        escrow = cash + self.terms.max_bids + members * self.terms.operator_fee
        self._mint(self.planner.address, escrow)
        approve(self.w3, self.planner, self.token.address, self.market.address, escrow)
        gas = self._market(self.planner, "open", self.terms.as_tuple())
        self.round = self.market.rounds()
        self.terms_hash = self.terms.hash()
        self.leaves: list[ScoreLeaf] = []
        return gas

    def commit(self, provider: int, *, cost: int) -> int:
        """A sealed bid, and the leaf it will get: a third of the weight each."""
        account, root = self.providers[provider], self.root(provider)
        leaf = ScoreLeaf(account.address, root, Status.SCORED, 0, WAD * 8 // 10 - provider, WAD // 2, 10_000, 10**9)
        self.leaves.append(leaf)
        sealed = self._seal(leaf, cost)
        manifest = keccak(text=f"manifest {provider}")
        return self._market(account, "commit", self.round, sealed, root, manifest, value=self.terms.bid_bond)

    def root(self, provider: int) -> bytes:
        """Of the data that a provider commits to in this round."""
        return keccak(text=f"data {self.round} {provider}")

    def pretend_bonded(self, count: int) -> None:
        """``count`` commitments where there are fewer: the count is in the low bits of the running hash."""
        chained = self.market.state(self.round).commitments
        self._write(COMMITMENTS, chained[:28] + count.to_bytes(4, "big"))

    def observe(self, member: int) -> int:
        """The digest of one member's observation, sent by itself."""
        self.chain.warp_to(self.terms.commit_end)
        operator, digest = self.members[member], keccak(text=f"observation {member}")
        seal = ObservationSeal(self.round, self.market.state(self.round).commitments, digest)
        signature = sign(operator, self.market.domain, seal)
        return self._market(operator, "observe", self.round, operator.address, digest, signature)

    def report(self, count: int) -> int:
        """A report over ``count`` leaves, those committed first, signed by a quorum."""
        self.chain.warp_to(self.terms.observe_end)
        others = range(len(self.leaves), count)
        self.leaves += [ScoreLeaf(f"0x{i + 1:040x}", bytes(32), Status.SCORED, 0, WAD, WAD, 1, 1) for i in others]
        self.hashes = [leaf.hash() for leaf in self.leaves]
        state = self.market.state(self.round)
        report = ScoreReport(
            round=self.round,
            terms_hash=state.terms_hash,
            commitments=state.commitments,
            observations=state.observations,
            root=merkle.root(self.hashes),
            count=count,
        )
        signers = self.members[: self.quorum]
        signatures = [sign(signer, self.market.domain, report) for signer in signers]
        addresses = [signer.address for signer in signers]
        return self._market(self.planner, "postReport", self.round, report.root, count, addresses, signatures)

    def reveal(self, provider: int) -> int:
        """The opening of a sealed bid with its proof."""
        self.chain.warp_to(self.terms.challenge_end)
        leaf = self.leaves[provider]
        proof = merkle.proof(self.hashes, leaf.hash())
        return self._market(
            self.providers[provider], "reveal", self.round, leaf.as_tuple(), proof, 100 + provider, SALT
        )

    def pretend_revealed(self, records: bytes) -> None:
        """A running hash of records that nobody revealed one by one, in a round with a report."""
        self.commit(0, cost=100)
        for member in range(self.quorum):
            self.observe(member)
        self.report(1)
        self.pretend_bonded(commitment.count(records))
        self._write(RECORDS, records)

    def settle_small(self) -> None:
        """The round's own few bids."""
        bids = [Bid(reveal.cost, reveal.weight) for reveal in self.market.reveals(self.round)]
        outcome = clearing.clear(bids, self.reward, self.terms.reserve, self.terms.cap)
        self.settle(bids, outcome.certificate, 1)

    def settle(self, bids: Sequence[Bid], certificate: Certificate, batches: int) -> int:
        """The main auction in so many transactions; their gas together."""
        self.chain.warp_to(self.terms.reveal_end)
        batch = -(-len(bids) // batches)
        return sum(
            receipt["gasUsed"]
            for receipt in settle_auction(self.market, self.planner, self.round, 0, bids, certificate, batch=batch)
        )

    def refund(self) -> None:
        """The planner's, so that claims find the ledgers in use."""
        self._market(self.planner, "refund", self.round)

    def claim(self, provider: int) -> int:
        """A provider's own claim."""
        account = self.providers[provider]
        return self._market(account, "claim", self.round, account.address)

    def _seal(self, leaf: ScoreLeaf, cost: int) -> bytes:
        return commitment.sealed_bid(
            chain_id=self.market.chain_id,
            market=self.market.address,
            round=self.round,
            provider=leaf.provider,
            terms_hash=self.terms_hash,
            dataset_root=leaf.dataset_root,
            cost=cost,
            salt=SALT,
        )

    def _write(self, offset: int, word: bytes) -> None:
        base = int.from_bytes(keccak(self.round.to_bytes(32, "big") + ROUNDS_SLOT.to_bytes(32, "big")), "big")
        self.chain.request("anvil_setStorageAt", self.market.address, hex(base + offset), "0x" + word.hex())

    def _mint(self, owner: str, amount: int) -> None:
        self._send(self.planner, erc20(self.w3, self.token.address).functions.mint(owner, amount))

    def _market(self, account: LocalAccount, name: str, *arguments: Any, value: int = 0) -> int:
        return self._send(account, getattr(self.market.contract.functions, name)(*arguments), value)

    def _send(self, account: LocalAccount, call: Any, value: int = 0) -> int:
        return int(transact.send(self.w3, account, call, value)["gasUsed"])
