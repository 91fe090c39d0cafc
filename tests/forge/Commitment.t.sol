// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Commitment} from "../../contracts/libraries/Commitment.sol";
import {Test} from "./utils/Test.sol";

contract CommitmentTest is Test {
    function counted(bytes32 full, uint256 count) private pure returns (bytes32) {
        return bytes32((uint256(full) & (2 ** 224 - 1)) * 2 ** 32 + count);
    }

    function testFuzz_chains(bytes32 hash, address account, bytes32 a, bytes32 b) public pure {
        uint256 count = uint256(hash) % 2 ** 32;
        vm.assume(count != 2 ** 32 - 1);
        bytes32 full = keccak256(abi.encode(hash, account, a, b));
        assertEq(Commitment.chainCommitment(hash, account, a, b, true), counted(full, count + 1), "commit");
        assertEq(Commitment.chainCommitment(hash, account, a, b, false), counted(full, count), "another dataset");
        assertEq(Commitment.chainObservation(hash, account, a), keccak256(abi.encode(hash, account, a)), "observe");
    }

    function testFuzz_start(bytes32 termsHash) public pure {
        assertEq(Commitment.start(termsHash), counted(termsHash, 0), "start");
        assertEq(Commitment.count(Commitment.start(termsHash)), 0, "nobody yet");
    }

    function testFuzz_chainRecord(bytes32 hash, uint64 cost, uint64 weight) public pure {
        uint256 count = uint256(hash) % 2 ** 32;
        vm.assume(count != 2 ** 32 - 1);
        bytes32 full = keccak256(abi.encode(hash, (uint256(cost) << 64) | weight));
        assertEq(Commitment.chainRecord(hash, cost, weight), counted(full, count + 1), "reveal");
    }

    function testFuzz_records(uint64 shares, uint8 group, uint24 position, uint64 cost, uint64 weight) public pure {
        vm.assume(position != type(uint24).max);
        bytes32 slot = Commitment.packRecord(shares, group, position, cost, weight);
        assertTrue(Commitment.isRecord(slot), "a record");
        (uint64 s, uint8 g, uint256 p, uint64 c, uint64 w) = Commitment.unpackRecord(slot);
        assertEq(s, shares, "shares");
        assertEq(g, group, "group");
        assertEq(p, position, "position");
        assertEq(c, cost, "cost");
        assertEq(w, weight, "weight");
    }

    function testFuzz_sealsAreNoRecords(bytes32 sealedBid) public pure {
        vm.assume(uint256(sealedBid) >= Commitment.MIN_SEALED);
        assertTrue(!Commitment.isRecord(sealedBid), "a sealed bid");
        assertTrue(!Commitment.isRecord(0), "nothing");
    }
}
