"""What peers show each other on the round's board: observations, signatures, leaves. Read here, checked here.

Nothing on the board is trusted: an observation counts by the digest its operator put on chain, a signature by whom it
recovers to, leaves by the root they hash to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from oracle.chain.client import Market
from oracle.chain.events import Observed
from oracle.custody.store import Board, ContentStore, keep, round_key
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import merkle, score_report
from oracle.evidence.fields import Address, Bytes32, Count, Group, Record, Uint256
from oracle.evidence.leaf import ScoreLeaf, Status
from oracle.evidence.observation import Observation
from oracle.node.findings import read_evidence


class SignedReport(Record):
    """One operator's signature (hex) and what it says it signed, so that a difference can be named."""

    operator: Address
    root: Bytes32
    count: Count
    commitments: Bytes32
    observations: Bytes32
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{130}$")]


_Uint64 = Annotated[Uint256, Field(lt=1 << 64)]


class _Leaf(Record):
    provider: Address
    dataset_root: Bytes32
    status: Status
    group: Group
    quality: _Uint64
    impact: _Uint64
    tokens: _Uint64
    shares: _Uint64


class _Leaves(Record):
    kind: Literal["mixed-mia/leaves/1"] = "mixed-mia/leaves/1"
    leaves: tuple[_Leaf, ...]


def publish_observation(
    market: Market, observation: Observation, store: ContentStore, evidence: ContentStore, board: Board
) -> None:
    """Show an observation, and copy the evidence it names from the operator's own store into the shared one, pinned."""
    name = f"{_key(market, observation.round)}.evidence"
    for score in observation.scores:
        keep(store, evidence.get(score.evidence), name)
        keep(store, evidence.get(read_evidence(evidence, observation, score).influence_log), name)
    board.publish(_key(market, observation.round), _observation_slot(observation.operator), observation.to_bytes())


def read_observation(market: Market, round_id: int, seen: Observed, board: Board) -> bytes:
    """The bytes behind a digest on chain; CheckFailed naming the operator when they are not shown or altered."""
    name = f"observation of operator {seen.operator}"
    raw = board.read(_key(market, round_id), _observation_slot(seen.operator))
    if raw is None:
        raise CheckFailed(f"{name} is not on the board", input=name, hint="its operator publishes it")
    if hashlib.sha256(raw).digest() != seen.digest:
        raise CheckFailed(
            f"{name} was altered: it hashes to {hashlib.sha256(raw).hexdigest()}, on chain is {seen.digest.hex()}",
            input=name,
            hint="its operator publishes it again",
        )
    return raw


def parse_observation(market: Market, round_id: int, seen: Observed, raw: bytes) -> Observation:
    """The observation, checked to speak of this very round: CheckFailed naming the operator and the field otherwise.

    A digest commits to bytes, not to sense: bytes that fail here are worth nothing, for every reader alike.
    """
    name = f"observation of operator {seen.operator}"
    observation = Observation.from_bytes(raw, name=name)
    terms = market.terms(round_id)
    expected = {
        "chain_id": market.chain_id,
        "market": market.address,
        "round": round_id,
        "operator": seen.operator,
        "commitments": market.state(round_id).commitments,
        "beacon": market.beacon(round_id),
        "pipeline_hash": terms.pipeline_hash,
        "base_model": terms.base_model_hash,
    }
    for field, value in expected.items():
        if getattr(observation, field) != value:
            raise CheckFailed(f"{name} is about another {field}", input=name)
    bids = [(bid.provider, bid.dataset_root) for bid in market.commitments(round_id)]
    if [(score.provider, score.dataset_root) for score in observation.scores] != bids:
        raise CheckFailed(f"{name} does not list the round's commitments in order", input=name)
    return observation


def report_message(market: Market, round_id: int, root: bytes, count: int) -> score_report.ScoreReport:
    """What the quorum signs over a score tree, bound to the round's commitments and observations on chain."""
    state = market.state(round_id)
    return score_report.ScoreReport(
        round=round_id,
        terms_hash=state.terms_hash,
        commitments=state.commitments,
        observations=market.observed(round_id),
        root=root,
        count=count,
    )


def publish_signature(
    market: Market, operator: str, message: score_report.ScoreReport, signature: bytes, board: Board
) -> None:
    """Show one operator's signature over the report."""
    signed = SignedReport(
        operator=operator,
        root=message.root,
        count=message.count,
        commitments=message.commitments,
        observations=message.observations,
        signature=signature.hex(),
    )
    board.publish(_key(market, message.round), _signature_slot(operator), signed.to_bytes())


def read_signature(market: Market, operator: str, message: score_report.ScoreReport, board: Board) -> bytes | None:
    """An operator's valid signature over ``message``, or None when it showed none.

    Raises CheckFailed naming the operator when what it shows is altered or over another report.
    """
    name = f"signature of operator {operator}"
    raw = board.read(_key(market, message.round), _signature_slot(operator))
    if raw is None:
        return None
    signed = SignedReport.from_bytes(raw, name=name, hint="its operator publishes it")
    signature = bytes.fromhex(signed.signature)
    for field in ("commitments", "observations", "root", "count"):
        if getattr(signed, field) != getattr(message, field):
            raise CheckFailed(f"{name} is over another {field}", input=name, hint="compare the observations used")
    require_signer(market, operator, message, signature)
    return signature


def require_signer(market: Market, operator: str, message: score_report.Message, signature: bytes) -> None:
    """CheckFailed naming ``operator`` unless it made ``signature`` over ``message``."""
    name = f"signature of operator {operator}"
    try:
        signer = score_report.recover(market.domain, message, signature)
    except CheckFailed as error:
        raise CheckFailed(f"{name}: {error}", input=name, hint=error.hint) from error
    if signer != operator:
        raise CheckFailed(f"{name} is not its own: it recovers to {signer}", input=name, hint="it was altered")


def publish_leaves(market: Market, round_id: int, leaves: Sequence[ScoreLeaf], board: Board) -> None:
    """Show the leaves under the root they hash to."""
    record = _Leaves(leaves=tuple(_Leaf(**asdict(leaf)) for leaf in leaves))
    root = merkle.root([leaf.hash() for leaf in leaves])
    board.publish(_key(market, round_id), _leaves_slot(root), record.to_bytes())


def read_leaves(market: Market, round_id: int, board: Board) -> tuple[ScoreLeaf, ...]:
    """The leaves of the report on chain, in order of place.

    Raises BadInput while no report is posted, CheckFailed when the leaves shown do not hash to its root.
    """
    report = market.report(round_id)
    if report is None:
        raise BadInput(f"round {round_id} has no score report yet", input=f"round {round_id}", hint="wait for it")
    leaves = shown_leaves(market, round_id, report.root, board)
    if not leaves or merkle.root([leaf.hash() for leaf in leaves]) != report.root or len(leaves) != report.count:
        name = f"leaves of round {round_id}"
        raise CheckFailed(f"{name} do not hash to the root on chain", input=name, hint="any operator reports again")
    return leaves


def shown_leaves(market: Market, round_id: int, root: bytes, board: Board) -> tuple[ScoreLeaf, ...]:
    """The leaves shown under ``root``, not checked against it; CheckFailed when they cannot be read."""
    name = f"leaves of round {round_id}"
    raw = board.read(_key(market, round_id), _leaves_slot(root))
    if raw is None:
        raise CheckFailed(f"{name} are not on the board", input=name, hint="any operator reports again")
    record = _Leaves.from_bytes(raw, name=name, hint="any operator reports again")
    return tuple(ScoreLeaf(**dict(leaf)) for leaf in record.leaves)


def _key(market: Market, round_id: int) -> str:
    return round_key(market.chain_id, market.address, round_id)


def _observation_slot(operator: str) -> str:
    return f"observation-{operator.lower()}"


def _signature_slot(operator: str) -> str:
    return f"signature-{operator.lower()}"


def _leaves_slot(root: bytes) -> str:
    return f"leaves-{root.hex()}"
