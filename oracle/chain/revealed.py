"""The score that a reveal proved, out of the transaction that did it: the contract compared it with the report then.

Boards come and go, and anybody may write to them; the calldata of a reveal stays where it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.exceptions import TransactionNotFound

from oracle.chain.client import Market
from oracle.evidence import merkle
from oracle.evidence.leaf import ScoreLeaf, Status

LEAF = "(address,bytes32,uint8,uint8,uint64,uint64,uint64,uint64)"
ARGUMENTS = ("uint256", LEAF, "bytes32[]", "uint256", "bytes32")
SELECTOR = keccak(text=f"reveal({','.join(ARGUMENTS)})")[:4]
MAX_CALLS, MAX_SIZE = 1 << 10, 1 << 12
"""Places in one transaction that are looked at, and bytes at each of them: a proof has at most 24 hashes."""


def revealed_leaf(market: Market, round: int, provider: str) -> tuple[ScoreLeaf, list[bytes]] | None:
    """A provider's leaf and its Merkle proof against the root on chain, as it was revealed, by whatever contract.

    None before the reveal, without a report, and where the call was put together inside a contract: then no
    transaction says it.
    """
    provider = to_checksum_address(provider)
    report, name = market.report(round), market.reveal_transaction(round, provider)
    if report is None or name is None:
        return None
    try:
        data = bytes(market.w3.eth.get_transaction(name)["input"])
    except TransactionNotFound:  # a node that keeps logs and no transactions
        return None
    for number, leaf, proof in _calls(data):
        if (number, leaf.provider) == (round, provider) and merkle.verify(report.root, leaf.hash(), proof):
            return leaf, proof
    return None


def _calls(data: bytes) -> Iterator[tuple[int, ScoreLeaf, list[bytes]]]:
    """Every call of ``reveal`` in a transaction's data: the transaction itself, or passed on by a contract it calls."""
    at = data.find(SELECTOR)
    for _ in range(MAX_CALLS):
        if at < 0:
            return
        try:
            number, leaf, proof, _, _ = decode(ARGUMENTS, data[at + len(SELECTOR) :][:MAX_SIZE], strict=False)
            yield number, ScoreLeaf(to_checksum_address(leaf[0]), leaf[1], Status(leaf[2]), *leaf[3:]), list(proof)
        except (DecodingError, ValueError, OverflowError):  # the same four bytes, by chance or by design
            pass
        at = data.find(SELECTOR, at + 1)
