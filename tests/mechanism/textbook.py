"""The clearing rule once more, as it is written down: for comparison, and to break one line at a time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from oracle.mechanism.clearing import Bid, Certificate, Outcome
from oracle.mechanism.integers import WAD


def textbook(bids: Sequence[Bid], reward: int, reserve: int | None = None, cap: int | None = None) -> Outcome:
    """Try every prefix in order of cost per weight; pay the least of everything that bounds a winning bid."""
    kept = []
    for i, (cost, weight) in enumerate(bids):
        within_cap = cap is None or cost <= cap
        within_reserve = reserve is None or cost * WAD <= reserve * weight
        if weight > 0 and within_cap and within_reserve:
            kept.append(i)
    kept.sort(key=lambda i: (Fraction(bids[i].cost, bids[i].weight), i))

    k = 0
    for size in range(1, len(kept) + 1):
        cost, weight = bids[kept[size - 1]]
        if cost * sum(bids[i].weight for i in kept[:size]) <= reward * weight:
            k = size
    winners = kept[:k]
    total = sum(bids[i].weight for i in winners)
    m = kept[k] if k < len(kept) else None

    rewards = [0] * len(bids)
    for i in winners:
        weight = bids[i].weight
        bounds = [reward * weight // total]
        if m is not None:
            bounds.append((bids[m].cost * weight - (i > m)) // bids[m].weight)
        if reserve is not None:
            bounds.append(reserve * weight // WAD)
        if cap is not None:
            bounds.append(cap)
        rewards[i] = min(bounds)
    return Outcome(tuple(winners), tuple(rewards), Certificate(total, m))
