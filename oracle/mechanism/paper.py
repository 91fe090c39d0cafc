"""The paper's Algorithms 1 and 2 to the letter: for comparison and research, never for settling a round.

One reading is ours. Section 4.1 pays "the infimum" of a winner's winning bids; those are all bids from 0 up to a
threshold, so the infimum is 0. The critical payment that Lemmas 1 and 2 argue with is the *largest* winning bid, and so
it is read here. With it the auction is DSIC and IR when everything is paid in cash, but what it pays knows no bound:
costs 1 and 6 under a budget of 10 are paid 6 and 9 (Lemma 3). docs/counterexamples.md works all claims that fail.

Bids and ties are those of ``clearing``; the paper has neither reserve price nor cap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from oracle.mechanism.clearing import Bid, check, in_order
from oracle.mechanism.integers import MONEY_BITS, WAD, natural
from oracle.mechanism.liquidity import check_liquidity
from oracle.mechanism.purchase import Purchase


class MixedOutcome(NamedTuple):
    """Result of `mixed_mia`. Amounts are exact money units by position, 0 for losers."""

    auction: Purchase
    """Outcome of `q_mia`, which decides who wins."""
    cash: tuple[Fraction, ...]
    """``rho * p_i``."""
    deferred: tuple[Fraction, ...]
    """``(1 - rho) * s_i * U``: the part of the revenue that the provider's MUT stand for."""

    @property
    def winners(self) -> tuple[int, ...]:
        """As of the auction."""
        return self.auction.winners

    @property
    def over_budget(self) -> bool:
        """Whether the cash is more than ``rho * B``."""
        return self.auction.over_budget and any(self.cash)

    @property
    def rewards(self) -> tuple[Fraction, ...]:
        """``rho * p_i + (1 - rho) * s_i * U``."""
        return tuple(c + d for c, d in zip(self.cash, self.deferred, strict=True))


def q_mia(bids: Sequence[Bid], budget: int) -> Purchase:
    """Algorithm 1, Q-MIA: take bids in order of virtual cost while their sum fits; stop at the first that does not.

    Each winner is paid its largest winning bid, whatever that adds up to: ``over_budget`` tells.

    Parameters
    ----------
    bids
        In index order; ties of virtual cost go to the lower index, a weight of 0 takes no part.
    budget
        B, money units; above 0, below 2**128.

    Raises
    ------
    NotAnInteger, NegativeValue, ValueTooLarge, ZeroReward
        A number is outside its range; the message names it.
    """
    check(bids, budget)
    order = in_order(bids)
    spent = [0, *accumulate(bids[i].cost for i in order)]
    winners = order[: bisect_right(spent, budget) - 1]
    rewards = [0] * len(bids)
    for rank, i in enumerate(winners):
        rewards[i] = critical_payment(bids, order, spent, rank, budget)
    return Purchase(tuple(winners), tuple(rewards), over_budget=sum(rewards) > budget)


def critical_payment(bids: Sequence[Bid], order: Sequence[int], spent: Sequence[int], rank: int, budget: int) -> int:
    """Section 4.1 and Lemmas 1 and 2: the largest bid with which the winner at ``rank`` still wins, money units.

    A bid wins if it fits beside the bids before it. Raised, it moves behind others. Just before the one at rank k + 1
    it may be the higher (its edge), but has the less room, the larger k; so the largest winning bid is found where the
    two cross.

    Parameters
    ----------
    order
        Positions of the bids by virtual cost.
    spent
        Sums of the first 0, 1, 2, ... costs in that order.
    """
    winner = order[rank]
    cost, weight = bids[winner]
    purse = budget + cost

    def edge(k: int) -> int:
        """Largest bid that comes before the one at rank k + 1: from a later index it must stay strictly below."""
        rival = order[k + 1]
        rival_cost, rival_weight = bids[rival]
        return (rival_cost * weight - (winner > rival)) // rival_weight

    def room(k: int) -> int:
        """What the other bids up to rank k leave of the budget; negative where they do not fit themselves."""
        return purse - spent[k + 1]

    last = len(order) - 1  # behind it nothing bounds the bid but the room
    crossing = bisect_left(range(last), True, lo=rank, key=lambda k: edge(k) >= room(k))
    return max(room(crossing), edge(crossing - 1)) if crossing > rank else room(crossing)


def mixed_mia(bids: Sequence[Bid], budget: int, utility_pool: int, liquidity: int) -> MixedOutcome:
    """Algorithm 2, Mixed-MIA: Q-MIA on the whole budget, ``rho`` of its payments in cash, ``1 - rho`` of U as MUT.

    A winner's share s_i of the MUT is its part of the winners' weight (section 5). The bids know nothing of what comes
    on top, and the shares depend on who else wins: below ``rho = 1`` neither DSIC nor IR holds (Theorems 2 and 3;
    Lemmas 5 and 6 for ``rho = 0``, MUT alone).

    Parameters
    ----------
    bids, budget
        As in `q_mia`.
    utility_pool
        U, the revenue to be shared, money units, below 2**128.
    liquidity
        rho, WAD, at most WAD.

    Raises
    ------
    LiquidityOutOfRange
        rho is above WAD.
    NotAnInteger, NegativeValue, ValueTooLarge, ZeroReward
        As `q_mia`.
    """
    natural("utility pool", utility_pool, MONEY_BITS)
    check_liquidity(liquidity)
    auction = q_mia(bids, budget)
    rho = Fraction(liquidity, WAD)
    winning_weight = sum(bids[i].weight for i in auction.winners) or 1
    per_weight = (1 - rho) * utility_pool / winning_weight
    cash, deferred = [Fraction(0)] * len(bids), [Fraction(0)] * len(bids)
    for i in auction.winners:
        cash[i] = rho * auction.rewards[i]
        deferred[i] = per_weight * bids[i].weight
    return MixedOutcome(auction, tuple(cash), tuple(deferred))
