"""One auction over cash and shares; twin of ``contracts/libraries/Liquidity.sol``.

The paper's Mixed-MIA pays the auction's cash and hands out MUT by weight on top, which is neither DSIC nor IR at
liquidity below one (Theorems 2 and 3 fail: with rho = 1/2, U = 10 and costs 1 and 6 under B = 10 the first raises its
reward from 5.5 to 8 by bidding 5). Here one auction clears the face value R = L + D, a bid is the smallest total its
provider accepts, and every reward is L/R cash and D/R shares. rho = 1 is Q-MIA, rho = 0 is MUT.
"""

from __future__ import annotations

from collections.abc import Sequence

from oracle.mechanism.integers import MONEY_BITS, WAD, MechanismError, ZeroReward, natural, naturals


class LiquidityOutOfRange(MechanismError):
    """The liquidity rho is above WAD."""


class RewardAboveTotal(MechanismError):
    """A reward, or a part of the budget, is above the budget it comes from."""


def split(budget: int, utility_pool: int, liquidity: int) -> tuple[int, int]:
    """Cash ``L = rho * B`` and deferred part ``D = (1 - rho) * U``, each rounded down, money units.

    Parameters
    ----------
    budget
        B, money units, below 2**128.
    utility_pool
        U, the revenue the planner expects to share, money units, below 2**128.
    liquidity
        rho, WAD, at most WAD.

    Raises
    ------
    LiquidityOutOfRange
        rho is above WAD.
    ZeroReward
        ``L + D`` is zero.
    NotAnInteger, NegativeValue, ValueTooLarge
        An argument is outside its range.
    """
    natural("budget", budget, MONEY_BITS)
    natural("utility pool", utility_pool, MONEY_BITS)
    check_liquidity(liquidity)
    cash = budget * liquidity // WAD
    deferred = utility_pool * (WAD - liquidity) // WAD
    if cash + deferred == 0:
        raise ZeroReward("cash and deferred part of the budget are both zero")
    return cash, deferred


def check_liquidity(liquidity: int) -> None:
    """Raise LiquidityOutOfRange unless rho is at most WAD; NotAnInteger, NegativeValue, ValueTooLarge as `split`."""
    if natural("liquidity", liquidity, 256) > WAD:
        raise LiquidityOutOfRange(f"liquidity must be at most {WAD}, got {liquidity}")


def cash_of(reward: int, cash: int, total: int) -> int:
    """Cash part of a reward, rounded up in the provider's favour: ``ceil(reward * L / R)``, money units.

    The provider also receives ``reward`` MUT units out of exactly R. With a binding budget and unit exponents the two
    add up to the paper's ``rho * p + (1 - rho) * s * U``, to the unit of rounding.

    Parameters
    ----------
    reward
        Money units, at most ``total``.
    cash, total
        L and R = L + D, money units.

    Raises
    ------
    RewardAboveTotal
        ``reward`` or ``cash`` is above ``total``.
    """
    return cash_parts([reward], cash, total)[0]


def cash_parts(rewards: Sequence[int], cash: int, total: int) -> list[int]:
    """`cash_of` each reward: a market's at once."""
    _check(max(rewards, default=0), cash, total)
    naturals("reward", rewards, MONEY_BITS)
    return [-(-reward * cash // total) for reward in rewards]


def _check(reward: int, cash: int, total: int) -> None:
    natural("total", total, MONEY_BITS)
    if not natural("reward", reward, MONEY_BITS) <= total or not natural("cash", cash, MONEY_BITS) <= total:
        raise RewardAboveTotal(f"reward {reward} and cash {cash} must be at most {total}")
    if total == 0:
        raise ZeroReward("the reward budget is zero")
