// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OracleCommittee} from "../../contracts/OracleCommittee.sol";
import {IArbitrator} from "../../contracts/interfaces/IArbitrator.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {Wallet} from "./utils/Tokens.sol";

contract OracleCommitteeTest is MarketFixture {
    address private constant ANN = address(0xA11CE);
    address private constant SOME_MARKET = address(0x3A23E7);

    function setUp() public {
        setUpMarket(4, 3);
        vm.deal(address(this), 100 ether);
    }

    /* STAKES */

    function test_stakeAndLeave() public {
        vm.expectRevert(Errors.StakeTooSmall.selector);
        operators.stake{value: 1 ether - 1}(ANN);
        operators.stake{value: 1 ether}(ANN);
        operators.stake{value: 0.5 ether}(ANN);
        assertTrue(operators.isActive(ANN), "active");

        vm.startPrank(ANN);
        vm.expectRevert(Errors.ExitNotDue.selector);
        operators.withdraw();
        operators.requestExit();
        assertTrue(!operators.isActive(ANN), "leaving");
        vm.expectRevert(Errors.ExitPending.selector);
        operators.requestExit();
        vm.warp(block.timestamp + operators.EXIT_DELAY() - 1);
        vm.expectRevert(Errors.ExitNotDue.selector);
        operators.withdraw();
        vm.warp(block.timestamp + 1);
        operators.withdraw();
        assertEq(ANN.balance, 1.5 ether, "all of it");
        vm.expectRevert(Errors.NothingDue.selector);
        operators.withdraw();
        vm.stopPrank();
        operators.stake{value: 1 ether}(ANN);
        assertTrue(operators.isActive(ANN), "back");
    }

    function test_noTopUpWhileLeaving() public {
        operators.stake{value: 1 ether}(ANN);
        vm.prank(ANN);
        operators.requestExit();
        vm.expectRevert(Errors.ExitPending.selector);
        operators.stake{value: 1 ether}(ANN);
    }

    function test_strangersCannotLeave() public {
        vm.startPrank(ANN);
        vm.expectRevert(Errors.NothingDue.selector);
        operators.requestExit();
        vm.expectRevert(Errors.NothingDue.selector);
        operators.withdraw();
        vm.stopPrank();
    }

    /* COMMITTEES */

    function testFuzz_quorum(uint8 size, uint8 quorum) public {
        size = uint8(bound(size, 0, 40));
        address[] memory signers = new address[](size);
        for (uint256 i; i < size; ++i) {
            signers[i] = address(uint160(i + 1));
        }
        bool good = size <= 32 && quorum <= size && uint256(quorum) * 3 > uint256(size) * 2;
        if (!good) vm.expectRevert(Errors.QuorumOutOfRange.selector);
        bytes32 id = operators.form(signers, quorum);
        if (!good) return;
        assertEq(id, keccak256(abi.encode(signers, quorum)), "id");
        (address[] memory read, uint8 readQuorum) = operators.committeeOf(id);
        assertEq(keccak256(abi.encode(read, readQuorum)), id, "as formed");
        assertEq(operators.form(signers, quorum), id, "again");
    }

    function test_unsortedMembers() public {
        address[] memory signers = new address[](2);
        vm.expectRevert(Errors.UnsortedSigners.selector);
        operators.form(signers, 2);
        signers[0] = signers[1] = ANN;
        vm.expectRevert(Errors.UnsortedSigners.selector);
        operators.form(signers, 2);
        signers[1] = address(1);
        vm.expectRevert(Errors.UnsortedSigners.selector);
        operators.form(signers, 2);
    }

    function test_memberIndex() public {
        for (uint256 i; i < members.length; ++i) {
            (uint256 index, bool retired) = operators.memberIndex(committeeId, members[i]);
            assertEq(index, i, "index");
            assertTrue(!retired, "retired");
        }
        vm.expectRevert(abi.encodeWithSelector(Errors.NotAMember.selector, ANN));
        operators.memberIndex(committeeId, ANN);
        vm.expectRevert(Errors.UnknownCommittee.selector);
        operators.memberIndex(0, ANN);
    }

    /// @dev Any subset of members passes exactly when it is a quorum.
    function testFuzz_anyQuorumVerifies(uint8 subset, bytes32 digest) public {
        subset = subset % 16;
        uint256 size;
        for (uint256 i; i < 4; ++i) {
            size += (subset >> i) & 1;
        }
        address[] memory signers = new address[](size);
        bytes[] memory signed = new bytes[](size);
        uint256 at_;
        for (uint256 i; i < 4; ++i) {
            if ((subset >> i) & 1 == 0) continue;
            (signers[at_], signed[at_]) = (members[i], signature(keys[i], digest));
            ++at_;
        }
        if (size < 3) vm.expectRevert(Errors.BelowQuorum.selector);
        operators.verify(committeeId, digest, signers, signed);
    }

    function test_contractAsOperator() public {
        uint256 key = 99;
        address[] memory signers = new address[](1);
        signers[0] = address(new Wallet(vm.addr(key)));
        bytes32 id = operators.form(signers, 1);
        bytes32 digest = keccak256("digest");
        bytes[] memory signed = new bytes[](1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        signed[0] = abi.encode(r, s, v);
        assertEq(operators.verify(id, digest, signers, signed), 1, "EIP-1271");
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, signers[0]));
        operators.verify(id, keccak256("other"), signers, signed);
    }

    /* EQUIVOCATION */

    function example() private pure returns (ScoreReport.Report memory) {
        return ScoreReport.Report(1, keccak256("terms"), keccak256("c"), keccak256("o"), keccak256("root"), 3);
    }

    function slash(ScoreReport.Report memory a, ScoreReport.Report memory b, bytes memory reason) private {
        bytes memory signedA = signature(keys[0], ScoreReport.reportDigest(SOME_MARKET, a));
        bytes memory signedB = signature(keys[0], ScoreReport.reportDigest(SOME_MARKET, b));
        if (reason.length != 0) vm.expectRevert(reason);
        operators.slash(members[0], SOME_MARKET, a, signedA, b, signedB);
    }

    function test_twoRootsOrCounts() public {
        ScoreReport.Report memory b = example();
        b.root = keccak256("another");
        uint256 fork = vm.snapshotState();
        slash(example(), b, "");
        assertEq(BURN.balance, 1 ether, "stake burned");
        assertTrue(!operators.isActive(members[0]), "out");
        slash(example(), b, abi.encodeWithSelector(Errors.NothingDue.selector));
        vm.expectRevert(Errors.OperatorSlashed.selector);
        operators.stake{value: 1 ether}(members[0]);
        vm.revertToState(fork);
        b = example();
        b.count = 4;
        slash(example(), b, "");
    }

    /// @dev Other inputs, another round: no contradiction. Nor is signing the same report twice.
    function test_noEquivocation() public {
        bytes memory reason = abi.encodeWithSelector(Errors.NoEquivocation.selector);
        slash(example(), example(), reason);
        for (uint256 i; i < 4; ++i) {
            ScoreReport.Report memory b = example();
            b.root = keccak256("another");
            if (i == 0) b.round = 2;
            if (i == 1) b.termsHash = 0;
            if (i == 2) b.commitments = 0;
            if (i == 3) b.observations = 0;
            slash(example(), b, reason);
        }
    }

    function test_forgedEquivocation() public {
        ScoreReport.Report memory a = example();
        ScoreReport.Report memory b = example();
        b.root = keccak256("another");
        bytes memory signedA = signature(keys[0], ScoreReport.reportDigest(SOME_MARKET, a));
        bytes memory forged = signature(keys[1], ScoreReport.reportDigest(SOME_MARKET, b));
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
        operators.slash(members[0], SOME_MARKET, a, signedA, b, forged);
        // Signed for another market.
        bytes memory elsewhere = signature(keys[0], ScoreReport.reportDigest(ANN, b));
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
        operators.slash(members[0], SOME_MARKET, a, signedA, b, elsewhere);
    }

    function test_slashableWhileLeaving() public {
        vm.prank(members[0]);
        operators.requestExit();
        vm.warp(block.timestamp + operators.EXIT_DELAY());
        ScoreReport.Report memory b = example();
        b.root = keccak256("another");
        slash(example(), b, "");
        vm.prank(members[0]);
        vm.expectRevert(Errors.NothingDue.selector);
        operators.withdraw();
    }

    function test_onlyTheSlashedRetire() public {
        vm.expectRevert(Errors.NotSlashed.selector);
        operators.retire(committeeId, members[0]);
        ScoreReport.Report memory b = example();
        b.root = keccak256("another");
        slash(example(), b, "");
        operators.retire(committeeId, members[0]);
        assertEq(operators.retiredOf(committeeId), 1, "first member");
        (, bool retired) = operators.memberIndex(committeeId, members[0]);
        assertTrue(retired, "retired");
    }

    /* RULINGS */

    function test_ruleOnce() public {
        bytes32 id = keccak256("challenge");
        bytes32 digest = operators.rulingDigest(committeeId, id, true);
        (address[] memory signers, bytes[] memory signed) = signatures(2, digest);
        vm.expectRevert(Errors.BelowQuorum.selector);
        operators.rule(committeeId, id, true, signers, signed);
        (signers, signed) = signatures(3, digest);
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
        operators.rule(committeeId, id, false, signers, signed);
        operators.rule(committeeId, id, true, signers, signed);
        assertEq(uint256(operators.ruling(committeeId, id)), uint256(IArbitrator.Ruling.Upheld), "ruled");
        vm.expectRevert(Errors.AlreadyRuled.selector);
        operators.rule(committeeId, id, true, signers, signed);
    }
}
