"""A round's two auctions, cleared: the diversity tranche's first, then everybody else's over what that left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oracle.chain.events import Reveal
from oracle.chain.terms import Terms
from oracle.mechanism import clearing, liquidity, tranche
from oracle.mechanism.clearing import Bid, Certificate, Outcome

MAIN, TRANCHE = 0, 1


@dataclass(frozen=True, slots=True)
class Auction:
    """``budget``: its reward budget, money units; ``bids`` in the order of its reveals, which ``outcome`` counts in."""

    group: int
    budget: int
    bids: tuple[Bid, ...]
    outcome: Outcome


def clear_round(terms: Terms, reveals: Sequence[Reveal]) -> tuple[Auction, Auction]:
    """Main auction and tranche of a round whose bids are all open, with the weights recorded at the reveals."""
    total = sum(liquidity.split(terms.budget, terms.utility_pool, terms.liquidity))
    first = _clear(
        terms, TRANCHE, tranche.group_budget(total, terms.tranche_share) if terms.tranche_share else 0, reveals
    )
    return _clear(terms, MAIN, total - first.outcome.total_reward, reveals), first


def _clear(terms: Terms, group: int, budget: int, reveals: Sequence[Reveal]) -> Auction:
    bids = tuple(Bid(reveal.cost, reveal.weight) for reveal in reveals if reveal.group == group)
    nobody = Outcome((), (), Certificate(0, None))
    return Auction(group, budget, bids, clearing.clear(bids, budget, terms.reserve, terms.cap) if bids else nobody)
