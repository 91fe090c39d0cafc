// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Commitment} from "../../contracts/libraries/Commitment.sol";
import {Test} from "./utils/Test.sol";

contract CommitmentTest is Test {
    function testFuzz_chains(bytes32 hash, address account, bytes32 a, bytes32 b) public pure {
        assertEq(Commitment.chainCommitment(hash, account, a, b), keccak256(abi.encode(hash, account, a, b)), "commit");
        assertEq(Commitment.chainObservation(hash, account, a), keccak256(abi.encode(hash, account, a)), "observe");
    }

    function testFuzz_chainRecord(bytes32 hash, uint64 cost, uint64 weight) public pure {
        bytes32 naive = keccak256(abi.encode(hash, (uint256(cost) << 64) | weight));
        assertEq(Commitment.chainRecord(hash, cost, weight), naive, "reveal");
    }

    function testFuzz_records(uint64 shares, uint24 position, uint64 cost, uint64 weight) public pure {
        bytes32 slot = Commitment.packRecord(shares, position, cost, weight);
        assertTrue(Commitment.isRecord(slot), "a record");
        (uint64 s, uint32 p, uint64 c, uint64 w) = Commitment.unpackRecord(slot);
        assertEq(s, shares, "shares");
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
