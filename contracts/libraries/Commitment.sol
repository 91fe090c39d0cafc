// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EfficientHashLib} from "solady/src/utils/EfficientHashLib.sol";

/// @title What providers commit to, and what a bid becomes
/// @notice A provider's slot holds, one after the other: nothing, the sealed bid (at least 2^224), its record (below
/// 2^224, never zero), nothing. Twin of `oracle/evidence/commitment.py`.
/// @dev Every hash is over `abi.encode`, never over `encodePacked`.
library Commitment {
    bytes32 internal constant BID_TYPEHASH = keccak256(
        "Bid(uint256 chainId,address market,uint256 round,address provider,bytes32 termsHash,bytes32 datasetRoot,uint256 cost,bytes32 salt)"
    );
    /// @dev A smaller sealed bid is refused: it could be read as a record.
    uint256 internal constant MIN_SEALED = 1 << 224;

    /// @notice The sealed bid, bound to chain, deployment, round, provider, terms and dataset.
    function seal(uint256 round, address provider, bytes32 termsHash, bytes32 datasetRoot, uint256 cost, bytes32 salt)
        internal
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(BID_TYPEHASH, block.chainid, address(this), round, provider, termsHash, datasetRoot, cost, salt)
        );
    }

    /// @notice Running hash of commitments after one more `commit`; it starts at the terms hash.
    function chainCommitment(bytes32 hash, address provider, bytes32 datasetRoot, bytes32 manifest)
        internal
        pure
        returns (bytes32)
    {
        return EfficientHashLib.hash(hash, _word(provider), datasetRoot, manifest);
    }

    /// @notice Running hash of observations after one more `observe`; it starts at zero.
    function chainObservation(bytes32 hash, address operator, bytes32 digest) internal pure returns (bytes32) {
        return EfficientHashLib.hash(hash, _word(operator), digest);
    }

    /// @notice Running hash of revealed bids after one more `reveal`; it starts at zero. Cost and weight as `settle`
    /// takes them: two big-endian uint64.
    function chainRecord(bytes32 hash, uint64 cost, uint64 weight) internal pure returns (bytes32) {
        return EfficientHashLib.hash(hash, bytes32((uint256(cost) << 64) | weight));
    }

    /// @notice shares (64) | position + 1 (32) | cost (64) | weight (64): what a claim needs, without a proof.
    /// @dev The position counts from one here, so that no record is zero.
    function packRecord(uint64 shares, uint32 position, uint64 cost, uint64 weight) internal pure returns (bytes32) {
        return bytes32((uint256(shares) << 160) | ((uint256(position) + 1) << 128) | (uint256(cost) << 64) | weight);
    }

    /// @notice Inverse of `packRecord`, for slots of which `isRecord` holds.
    function unpackRecord(bytes32 slot)
        internal
        pure
        returns (uint64 shares, uint32 position, uint64 cost, uint64 weight)
    {
        uint256 record = uint256(slot);
        unchecked {
            // A record's second field is at least one.
            position = uint32(record >> 128) - 1;
        }
        return (uint64(record >> 160), position, uint64(record >> 64), uint64(record));
    }

    /// @notice Whether the slot holds an opened bid.
    function isRecord(bytes32 slot) internal pure returns (bool) {
        return slot != 0 && uint256(slot) < MIN_SEALED;
    }

    function _word(address account) private pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }
}
