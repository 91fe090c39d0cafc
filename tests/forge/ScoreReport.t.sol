// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";
import {Test} from "./utils/Test.sol";

contract ScoreReportTest is Test {
    function testFuzz_reportDigest(address market, ScoreReport.Report memory r) public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Mixed-MIA DataMarket"),
                keccak256("1"),
                block.chainid,
                market
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "ScoreReport(uint256 round,bytes32 termsHash,bytes32 commitments,bytes32 observations,bytes32 root,uint32 count)"
                ),
                r.round,
                r.termsHash,
                r.commitments,
                r.observations,
                r.root,
                r.count
            )
        );
        bytes32 naive = keccak256(abi.encodePacked(hex"1901", domain, message));
        assertEq(ScoreReport.reportDigest(market, r), naive, "EIP-712");
    }

    function leafHash(IDataMarket.ScoreLeaf calldata leaf) external pure returns (bytes32) {
        return ScoreReport.leafHash(leaf);
    }

    function testFuzz_leafHash(IDataMarket.ScoreLeaf calldata leaf) public view {
        assertEq(this.leafHash(leaf), ScoreTree.leafHash(leaf), "leaf");
    }

    /// @dev Every leaf of a tree of any size proves itself, and nothing else.
    function testFuzz_tree(uint256 seed, uint8 size, uint8 which) public pure {
        size = uint8(bound(size, 1, 40));
        which = which % size;
        IDataMarket.ScoreLeaf[] memory leaves = new IDataMarket.ScoreLeaf[](size);
        for (uint256 i; i < size; ++i) {
            leaves[i].datasetRoot = keccak256(abi.encode(seed, i));
        }
        bytes32 root = ScoreTree.root(leaves);
        bytes32[] memory proof = ScoreTree.proof(leaves, which);
        assertTrue(MerkleProof.verify(proof, root, ScoreTree.leafHash(leaves[which])), "in");
        leaves[which].quality = 1;
        assertTrue(!MerkleProof.verify(proof, root, ScoreTree.leafHash(leaves[which])), "altered");
    }
}
