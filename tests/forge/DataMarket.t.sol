// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarginalUtilityToken} from "../../contracts/MarginalUtilityToken.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Commitment} from "../../contracts/libraries/Commitment.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {Liquidity} from "../../contracts/libraries/Liquidity.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice A round's life as its parties live it: money to the last unit, every deadline at t - 1, t and t + 1.
contract DataMarketTest is MarketFixture {
    function setUp() public {
        setUpMarket(4, 3);
    }

    function wrongPhase(IDataMarket.Phase actual) private {
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongPhase.selector, actual));
    }

    /* MONEY */

    function test_life() public {
        openRound();
        bid(100, WAD, WAD);
        bid(200, WAD, WAD / 2);
        bid(900, WAD, WAD);
        score();
        revealAll();
        settle();

        // R = 1,000. In the order of cost per weight (100, 400, 900): 100 * 1 and 400 * 1.5 fit, 900 * 2.5 does not. R / W
        // = 667 a weight is below the edge of 900.
        uint256[3] memory rewards = [uint256(666), 333, 0];
        uint256[3] memory cash = [uint256(400), 200, 0];
        for (uint256 i; i < 3; ++i) {
            (uint256 reward, uint256 cashPart) = market.rewardOf(round, bids[i].provider);
            assertEq(reward, rewards[i], "reward");
            assertEq(cashPart, cash[i], "cash");
        }
        claimAll();

        MarginalUtilityToken shares = mut();
        for (uint256 i; i < 3; ++i) {
            address provider = bids[i].provider;
            assertEq(DemoToken(token).balanceOf(provider), cash[i] * UNIT, "paid");
            assertEq(shares.balanceOf(provider), rewards[i], "units");
            assertEq(dst.balanceOf(provider), rewards[i] == 0 ? 0 : 5e9, "shares");
            assertEq(provider.balance, terms.bidBond, "bond");
        }
        assertEq(shares.balanceOf(PLANNER), 1, "unsold");
        assertEq(shares.totalSupply(), 1_000, "supply");
        assertEq(dst.mintedIn(round), 10e9, "minted");
        assertEq(DemoToken(token).balanceOf(PLANNER), (600 + 64 - 600) * UNIT, "planner");
        conserved();
    }

    /// @dev Everything that went in went out: the market keeps nothing.
    function conserved() private view {
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "tokens left");
        assertEq(address(market).balance, 0, "wei left");
    }

    function testFuzz_conservation(uint256 seed, uint64 liquidity, uint8 count, uint8 hidden, uint8 absent) public {
        terms.liquidity = uint64(bound(liquidity, 0, WAD));
        count = uint8(bound(count, 0, 9));
        openRound();
        for (uint256 i; i < count; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            bid(word % 700, WAD - (word >> 64) % WAD, WAD - (word >> 128) % WAD);
        }
        // One operator may stay away, some bids are never opened.
        vm.warp(terms.commitEnd);
        for (uint256 i = absent % 2; i < members.length; ++i) {
            observe(i);
        }
        postReport();
        vm.warp(terms.challengeEnd);
        hidden = uint8(bound(hidden, 0, count));
        for (uint256 i = hidden; i < count; ++i) {
            reveal(i);
        }
        uint256 burned = BURN.balance;
        settle();
        assertEq(BURN.balance - burned, hidden * uint256(terms.bidBond), "burned");

        (uint256 cash, uint256 total) = cashAndTotal();
        uint256 rewards;
        for (uint256 i = hidden; i < count; ++i) {
            (uint256 reward, uint256 paid) = market.rewardOf(round, bids[i].provider);
            assertEq(paid, (reward * cash + total - 1) / total, "cash is rounded up");
            assertTrue(reward == 0 || reward >= bids[i].cost, "individually rational");
            rewards += reward;
        }
        assertTrue(rewards <= total, "budget");
        assertEq(market.roundOf(round).totalReward, rewards, "total");

        market.refund(round);
        for (uint256 i = hidden; i < count; ++i) {
            market.claim(round, bids[i].provider);
        }
        for (uint256 i = absent % 2; i < members.length; ++i) {
            market.claimOperatorFee(round, members[i]);
        }
        market.refund(round);
        conserved();
        if (cash != total) assertEq(mut().totalSupply(), total, "units");
    }

    function test_refundTwicePaysOnce() public {
        openRound();
        bid(100, WAD, WAD);
        score();
        revealAll();
        settle();
        market.refund(round);
        uint256 paid = DemoToken(token).balanceOf(PLANNER);
        market.refund(round);
        assertEq(DemoToken(token).balanceOf(PLANNER), paid, "again");
    }

    /// @dev With cash and shares mixed, each cash part is rounded up: settlement adds up exactly what is owed.
    function test_roundedCashIsOwedToTheLastUnit() public {
        openRound();
        for (uint256 i; i < 3; ++i) {
            bid(1, WAD, WAD);
        }
        score();
        revealAll();
        settle();
        assertEq(market.roundOf(round).cashOwed, 600, "3 times 199.8, rounded up");
        market.refund(round);
        for (uint256 i; i < 3; ++i) {
            market.claim(round, bids[i].provider);
        }
        for (uint256 i; i < members.length; ++i) {
            market.claimOperatorFee(round, members[i]);
        }
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "nothing stays");
    }

    function test_noReveal() public {
        openRound();
        bid(100, WAD, WAD);
        bid(100, WAD, WAD);
        score();
        vm.warp(terms.revealEnd);
        market.settle(round, 0, Clearing.Certificate(0, Clearing.NONE, 0, 0), 0, "");
        assertEq(BURN.balance, 2 * uint256(terms.bidBond), "both bonds");
        vm.expectRevert(Errors.NotRevealed.selector);
        market.claim(round, bids[0].provider);
        claimAll();
        conserved();
    }

    function test_noBids() public {
        openRound();
        observeAll();
        postReport();
        vm.warp(terms.revealEnd);
        market.settle(round, 0, Clearing.Certificate(0, Clearing.NONE, 0, 0), 0, "");
        claimAll();
        conserved();
    }

    function test_oneBidIsPaidTheReserve() public {
        terms.reserve = 300;
        openRound();
        bid(100, WAD, WAD);
        score();
        revealAll();
        settle();
        (uint256 reward,) = market.rewardOf(round, bids[0].provider);
        assertEq(reward, 300, "reserve");
        claimAll();
        conserved();
    }

    function test_allBidsAboveBudget() public {
        terms.cap = 5_000;
        openRound();
        bid(1_001, WAD, WAD);
        bid(2_000, WAD, WAD);
        score();
        revealAll();
        settle();
        assertEq(market.roundOf(round).totalReward, 0, "nobody wins");
        claimAll();
        conserved();
    }

    /// @dev What does not fit a record, or has no scores, is ineligible and keeps its bond.
    function test_ineligibleKeepsBond() public {
        terms.eta = 0;
        terms.kappa = 1e18;
        terms.gamma = 10e18;
        openRound();
        bid(uint256(type(uint64).max) + 1, WAD, 0);
        bid(10, WAD, WAD); // weight 2^10
        bid(10, WAD, 0);
        leaves[2].status = 1;
        bid(10, WAD, 0);
        score();
        revealAll();
        settle();
        for (uint256 i; i < 4; ++i) {
            (uint256 reward,) = market.rewardOf(round, bids[i].provider);
            assertEq(reward == 0 ? 0 : 1, i == 3 ? 1 : 0, "only the last");
        }
        claimAll();
        for (uint256 i; i < 4; ++i) {
            assertEq(bids[i].provider.balance, terms.bidBond, "bond");
        }
        conserved();
    }

    function test_firstRecordOfZeros() public {
        openRound();
        bid(0, WAD, WAD);
        leaves[0].status = 1;
        leaves[0].shares = 0;
        score();
        revealAll();
        assertTrue(Commitment.isRecord(market.bidOf(round, bids[0].provider)), "still a record");
        settle();
        claimAll();
        conserved();
    }

    /* PHASES */

    function test_commitWindow() public {
        openRound();
        vm.warp(terms.commitEnd - 1);
        bid(1, WAD, WAD);
        bytes32 again = sealOf(bids[0]);
        for (uint256 dt; dt < 2; ++dt) {
            vm.warp(terms.commitEnd + dt);
            vm.deal(address(this), terms.bidBond);
            wrongPhase(IDataMarket.Phase.Observe);
            market.commit{value: terms.bidBond}(round, again, 0, 0);
            wrongPhase(IDataMarket.Phase.Observe);
            market.reseal(round, again);
        }
    }

    function test_phaseAtEachDeadline() public {
        openRound();
        bid(1, WAD, WAD);
        boundary(terms.commitEnd, IDataMarket.Phase.Commit, IDataMarket.Phase.Observe);
        observeAll();
        boundary(terms.observeEnd, IDataMarket.Phase.Observe, IDataMarket.Phase.Report);
        postReport();
        boundary(terms.reportEnd, IDataMarket.Phase.Report, IDataMarket.Phase.Challenge);
        boundary(terms.challengeEnd, IDataMarket.Phase.Challenge, IDataMarket.Phase.Reveal);
        boundary(terms.revealEnd, IDataMarket.Phase.Reveal, IDataMarket.Phase.Settle);
        boundary(terms.settleEnd, IDataMarket.Phase.Settle, IDataMarket.Phase.Void);
        assertEq(uint256(market.phase(round + 1)), uint256(IDataMarket.Phase.None), "never opened");
        assertEq(uint256(market.phase(0)), uint256(IDataMarket.Phase.None), "numbered from 1");
    }

    function boundary(uint256 deadline, IDataMarket.Phase before, IDataMarket.Phase after_) private {
        vm.warp(deadline - 1);
        assertEq(uint256(market.phase(round)), uint256(before), "t - 1");
        vm.warp(deadline);
        assertEq(uint256(market.phase(round)), uint256(after_), "t");
        vm.warp(deadline + 1);
        assertEq(uint256(market.phase(round)), uint256(after_), "t + 1");
    }

    function test_revealWindow() public {
        openRound();
        bid(1, WAD, WAD);
        score();
        bytes32[] memory proof = ScoreTree.proof(leaves, 0);
        vm.warp(terms.challengeEnd - 1);
        wrongPhase(IDataMarket.Phase.Challenge);
        market.reveal(round, leaves[0], proof, bids[0].cost, bids[0].salt);
        vm.warp(terms.revealEnd);
        wrongPhase(IDataMarket.Phase.Settle);
        market.reveal(round, leaves[0], proof, bids[0].cost, bids[0].salt);
        vm.warp(terms.revealEnd - 1);
        market.reveal(round, leaves[0], proof, bids[0].cost, bids[0].salt);
    }

    function test_settleWindow() public {
        openRound();
        score();
        vm.warp(terms.revealEnd - 1);
        wrongPhase(IDataMarket.Phase.Reveal);
        market.settle(round, 0, Clearing.Certificate(0, Clearing.NONE, 0, 0), 0, "");
        vm.warp(terms.settleEnd);
        wrongPhase(IDataMarket.Phase.Void);
        market.settle(round, 0, Clearing.Certificate(0, Clearing.NONE, 0, 0), 0, "");
        vm.warp(terms.settleEnd - 1);
        market.settle(round, 0, Clearing.Certificate(0, Clearing.NONE, 0, 0), 0, "");
        wrongPhase(IDataMarket.Phase.Claim);
        market.settle(round, 0, Clearing.Certificate(0, Clearing.NONE, 0, 0), 0, "");
    }

    function test_nothingPaidBeforeTheEnd() public {
        openRound();
        bid(1, WAD, WAD);
        observeAll();
        wrongPhase(IDataMarket.Phase.Observe);
        market.claimOperatorFee(round, members[0]);
        postReport();
        vm.warp(terms.revealEnd);
        wrongPhase(IDataMarket.Phase.Settle);
        market.claim(round, bids[0].provider);
        wrongPhase(IDataMarket.Phase.Settle);
        market.refund(round);
        wrongPhase(IDataMarket.Phase.Settle);
        market.voidRound(round);
    }

    function test_unknownRound() public {
        vm.expectRevert(Errors.UnknownRound.selector);
        market.claim(1, address(this));
        vm.expectRevert(Errors.UnknownRound.selector);
        market.refund(0);
        wrongPhase(IDataMarket.Phase.None);
        market.commit(1, bytes32(type(uint256).max), 0, 0);
    }

    /* TERMS */

    function refuse(bytes4 selector, IDataMarket.Terms memory t) private {
        vm.expectRevert(selector);
        vm.prank(PLANNER);
        market.open(t);
    }

    function test_termsRefused() public {
        IDataMarket.Terms memory t = terms;
        t.planner = address(this);
        refuse(Errors.NotPlanner.selector, t);
        (t = terms).moneyUnit = 0;
        refuse(Errors.ZeroMoneyUnit.selector, t);
        (t = terms).liquidity = uint64(WAD + 1);
        refuse(Liquidity.LiquidityOutOfRange.selector, t);
        (t = terms).budget = 0;
        t.utilityPool = 2;
        refuse(Liquidity.ZeroReward.selector, t);
        (t = terms).reserve = 0;
        refuse(Errors.ZeroReserve.selector, t);
        (t = terms).cap = 0;
        refuse(Errors.ZeroCap.selector, t);
        (t = terms).maxBids = 0;
        refuse(Errors.MaxBidsOutOfRange.selector, t);
        (t = terms).maxBids = 1 << 24;
        refuse(Errors.MaxBidsOutOfRange.selector, t);
        (t = terms).bidBond = 0;
        refuse(Errors.ZeroBond.selector, t);
        (t = terms).challengeBond = 0;
        refuse(Errors.ZeroBond.selector, t);
        (t = terms).shareCap = uint64(WAD + 1);
        refuse(Errors.ShareBoundsOutOfRange.selector, t);
        (t = terms).shareCap = 0;
        refuse(Errors.ShareBoundsOutOfRange.selector, t);
        (t = terms).shareFloor = uint64(WAD + 1);
        refuse(Errors.ShareBoundsOutOfRange.selector, t);
        (t = terms).arbitrator = address(1);
        refuse(Errors.ArbitratorWithoutCode.selector, t);
        (t = terms).committee = keccak256("nobody");
        refuse(Errors.UnknownCommittee.selector, t);
    }

    function testFuzz_deadlinesRefused(uint8 which, uint256 missing) public {
        IDataMarket.Terms memory t = terms;
        uint256 least = market.MIN_PHASE();
        missing = bound(missing, 1, least);
        uint40 next = uint40(block.timestamp + least);
        uint40[6] memory ends;
        for (uint256 i; i < 6; ++i) {
            ends[i] = i == which % 6 ? uint40(next - missing) : next;
            next = uint40(ends[i] + least);
        }
        (t.commitEnd, t.observeEnd, t.reportEnd) = (ends[0], ends[1], ends[2]);
        (t.challengeEnd, t.revealEnd, t.settleEnd) = (ends[3], ends[4], ends[5]);
        refuse(Errors.PhaseTooShort.selector, t);
    }

    function test_challengeWindowOutlastedByStakes() public {
        terms.challengeEnd = uint40(block.timestamp + operators.EXIT_DELAY() + 1);
        terms.revealEnd = terms.challengeEnd + 1 hours;
        terms.settleEnd = terms.revealEnd + 1 hours;
        refuse(Errors.DeadlineTooFar.selector, terms);
        --terms.challengeEnd;
        openRound();
    }

    function test_leavingOperatorRefused() public {
        vm.prank(members[1]);
        operators.requestExit();
        vm.expectRevert(abi.encodeWithSelector(Errors.InactiveMember.selector, members[1]));
        vm.prank(PLANNER);
        market.open(terms);
    }

    function test_termsAreFrozen() public {
        openRound();
        assertEq(keccak256(abi.encode(market.terms(round))), keccak256(abi.encode(terms)), "terms");
        assertEq(market.roundOf(round).termsHash, keccak256(abi.encode(terms)), "hash");
        assertEq(market.roundOf(round).commitments, keccak256(abi.encode(terms)) << 32, "first commitment");
    }
}
