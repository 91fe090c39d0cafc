"""Seeded families of auctions: ties, zeros, the bounds of every type, and every term of the payment binding."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from oracle.mechanism.clearing import Bid, Outcome, kept
from oracle.mechanism.integers import WAD

UINT64 = 2**64 - 1
UINT128 = 2**128 - 1


class Instance(NamedTuple):
    """Bids with the round's terms, all within the ranges that the chain records."""

    bids: list[Bid]
    reward: int
    reserve: int
    cap: int


def instances(seed: int, count: int) -> Iterator[Instance]:
    """``count`` auctions, the families in turn."""
    families = (_plain, _ties, _reserved, _capped, _extreme, _tiny)
    rng = Random(seed)
    for number in range(count):
        yield families[number % len(families)](rng)


def binding_terms(instance: Instance, outcome: Outcome) -> set[str]:
    """Which terms of the payment are the strict least for some winner; an edge is told apart by side."""
    bids, reward, reserve, cap = instance
    found = set()
    winning_weight, m = outcome.certificate
    for i in outcome.winners:
        weight = bids[i].weight
        terms = {"budget": reward * weight // winning_weight, "reserve": reserve * weight // WAD, "cap": cap}
        if m is not None:
            side = "edge before" if i < m else "edge after"
            terms[side] = (bids[m].cost * weight - (i > m)) // bids[m].weight
        least = min(terms.values())
        binding = [name for name, value in terms.items() if value == least]
        if len(binding) == 1:
            found.add(binding[0])
    return found


def eligible(instance: Instance) -> int:
    """Number of kept bids."""
    return sum(kept(*bid, instance.reserve, instance.cap) for bid in instance.bids)


def _plain(rng: Random) -> Instance:
    bids = [Bid(rng.randrange(10**9), rng.randrange(1, WAD)) for _ in range(rng.randrange(25))]
    return Instance(bids, rng.randrange(1, 10**10), UINT128, UINT64)


def _ties(rng: Random) -> Instance:
    """Virtual costs from a handful of values, zero costs and zero weights among them."""
    bids = []
    for _ in range(rng.randrange(2, 20)):
        scale = rng.randrange(1, 5)
        bids.append(Bid(scale * rng.choice((0, 2, 2, 3)), scale * rng.choice((0, 1, 1, 1, 2)) * WAD // 8))
    return Instance(bids, rng.randrange(1, 60), UINT128, UINT64)


def _reserved(rng: Random) -> Instance:
    """A reserve price that cuts, and a budget that often reaches everybody below it."""
    bids = [Bid(rng.randrange(1000), rng.randrange(1, WAD)) for _ in range(rng.randrange(1, 12))]
    return Instance(bids, rng.randrange(1, 10**5), rng.randrange(1, 4000), UINT64)


def _capped(rng: Random) -> Instance:
    bids = [Bid(rng.randrange(1000), rng.randrange(1, WAD)) for _ in range(rng.randrange(1, 12))]
    return Instance(bids, rng.randrange(1, 10**4), UINT128, rng.randrange(1, 1000))


def _extreme(rng: Random) -> Instance:
    """Numbers at and next to the bounds of their types."""

    def near(top: int) -> int:
        return rng.choice((0, 1, 2, rng.randrange(top + 1), top // 2, top - 1, top))

    bids = [Bid(near(UINT64), near(UINT64)) for _ in range(rng.randrange(10))]
    return Instance(bids, max(1, near(rng.choice((UINT64, UINT128)))), near(UINT128), near(UINT64))


def _tiny(rng: Random) -> Instance:
    """None, one or two bids."""
    bids = [Bid(rng.randrange(12), rng.randrange(4) * WAD) for _ in range(rng.randrange(3))]
    return Instance(bids, rng.randrange(1, 20), rng.choice((1, 3, UINT128)), rng.choice((2, 8, UINT64)))
