"""The clearing rule: Singer's proportional share with every winner paid its largest winning bid.

The default rule, on chain and off; twin of ``contracts/libraries/Clearing.sol``. It replaces the paper's Algorithm 1,
whose selection no payment rule keeps within the budget (the critical payments of costs 1 and 6 under a budget of 10
are 6 and 9; Lemma 3 fails). For additive weights it is one price per unit of weight: Singer, "Budget Feasible
Mechanisms" (FOCS 2010), with the exact thresholds. It keeps what the paper promises: DSIC, IR, the budget, payments
ordered by weight and increasing in the own weight, and no coalition in which everybody gains.

Bids stand in *position* order (on chain: the order of reveals), which breaks ties of cost per weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from oracle.mechanism.integers import MONEY_BITS, WAD, MechanismError, ZeroReward, natural, naturals, ratio_key

COST_BITS = 128
WEIGHT_BITS = 96
NONE = 2**256 - 1
"""The word that stands for "no marginal bid" on chain; here it is ``None``."""


class CertificateRejected(MechanismError):
    """A certificate is not the one of its bids."""


class MarginalNotKept(CertificateRejected):
    """The certificate's marginal bid does not exist or is not kept."""


class MarginalFits(CertificateRejected):
    """The certificate's marginal bid would fit the budget beside the winners."""


class WinnerDoesNotFit(CertificateRejected):
    """A bid before the marginal one does not fit the budget."""


class WrongWinningWeight(CertificateRejected):
    """The weights of the winners do not add up to the certificate's."""


class Bid(NamedTuple):
    """What a provider asks and what its dataset weighs."""

    cost: int
    """Smallest acceptable reward, money units, below 2**128."""
    weight: int
    """WAD, below 2**96; 0 is ineligible."""


class Certificate(NamedTuple):
    """The whole outcome in two numbers: anybody's result is O(1) from it."""

    winning_weight: int
    """W: sum of the winners' weights, WAD."""
    marginal: int | None
    """m: position of the first kept bid that does not win; None when all win."""


class Progress(NamedTuple):
    """What a pass has seen so far; on chain it also folds the bids into their running hash."""

    weight_sum: int
    """Of the winners, WAD."""
    reward_sum: int
    """Money units."""


class Outcome(NamedTuple):
    """Result of `clear`."""

    winners: tuple[int, ...]
    """Positions of the winners in order of cost per weight."""
    rewards: tuple[int, ...]
    """Reward of every bid by position, money units; 0 for losers."""
    certificate: Certificate

    @property
    def total_reward(self) -> int:
        """Sum of the rewards, money units, at most the reward budget."""
        return sum(self.rewards)


def kept(cost: int, weight: int, reserve: int | None = None, cap: int | None = None) -> bool:
    """Whether a bid takes part: weight above zero, cost within the public cap and the reserve price.

    The paper has neither reserve nor cap; without them a lone bidder is paid the whole budget.

    Parameters
    ----------
    cost, weight
        As in `Bid`.
    reserve
        Highest price of one WAD of weight, money units; None for none.
    cap
        Highest eligible bid, money units; None for none.
    """
    return weight > 0 and (cap is None or cost <= cap) and (reserve is None or cost * WAD <= reserve * weight)


def before(cost_i: int, weight_i: int, i: int, cost_m: int, weight_m: int, m: int) -> bool:
    """Whether bid i comes before bid m: lower virtual cost (cost per weight), ties to the lower position."""
    x = cost_i * weight_m
    y = cost_m * weight_i
    return x < y or (x == y and i < m)


def clear(bids: Sequence[Bid], reward: int, reserve: int | None = None, cap: int | None = None) -> Outcome:
    """Clear the market by sorting.

    Winners are the longest prefix, in order of virtual cost, whose last bid fits: ``cost * W <= reward * weight`` with
    W the prefix's weight. The paper's Algorithm 1 takes bids while their *sum* fits, which is not budget-feasible once
    winners are paid critical payments, and stops at the first that does not fit, which one heavy bid can exploit.

    Parameters
    ----------
    bids
        In position order.
    reward
        R, money units: what all rewards together may reach; above 0, below 2**128.
    reserve, cap
        As in `kept`, below 2**128.

    Returns
    -------
    Outcome
        Winners, rewards and the certificate that `verify` accepts.

    Raises
    ------
    NotAnInteger, NegativeValue, ValueTooLarge, ZeroReward
        A number is outside its range; the message names it.
    """
    check(bids, reward, reserve, cap)
    winners: list[int] = []
    winning_weight = 0
    marginal = None
    for i in in_order(bids, reserve, cap):
        cost, weight = bids[i]
        if cost * (winning_weight + weight) > reward * weight:
            marginal = i
            break
        winners.append(i)
        winning_weight += weight
    certificate = Certificate(winning_weight, marginal)
    rewards = [0] * len(bids)
    for i, payment in zip(winners, largest_winning_bids(bids, certificate, winners, reward, reserve, cap), strict=True):
        rewards[i] = payment
    return Outcome(tuple(winners), tuple(rewards), certificate)


def largest_winning_bids(
    bids: Sequence[Bid],
    certificate: Certificate,
    winners: Sequence[int],
    reward: int,
    reserve: int | None = None,
    cap: int | None = None,
) -> list[int]:
    """Payments of the winners, money units: for each the supremum of the bids it still wins with.

    The paper's section 4.1 pays the infimum of the winning bids, which is 0; the critical payment of its Lemmas 1 and 2
    is the supremum. It is the least of four: the share of the budget, the edge at which the bid would meet the marginal
    one (from a later position it must stay strictly below), the reserve price of the weight, and the cap.
    """
    winning_weight, marginal = certificate
    weights = [bids[i].weight for i in winners]
    bounds = [[reward * weight // winning_weight for weight in weights]]
    if marginal is not None:
        cost_m, weight_m = bids[marginal]
        strict = [i > marginal for i in winners]
        bounds.append([(cost_m * weight - below) // weight_m for weight, below in zip(weights, strict, strict=True)])
    if reserve is not None:
        bounds.append([reserve * weight // WAD for weight in weights])
    if cap is not None:
        bounds.append([cap] * len(weights))
    return list(map(min, zip(*bounds, strict=True)))


def reward_of(
    bids: Sequence[Bid],
    certificate: Certificate,
    position: int,
    reward: int,
    reserve: int | None = None,
    cap: int | None = None,
) -> int:
    """Reward of the bid at ``position`` under a verified certificate, money units; 0 for losers.

    Reads that bid and the marginal one only: O(1), which is why the contract stores nothing per provider.
    """
    if not _wins(bids, certificate, position, reserve, cap):
        return 0
    return largest_winning_bids(bids, certificate, [position], reward, reserve, cap)[0]


def verify(
    bids: Sequence[Bid],
    certificate: Certificate,
    reward: int,
    reserve: int | None = None,
    cap: int | None = None,
) -> int:
    """Verify a certificate in one pass, in any order, without sorting; return the sum of the rewards, money units.

    On chain `begin`, `scan` and `finish` are called one by one, so that the pass can be cut into batches.

    Exactly one certificate passes. Let it name (W, m): every kept bid before m fits the budget at W, their weights add
    up to W, and m itself does not fit beside them; so they are the longest prefix that fits.

    Raises
    ------
    MarginalNotKept, MarginalFits, WinnerDoesNotFit, WrongWinningWeight
        The certificate is not the one of these bids (all are `CertificateRejected`).
    NotAnInteger, NegativeValue, ValueTooLarge, ZeroReward
        A number is outside its range.
    """
    check(bids, reward, reserve, cap)
    begin(bids, certificate, reward, reserve, cap)
    progress = scan(bids, certificate, range(len(bids)), Progress(0, 0), reward, reserve, cap)
    finish(certificate, progress)
    return progress.reward_sum


def begin(
    bids: Sequence[Bid], certificate: Certificate, reward: int, reserve: int | None = None, cap: int | None = None
) -> None:
    """What must hold of a certificate whatever the bids before m are: m is kept and does not fit. See `verify`."""
    winning_weight, marginal = certificate
    natural("winning weight", winning_weight, MONEY_BITS)
    if marginal is None:
        return
    natural("marginal", marginal, 256)
    if marginal >= len(bids) or not kept(*bids[marginal], reserve, cap):
        raise MarginalNotKept(f"bid {marginal} does not exist or is not kept")
    cost, weight = bids[marginal]
    if cost * (winning_weight + weight) <= reward * weight:
        raise MarginalFits(f"bid {marginal} fits the budget beside the winners")


def scan(
    bids: Sequence[Bid],
    certificate: Certificate,
    batch: range,
    progress: Progress,
    reward: int,
    reserve: int | None = None,
    cap: int | None = None,
) -> Progress:
    """Fold the next bids, those at the positions of ``batch``, into the progress of a pass. See `verify`."""
    winning_weight = certificate.winning_weight
    winners = [i for i in batch if _wins(bids, certificate, i, reserve, cap)]
    for i in winners:
        cost, weight = bids[i]
        if cost * winning_weight > reward * weight:
            raise WinnerDoesNotFit(f"bid {i} does not fit the budget")
    weight_sum = progress.weight_sum + sum(bids[i].weight for i in winners)
    if not winning_weight:  # `finish` refuses it if anybody wins
        return Progress(weight_sum, progress.reward_sum)
    paid = sum(largest_winning_bids(bids, certificate, winners, reward, reserve, cap))
    return Progress(weight_sum, progress.reward_sum + paid)


def finish(certificate: Certificate, progress: Progress) -> None:
    """The last word on a pass over all bids: the winners' weights add up to W. See `verify`."""
    if progress.weight_sum != certificate.winning_weight:
        raise WrongWinningWeight(f"the winners weigh {progress.weight_sum}, not {certificate.winning_weight}")


def price(bids: Sequence[Bid], certificate: Certificate, reward: int, reserve: int | None = None) -> Fraction | None:
    """What a winner is paid for one unit (10**-18) of weight, before ties, rounding and the cap; None without a bound.

    One ratio is the least for all winners: the budget's R / W, the marginal bid's or the reserve price.
    """
    winning_weight, marginal = certificate
    ratios = [Fraction(reward, winning_weight)] if winning_weight else []
    if marginal is not None:
        ratios.append(Fraction(*bids[marginal]))
    if reserve is not None:
        ratios.append(Fraction(reserve, WAD))
    return min(ratios, default=None)


def _wins(bids: Sequence[Bid], certificate: Certificate, i: int, reserve: int | None, cap: int | None) -> bool:
    """Whether bid i is kept and comes before the certificate's marginal bid."""
    m = certificate.marginal
    cost, weight = bids[i]
    if i == m or not kept(cost, weight, reserve, cap):
        return False
    return m is None or before(cost, weight, i, *bids[m], m)


def in_order(bids: Sequence[Bid], reserve: int | None = None, cap: int | None = None) -> list[int]:
    """Positions of the kept bids by (cost / weight, position); the sort is stable, so ties keep their order."""
    positions = [i for i, (cost, weight) in enumerate(bids) if kept(cost, weight, reserve, cap)]
    bits = max((bids[i].weight for i in positions), default=0).bit_length()
    return sorted(positions, key=lambda i: ratio_key(*bids[i], bits))


def check(bids: Sequence[Bid], reward: int, reserve: int | None = None, cap: int | None = None) -> None:
    """Raise unless every number is in the range under which no product of the rule leaves 256 bits."""
    natural("number of bids", len(bids), 32)
    if natural("reward", reward, MONEY_BITS) == 0:
        raise ZeroReward("the reward budget is zero")
    if reserve is not None:
        natural("reserve", reserve, MONEY_BITS)
    if cap is not None:
        natural("cap", cap, MONEY_BITS)
    naturals("cost of bid", [bid.cost for bid in bids], COST_BITS)
    naturals("weight of bid", [bid.weight for bid in bids], WEIGHT_BITS)
