"""What an operator found, as files: one evidence file for every provider, one observation over them all.

Two operators that computed the same write the same evidence bytes: nothing in them names the operator.
"""

from __future__ import annotations

from typing import Any, Literal

from oracle.chain.client import Market
from oracle.custody.cid import decode as require_cid
from oracle.custody.store import ContentStore
from oracle.errors import BadInput, CheckFailed
from oracle.evidence import canonical
from oracle.evidence.fields import Address, Bytes32, Count, Group, Quanta, Record
from oracle.evidence.leaf import Status
from oracle.evidence.observation import Observation, Score
from oracle.node.compute import Computation


class Evidence(Record):
    """Why a provider has the scores it has: the scores again, everything they depend on, and the reasons as JSON."""

    kind: Literal["mixed-mia/evidence/2"] = "mixed-mia/evidence/2"
    chain_id: Count
    market: Address
    round: Count
    provider: Address
    dataset_root: Bytes32
    manifest: Bytes32
    position: Count
    commitments: Bytes32
    beacon: Bytes32
    pipeline_hash: Bytes32
    base_model: Bytes32
    status: Status
    group: Group
    quality: Quanta
    impact: Quanta
    tokens: Count
    reasons: dict[str, Any]
    influence_log: str
    """Content id of the replay log behind the impacts of this operator, one for all providers."""


def observe(market: Market, round_id: int, operator: str, found: Computation, store: ContentStore) -> Observation:
    """Write the evidence of every live commitment into ``store`` and return the observation over it.

    ``found.results`` are in the order of :meth:`Market.commitments`.
    """
    terms = market.terms(round_id)
    commitments = market.state(round_id).commitments
    beacon = market.beacon(round_id)
    log = store.put(canonical.dumps(found.log))
    scores = []
    for position, (bid, result) in enumerate(zip(market.commitments(round_id), found.results, strict=True)):
        evidence = Evidence(
            chain_id=market.chain_id,
            market=market.address,
            round=round_id,
            provider=bid.provider,
            dataset_root=bid.dataset_root,
            manifest=bid.manifest,
            position=position,
            commitments=commitments,
            beacon=beacon,
            pipeline_hash=terms.pipeline_hash,
            base_model=terms.base_model_hash,
            status=result.status,
            group=result.group,
            quality=result.quality,
            impact=result.impact,
            tokens=result.tokens,
            reasons=result.reasons,
            influence_log=log,
        )
        scores.append(
            Score(
                provider=bid.provider,
                dataset_root=bid.dataset_root,
                position=position,
                status=result.status,
                group=result.group,
                quality=result.quality,
                impact=result.impact,
                tokens=result.tokens,
                evidence=store.put(evidence.to_bytes()),
            )
        )
    return Observation(
        chain_id=market.chain_id,
        market=market.address,
        round=round_id,
        operator=operator,
        commitments=commitments,
        beacon=beacon,
        pipeline_hash=terms.pipeline_hash,
        base_model=terms.base_model_hash,
        scores=tuple(scores),
    )


def read_evidence(store: ContentStore, observation: Observation, score: Score) -> Evidence:
    """The evidence behind one observed score, checked to say the same as the observation.

    Raises CheckFailed naming provider and operator when it is missing, altered or about something else.
    """
    name = f"evidence of provider {score.provider} by operator {observation.operator}"
    try:
        evidence = Evidence.from_bytes(store.get(score.evidence), name=name)
        require_cid(evidence.influence_log)
    except (CheckFailed, BadInput) as error:  # foreign content: a bad name inside it is a failed check
        raise CheckFailed(f"{name}: {error}", input=name, hint=error.hint) from error
    said = {
        **{field: value for field, value in observation if field not in ("kind", "operator", "scores")},
        **{field: value for field, value in score if field != "evidence"},
    }
    for field, value in said.items():
        found = getattr(evidence, field)
        if found != value:
            raise CheckFailed(f"{name} says {field} = {_shown(found)}, the observation {_shown(value)}", input=name)
    return evidence


def _shown(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
