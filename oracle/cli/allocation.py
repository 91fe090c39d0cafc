"""What each rule decides about the market of a file: rewards, their parts in cash and shares, and votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from operator import add

from oracle.cli.allocation_file import Market
from oracle.cli.output import notes
from oracle.cli.rows import ConflictingFields, MissingField
from oracle.errors import BadInput
from oracle.mechanism import baselines, shares
from oracle.mechanism.clearing import Certificate, clear, kept
from oracle.mechanism.liquidity import cash_parts, split
from oracle.mechanism.paper import mixed_mia
from oracle.mechanism.tranche import TrancheOutcome, clear_tranche

RULES = ("clearing", "paper", "volume", "trust", "cheapest", "random", "posted")


class UnknownRule(BadInput):
    """A rule that nobody knows."""


class NoEligibleBid(BadInput):
    """No bid takes part: there is nothing to allocate."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a rule decides, by position; money in money units."""

    budget: int
    """R = L + D."""
    winners: Sequence[int]
    rewards: Sequence[int]
    cash: Sequence[int]
    shares: Sequence[int]
    """MUT units."""
    certificate: Certificate
    """The main auction's. Rules without certificate: the weight bought, and no marginal bid."""
    over_budget: bool = False
    tranche: TrancheOutcome | None = None


def apply(rule: str, market: Market) -> Allocation:
    """Run one of `RULES`.

    Raises BadInput (``NoEligibleBid``, ``MissingField``, ``ConflictingFields``) or MechanismError.
    """
    if market.tranche and rule != "clearing":
        raise ConflictingFields(f"the rule {rule} knows no tranche", hint='Leave "tranche" out, or use clearing.')
    if rule == "paper":
        return _paper(market)
    cash, deferred = split(market.budget, market.utility_pool, market.liquidity)
    reward = cash + deferred
    _require_bids(market, market.reserve, market.cap)
    winners: Sequence[int]
    rewards: Sequence[int]
    tranche = None
    if market.tranche:
        members = [group == market.tranche.group for group in market.groups]
        if not any(members):
            notes().print(f"No bid is of the group {market.tranche.group!r}: nothing is set aside.")
        tranche = clear_tranche(market.bids, members, market.tranche.share, reward, market.reserve, market.cap)
        winners, rewards, certificate = tranche.winners, tranche.rewards, tranche.certificates.main
    elif rule == "clearing":
        winners, rewards, certificate = clear(market.bids, reward, market.reserve, market.cap)
    else:
        winners, rewards = _baseline(rule, market, reward)
        certificate = _weight_bought(market, winners)
    return Allocation(
        budget=reward,
        winners=winners,
        rewards=rewards,
        cash=cash_parts(rewards, cash, reward) if deferred else rewards,
        shares=rewards if deferred else [0] * len(rewards),
        certificate=certificate,
        tranche=tranche,
    )


def _baseline(rule: str, market: Market, reward: int) -> tuple[Sequence[int], Sequence[int]]:
    """Winners and rewards of a rule that pays as bid or posts a price, among the bids within reserve and cap."""
    eligible = [i for i, bid in enumerate(market.bids) if kept(*bid, market.reserve, market.cap)]
    bids = [market.bids[i] for i in eligible]

    def column(name: str) -> list[int]:
        values = market.column(name, f"the rule {rule}")
        return [values[i] for i in eligible]

    match rule:
        case "volume":
            bought = baselines.volume(bids, reward, column("tokens"))
        case "trust":
            bought = baselines.trust(bids, reward, column("reputation"))
        case "cheapest":
            bought = baselines.cheapest(bids, reward)
        case "random":
            bought = baselines.random(bids, reward, _term(rule, "seed", market.seed))
        case _:
            bought = baselines.posted(bids, reward, _term(rule, "price", market.price))
    rewards = [0] * len(market.bids)
    for i, amount in zip(eligible, bought.rewards, strict=True):
        rewards[i] = amount
    return [eligible[k] for k in bought.winners], rewards


def _paper(market: Market) -> Allocation:
    """Algorithm 2, its exact amounts rounded down; a MUT unit stands for one money unit of (1 - rho) * U."""
    _require_bids(market, None, None)
    if market.reserve is not None or market.cap is not None:
        notes().print("The paper knows neither reserve price nor cap: both are left out of account.")
    outcome = mixed_mia(market.bids, market.budget, market.utility_pool, market.liquidity)
    cash, units = list(map(floor, outcome.cash)), list(map(floor, outcome.deferred))
    return Allocation(
        budget=sum(split(market.budget, market.utility_pool, market.liquidity)),
        winners=outcome.winners,
        rewards=list(map(add, cash, units)),
        cash=cash,
        shares=units,
        certificate=_weight_bought(market, outcome.winners),
        over_budget=outcome.over_budget,
    )


def _require_bids(market: Market, reserve: int | None, cap: int | None) -> None:
    if not any(kept(*bid, reserve, cap) for bid in market.bids):
        raise NoEligibleBid(
            f"none of {len(market.bids)} bids takes part",
            hint="A bid needs a weight above 0, within the cap and, by its weight, within the reserve price.",
        )


def _term(rule: str, name: str, value: int | None) -> int:
    if value is None:
        raise MissingField(f'the rule {rule} needs "{name}"', hint=f'Add "{name}" to the file.')
    return value


def _weight_bought(market: Market, winners: Sequence[int]) -> Certificate:
    return Certificate(sum(market.bids[i].weight for i in winners), None)


def dst(market: Market) -> Sequence[int] | None:
    """DST units allocated to each bid's provider, bought or not: no bid moves them, and only winners mint theirs."""
    if market.dst is None:
        return None
    terms, tokens = market.dst, market.column("tokens", '"dst"')
    if "quality" not in market.columns:
        notes().print("No bid carries quality and impact: votes are allocated by tokens alone.")
    nothing = [0] * len(tokens)
    quality, impact = (market.columns.get(name, nothing) for name in ("quality", "impact"))
    points = shares.scores(tokens, quality, impact, terms.weighting)
    low, high = shares.bounds(tokens, terms.supply, terms.floor, terms.cap)
    return shares.allocate(points, low, high, terms.supply).amounts
