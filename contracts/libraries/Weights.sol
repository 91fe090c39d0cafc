// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Weights of scored datasets
/// @notice The mechanism's `w = quality^eta * (impact + kappa)^gamma`; the paper's u(q * phi) in a form the chain can
/// compute.
/// @dev Twin of `oracle/mechanism/weights.py`: equal to the last unit on every input. All numbers are WAD.
library Weights {
    uint256 internal constant WAD = 1e18;

    /// @notice `base` to the power of `exponent`: exponent 0 gives WAD, exponent WAD gives the base itself, base 0
    /// gives 0 (tested in this order).
    /// @dev The two exact exponents come first because `powWad` is an approximation. Reverts with `ExpOverflow` above
    /// 2^255.
    /// @param base WAD, below 2^255.
    /// @param exponent WAD, below 2^64 (a logarithm is below 2^68, so the product cannot overflow).
    function powWad(uint256 base, uint256 exponent) internal pure returns (uint256) {
        if (exponent == 0) return WAD;
        if (exponent == WAD) return base;
        if (base == 0) return 0;
        return uint256(FixedPointMathLib.powWad(int256(base), int256(exponent)));
    }

    /// @notice Weight of a dataset, WAD, rounded down. Never reverts.
    /// @dev ln(2^65 / WAD) * 2^64 / WAD < 67 keeps both powers below 2^157 (no `ExpOverflow`); their product, below
    /// 2^295, is taken in 512 bits and fits again once divided by WAD.
    /// @param quality q, WAD.
    /// @param impact phi, WAD.
    /// @param eta Exponent of quality, WAD.
    /// @param gamma Exponent of impact, WAD.
    /// @param kappa Offset of impact, WAD.
    function weight(uint64 quality, uint64 impact, uint64 eta, uint64 gamma, uint64 kappa)
        internal
        pure
        returns (uint256)
    {
        return FixedPointMathLib.fullMulDiv(powWad(quality, eta), powWad(uint256(impact) + kappa, gamma), WAD);
    }
}
