// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {OddToken} from "./utils/Tokens.sol";

/// @notice What `make mutants` found that no other test noticed: guards, and terms that are rare.
contract MutantsTest is MarketFixture {
    bytes4[] private refusals;

    function setUp() public {
        setUpMarket(4, 3);
    }

    /* GUARDS */

    /// @dev From within any transfer of the payment token no guarded function can be entered, whatever its arguments.
    function test_everyGuardedFunctionRefusesReentry() public {
        OddToken odd = new OddToken();
        (token, terms.paymentToken) = (address(odd), address(odd));
        odd.mint(PLANNER, escrow());
        odd.callBack(address(this), abi.encodeCall(this.reenter, ()));
        vm.prank(PLANNER);
        round = market.open(terms);
        bid(100, WAD, WAD);
        score();
        revealAll();
        settle();
        market.claim(round, bids[0].provider);
        market.claimOperatorFee(round, members[0]);
        market.refund(round);
        assertEq(refusals.length, 4 * 8, "four transfers, eight functions");
        for (uint256 i; i < refusals.length; ++i) {
            assertEq(refusals[i], ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector, "entered");
        }
    }

    function reenter() external {
        _enter(abi.encodeCall(IDataMarket.open, (terms)));
        _enter(abi.encodeCall(IDataMarket.resolve, (round)));
        Clearing.Certificate memory nothing;
        _enter(abi.encodeCall(IDataMarket.settle, (round, 0, nothing, 0, "")));
        _enter(abi.encodeCall(IDataMarket.voidRound, (round)));
        _enter(abi.encodeCall(IDataMarket.claim, (round, providerAt(0))));
        _enter(abi.encodeCall(IDataMarket.claimOperatorFee, (round, members[0])));
        _enter(abi.encodeCall(IDataMarket.refund, (round)));
        _enter(abi.encodeCall(IDataMarket.claimChallengeBond, (round)));
    }

    function _enter(bytes memory data) private {
        (bool ok, bytes memory reason) = address(market).call(data);
        refusals.push(ok ? bytes4(0) : bytes4(reason));
    }

    /// @dev While the challenge waits for its ruling the bond is at stake; without a ruling in time it is burned.
    function test_challengeBondWaitsForTheRuling() public {
        openRound();
        bid(100, WAD, WAD);
        score();
        vm.warp(terms.reportEnd);
        vm.deal(address(this), terms.challengeBond);
        market.challenge{value: terms.challengeBond}(round, leaves[0], new bytes32[](0), 0);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimChallengeBond(round);
        vm.warp(terms.challengeEnd);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimChallengeBond(round);
        market.voidRound(round);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimChallengeBond(round);
    }

    /// @dev A weight of more than 64 bits whose excess hides behind the bits of the cost.
    function test_marginalWeightBeyondARecord() public {
        terms.cap = 5_000;
        openRound();
        bid(2_000, WAD, WAD);
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        bytes memory all = records();
        vm.expectRevert(Clearing.MarginalNotKept.selector);
        market.settle(round, 0, Clearing.Certificate(0, 0, 2_000, (uint256(16) << 64) | WAD), 0, all);
        market.settle(round, 0, Clearing.Certificate(0, 0, 2_000, WAD), 0, all);
    }

    function test_nobodyObservesTwice() public {
        openRound();
        observeAll();
        bytes32 commitments = market.roundOf(round).commitments;
        bytes32 signed = ScoreReport.observationDigest(address(market), round, commitments, 0);
        for (uint256 i; i < members.length; ++i) {
            bytes memory again = signature(keys[i], signed);
            vm.expectRevert(Errors.AlreadyObserved.selector);
            market.observe(round, members[i], 0, again);
        }
    }

    function test_retiredOperatorObservesNothing() public {
        openRound();
        vm.warp(terms.commitEnd);
        ScoreReport.Report memory a = reportOf(keccak256("one"), 0);
        ScoreReport.Report memory b = reportOf(keccak256("two"), 0);
        bytes memory signedA = signature(keys[1], ScoreReport.reportDigest(address(market), a));
        bytes memory signedB = signature(keys[1], ScoreReport.reportDigest(address(market), b));
        operators.slash(members[1], address(market), a, signedA, b, signedB);
        operators.retire(committeeId, members[1]);
        bytes32 signed = ScoreReport.observationDigest(address(market), round, market.roundOf(round).commitments, 0);
        bytes memory signedObservation = signature(keys[1], signed);
        vm.expectRevert(abi.encodeWithSelector(Errors.RetiredMember.selector, members[1]));
        market.observe(round, members[1], 0, signedObservation);
    }

    /* RARE TERMS */

    /// @dev Budget and pool are told apart: L = 600 of 1,000, D = 120 of 300.
    function test_budgetIsNotThePool() public {
        terms.utilityPool = 300;
        openRound();
        bid(1, WAD, WAD);
        score();
        revealAll();
        assertEq(mut().units(), 720, "R");
        assertEq(DemoToken(token).balanceOf(address(market)), (600 + 64 + 4 * 7) * UNIT, "escrow");
        settle();
        claimAll();
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "nothing stays");
    }

    /// @dev The least of bonds is burned, and where none is forfeited nothing is said.
    function test_burnsOneWeiAndNeverNone() public {
        terms.bidBond = 1;
        openRound();
        bid(1, WAD, WAD);
        bid(1, WAD, WAD);
        score();
        reveal(0);
        settle();
        assertEq(BURN.balance, 1, "burned");

        terms = defaultTerms();
        openRound();
        bid(1, WAD, WAD);
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        Clearing.Certificate memory c = certificate();
        Recorder(address(vm)).recordLogs();
        market.settle(round, 0, c, 0, records());
        Recorder.Log[] memory logs = Recorder(address(vm)).getRecordedLogs();
        assertEq(logs.length, 1, "only Settled");
    }

    /* DATA SHARES */

    /// @dev One winner with `attested` shares of a round that mints `supply`; the ledger says nothing of none.
    function shares(uint64 attested, uint64 supply, uint256 expectedShares) private {
        terms = defaultTerms();
        terms.shareSupply = supply;
        openRound();
        bid(1, WAD, WAD);
        leaves[0].shares = attested;
        score();
        revealAll();
        settle();
        vm.expectEmit(address(market));
        emit IDataMarket.Claimed(round, bids[0].provider, 600, 1_000, expectedShares, terms.bidBond);
        Recorder(address(vm)).recordLogs();
        market.claim(round, bids[0].provider);
        Recorder.Log[] memory logs = Recorder(address(vm)).getRecordedLogs();
        bool said;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == address(dst)) said = true;
        }
        assertEq(dst.mintedIn(round), expectedShares, "minted");
        assertTrue(said == (expectedShares != 0), "said");
    }

    function test_mintsOneShareAndNeverNone() public {
        shares(1, 1e12, 1);
        shares(5, 1, 1);
        shares(0, 1e12, 0);
        shares(5, 0, 0);
    }
}

/// @notice More cheat codes.
interface Recorder {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
}
