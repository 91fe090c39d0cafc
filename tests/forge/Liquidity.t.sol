// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Liquidity} from "../../contracts/libraries/Liquidity.sol";
import {MechanismHarness} from "./harness/MechanismHarness.sol";

contract LiquidityTest {
    uint256 private constant WAD = 1e18;
    MechanismHarness private immutable harness = new MechanismHarness();

    function test_SplitKnown() external pure {
        (uint256 cash, uint256 deferred) = Liquidity.split(100, 50, 0.5e18);
        require(cash == 50 && deferred == 25, "half");
        (cash, deferred) = Liquidity.split(100, 50, WAD);
        require(cash == 100 && deferred == 0, "all cash");
        (cash, deferred) = Liquidity.split(100, 50, 0);
        require(cash == 0 && deferred == 50, "all deferred");
        (cash, deferred) = Liquidity.split(3, 3, 0.5e18);
        require(cash == 1 && deferred == 1, "each rounded down");
    }

    function test_SplitRefuses() external view {
        _refused(10, 10, WAD + 1, Liquidity.LiquidityOutOfRange.selector);
        _refused(0, 0, WAD / 2, Liquidity.ZeroReward.selector);
        _refused(0, 10, WAD, Liquidity.ZeroReward.selector);
        _refused(10, 0, 0, Liquidity.ZeroReward.selector);
    }

    function testFuzz_CashOfIsTheCeiling(uint128 reward, uint128 cash, uint128 total) external pure {
        if (total == 0) return;
        uint256 got = Liquidity.cashOf(reward, cash, total);
        uint256 exact = uint256(reward) * cash;
        require(got * total >= exact, "not below");
        require(got == 0 || (got - 1) * total < exact, "by less than one");
    }

    /// @dev All claims together stay within the escrow of L and one unit for each.
    function testFuzz_EscrowCoversEveryClaim(uint64 budget, uint64 pool, uint64 rho, uint256 seed) external pure {
        rho = uint64(rho % (WAD + 1));
        (uint256 cash, uint256 total) = _split(budget, pool, rho);
        if (total == 0) return;
        uint256 winners = seed % 20;
        uint256 totalReward;
        uint256 paid;
        for (uint256 i; i < winners; ++i) {
            uint256 reward = uint256(keccak256(abi.encode(seed, i))) % (total - totalReward + 1);
            totalReward += reward;
            paid += Liquidity.cashOf(reward, cash, total);
        }
        require(paid <= cash + winners, "claims are covered");
    }

    function _split(uint256 budget, uint256 pool, uint256 rho) private pure returns (uint256 cash, uint256 total) {
        uint256 deferred = pool * (WAD - rho) / WAD;
        cash = budget * rho / WAD;
        total = cash + deferred;
        if (total == 0) return (0, 0);
        (uint256 c, uint256 d) = Liquidity.split(budget, pool, rho);
        require(c == cash && d == deferred, "split");
    }

    function _refused(uint256 budget, uint256 pool, uint256 rho, bytes4 selector) private view {
        (bool ok, bytes memory reason) = address(harness).staticcall(abi.encodeCall(harness.split, (budget, pool, rho)));
        require(!ok && bytes4(reason) == selector, "named error");
    }
}
