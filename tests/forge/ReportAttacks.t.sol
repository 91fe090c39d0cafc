// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataMarket} from "../../contracts/DataMarket.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice Operators' signatures where they were not given for. In each test one thing differs, and everything else that
/// is signed is the same.
contract ReportAttacksTest is MarketFixture {
    struct Signed {
        bytes32 root;
        address[] signers;
        bytes[] signatures;
    }

    function setUp() public {
        setUpMarket(4, 3);
        vm.deal(address(this), 100 ether);
        openRound();
        bid(10, WAD, WAD);
    }

    /// @dev All members see the same in every round.
    function see(bytes32 what) private {
        vm.warp(terms.commitEnd);
        for (uint256 i; i < members.length; ++i) {
            market.observe(round, members[i], what, seen(i, what));
        }
        vm.warp(terms.observeEnd);
    }

    function seen(uint256 member, bytes32 what) private view returns (bytes memory) {
        bytes32 commitments = market.roundOf(round).commitments;
        return signature(keys[member], ScoreReport.observationDigest(address(market), round, commitments, what));
    }

    function signedBy(uint256 first, bytes32 root) private view returns (Signed memory x) {
        bytes32 digest = ScoreReport.reportDigest(address(market), reportOf(root, 1));
        (x.root, x.signers, x.signatures) = (root, new address[](3), new bytes[](3));
        for (uint256 i; i < 3; ++i) {
            (x.signers[i], x.signatures[i]) = (members[first + i], signature(keys[first + i], digest));
        }
    }

    function refuse(Signed memory x) private {
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, x.signers[0]));
        market.postReport(round, x.root, 1, x.signers, x.signatures);
    }

    /* ANOTHER QUORUM */

    /// @dev More than two thirds each: two quorums share members, one report is posted, and the shared members burn.
    function test_twoQuorumsForTwoRoots() public {
        see("same");
        Signed memory a = signedBy(0, "one root");
        Signed memory b = signedBy(1, "another root");
        market.postReport(round, a.root, 1, a.signers, a.signatures);
        vm.expectRevert(Errors.AlreadyReported.selector);
        market.postReport(round, b.root, 1, b.signers, b.signatures);
        ScoreReport.Report memory one = ScoreReport.Report(round, 0, 0, 0, a.root, 1);
        (one.termsHash, one.commitments) = (market.roundOf(round).termsHash, market.roundOf(round).commitments);
        for (uint256 i; i < members.length; ++i) {
            one.observations = keccak256(abi.encode(one.observations, members[i], bytes32("same")));
        }
        ScoreReport.Report memory other =
            ScoreReport.Report(round, one.termsHash, one.commitments, one.observations, b.root, 1);
        for (uint256 i = 1; i < 3; ++i) {
            operators.slash(members[i], address(market), one, a.signatures[i], other, b.signatures[i - 1]);
            assertTrue(!operators.isActive(members[i]), "burned");
        }
    }

    function test_retiredObserver() public {
        ScoreReport.Report memory a = reportOf("one", 1);
        ScoreReport.Report memory b = reportOf("two", 1);
        bytes memory signedA = signature(keys[1], ScoreReport.reportDigest(address(market), a));
        bytes memory signedB = signature(keys[1], ScoreReport.reportDigest(address(market), b));
        operators.slash(members[1], address(market), a, signedA, b, signedB);
        operators.retire(committeeId, members[1]);
        vm.warp(terms.commitEnd);
        bytes memory signed = seen(1, "same");
        vm.expectRevert(abi.encodeWithSelector(Errors.RetiredMember.selector, members[1]));
        market.observe(round, members[1], "same", signed);
    }

    /* ANOTHER PLACE */

    /// @dev A round with the same terms, bids and observations.
    function nextRound() private {
        vm.warp(terms.commitEnd - 1 hours);
        openRound();
        bid(10, WAD, WAD);
    }

    function test_reportOfAnotherRound() public {
        see("same");
        Signed memory old = signedBy(0, "root");
        nextRound();
        see("same");
        refuse(old);
    }

    function test_reportOfAnotherChain() public {
        see("same");
        Signed memory old = signedBy(0, "root");
        vm.chainId(block.chainid + 1);
        refuse(old);
    }

    function refuseObservation(bytes memory old) private {
        vm.warp(terms.commitEnd);
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
        market.observe(round, members[0], "same", old);
    }

    function test_observationOfAnotherRound() public {
        bytes memory old = seen(0, "same");
        nextRound();
        refuseObservation(old);
    }

    function test_observationOfAnotherChain() public {
        bytes memory old = seen(0, "same");
        vm.chainId(block.chainid + 1);
        refuseObservation(old);
    }

    function test_observationOfASibling() public {
        bytes memory old = seen(0, "same");
        market = new DataMarket(operators);
        nextRound();
        refuseObservation(old);
    }

    /* ANOTHER PAST */

    /// @dev After a reorganisation as many have bid and observed, but one of them another dataset.
    function test_reportOverOtherCommitments() public {
        uint256 fork = vm.snapshotState();
        see("same");
        Signed memory old = signedBy(0, "root");
        vm.revertToState(fork);
        bytes32 sealedBid = sealOf(bids[0]);
        vm.prank(bids[0].provider);
        market.commit(round, sealedBid, keccak256("other data"), 0);
        see("same");
        refuse(old);
    }

    function test_reportOverOtherObservations() public {
        uint256 fork = vm.snapshotState();
        see("same");
        Signed memory old = signedBy(0, "root");
        vm.revertToState(fork);
        see("something else");
        refuse(old);
    }

    /* RULINGS */

    function rule(bool upheld) private {
        bytes32 id = market.roundOf(round).challengeId;
        (address[] memory signers, bytes[] memory signed) =
            signatures(3, operators.rulingDigest(committeeId, id, upheld));
        operators.rule(committeeId, id, upheld, signers, signed);
    }

    function challenged() private {
        see("same");
        postReport();
        vm.warp(terms.reportEnd);
        market.challenge{value: terms.challengeBond}(round, leaves[0], ScoreTree.proof(leaves, 0), "evidence");
    }

    /// @dev Ruled on once, by the same committee: the same leaf, challenger and evidence elsewhere are another challenge.
    function refuseRuling() private {
        challenged();
        vm.expectRevert(Errors.NotRuled.selector);
        market.resolve(round);
    }

    function test_rulingOfAnotherRound() public {
        challenged();
        rule(true);
        nextRound();
        refuseRuling();
    }

    function test_rulingOfASibling() public {
        challenged();
        rule(true);
        market = new DataMarket(operators);
        nextRound();
        refuseRuling();
    }

    function test_rulingOfAnotherChain() public {
        uint256 fork = vm.snapshotState();
        challenged();
        bytes32 here = market.roundOf(round).challengeId;
        vm.revertToState(fork);
        vm.chainId(block.chainid + 1);
        challenged();
        assertTrue(market.roundOf(round).challengeId != here, "another challenge");
    }

    function test_rulingsSignatureOfAnotherCommittee() public {
        bytes32 id = keccak256("challenge");
        (address[] memory signers, bytes[] memory signed) = signatures(3, operators.rulingDigest(committeeId, id, true));
        bytes32 trio = operators.form(signers, 3);
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
        operators.rule(trio, id, true, signers, signed);
    }
}
