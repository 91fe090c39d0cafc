// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";

/// @notice Settlement in batches, and of the two auctions of a round with a diversity tranche.
contract SettlementTest is MarketFixture {
    address private constant EVE = address(0xE4E);

    function setUp() public {
        setUpMarket(3, 3);
    }

    /// @dev Six bids, every other one in the tranche where there is one; those are dearer.
    function toSettle() private {
        openRound();
        for (uint256 i; i < 6; ++i) {
            bid(40 + 30 * i + i % 2 * 50, WAD - i * WAD / 10, WAD);
            leaves[i].group = uint8(i % 2);
        }
        score();
        revealAll();
        vm.warp(terms.revealEnd);
    }

    /* BATCHES */

    function testFuzz_batchesSettleAlike(uint256 first, uint256 second) public {
        toSettle();
        Clearing.Certificate memory c = certificate();
        bytes memory all = records();
        first = 1 + first % 5;
        second = first + second % (7 - first);

        market.settle(round, 0, c, 0, part(all, 0, first));
        assertEq(market.progressOf(round, 0, address(this), c), first, "progress");
        market.settle(round, 0, c, first, part(all, first, second));
        if (second < 6) market.settle(round, 0, c, second, part(all, second, 6));

        IDataMarket.RoundState memory s = market.roundOf(round);
        assertTrue(s.settled, "settled");
        uint256 total;
        uint256 cash;
        for (uint256 i; i < 6; ++i) {
            (uint256 t, uint256 paid) = market.rewardOf(round, bids[i].provider);
            total += t;
            cash += paid;
        }
        assertEq(s.totalReward, total, "rewards");
        assertEq(s.cashOwed, cash, "cash");
        claimAll();
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "to the last unit");
    }

    /// @dev Everybody's pass is their own: nobody can spoil or move on another's.
    function test_anotherProposerMovesNobodysProgress() public {
        toSettle();
        Clearing.Certificate memory c = certificate();
        bytes memory all = records();
        market.settle(round, 0, c, 0, part(all, 0, 2));

        vm.startPrank(EVE);
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 0));
        market.settle(round, 0, c, 2, part(all, 2, 6));
        market.settle(round, 0, c, 0, part(all, 0, 3));
        vm.stopPrank();

        assertEq(market.progressOf(round, 0, address(this), c), 2, "mine");
        market.settle(round, 0, c, 2, part(all, 2, 6));
        assertTrue(market.roundOf(round).settled, "settled");
    }

    /// @dev A repeated or a skipped batch is refused; starting anew is not.
    function test_aPassGoesOnWhereItStands() public {
        toSettle();
        Clearing.Certificate memory c = certificate();
        bytes memory all = records();
        market.settle(round, 0, c, 0, part(all, 0, 2));
        market.settle(round, 0, c, 2, part(all, 2, 3));
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 3));
        market.settle(round, 0, c, 2, part(all, 2, 3));
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 3));
        market.settle(round, 0, c, 4, part(all, 4, 6));
        market.settle(round, 0, c, 0, part(all, 0, 1));
        assertEq(market.progressOf(round, 0, address(this), c), 1, "anew");
        // Another certificate is another pass.
        ++c.winningWeight;
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongStart.selector, 0));
        market.settle(round, 0, c, 1, part(all, 1, 6));
    }

    /// @dev What a batch holds is checked when the pass ends, and the pass can be begun again.
    function test_wrongRecordsInABatchSpoilThatPassOnly() public {
        toSettle();
        Clearing.Certificate memory c = certificate();
        bytes memory all = records();
        bytes memory wrong = part(all, 0, 2);
        wrong[31] ^= 0x01;
        market.settle(round, 0, c, 0, wrong);
        vm.expectRevert();
        market.settle(round, 0, c, 2, part(all, 2, 6));
        market.settle(round, 0, c, 0, all);
        assertTrue(market.roundOf(round).settled, "settled");
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongPhase.selector, IDataMarket.Phase.Claim));
        market.settle(round, 0, c, 0, all);
    }

    /// @dev The marginal bid is compared with its own record, in whichever batch that comes.
    function test_anotherMarginalBidFailsInItsBatch() public {
        toSettle();
        Clearing.Certificate memory c = certificate();
        bytes memory all = records();
        assertTrue(c.marginal > 1 && c.marginal != Clearing.NONE, "a marginal bid behind the first batch");
        c.marginalCost += 1;
        market.settle(round, 0, c, 0, part(all, 0, c.marginal));
        vm.expectRevert(Clearing.MarginalNotKept.selector);
        market.settle(round, 0, c, c.marginal, part(all, c.marginal, 6));
    }

    /* TRANCHE */

    function test_trancheFirstThenWhatItLeaves() public {
        terms.trancheShare = 0.3e18;
        toSettle();
        Clearing.Certificate memory own = certificate(1, 300);
        vm.expectRevert(Errors.TrancheNotSettled.selector);
        market.settle(round, 0, certificate(0, 700), 0, records(0));

        market.settle(round, 1, own, 0, records(1));
        assertEq(uint256(market.phase(round)), uint256(IDataMarket.Phase.Settle), "the other one is to come");
        uint256 spent = market.roundOf(round).totalReward;
        assertTrue(spent != 0 && spent < 300, "something is left");
        vm.expectRevert(Errors.AlreadySettled.selector);
        market.settle(round, 1, own, 0, records(1));

        // What the tranche leaves is everybody else's.
        market.settle(round, 0, certificate(0, 1_000 - spent), 0, records(0));

        IDataMarket.RoundState memory s = market.roundOf(round);
        assertTrue(s.settled && s.auctions[0].settled && s.auctions[1].settled, "both");
        uint256[2] memory paid;
        for (uint256 i; i < 6; ++i) {
            (uint256 t,) = market.rewardOf(round, bids[i].provider);
            paid[i % 2] += t;
        }
        assertEq(paid[1], spent, "tranche");
        assertTrue(paid[0] > 700, "more than its own share");
        assertEq(paid[0] + paid[1], s.totalReward, "sum");
        assertTrue(s.totalReward <= 1_000, "budget");
        claimAll();
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "to the last unit");
        assertEq(mut().totalSupply(), 1_000, "units");
    }

    function test_anEmptyTrancheLeavesEverything() public {
        terms.trancheShare = 0.3e18;
        openRound();
        bid(100, WAD, WAD);
        score();
        revealAll();
        settle();
        (uint256 t,) = market.rewardOf(round, bids[0].provider);
        assertEq(t, 1_000, "all of it: the reserve and the cap are far");
    }

    function test_onlyMembersOfTheTrancheReveal() public {
        terms.trancheShare = 0.3e18;
        openRound();
        bid(100, WAD, WAD);
        bid(100, WAD, WAD);
        leaves[0].group = 1;
        score();
        vm.warp(terms.challengeEnd);
        reveal(0);
        uint256 burnt = BURN.balance;
        settle();
        (uint256 t,) = market.rewardOf(round, bids[0].provider);
        assertEq(t, 300, "the tranche's share");
        assertEq(BURN.balance - burnt, terms.bidBond, "one bond is burned, once");
    }

    /// @dev The tranche settled and the rest not, in time: void like any other, and the tranche is owed nothing.
    function test_aTrancheSettledAloneHoldsNothingBack() public {
        terms.trancheShare = 0.3e18;
        toSettle();
        market.settle(round, 1, certificate(1, 300), 0, records(1));
        assertTrue(market.roundOf(round).cashOwed != 0, "there are winners");
        vm.warp(terms.settleEnd);
        claimAll();
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "to the last unit");
        assertEq(address(market).balance, 0, "bonds");
        assertEq(mut().balanceOf(PLANNER), 1_000, "units");
    }

    function test_groupsCountForNothingWithoutATranche() public {
        toSettle();
        assertEq(market.roundOf(round).auctions[0].revealed, 6, "all in one");
        assertEq(market.roundOf(round).auctions[1].revealed, 0, "none");
    }

    function test_thereIsNoThirdAuction() public {
        toSettle();
        vm.expectRevert();
        market.settle(round, 2, Clearing.Certificate(0, Clearing.NONE, 0, 0), 0, "");
    }

    function test_trancheSharesThatLeaveAnAuctionWithoutABudgetAreRefused() public {
        terms.trancheShare = uint64(WAD);
        DemoToken(token).mint(PLANNER, escrow());
        vm.expectRevert(Errors.TrancheOutOfRange.selector);
        vm.prank(PLANNER);
        market.open(terms);
        terms.trancheShare = 0.000999e18; // of 1,000
        vm.expectRevert(Errors.TrancheOutOfRange.selector);
        vm.prank(PLANNER);
        market.open(terms);
        terms.trancheShare = 0.001e18;
        openRound();
    }
}
