"""Seeded families of auctions: what costs and weights may look like, from benign to hostile.

Every family draws its own magnitudes of money and weight, from a few units, where one unit decides, up to amounts that
no double holds. Floats only shape the distributions; an auction is integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from oracle.mechanism.clearing import Bid
from oracle.mechanism.integers import WAD

UINT64 = 2**64 - 1
"""Bound of the costs and weights that a round records on chain."""

Family = Callable[[Random, int], list[Bid]]
"""Draws ``n`` bids: costs in money units, weights in WAD, both up to `UINT64`."""


class Auction(NamedTuple):
    """The arguments of a rule, in the order of ``clearing.clear``."""

    bids: list[Bid]
    reward: int
    """R, money units, above 0."""
    reserve: int | None
    """Money units per WAD of weight, below 2**128."""
    cap: int | None
    """Money units."""


def uniform(rng: Random, n: int) -> list[Bid]:
    """Costs and weights uniform and independent."""
    return _scaled(rng, [(rng.random(), rng.random()) for _ in range(n)])


def log_normal(rng: Random, n: int) -> list[Bid]:
    """Costs and weights spread over orders of magnitude."""
    return _scaled(rng, [(rng.lognormvariate(0, 1), rng.lognormvariate(0, 1)) for _ in range(n)])


def correlated(rng: Random, n: int) -> list[Bid]:
    """Better data costs more: virtual costs lie close together."""
    weights = [rng.random() for _ in range(n)]
    return _scaled(rng, [(weight * rng.uniform(0.8, 1.2), weight) for weight in weights])


def heavy_tailed(rng: Random, n: int) -> list[Bid]:
    """A few bids dwarf the others in cost, in weight or in both (Pareto, infinite mean for some draws)."""
    shape = rng.uniform(0.8, 2)
    return _scaled(rng, [(rng.paretovariate(shape), rng.paretovariate(shape)) for _ in range(n)])


def tied(rng: Random, n: int) -> list[Bid]:
    """Virtual costs from a handful of values, so that ties are exact; costs and weights of zero among them."""
    unit = 10 ** rng.randrange(10)
    bids = []
    for _ in range(n):
        scale = rng.randrange(1, 6)
        bids.append(Bid(scale * rng.choice((0, 2, 2, 3, 5)), scale * rng.choice((0, 1, 1, 1, 2)) * unit))
    return bids


def tiny(rng: Random, n: int) -> list[Bid]:
    """Numbers below ten, at most five bids: rounding decides everything."""
    return [Bid(rng.randrange(10), rng.randrange(10)) for _ in range(min(n, rng.randrange(1, 6)))]


def extreme(rng: Random, n: int) -> list[Bid]:
    """Costs and weights at and next to the bounds of their types."""

    def number() -> int:
        return rng.choice((rng.randrange(3), rng.randrange(UINT64), UINT64 - rng.randrange(3)))

    return [Bid(number(), number()) for _ in range(n)]


FAMILIES: dict[str, Family] = {
    family.__name__: family for family in (uniform, log_normal, correlated, heavy_tailed, tied, tiny, extreme)
}


def auctions(family: Family, rng: Random, sizes: range) -> Iterator[Auction]:
    """Auctions without end: sizes uniform over ``sizes``; a reserve price in half of them, a cap in a third.

    The budget reaches from a small part of all costs to several times their sum, so that none, some or all win.
    """
    while True:
        bids = family(rng, rng.choice(sizes))
        reward = int(sum(bid.cost for bid in bids) * 2 ** rng.uniform(-5, 2)) or rng.randrange(1, 20)
        yield Auction(bids, reward, _reserve(rng, bids), _cap(rng, bids))


def _reserve(rng: Random, bids: list[Bid]) -> int | None:
    """A price around the virtual cost of some bid, at times exactly there."""
    priced = [bid for bid in bids if bid.weight]
    if not priced or rng.random() < 1 / 2:
        return None
    cost, weight = rng.choice(priced)
    percent = rng.choice((100, rng.randrange(50, 300)))
    return -(-cost * WAD * percent // (100 * weight))


def _cap(rng: Random, bids: list[Bid]) -> int | None:
    """A cap around some bid, at times exactly there."""
    if not bids or rng.random() < 2 / 3:
        return None
    return rng.choice(bids).cost * rng.choice((100, rng.randrange(50, 300))) // 100


def _scaled(rng: Random, shares: list[tuple[float, float]]) -> list[Bid]:
    """Bids of (cost, weight) relative to magnitudes drawn for the whole auction."""
    money = 10 ** rng.uniform(1, 18)
    weight = 10 ** rng.uniform(1, 18)
    return [Bid(min(int(c * money), UINT64), min(int(w * weight), UINT64)) for c, w in shares]
