// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice What a whole transaction costs, calldata included: each call runs in a transaction of its own.
/// forge-config: default.isolate = true
contract DataMarketGasTest is MarketFixture {
    function setUp() public {
        setUpMarket(9, 7);
    }

    function used(string memory name, uint256 most) private {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint(name, gas);
        assertTrue(gas <= most, name);
    }

    function test_commit() public {
        openRound();
        bid(10, WAD, WAD);
        bid(10, WAD, WAD);
        used("commit", 100_000);
    }

    function test_reveal_settle_claim() public {
        terms.liquidity = uint64(WAD);
        terms.maxBids = 2_000;
        terms.shareSupply = 0;
        life("cash");
    }

    function test_reveal_settle_claim_all() public {
        terms.maxBids = 2_000;
        life("all");
    }

    function life(string memory name) private {
        openRound();
        used(string.concat("open_", name), 2_000_000);
        for (uint256 i; i < 1_024; ++i) {
            bid(1, WAD - i, WAD - i);
        }
        observeAll();
        used("observe", 100_000);
        postReport();
        used("report_7of9", 150_000);
        vm.warp(terms.challengeEnd);
        for (uint256 i; i < 4; ++i) {
            reveal(i);
        }
        used("reveal_1024", 100_000);
        settle();
        used("settle_4", 200_000);
        address planner = terms.planner;
        market.refund(round);
        used("refund", 200_000);
        market.claim(round, bids[0].provider);
        used("claim_first", 250_000);
        address payee = bids[1].provider;
        // Used balances: a new account would cost 25,000 gas, a new balance 17,100.
        vm.deal(payee, 1 ether);
        (bool ok,) = token.call(abi.encodeWithSignature("mint(address,uint256)", payee, 1));
        require(ok && planner != payee);
        vm.prank(payee);
        market.claim(round, payee);
        used(string.concat("claim_", name), 250_000);
    }
}
