"""From medians to the attested leaves: every scored provider's DST share joins its scores (MECHANISM.md, section 5)."""

from __future__ import annotations

from collections.abc import Sequence

from oracle.chain.terms import Terms
from oracle.evidence.leaf import QUANTUM, ScoreLeaf, Status
from oracle.evidence.medians import ProviderScore
from oracle.mechanism import shares


def share_amounts(terms: Terms, scores: Sequence[ProviderScore]) -> tuple[int, ...]:
    """DST units of every provider, in the order given: water-filling of the terms' supply over the *scored* ones.

    The allocation never looks at bids. Where few providers cannot hold the supply under their caps, what is above
    stays unissued. Raises ``MechanismError`` when the terms' floors and caps admit no allocation.
    """
    scored = [score for score in scores if score.status == Status.SCORED]
    if not scored:
        return (0,) * len(scores)
    tokens = [score.tokens for score in scored]
    points = shares.scores(
        tokens,
        [score.quality * QUANTUM for score in scored],
        [score.impact * QUANTUM for score in scored],
        shares.Weighting(terms.volume_weight, terms.quality_weight, terms.impact_weight),
    )
    low, high = shares.bounds(tokens, terms.share_supply, terms.share_floor, terms.share_cap)
    supply = shares.feasible_supply(points, low, high, terms.share_supply)
    allocated = dict(
        zip((score.provider for score in scored), shares.allocate(points, low, high, supply).amounts, strict=True)
    )
    return tuple(allocated.get(score.provider, 0) for score in scores)


def leaves(terms: Terms, scores: Sequence[ProviderScore]) -> tuple[ScoreLeaf, ...]:
    """The leaves of the score tree, one for every commitment, in order of place."""
    return tuple(score.leaf(amount) for score, amount in zip(scores, share_amounts(terms, scores), strict=True))
