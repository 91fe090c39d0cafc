// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice Every call at t - 1, t and t + 1 of the deadlines that bound it. Each attempt starts from the same state.
contract DataMarketDeadlinesTest is MarketFixture {
    function setUp() public {
        setUpMarket(4, 3);
        openRound();
        bid(100, WAD, WAD);
        bid(200, WAD, WAD);
        vm.deal(address(this), 10 ether);
    }

    /// @param refusal Error of the call; 0 where it is taken.
    function attempt(bytes memory call_, uint256 value, uint256 time, bytes4 refusal) private {
        uint256 here = vm.snapshotState();
        vm.warp(time);
        (bool ok, bytes memory reason) = address(market).call{value: value}(call_);
        if (refusal == 0) assertTrue(ok, "refused in time");
        else assertTrue(!ok && bytes4(reason) == refusal, "taken out of time");
        vm.revertToState(here);
    }

    function opens(bytes memory call_, uint256 value, uint256 start) private {
        attempt(call_, value, start - 1, Errors.WrongPhase.selector);
        attempt(call_, value, start, 0);
        attempt(call_, value, start + 1, 0);
    }

    function closes(bytes memory call_, uint256 value, uint256 end) private {
        attempt(call_, value, end - 1, 0);
        attempt(call_, value, end, Errors.WrongPhase.selector);
        attempt(call_, value, end + 1, Errors.WrongPhase.selector);
    }

    function between(bytes memory call_, uint256 start, uint256 end) private {
        opens(call_, 0, start);
        closes(call_, 0, end);
    }

    function commit_(bytes32 datasetRoot) private view returns (bytes memory) {
        return abi.encodeCall(market.commit, (round, bytes32(type(uint256).max), datasetRoot, 0));
    }

    function test_commit() public {
        closes(commit_("first"), terms.bidBond, terms.commitEnd);
        market.commit{value: terms.bidBond}(round, bytes32(type(uint256).max), "first", 0);
        closes(commit_("another"), 0, terms.commitEnd);
        closes(abi.encodeCall(market.reseal, (round, bytes32(type(uint256).max))), 0, terms.commitEnd);
    }

    function test_observe() public {
        bytes32 commitments = market.roundOf(round).commitments;
        bytes32 signed = ScoreReport.observationDigest(address(market), round, commitments, "seen");
        bytes memory call_ =
            abi.encodeCall(market.observe, (round, members[0], bytes32("seen"), signature(keys[0], signed)));
        between(call_, terms.commitEnd, terms.observeEnd);
    }

    function test_postReport() public {
        observeAll();
        bytes32 root = ScoreTree.root(leaves);
        bytes32 digest = ScoreReport.reportDigest(address(market), reportOf(root, 2));
        (address[] memory signers, bytes[] memory signed) = signatures(3, digest);
        bytes memory call_ = abi.encodeCall(market.postReport, (round, root, 2, signers, signed));
        between(call_, terms.observeEnd, terms.reportEnd);
    }

    function test_challenge() public {
        observeAll();
        postReport();
        bytes memory call_ =
            abi.encodeCall(market.challenge, (round, leaves[0], ScoreTree.proof(leaves, 0), bytes32("evidence")));
        opens(call_, terms.challengeBond, terms.reportEnd);
        uint256 half = terms.reportEnd + (terms.challengeEnd - terms.reportEnd) / 2;
        attempt(call_, terms.challengeBond, half - 1, 0);
        attempt(call_, terms.challengeBond, half, Errors.TooLateToChallenge.selector);
        attempt(call_, terms.challengeBond, terms.challengeEnd - 1, Errors.TooLateToChallenge.selector);
        attempt(call_, terms.challengeBond, terms.challengeEnd, Errors.WrongPhase.selector);
    }

    function challenged() private {
        observeAll();
        postReport();
        vm.warp(terms.reportEnd);
        market.challenge{value: terms.challengeBond}(round, leaves[0], ScoreTree.proof(leaves, 0), "evidence");
    }

    function test_resolve() public {
        challenged();
        for (uint256 upheld; upheld < 2; ++upheld) {
            uint256 here = vm.snapshotState();
            bytes32 id = market.roundOf(round).challengeId;
            bytes32 digest = operators.rulingDigest(committeeId, id, upheld == 1);
            (address[] memory signers, bytes[] memory signed) = signatures(3, digest);
            operators.rule(committeeId, id, upheld == 1, signers, signed);
            closes(abi.encodeCall(market.resolve, (round)), 0, terms.challengeEnd);
            vm.revertToState(here);
        }
    }

    function test_reveal() public {
        score();
        bytes memory call_ =
            abi.encodeCall(market.reveal, (round, leaves[0], ScoreTree.proof(leaves, 0), bids[0].cost, bids[0].salt));
        between(call_, terms.challengeEnd, terms.revealEnd);
    }

    function test_settle() public {
        score();
        revealAll();
        bytes memory call_ = abi.encodeCall(market.settle, (round, 0, certificate(), 0, records()));
        between(call_, terms.revealEnd, terms.settleEnd);
        vm.warp(terms.revealEnd);
        market.settle(round, 0, certificate(), 0, records());
        attempt(call_, 0, terms.revealEnd, Errors.WrongPhase.selector);
    }

    function test_settleTheTranche() public {
        terms.trancheShare = 0.3e18;
        vm.warp(block.timestamp + 1);
        openRound();
        bid(100, WAD, WAD);
        leaves[0].group = 1;
        score();
        revealAll();
        between(
            abi.encodeCall(market.settle, (round, 1, certificate(1, 300), 0, records(1))),
            terms.revealEnd,
            terms.settleEnd
        );
    }

    /// @dev What a round pays once it is void, from the second on in which it is.
    function paysFrom(uint256 time) private {
        opens(abi.encodeCall(market.voidRound, (round)), 0, time);
        opens(abi.encodeCall(market.claim, (round, bids[0].provider)), 0, time);
        opens(abi.encodeCall(market.refund, (round)), 0, time);
    }

    function test_voidWithoutReport() public {
        observeAll();
        paysFrom(terms.reportEnd);
    }

    function test_voidWithoutRuling() public {
        challenged();
        paysFrom(terms.challengeEnd);
    }

    function test_voidWithoutSettlement() public {
        score();
        reveal(0);
        paysFrom(terms.settleEnd);
    }

    function test_voidWithATrancheSettledAlone() public {
        terms.trancheShare = 0.3e18;
        openRound();
        bid(100, WAD, WAD);
        bid(100, WAD, WAD);
        leaves[0].group = 1;
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        market.settle(round, 1, certificate(1, 300), 0, records(1));
        paysFrom(terms.settleEnd);
    }

    function test_paymentAfterTheSettlement() public {
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        bytes memory claim = abi.encodeCall(market.claim, (round, bids[0].provider));
        bytes memory refund = abi.encodeCall(market.refund, (round));
        attempt(claim, 0, block.timestamp, Errors.WrongPhase.selector);
        attempt(refund, 0, block.timestamp, Errors.WrongPhase.selector);
        settle();
        for (uint256 i; i < 2; ++i) {
            uint256 time = i == 0 ? block.timestamp : block.timestamp + 36_500 days;
            attempt(claim, 0, time, 0);
            attempt(refund, 0, time, 0);
            attempt(abi.encodeCall(market.voidRound, (round)), 0, time, Errors.WrongPhase.selector);
        }
    }

    function test_operatorFee() public {
        observeAll();
        opens(abi.encodeCall(market.claimOperatorFee, (round, members[0])), 0, terms.observeEnd);
        attempt(
            abi.encodeCall(market.claimOperatorFee, (round, members[0])), 0, terms.settleEnd + 36_500 days, bytes4(0)
        );
    }

    /// @dev The planner's way to the money, in every phase of a running round.
    function test_noRefundFromARunningRound() public {
        bytes memory refund = abi.encodeCall(IDataMarket.refund, (round));
        bytes4 wrong = Errors.WrongPhase.selector;
        attempt(refund, 0, block.timestamp, wrong);
        observeAll();
        attempt(refund, 0, terms.commitEnd, wrong);
        postReport();
        attempt(refund, 0, terms.observeEnd, wrong);
        attempt(refund, 0, terms.reportEnd, wrong);
        revealAll();
        attempt(refund, 0, terms.challengeEnd, wrong);
        attempt(refund, 0, terms.revealEnd, wrong);
    }
}
