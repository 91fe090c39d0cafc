// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarketFixture} from "./utils/MarketFixture.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";

/// @notice What a whole transaction costs, intrinsic gas and calldata included: each call runs in one of its own.
/// forge-config: default.isolate = true
contract DataMarketGasTest is MarketFixture {
    function setUp() public {
        setUpMarket(7, 5);
        terms.maxBids = 1_024;
    }

    /// @dev Prints the gas of the call before, and refuses more than `most`.
    function used(string memory name, uint256 most) private {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(name, gas);
        assertTrue(gas <= most, name);
    }

    /// @dev The second claim of a round, by a provider that has held ether and tokens before.
    function claimSecond() private {
        settle();
        market.refund(round);
        market.claim(round, bids[0].provider);
        address payee = bids[1].provider;
        vm.deal(payee, 1 ether);
        DemoToken(token).mint(payee, 1);
        vm.prank(payee);
        market.claim(round, payee);
    }

    function test_commit_observe_report_reveal() public {
        openRound();
        used("open", 530_000);
        for (uint256 i; i < 1_024; ++i) {
            bid(1, WAD - i, WAD - i);
        }
        used("commit", 59_500);
        observeAll();
        used("observe", 62_000);
        postReport();
        used("report_5of7", 117_000);
        vm.warp(terms.challengeEnd);
        reveal(0);
        reveal(1);
        used("reveal_1024", 63_500);
    }

    function test_claimCash() public {
        terms.liquidity = uint64(WAD);
        terms.shareSupply = 0;
        openRound();
        for (uint256 i; i < 4; ++i) {
            bid(1, WAD, WAD);
        }
        score();
        revealAll();
        claimSecond();
        used("claim_cash", 59_500);
    }

    function test_claimAll() public {
        openRound();
        for (uint256 i; i < 4; ++i) {
            bid(1, WAD, WAD);
        }
        score();
        revealAll();
        claimSecond();
        used("claim_all", 140_500);
    }
}
