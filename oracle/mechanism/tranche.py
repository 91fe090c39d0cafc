"""The diversity tranche: part of the budget is auctioned among an under-served group first.

The paper's appendix E reserves a tenth of the budget for such a group. Here these are two disjoint auctions by the
clearing rule: members compete with each other alone, everybody else for the rest, and what the members leave unspent
rolls over to the others. Each provider stands in one auction whose budget its own bid cannot move, so that all the
rule promises holds in each; that needs membership to be attested with the scores, never claimed by a bid. A coalition
across the two is outside it: the members' bids move what is left for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from oracle.mechanism.clearing import Bid, Certificate, clear
from oracle.mechanism.clearing import verify as verify_auction
from oracle.mechanism.integers import MONEY_BITS, WAD, MechanismError, natural
from oracle.mechanism.shares import LengthMismatch


class TrancheOutOfRange(MechanismError):
    """The tranche takes nothing of the budget, or all of it."""


class Certificates(NamedTuple):
    """One for each auction. Positions count within the auction, in the original order, as its records do on chain."""

    group: Certificate
    main: Certificate


class TrancheOutcome(NamedTuple):
    """Result of `clear_tranche`. Winners and rewards are by position in the original order."""

    winners: tuple[int, ...]
    """The group's, then the others', each in order of cost per weight."""
    rewards: tuple[int, ...]
    """Money units; 0 for losers."""
    certificates: Certificates
    group_budget: int
    """What the members competed for, money units."""
    group_reward: int
    """What their rewards add up to; the rest rolled over."""

    @property
    def total_reward(self) -> int:
        """Sum of all rewards, money units, at most the reward budget."""
        return sum(self.rewards)


def group_budget(reward: int, share: int) -> int:
    """What the group's auction is held over: ``floor(reward * share / WAD)``, money units.

    Parameters
    ----------
    reward
        R, money units, below 2**128.
    share
        WAD, above 0 and below WAD.

    Raises
    ------
    TrancheOutOfRange
        The share is 0 or WAD and above, so that one auction has no budget, or less than one money unit.
    NotAnInteger, NegativeValue, ValueTooLarge
        An argument is outside its range.
    """
    natural("reward", reward, MONEY_BITS)
    if not 0 < natural("share of the tranche", share, 256) < WAD:
        raise TrancheOutOfRange(f"the share of the tranche must lie between 0 and {WAD}, got {share}")
    budget = reward * share // WAD
    if budget == 0:
        raise TrancheOutOfRange(f"the tranche gets less than one unit of the reward budget {reward}")
    return budget


def clear_tranche(
    bids: Sequence[Bid],
    members: Sequence[bool],
    share: int,
    reward: int,
    reserve: int | None = None,
    cap: int | None = None,
) -> TrancheOutcome:
    """Clear the group's auction over its share, then everybody else's over what is left of ``reward``.

    Parameters
    ----------
    bids
        In position order.
    members
        Whether each bid's provider belongs to the group.
    share, reward
        As in `group_budget`.
    reserve, cap
        As in ``clearing.clear``; the same in both auctions.

    Raises
    ------
    LengthMismatch
        ``members`` is not as long as ``bids``.
    TrancheOutOfRange, NotAnInteger, NegativeValue, ValueTooLarge
        As `group_budget` and ``clearing.clear``.
    """
    group, others = _positions(bids, members)
    budget = group_budget(reward, share)
    first = clear([bids[i] for i in group], budget, reserve, cap)
    second = clear([bids[i] for i in others], reward - first.total_reward, reserve, cap)
    rewards = [0] * len(bids)
    winners: list[int] = []
    for positions, outcome in ((group, first), (others, second)):
        winners += [positions[k] for k in outcome.winners]
        for i, amount in zip(positions, outcome.rewards, strict=True):
            rewards[i] = amount
    certificates = Certificates(first.certificate, second.certificate)
    return TrancheOutcome(tuple(winners), tuple(rewards), certificates, budget, first.total_reward)


def verify(
    bids: Sequence[Bid],
    members: Sequence[bool],
    certificates: Certificates,
    share: int,
    reward: int,
    reserve: int | None = None,
    cap: int | None = None,
) -> int:
    """Verify both certificates, the group's first since its rewards decide what is left; the sum of all rewards.

    Raises
    ------
    CertificateRejected
        Either is not the one of its bids: see ``clearing.verify`` for the four ways.
    LengthMismatch, TrancheOutOfRange, NotAnInteger, NegativeValue, ValueTooLarge
        As `clear_tranche`.
    """
    group, others = _positions(bids, members)
    budget = group_budget(reward, share)
    spent = verify_auction([bids[i] for i in group], certificates.group, budget, reserve, cap)
    return spent + verify_auction([bids[i] for i in others], certificates.main, reward - spent, reserve, cap)


def _positions(bids: Sequence[Bid], members: Sequence[bool]) -> tuple[list[int], list[int]]:
    """Positions of the group's bids and of all others."""
    if len(bids) != len(members):
        raise LengthMismatch(f"{len(members)} memberships for {len(bids)} bids")
    inside = [i for i, member in enumerate(members) if member]
    outside = [i for i, member in enumerate(members) if not member]
    return inside, outside
