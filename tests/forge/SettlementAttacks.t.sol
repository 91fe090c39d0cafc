// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";

/// @notice Passes carried where other prices hold, records that are not those revealed, and degenerate auctions.
contract SettlementAttacksTest is MarketFixture {
    function setUp() public {
        setUpMarket(3, 3);
    }

    /// @dev Two bids of weight 1 at costs 10 and 20, to be settled.
    function twoBids() private returns (bytes memory all) {
        openRound();
        bid(10, WAD, WAD);
        bid(20, WAD, WAD);
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        return records();
    }

    function bothWin() private pure returns (Clearing.Certificate memory) {
        return Clearing.Certificate(2 * WAD, Clearing.NONE, 0, 0);
    }

    /* PASSES */

    /// @dev The same records in a richer round: its first batch would count rewards that the poorer cannot pay.
    function test_passOfAnotherRound() public {
        bytes memory all = twoBids();
        market.settle(round, 0, bothWin(), 0, part(all, 0, 1));
        terms = defaultTerms();
        (terms.budget, terms.utilityPool) = (100, 100);
        bytes memory same = twoBids();
        assertEq(keccak256(same), keccak256(all), "the same records");
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 0));
        market.settle(round, 0, bothWin(), 1, part(all, 1, 2));
        market.settle(round, 0, bothWin(), 0, all);
        assertEq(market.roundOf(round).totalReward, 100, "R of this round");
    }

    /// @dev The same records in both auctions of a round.
    function test_passOfTheOtherAuction() public {
        terms.trancheShare = 0.3e18;
        openRound();
        for (uint256 i; i < 4; ++i) {
            bid(10 + i % 2 * 10, WAD, WAD);
            leaves[i].group = uint8(i / 2);
        }
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        bytes memory all = records(0);
        assertEq(keccak256(records(1)), keccak256(all), "the same records");
        market.settle(round, 1, bothWin(), 0, part(all, 0, 1));
        market.settle(round, 1, bothWin(), 0, all);
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 0));
        market.settle(round, 0, bothWin(), 1, part(all, 1, 2));
        market.settle(round, 0, bothWin(), 0, all);
        assertEq(market.roundOf(round).totalReward, 1_000, "R");
    }

    /// @dev Begun under a lower W, and so at a higher price.
    function test_passUnderAnotherCertificate() public {
        bytes memory all = twoBids();
        market.settle(round, 0, Clearing.Certificate(WAD, Clearing.NONE, 0, 0), 0, part(all, 0, 1));
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 0));
        market.settle(round, 0, bothWin(), 1, part(all, 1, 2));
    }

    /* RECORDS */

    function refuseRecords(bytes memory wrong, Clearing.Certificate memory c) private {
        vm.expectRevert(Errors.WrongRecords.selector);
        market.settle(round, 0, c, 0, wrong);
    }

    function test_repeatedReorderedOrInventedRecords() public {
        bytes memory all = twoBids();
        bytes memory first = part(all, 0, 1);
        bytes memory second = part(all, 1, 2);
        refuseRecords(bytes.concat(first, first), bothWin());
        refuseRecords(bytes.concat(second, first), bothWin());
        refuseRecords(bytes.concat(first, abi.encodePacked(uint64(20), uint64(WAD + 1))), bothWin());
        refuseRecords(bytes.concat(all, second), Clearing.Certificate(3 * WAD, Clearing.NONE, 0, 0));
    }

    function test_reorderedBatches() public {
        bytes memory all = twoBids();
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 0));
        market.settle(round, 0, bothWin(), 1, part(all, 1, 2));
        market.settle(round, 0, bothWin(), 0, part(all, 1, 2));
        vm.expectRevert(Errors.WrongRecords.selector);
        market.settle(round, 0, bothWin(), 1, part(all, 0, 1));
    }

    function test_missingRecordsSettleNothing() public {
        bytes memory all = twoBids();
        market.settle(round, 0, Clearing.Certificate(WAD, Clearing.NONE, 0, 0), 0, part(all, 0, 1));
        assertTrue(!market.roundOf(round).settled, "one is missing");
        market.settle(round, 0, bothWin(), 0, "");
        assertTrue(!market.roundOf(round).settled, "all are missing");
    }

    function test_recordsOfTheOtherAuction() public {
        terms.trancheShare = 0.3e18;
        openRound();
        bid(10, WAD, WAD);
        bid(20, WAD, WAD);
        leaves[1].group = 1;
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        bytes memory others = records(0);
        vm.expectRevert(Errors.WrongRecords.selector);
        market.settle(round, 1, Clearing.Certificate(WAD, Clearing.NONE, 0, 0), 0, others);
    }

    /* DEGENERATE AUCTIONS */

    /// @dev Equal virtual costs, room for two: those who opened first win, whatever the order of commitments.
    function test_equalVirtualCosts() public {
        openRound();
        for (uint256 i; i < 3; ++i) {
            bid(400, WAD, WAD);
        }
        score();
        reveal(2);
        reveal(0);
        reveal(1);
        settle();
        uint256[3] memory expected = [uint256(400), 0, 400];
        for (uint256 i; i < 3; ++i) {
            (uint256 reward,) = market.rewardOf(round, bids[i].provider);
            assertEq(reward, expected[i], "ties by the order of reveals");
        }
        claimAll();
    }

    /// @dev Worth nothing, paid nothing; and no marginal bid: at any cost it would stop the winners, a second outcome.
    function test_zeroWeights() public {
        openRound();
        bid(10, WAD, WAD);
        bid(0, 0, WAD);
        bid(10, 0, WAD);
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        bytes memory all = records();
        vm.expectRevert(Clearing.MarginalNotKept.selector);
        market.settle(round, 0, Clearing.Certificate(WAD, 2, 10, 0), 0, all);
        settle();
        uint256[3] memory expected = [uint256(1_000), 0, 0];
        for (uint256 i; i < 3; ++i) {
            (uint256 reward,) = market.rewardOf(round, bids[i].provider);
            assertEq(reward, expected[i], "nothing for nothing");
        }
        claimAll();
        assertEq(bids[2].provider.balance, terms.bidBond, "bond");
    }
}
