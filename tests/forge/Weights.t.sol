// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Weights} from "../../contracts/libraries/Weights.sol";

contract WeightsTest {
    uint256 private constant WAD = 1e18;
    uint64 private constant ONE = 1e18;
    uint64 private constant MAX = type(uint64).max;

    function test_PowExactExponents() external pure {
        require(Weights.powWad(0, 0) == WAD, "0^0");
        require(Weights.powWad(7, 0) == WAD, "x^0");
        require(Weights.powWad(7, WAD) == 7, "x^1");
        require(Weights.powWad(0, WAD) == 0, "0^1");
        require(Weights.powWad(0, 1) == 0, "0^tiny");
        require(Weights.powWad(2e18, 0.5e18) == 1.414213562373095047e18, "sqrt(2): one unit below, an approximation");
    }

    function test_WeightKnown() external pure {
        require(Weights.weight(0.5e18, 0.4e18, ONE, ONE, 0) == 0.2e18, "product");
        require(Weights.weight(0.5e18, 0.4e18, ONE, ONE, 0.1e18) == 0.25e18, "kappa offsets the impact");
        require(Weights.weight(0.5e18, 0.4e18, 0, ONE, 0) == 0.4e18, "eta 0 ignores quality");
        require(Weights.weight(0, ONE, ONE, ONE, 0) == 0, "no quality, no weight");
        require(Weights.weight(3, ONE / 2, ONE, ONE, 0) == 1, "rounded down");
    }

    /// @dev Unit exponents: the exact product, which cannot overflow.
    function testFuzz_WeightUnitExponents(uint64 quality, uint64 impact, uint64 kappa) external pure {
        uint256 naive = uint256(quality) * (uint256(impact) + kappa) / WAD;
        require(Weights.weight(quality, impact, ONE, ONE, kappa) == naive, "product");
    }

    /// @dev Any arguments: no revert, and Solady's powers multiplied in 512 bits wherever the naive product fits.
    function testFuzz_WeightNeverReverts(uint64 quality, uint64 impact, uint64 eta, uint64 gamma, uint64 kappa)
        external
        pure
    {
        uint256 w = Weights.weight(quality, impact, eta, gamma, kappa);
        uint256 u = Weights.powWad(quality, eta);
        uint256 v = Weights.powWad(uint256(impact) + kappa, gamma);
        if (u == 0 || v <= type(uint256).max / u) require(w == u * v / WAD, "naive product");
        else require(w > type(uint256).max / WAD, "larger than any naive product");
    }

    function test_WeightBoundsOfTypes() external pure {
        require(Weights.weight(MAX, MAX, MAX, MAX, MAX) > type(uint192).max, "top");
        require(Weights.weight(1, 1, MAX, MAX, 0) == 0, "bottom");
    }

    /// @dev Everything but the exact exponents is Solady's function.
    function testFuzz_PowIsSolady(uint64 base, uint64 exponent) external pure {
        if (base == 0 || exponent == 0 || exponent == WAD) return;
        int256 power = FixedPointMathLib.powWad(int256(uint256(base)), int256(uint256(exponent)));
        require(Weights.powWad(base, exponent) == uint256(power), "Solady");
    }
}
