// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {IArbitrator} from "../../contracts/interfaces/IArbitrator.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice Every stuck phase has a way out that gives everybody their own back.
contract DataMarketVoidTest is MarketFixture {
    address private constant CHALLENGER = address(0xC0DE);

    function setUp() public {
        setUpMarket(4, 3);
        vm.deal(CHALLENGER, 1 ether);
        openRound();
        bid(100, WAD, WAD);
        bid(200, WAD, WAD);
    }

    /// @dev Bonds to providers, fees to those who observed, the rest and all units to the planner.
    function everybodyIsPaidBack(uint256 observers) private {
        assertEq(uint256(market.phase(round)), uint256(IDataMarket.Phase.Void), "void");
        market.refund(round);
        for (uint256 i; i < bids.length; ++i) {
            market.claim(round, bids[i].provider);
            assertEq(bids[i].provider.balance, terms.bidBond, "bond");
            vm.expectRevert(Errors.NothingDue.selector);
            market.claim(round, bids[i].provider);
        }
        for (uint256 i; i < observers; ++i) {
            market.claimOperatorFee(round, members[i]);
            assertEq(DemoToken(token).balanceOf(members[i]), terms.operatorFee * UNIT, "fee");
        }
        market.refund(round);
        uint256 left = escrow() - observers * terms.operatorFee * UNIT;
        assertEq(DemoToken(token).balanceOf(PLANNER), left, "refund");
        assertEq(mut().balanceOf(PLANNER), mut().units(), "units");
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "tokens left");
        assertEq(address(market).balance, 0, "wei left");
    }

    function test_noObservations() public {
        vm.warp(terms.reportEnd);
        everybodyIsPaidBack(0);
    }

    function test_noReport() public {
        observeAll();
        vm.warp(terms.reportEnd - 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongPhase.selector, IDataMarket.Phase.Report));
        market.voidRound(round);
        vm.warp(terms.reportEnd);
        vm.expectEmit(address(market));
        emit IDataMarket.Voided(round);
        market.voidRound(round);
        vm.expectRevert(Errors.NothingDue.selector);
        market.voidRound(round);
        everybodyIsPaidBack(4);
    }

    function test_noSettlement() public {
        score();
        reveal(0);
        vm.warp(terms.settleEnd - 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongPhase.selector, IDataMarket.Phase.Settle));
        market.refund(round);
        vm.warp(terms.settleEnd);
        everybodyIsPaidBack(4);
    }

    /* CHALLENGES */

    function challenged() private returns (bytes32 challengeId) {
        observeAll();
        postReport();
        vm.warp(terms.reportEnd);
        return challenge("evidence");
    }

    function challenge(string memory evidence) private returns (bytes32 challengeId) {
        bytes32[] memory proof = ScoreTree.proof(leaves, 1);
        vm.prank(CHALLENGER);
        market.challenge{value: terms.challengeBond}(round, leaves[1], proof, keccak256(bytes(evidence)));
        return market.roundOf(round).challengeId;
    }

    function rule(bytes32 challengeId, bool upheld) private {
        bytes32 digest = operators.rulingDigest(committeeId, challengeId, upheld);
        (address[] memory signers, bytes[] memory signed) = signatures(3, digest);
        operators.rule(committeeId, challengeId, upheld, signers, signed);
    }

    function test_challengeUpheld() public {
        bytes32 id = challenged();
        vm.expectRevert(Errors.NotRuled.selector);
        market.resolve(round);
        rule(id, true);
        market.resolve(round);
        market.claimChallengeBond(round);
        assertEq(CHALLENGER.balance, 1 ether, "bond back");
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimChallengeBond(round);
        everybodyIsPaidBack(4);
    }

    function test_challengeRejected() public {
        bytes32 id = challenged();
        rule(id, false);
        market.resolve(round);
        assertEq(BURN.balance, terms.challengeBond, "bond burned");
        vm.expectRevert(Errors.NotChallenged.selector);
        market.resolve(round);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimChallengeBond(round);
        // A rejected challenge makes no leaf immune: other evidence, another challenge.
        rule(challenge("other evidence"), false);
        market.resolve(round);
        assertEq(BURN.balance, 2 * uint256(terms.challengeBond), "both bonds burned");
        // The round goes on.
        revealAll();
        settle();
        claimAll();
        assertEq(address(market).balance, 0, "wei left");
    }

    /// @dev What was dismissed once is dismissed for good: the committee need not rule again, and could not.
    function test_sameChallengeAgain() public {
        bytes32 id = challenged();
        rule(id, false);
        market.resolve(round);
        assertEq(challenge("evidence"), id, "the same challenge");
        market.resolve(round);
        assertEq(BURN.balance, 2 * uint256(terms.challengeBond), "both bonds burned");
        assertEq(uint256(market.phase(round)), uint256(IDataMarket.Phase.Challenge), "the report stands");
    }

    function test_challengeUnresolved() public {
        bytes32 id = challenged();
        vm.warp(terms.challengeEnd - 1);
        assertEq(uint256(market.phase(round)), uint256(IDataMarket.Phase.Challenge), "still open");
        vm.warp(terms.challengeEnd);
        rule(id, true);
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongPhase.selector, IDataMarket.Phase.Void));
        market.resolve(round);
        market.voidRound(round);
        assertEq(BURN.balance, terms.challengeBond, "bond burned");
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimChallengeBond(round);
        everybodyIsPaidBack(4);
    }

    function test_challengeWindow() public {
        observeAll();
        postReport();
        bytes32[] memory proof = ScoreTree.proof(leaves, 0);
        uint96 bond = terms.challengeBond;
        vm.deal(address(this), 10 ether);
        vm.warp(terms.reportEnd - 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongPhase.selector, IDataMarket.Phase.Report));
        market.challenge{value: bond}(round, leaves[0], proof, 0);
        vm.warp(terms.reportEnd);
        vm.expectRevert(Errors.WrongBond.selector);
        market.challenge{value: bond - 1}(round, leaves[0], proof, 0);
        vm.expectRevert(Errors.InvalidProof.selector);
        market.challenge{value: bond}(round, leaves[1], proof, 0);
        uint256 half = terms.reportEnd + (terms.challengeEnd - terms.reportEnd) / 2;
        vm.warp(half);
        vm.expectRevert(Errors.TooLateToChallenge.selector);
        market.challenge{value: bond}(round, leaves[0], proof, 0);
        vm.warp(half - 1);
        market.challenge{value: bond}(round, leaves[0], proof, 0);
        vm.expectRevert(Errors.AlreadyChallenged.selector);
        market.challenge{value: bond}(round, leaves[0], proof, 0);
    }

    function test_rulingOnlyByTheRoundsCommittee() public {
        bytes32 id = challenged();
        // A committee of one's own can rule, but not for this round.
        address[] memory own = new address[](1);
        uint256 key = 42;
        own[0] = vm.addr(key);
        bytes32 mine = operators.form(own, 1);
        bytes[] memory signed = new bytes[](1);
        signed[0] = signature(key, operators.rulingDigest(mine, id, true));
        operators.rule(mine, id, true, own, signed);
        assertEq(uint256(operators.ruling(mine, id)), uint256(IArbitrator.Ruling.Upheld), "ruled");
        vm.expectRevert(Errors.NotRuled.selector);
        market.resolve(round);
    }
}
