"""Observe, then report: publish, take lower medians, build the tree, sign once, and let one transaction post it.

Every honest operator collects exactly the observations whose digests are on chain when the observation phase ends, so
every one of them builds the same root (NODE.md, M-of-N). Peers meet on the round's board until there is a network.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from eth_account.signers.local import LocalAccount

from oracle.chain import transact
from oracle.chain.client import Market
from oracle.chain.revealed import revealed_leaf
from oracle.chain.terms import Phase
from oracle.custody.store import Board, ContentStore
from oracle.errors import BadInput, CheckFailed, MiaError
from oracle.evidence import canonical, merkle, score_report
from oracle.evidence.leaf import ScoreLeaf
from oracle.evidence.medians import medians
from oracle.evidence.observation import Observation
from oracle.node import exchange
from oracle.node.committee import Committee, require_member
from oracle.node.folder import DataFolder, Progress
from oracle.node.leaves import leaves
from oracle.node.observing import signed_observation
from oracle.node.signing import SigningKey

POLL = 0.5
"""Seconds between two looks at the board and the chain."""


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """Where the report of a round stands as one operator sees it.

    ``root`` is None until every observation is there; ``missing`` are the operators whose observation (then) or
    signature (afterwards) is waited for, ``until`` the unix second at which a round without a report becomes void.
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
    """Do operator ``account``'s part of the report as far as it can be done now; wait up to ``wait`` seconds for peers.

    Publishes the own observation and its evidence, collects the others', signs the report at most once, publishes the
    signature, and posts the report as soon as a quorum of valid signatures is there and nobody else has. Idempotent:
    repeat it until ``posted``.

    Raises BadInput before the report phase or for a stranger to the committee, CheckFailed when fewer operators than
    the quorum observed in time (the round will be void), when the signing record holds another report over the same
    observations, or when the report on chain is not the one these observations give.
    """
    folder = DataFolder(data_dir)
    with folder.lock():
        committee = require_member(market, round_id, account.address)
        if market.report(round_id) is None:
            market.require_phase(round_id, Phase.REPORT)
        own = signed_observation(market, round_id, account.address, folder)
        if own is not None:
            exchange.publish_observation(market, own, store, folder.evidence, board)
        _require_observers(market, round_id, committee)
        deadline = time.monotonic() + wait
        while True:
            status = _advance(market, round_id, account, committee, board, folder)
            if progress:
                progress("report", len(status.signers), status.quorum)
            if status.posted or time.monotonic() >= deadline:
                return status
            time.sleep(POLL)


def collect_observations(market: Market, round_id: int, board: Board) -> tuple[tuple[Observation, ...], dict[str, str]]:
    """The observations behind the digests on chain, and why those of other operators cannot be had (yet).

    Bytes that hash to their digest and are no observation of this round are left out for good, by every reader alike.
    """
    observations, missing = [], {}
    for seen in market.observations(round_id):
        try:
            raw = exchange.read_observation(market, round_id, seen, board)
        except CheckFailed as error:
            missing[seen.operator] = str(error)
            continue
        try:
            observations.append(exchange.parse_observation(market, round_id, seen, raw))
        except CheckFailed:
            continue
    return tuple(observations), missing


def leaf_and_proof(market: Market, round_id: int, provider: str, board: Board) -> tuple[ScoreLeaf, list[bytes]]:
    """A provider's attested leaf and its Merkle proof against the root on chain, as ``reveal`` takes them.

    Of an opened bid the transaction that opened it says both, whatever lies on the board. Raises BadInput when the
    provider has no bid in the round or no report is posted yet, CheckFailed as :func:`attested_leaves`.
    """
    opened = revealed_leaf(market, round_id, provider)
    if opened is not None:
        return opened
    attested = attested_leaves(market, round_id, board)
    for leaf in attested:
        if leaf.provider.lower() == provider.lower():
            return leaf, merkle.proof([other.hash() for other in attested], leaf.hash())
    raise BadInput(f"{provider} has no bid in round {round_id}", input=provider, hint="is this the right address?")


def attested_leaves(market: Market, round_id: int, board: Board) -> tuple[ScoreLeaf, ...]:
    """The leaves of the report on chain, in order of place: those on the board, or worked out of the observations when
    what lies there is not what was attested.

    Raises BadInput while no report is posted, CheckFailed naming what is wrong on the board where neither helps.
    """
    try:
        return exchange.read_leaves(market, round_id, board)
    except CheckFailed:
        attested, report = _leaves_of_observations(market, round_id, board), market.report(round_id)
        if report is None or not attested or merkle.root([leaf.hash() for leaf in attested]) != report.root:
            raise
        return attested


def _leaves_of_observations(market: Market, round_id: int, board: Board) -> tuple[ScoreLeaf, ...]:
    """What the operators' observations come to; none while one of them cannot be had."""
    observations, missing = collect_observations(market, round_id, board)
    return () if missing or not observations else leaves(market.terms(round_id), medians(observations))


def _require_observers(market: Market, round_id: int, committee: Committee) -> None:
    seen = {observed.operator for observed in market.observations(round_id)}
    if len(seen) < committee.quorum:
        absent = [member for member in committee.active if member not in seen]
        raise CheckFailed(
            f"round {round_id} has {len(seen)} observations of the {committee.quorum} it needs; "
            f"nothing came in time from {', '.join(absent)}",
            input=f"round {round_id}",
            hint=f"without a report the round is void from {market.terms(round_id).report_end} (unix seconds) on",
        )


def _advance(
    market: Market, round_id: int, account: LocalAccount, committee: Committee, board: Board, folder: DataFolder
) -> ReportStatus:
    """One look: everything that can be done with what is on the board now."""
    until = market.terms(round_id).report_end
    observations, missing = collect_observations(market, round_id, board)
    if missing:
        detail = f"waiting for {len(missing)} observation(s): " + "; ".join(missing.values())
        posted = market.report(round_id) is not None
        return ReportStatus(round_id, posted, None, 0, committee.quorum, (), tuple(missing), until, detail)
    if len(observations) < committee.quorum:
        raise CheckFailed(
            f"only {len(observations)} observations of round {round_id} make sense, it needs {committee.quorum}",
            input=f"round {round_id}",
            hint="the round will be void",
        )
    attested = leaves(market.terms(round_id), medians(observations))
    root = merkle.root([leaf.hash() for leaf in attested])
    message = exchange.report_message(market, round_id, root, len(attested))
    signature = _sign_once(market, account, message, folder)
    exchange.publish_leaves(market, round_id, attested, board)
    exchange.publish_signature(market, account.address, message, signature, board)
    signatures, refused = _signatures(market, committee, message, board)
    if market.report(round_id) is None and len(signatures) >= committee.quorum:
        _post(market, account, committee, message, signatures)
    posted = _posted(market, round_id, message)
    absent = tuple(member for member in committee.active if member not in signatures)
    detail = "the report is on chain" if posted else f"waiting for signatures of {', '.join(absent)}"
    return ReportStatus(
        round=round_id,
        posted=posted,
        root=message.root,
        count=message.count,
        quorum=committee.quorum,
        signers=tuple(signatures),
        missing=absent,
        until=until,
        detail="; ".join([detail, *refused]),
    )


def _sign_once(market: Market, account: LocalAccount, message: score_report.ScoreReport, folder: DataFolder) -> bytes:
    """The operator's signature, made only after the report it is for was recorded."""
    key = SigningKey(
        chain=market.chain_id,
        market=market.address,
        round=message.round,
        kind="score report",
        operator=account.address,
        commitments=message.commitments,
        observations=message.observations,
    )
    folder.signed.claim(key, canonical.dumps({"root": message.root.hex(), "count": message.count}))
    return score_report.sign(account, market.domain, message)


def _signatures(
    market: Market, committee: Committee, message: score_report.ScoreReport, board: Board
) -> tuple[dict[str, bytes], list[str]]:
    """Valid signatures by operator, ascending by address, and what is wrong with the others shown."""
    valid: dict[str, bytes] = {}
    refused: list[str] = []
    for member in committee.active:
        try:
            signature = exchange.read_signature(market, member, message, board)
        except CheckFailed as error:
            refused.append(str(error))
            continue
        if signature is not None:
            valid[member] = signature
    return valid, refused


def _post(
    market: Market,
    account: LocalAccount,
    committee: Committee,
    message: score_report.ScoreReport,
    signatures: dict[str, bytes],
) -> None:
    """One transaction with a quorum of signatures; somebody else's report that came first is as good."""
    chosen = dict(list(signatures.items())[: committee.quorum])
    call = market.contract.functions.postReport(
        message.round, message.root, message.count, list(chosen), list(chosen.values())
    )
    try:
        transact.send(market.w3, account, call)
    except MiaError:
        if market.report(message.round) is None:
            raise


def _posted(market: Market, round_id: int, message: score_report.ScoreReport) -> bool:
    report = market.report(round_id)
    if report is None:
        return False
    if (report.root, report.count) != (message.root, message.count):
        raise CheckFailed(
            f"the report on chain has root {report.root.hex()} over {report.count} leaves, these observations give "
            f"{message.root.hex()} over {message.count}",
            input=f"report of round {round_id}",
            hint="compare the observations on the board, and challenge the report",
        )
    return True
