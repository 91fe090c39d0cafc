"""Many observations, one report: lower medians, so that every honest operator builds the same root.

With more than two thirds honest, a lower median lies between two honest values of every score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oracle.errors import BadInput, CheckFailed
from oracle.evidence.leaf import QUANTUM, ScoreLeaf, Status
from oracle.evidence.observation import Observation, Score


@dataclass(frozen=True, slots=True)
class ProviderScore:
    """What the round attests of a provider, before shares. ``quality`` and ``impact`` in quanta of 1e-4."""

    provider: str
    dataset_root: bytes
    position: int
    status: Status
    group: int
    quality: int
    impact: int
    tokens: int

    def leaf(self, shares: int) -> ScoreLeaf:
        """The leaf of the score tree, quanta turned into WAD; ``shares`` in DST units."""
        return ScoreLeaf(
            provider=self.provider,
            dataset_root=self.dataset_root,
            status=self.status,
            group=self.group,
            quality=self.quality * QUANTUM,
            impact=self.impact * QUANTUM,
            tokens=self.tokens,
            shares=shares,
        )


def lower_median(values: Iterable[int]) -> int:
    """The middle value, the lower of the two middle ones for an even number: always a value somebody reported."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def medians(observations: Sequence[Observation]) -> tuple[ProviderScore, ...]:
    """One score per provider, in order of place: status first, then each score over those that saw that status.

    Raises ``BadInput`` without observations and ``CheckFailed``, naming the operator, when two do not speak of the
    same round, beacon, specification, base model and commitments, or when an operator appears twice.
    """
    if not observations:
        raise BadInput("no observation to take a median of", input="observations", hint="wait for the operators")
    first, seen = observations[0], set[str]()
    for observation in observations:
        if observation.operator in seen:
            raise CheckFailed("an operator observes once", input=observation.operator, hint="count it once")
        seen.add(observation.operator)
        if _subject(observation) != _subject(first):
            raise CheckFailed(
                f"operators {first.operator} and {observation.operator} did not observe the same thing",
                input=observation.operator,
                hint="compare commitments, beacon, pipeline hash and base model of the two observations",
            )
    return tuple(_median(column) for column in zip(*(o.scores for o in observations), strict=True))


def _median(column: Sequence[Score]) -> ProviderScore:
    status = lower_median(score.status for score in column)
    agreeing = [score for score in column if score.status == status]
    return ProviderScore(
        provider=column[0].provider,
        dataset_root=column[0].dataset_root,
        position=column[0].position,
        status=Status(status),
        group=lower_median(score.group for score in agreeing),
        quality=lower_median(score.quality for score in agreeing),
        impact=lower_median(score.impact for score in agreeing),
        tokens=lower_median(score.tokens for score in agreeing),
    )


def _subject(o: Observation) -> tuple[object, ...]:
    providers = tuple((score.provider, score.dataset_root) for score in o.scores)
    return o.chain_id, o.market, o.round, o.commitments, o.beacon, o.pipeline_hash, o.base_model, providers
