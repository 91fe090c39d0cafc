"""What a rule of comparison buys: the common result of ``paper`` and ``baselines``."""

from __future__ import annotations

from typing import NamedTuple


class Purchase(NamedTuple):
    """Winners and what they are paid; unlike ``clearing.Outcome`` it comes with no certificate, and no promise."""

    winners: tuple[int, ...]
    """Positions of the winners in the order in which they were taken."""
    rewards: tuple[int, ...]
    """Reward of every bid by position, money units; 0 for losers."""
    over_budget: bool = False
    """Whether the rewards add up to more than the budget: only the paper's do."""

    @property
    def total_reward(self) -> int:
        """Sum of the rewards, money units."""
        return sum(self.rewards)
