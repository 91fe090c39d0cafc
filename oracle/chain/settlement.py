"""Settling one auction of a round on chain, in as many transactions as it takes.

A pass over the records can stop after any of them and goes on where it stood: progress is kept on chain, for each
proposer and certificate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eth_account.signers.local import LocalAccount
from web3.types import TxReceipt

from oracle.chain.client import NO_MARGINAL, Market
from oracle.chain.transact import send
from oracle.evidence import commitment
from oracle.mechanism.clearing import Bid, Certificate


def settle_auction(
    market: Market,
    account: LocalAccount,
    round: int,
    group: int,
    bids: Sequence[Bid],
    certificate: Certificate,
    *,
    batch: int,
) -> Iterator[TxReceipt]:
    """Propose ``certificate`` for the auction of ``group``; the receipts of the transactions it takes, as they come.

    ``batch`` records go into one transaction: 25,000 of them, at 640 gas each (EIP-7623), stay below the cap of 2^24
    (EIP-7825).
    Goes on with what this account has begun with the same certificate, and does nothing where the auction is settled
    already or is a tranche in which nobody revealed. Raises what ``transact.send`` raises.
    """
    state = market.state(round).auctions[group]
    if state.settled or (group and not bids):
        return
    hint = _hint(bids, certificate)
    records = commitment.pack_records(bids)
    functions = market.contract.functions
    start = functions.progressOf(round, group, account.address, hint).call()
    while True:  # once even where nobody revealed
        part = records[16 * start : 16 * (start + batch)]
        yield send(market.w3, account, functions.settle(round, group, hint, start, part))
        start += batch
        if start >= len(bids):
            return


def _hint(bids: Sequence[Bid], certificate: Certificate) -> tuple[int, int, int, int]:
    """The certificate as the contract takes it: W, m and the bid of m."""
    weight, marginal = certificate
    return (weight, NO_MARGINAL, 0, 0) if marginal is None else (weight, marginal, *bids[marginal])
