"""Observe, then report: publish, take lower medians, build the tree, sign once, and let one transaction post it.

Every honest operator collects exactly the observations whose digests are on chain when the observation phase ends, so
every one of them builds the same root (NODE.md, M-of-N). Peers meet on the round's board until there is a network;
nothing read there is trusted before its digest or signature is checked.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from eth_account.signers.local import LocalAccount

from oracle.chain.client import Market
from oracle.custody.store import Board, ContentStore
from oracle.evidence.leaf import ScoreLeaf


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """Where the report of a round stands as one operator sees it.

    ``missing``: operators whose observation (before ``root`` is known) or signature is still waited for; ``until``:
    unix seconds at which the report phase ends and the round becomes void without a report.
    """

    round: int
    posted: bool
    root: bytes | None
    count: int
    quorum: int
    signers: tuple[str, ...]
    missing: tuple[str, ...]
    until: int
    detail: str


def report_round(
    market: Market,
    round_id: int,
    account: LocalAccount,
    store: ContentStore,
    board: Board,
    data_dir: Path,
    *,
    wait: float = 0.0,
    progress: Progress | None = None,
) -> ReportStatus:
    """Do operator ``account``'s part of the report, as far as it can be done now; waits up to ``wait`` seconds for peers.

    Publishes the own observation and its evidence, collects the others', signs the report at most once, publishes the
    signature, and posts the report as soon as a quorum of valid signatures is there and nobody else has. Idempotent:
    repeat it until ``posted``.

    Raises BadInput before the report phase or for a stranger to the committee, CheckFailed when fewer operators than
    the quorum observed in time (the round will be void), when the signing record holds another report for the same
    observations, or when the report on chain is not the one these observations give.
    """


def leaf_and_proof(
    market: Market, round_id: int, provider: str, store: ContentStore, board: Board
) -> tuple[ScoreLeaf, list[bytes]]:
    """A provider's attested leaf and its Merkle proof against the root on chain, as ``reveal`` takes them.

    Raises BadInput when the provider has no bid in the round or no report is posted yet, CheckFailed when the published
    leaves do not hash to the root on chain.
    """
