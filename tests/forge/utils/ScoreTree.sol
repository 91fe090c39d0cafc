// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {IDataMarket} from "../../../contracts/interfaces/IDataMarket.sol";

/// @notice The operators' side of the score tree: leaves sorted by hash, sorted pairs, odd nodes promoted.
library ScoreTree {
    function leafHash(IDataMarket.ScoreLeaf memory leaf) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(leaf))));
    }

    function root(IDataMarket.ScoreLeaf[] memory leaves) internal pure returns (bytes32) {
        (bytes32 result,) = _walk(_sorted(leaves), type(uint256).max);
        return result;
    }

    function proof(IDataMarket.ScoreLeaf[] memory leaves, uint256 which) internal pure returns (bytes32[] memory path) {
        bytes32[] memory nodes = _sorted(leaves);
        bytes32 wanted = leafHash(leaves[which]);
        uint256 index;
        while (nodes[index] != wanted) ++index;
        (, path) = _walk(nodes, index);
    }

    function _walk(bytes32[] memory nodes, uint256 index) private pure returns (bytes32, bytes32[] memory path) {
        uint256 size = nodes.length;
        uint256 length;
        path = new bytes32[](32);
        while (size > 1) {
            if (index != type(uint256).max) {
                if (index ^ 1 < size) path[length++] = nodes[index ^ 1];
                index /= 2;
            }
            for (uint256 i; i < size; i += 2) {
                nodes[i / 2] = i + 1 < size ? Hashes.commutativeKeccak256(nodes[i], nodes[i + 1]) : nodes[i];
            }
            size = (size + 1) / 2;
        }
        assembly ("memory-safe") {
            mstore(path, length)
        }
        return (nodes[0], path);
    }

    function _sorted(IDataMarket.ScoreLeaf[] memory leaves) private pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](leaves.length);
        for (uint256 i; i < leaves.length; ++i) {
            bytes32 node = leafHash(leaves[i]);
            uint256 j = i;
            for (; j > 0 && nodes[j - 1] > node; --j) {
                nodes[j] = nodes[j - 1];
            }
            nodes[j] = node;
        }
    }
}
