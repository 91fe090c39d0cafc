"""What operators say of a provider's scores, out of the evidence behind them: strangers' words, as types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oracle.chain.client import Market
from oracle.custody.store import Board, ContentStore
from oracle.errors import CheckFailed
from oracle.evidence.fields import Quanta
from oracle.evidence.leaf import QUANTUM, ScoreLeaf
from oracle.node.findings import read_evidence
from oracle.node.reporting import collect_observations

LONGEST = 1 << 12
"""Characters of a reason."""


class Axes(BaseModel):
    """The four axes of q in quanta of 1e-4; None for one that abstains."""

    model_config = ConfigDict(frozen=True)

    cleanliness: Quanta | None = None
    diversity: Quanta | None = None
    novelty: Quanta | None = None
    metadata: Quanta | None = None


class Reasons(BaseModel):
    """``missing``: why there are no scores; empty where there are some."""

    model_config = ConfigDict(frozen=True)

    missing: Annotated[str, Field(max_length=LONGEST)] = ""
    quality: Axes = Axes()


def reasons_of(
    market: Market, round_id: int, store: ContentStore, board: Board, leaves: Mapping[str, ScoreLeaf]
) -> dict[str, Reasons]:
    """For every provider the reasons that most operators gave who observed just what was attested and can be read; of
    equally many the first. One operator alone may have failed for a cause of its own."""
    given: dict[str, Counter[Reasons]] = defaultdict(Counter)
    if not leaves:
        return {}
    observations, _ = collect_observations(market, round_id, board)
    for observation in observations:
        for score in observation.scores:
            leaf = leaves[score.provider]
            attested = (leaf.status, leaf.quality, leaf.tokens)
            if (score.status, score.quality * QUANTUM, score.tokens) != attested:
                continue
            try:
                said = Reasons.model_validate(read_evidence(store, observation, score).reasons)
            except (CheckFailed, ValidationError):
                continue  # the audit names it; another operator's evidence says the same
            given[score.provider][said] += 1
    return {provider: reasons.most_common(1)[0][0] for provider, reasons in given.items()}
