// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IDataMarket} from "../interfaces/IDataMarket.sol";

/// @title What operators sign (EIP-712), and the leaves of the score tree
/// @notice Both messages name the running hash of commitments, so that a signature dies with a reorganised list of
/// commitments. Twin of `oracle/evidence/score_report.py` and `leaf.py`.
library ScoreReport {
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 internal constant NAME_HASH = keccak256("Mixed-MIA DataMarket");
    bytes32 internal constant VERSION_HASH = keccak256("1");
    bytes32 internal constant OBSERVATION_TYPEHASH =
        keccak256("Observation(uint256 round,bytes32 commitments,bytes32 digest)");
    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "ScoreReport(uint256 round,bytes32 termsHash,bytes32 commitments,bytes32 observations,bytes32 root,uint32 count)"
    );

    struct Report {
        uint256 round;
        bytes32 termsHash;
        bytes32 commitments; // running hash at the end of the commit phase
        bytes32 observations; // running hash at the end of the observe phase
        bytes32 root; // score tree over `count` leaves
        uint32 count; // bonded providers
    }

    /// @notice EIP-712 domain of one market on this chain.
    function domainSeparator(address market) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, market));
    }

    /// @notice The 32 bytes an operator signs over its observation.
    function observationDigest(address market, uint256 round, bytes32 commitments, bytes32 digest)
        internal
        view
        returns (bytes32)
    {
        return MessageHashUtils.toTypedDataHash(
            domainSeparator(market), keccak256(abi.encode(OBSERVATION_TYPEHASH, round, commitments, digest))
        );
    }

    /// @notice The 32 bytes the quorum signs over a report.
    function reportDigest(address market, Report memory report) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator(market), keccak256(abi.encode(REPORT_TYPEHASH, report)));
    }

    /// @notice Hashed twice, so that a leaf can never be read as an inner node (OpenZeppelin's StandardMerkleTree).
    function leafHash(IDataMarket.ScoreLeaf calldata leaf) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(leaf))));
    }
}
