"""Search for bids that pay better than the truth, and for rewards that are not what a rule promises.

A rule is asked about whole auctions and nothing is assumed of how it works: every deviation is one full run of it.
Where to look comes from the auction: the reward itself, the bids at which a provider meets a rival, the shares of the
budget, each with its neighbours, since exact rules fail by one unit or not at all. What a bid may not do is Myerson's
characterisation in integers: a provider wins with every bid up to its reward and with none above, and the reward does
not depend on the bid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, product
from math import floor
from random import Random
from typing import NamedTuple, Protocol

from oracle.lab.families import Auction
from oracle.mechanism.clearing import COST_BITS, Bid
from oracle.mechanism.integers import WAD

HUGE = 2**COST_BITS - 1
"""Highest bid in a rule's domain, money units."""


class Allocation(Protocol):
    """What a rule answers; ``clearing.Outcome`` is one."""

    @property
    def winners(self) -> Collection[int]:
        """Positions of the winners."""

    @property
    def rewards(self) -> Sequence[int | Fraction]:
        """Reward of every bid by position, money units."""


class Rule(Protocol):
    """A direct mechanism; ``clearing.clear`` is one."""

    def __call__(self, bids: Sequence[Bid], reward: int, reserve: int | None, cap: int | None, /) -> Allocation: ...


class Violation(NamedTuple):
    """A promise broken, with what reproduces it."""

    promise: str
    auction: Auction
    """Everybody truthful."""
    lies: dict[int, int]
    """Bid by position of those who deviate, money units."""


@dataclass
class Findings:
    """What a search has seen."""

    auctions: int = 0
    deviations: int = 0
    """Pairs of an auction and a deviation (of one provider, or of a coalition) that the rule was run on."""
    violations: Counter[str] = field(default_factory=Counter)
    """Number by promise: budget, rationality, losers, threshold, constancy, truthfulness, coalition."""
    examples: dict[str, Violation] = field(default_factory=dict)
    """The first violation of each promise."""

    def report(self, promise: str, auction: Auction, lies: dict[int, int]) -> None:
        """Count a violation; the first of its kind is kept."""
        self.violations[promise] += 1
        self.examples.setdefault(promise, Violation(promise, auction, lies))


def search(
    rule: Rule,
    auctions: Iterable[Auction],
    rng: Random,
    deviations: int,
    *,
    providers: int | None = None,
    edges: int | None = None,
) -> Findings:
    """Let providers deviate alone, one auction after the other, until at least ``deviations`` have been run.

    In every outcome: the rewards are within the budget, no winner is paid less than its bid, no loser is paid. Over
    all bids tried for a provider, with t what the bid 0 is paid: bids up to t win, bids above lose (threshold), every
    winning bid is paid t (constancy), and, whichever of them is the true cost, none of the others is better
    (truthfulness; this needs no t).

    Parameters
    ----------
    providers, edges
        How many providers of an auction to try, and at how many rivals' edges and budget shares, drawn at random;
        None for all.
    """
    findings = Findings()
    for auction in auctions:
        findings.auctions += 1
        everyone = range(len(auction.bids))
        for i in everyone if providers is None else rng.sample(everyone, min(providers, len(everyone))):
            _deviate(rule, auction, i, _sample(rng, _edges(auction, i), edges), findings)
            if findings.deviations >= deviations:
                return findings
    return findings


def search_coalitions(rule: Rule, auctions: Iterable[Auction], rng: Random, deviations: int) -> Findings:
    """Let two or three providers deviate together until at least ``deviations`` joint bids have been run.

    From each auction one coalition of either size is drawn; its members bid every combination of a few bids each: 0,
    the cost and the reward with their neighbours, more than the budget, and two edges. Not all of them may gain.
    """
    findings = Findings()
    for auction in auctions:
        findings.auctions += 1
        for size in (2, 3):
            if size <= len(auction.bids):
                _collude(rule, auction, rng.sample(range(len(auction.bids)), size), rng, findings)
        if findings.deviations >= deviations:
            break
    return findings


def _deviate(rule: Rule, auction: Auction, i: int, edges: Iterable[int], findings: Findings) -> None:
    """Try the bids of provider i: see `search`."""
    bids = list(auction.bids)
    cost, weight = bids[i]
    tried: dict[int, tuple[bool, int | Fraction]] = {}

    def attempt(bid: int) -> tuple[bool, int | Fraction]:
        if bid not in tried:
            bids[i] = Bid(bid, weight)
            outcome = rule(bids, *auction[1:])
            for promise in _broken(outcome, bids, auction.reward):
                findings.report(promise, auction, {i: bid})
            tried[bid] = i in outcome.winners, outcome.rewards[i]
        return tried[bid]

    won, reward = attempt(0)
    threshold = floor(reward) if won else -1
    for bid in (*_neighbours(cost, threshold, auction.reward), HUGE, *_limits(auction, weight), *edges):
        if 0 <= bid <= HUGE:
            attempt(bid)
    findings.deviations += len(tried) - 1  # the truth is no deviation

    for bid, (won, paid) in tried.items():
        if won != (bid <= threshold):
            findings.report("threshold", auction, {i: bid})
        if won and paid != reward:
            findings.report("constancy", auction, {i: bid})
    best = max(tried, key=lambda bid: tried[bid][1] if tried[bid][0] else -1)
    loses = next((bid for bid, (won, _) in tried.items() if not won), None)
    for truth, (won, paid) in tried.items():
        utility = paid - truth if won else 0
        if tried[best][0] and tried[best][1] - truth > utility:
            findings.report("truthfulness", _with_bid(auction, i, truth), {i: best})
        elif loses is not None and utility < 0:
            findings.report("truthfulness", _with_bid(auction, i, truth), {i: loses})


def _collude(rule: Rule, auction: Auction, members: list[int], rng: Random, findings: Findings) -> None:
    """Try the joint bids of a coalition: see `search_coalitions`."""
    truthful = rule(*auction)
    before = [_utility(truthful, i, auction.bids[i].cost) for i in members]
    bids = list(auction.bids)
    choices = []
    for i in members:
        near = _neighbours(bids[i].cost, floor(truthful.rewards[i]), auction.reward)
        choices.append({0, *(bid for bid in (*near, *_sample(rng, _edges(auction, i), 2)) if 0 <= bid <= HUGE)})
    truth = tuple(bids[i].cost for i in members)
    for joint in product(*choices):
        if joint == truth:
            continue
        for i, bid in zip(members, joint, strict=True):
            bids[i] = bids[i]._replace(cost=bid)
        outcome = rule(bids, *auction[1:])
        after = [_utility(outcome, i, auction.bids[i].cost) for i in members]
        if all(new > old for new, old in zip(after, before, strict=True)):
            findings.report("coalition", auction, dict(zip(members, joint, strict=True)))
        findings.deviations += 1


def _broken(outcome: Allocation, bids: list[Bid], reward: int) -> Iterator[str]:
    """Promises that an outcome breaks by itself, every bid taken for a cost."""
    total = sum(outcome.rewards)
    if total > reward:
        yield "budget"
    if any(outcome.rewards[i] < bids[i].cost for i in outcome.winners):
        yield "rationality"
    if total != sum(outcome.rewards[i] for i in outcome.winners):
        yield "losers"


def _utility(outcome: Allocation, i: int, cost: int) -> int | Fraction:
    return outcome.rewards[i] - cost if i in outcome.winners else 0


def _neighbours(cost: int, threshold: int, reward: int) -> Iterator[int]:
    """Around the own cost, around the own reward, and more than the budget."""
    for centre in (cost, threshold):
        yield from range(centre - 1, centre + 2)
    yield reward + 1


def _limits(auction: Auction, weight: int) -> Iterator[int]:
    """Bids around the cap and the reserve price of the weight."""
    if auction.cap is not None:
        yield from range(auction.cap - 1, auction.cap + 2)
    if auction.reserve is not None:
        price = auction.reserve * weight // WAD
        yield from range(price - 1, price + 2)


def _edges(auction: Auction, i: int) -> list[int]:
    """Bids at which i meets a rival, and its shares of the budget beside the rivals that are cheapest per weight."""
    weight = auction.bids[i].weight
    rivals = [bid for j, bid in enumerate(auction.bids) if j != i and bid.weight]
    rivals.sort(key=lambda bid: bid.cost / bid.weight)  # only where to look: nothing rests on the rounding
    meetings = [bid.cost * weight // bid.weight for bid in rivals]
    beside = accumulate((bid.weight for bid in rivals), initial=weight)
    shares = [auction.reward * weight // total for total in beside if total]
    return [edge + step for edge in (*meetings, *shares) for step in (-1, 0, 1)]


def _sample(rng: Random, bids: list[int], count: int | None) -> list[int]:
    return bids if count is None else rng.sample(bids, min(count, len(bids)))


def _with_bid(auction: Auction, i: int, cost: int) -> Auction:
    bids = list(auction.bids)
    bids[i] = bids[i]._replace(cost=cost)
    return auction._replace(bids=bids)
