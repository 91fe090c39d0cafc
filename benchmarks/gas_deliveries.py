"""Rounds whose winners deliver keys, for measuring gas: each party's calls of the KeyExchange."""

from __future__ import annotations

from dataclasses import replace
from typing import Self, TypedDict

from eth_utils.crypto import keccak

from benchmarks.gas_scene import PROVIDERS, GasScene
from oracle.chain.exchange import Exchange
from oracle.custody import bn254
from oracle.evidence import commitment, merkle
from oracle.mechanism.integers import WAD

SECRET = int.from_bytes(keccak(text="the planner's x"), "big") % bn254.ORDER


class _Words(TypedDict):
    content_hash: bytes
    key_commit: bytes


class DeliveryScene(GasScene):
    """Every provider wins; `settled` begins a round, the rest belongs to it. Functions return gas used."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.exchange = Exchange(self.market)
        return self

    def register(self) -> int:
        """The planner's key, the first that it registers."""
        return int(self.exchange.register_delivery_key(self.planner, SECRET)["gasUsed"])

    def settled(self) -> None:
        """A round with all three ledgers, settled and refunded, at the end of its settle phase."""
        public = bn254.multiply(bn254.GENERATOR, SECRET)
        self.open(liquidity=WAD // 2, share_supply=10**12, delivery_key=keccak(bn254.encode(public)))
        for i in range(PROVIDERS):
            self.commit(i, cost=100 + i)
        for i in range(self.quorum):
            self.observe(i)
        self.report(PROVIDERS)
        for i in range(PROVIDERS):
            self.reveal(i)
        self.settle_small()
        self.refund()
        self.chain.warp_to(self.terms.settle_end)

    def deliver(self, provider: int, key: bytes | None = None) -> int:
        """The provider's own key, unless another is given."""
        account = self.providers[provider]
        words = self.words(provider)
        sent = self.key(provider) if key is None else key
        return int(self.exchange.deliver(account, self.round, account.address, sent, **words)["gasUsed"])

    def deliver_again(self, provider: int, other: int) -> int:
        """What another provider delivered, as if it were this one's."""
        account = self.providers[provider]
        made = self.exchange.require(self.round, self.providers[other].address).delivery
        words = self.words(provider)
        made = replace(made, content_hash=words["content_hash"], key_commit=words["key_commit"])
        receipt = self.exchange.send_delivery(account, self.round, account.address, made)
        return int(receipt["gasUsed"])

    def accept(self, provider: int) -> int:
        """By the planner."""
        return int(self.exchange.accept(self.planner, self.round, self.providers[provider].address)["gasUsed"])

    def dispute(self, provider: int) -> int:
        """Over a wrong key."""
        address = self.providers[provider].address
        found = self.exchange.require(self.round, address)
        return int(self.exchange.dispute(self.planner, self.round, address, SECRET, found)["gasUsed"])

    def refute(self, provider: int) -> int:
        """Of a delivery that its sender did not make."""
        found = self.exchange.require(self.round, self.providers[provider].address)
        leaf = self.leaves[provider]
        proof = merkle.proof(self.hashes, leaf.hash())
        return int(self.exchange.refute(self.planner, self.round, found, leaf, proof)["gasUsed"])

    def key(self, provider: int) -> bytes:
        """The content key, 32 bytes."""
        return keccak(text=f"key {self.round} {provider}")

    def words(self, provider: int) -> _Words:
        """What the provider's data set root is made of."""
        content, owner = keccak(text=f"content {self.round} {provider}"), self.providers[provider].address
        committed = commitment.key_commit(
            chain_id=self.market.chain_id,
            market=self.market.address,
            round=self.round,
            provider=owner,
            content_hash=content,
            key=self.key(provider),
        )
        return {"content_hash": content, "key_commit": committed}

    def root(self, provider: int) -> bytes:
        """Of a sealed data set."""
        return commitment.sealed_dataset_root(self.providers[provider].address, **self.words(provider))
