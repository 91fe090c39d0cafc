// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title One auction over cash and shares
/// @notice Splits the reward budget R into cash L and deferred revenue shares D, and a reward into its cash part.
/// @dev Twin of `oracle/mechanism/liquidity.py`. Money units throughout; `liquidity` (rho) is WAD.
library Liquidity {
    uint256 internal constant WAD = 1e18;

    /// @dev `liquidity` is above WAD.
    error LiquidityOutOfRange();
    /// @dev Cash and deferred part are both zero: there is nothing to auction.
    error ZeroReward();

    /// @notice Cash L = floor(budget * rho), deferred D = floor(utilityPool * (1 - rho)); R = L + D > 0.
    /// @param budget B, money units, below 2^128.
    /// @param utilityPool U, money units, below 2^128.
    /// @param liquidity rho, WAD, at most WAD.
    function split(uint256 budget, uint256 utilityPool, uint256 liquidity)
        internal
        pure
        returns (uint256 cash, uint256 deferred)
    {
        require(liquidity <= WAD, LiquidityOutOfRange());
        cash = budget * liquidity / WAD;
        deferred = utilityPool * (WAD - liquidity) / WAD;
        require(cash + deferred != 0, ZeroReward());
    }

    /// @notice Cash part of a reward, rounded up in the provider's favour: ceil(reward * L / R).
    /// @param reward t_i, money units (also the provider's MUT units), at most `total`.
    /// @param cash L, money units.
    /// @param total R = L + D, money units.
    function cashOf(uint256 reward, uint256 cash, uint256 total) internal pure returns (uint256) {
        return FixedPointMathLib.mulDivUp(reward, cash, total);
    }
}
