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
    bytes32 internal constant DATASET_TYPEHASH =
        keccak256("Dataset(address provider,bytes32 contentHash,bytes32 keyCommit)");
    bytes32 internal constant KEY_TYPEHASH = keccak256(
        "ContentKey(uint256 chainId,address market,uint256 round,address provider,bytes32 contentHash,bytes32 key)"
    );
    /// @dev A smaller sealed bid is refused: it could be read as a record.
    uint256 internal constant MIN_SEALED = 1 << 224;
    uint256 private constant COUNT_BITS = 32;

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

    /// @notice What a provider commits to: which ciphertext and documents (`contentHash`), and which key opens them.
    function sealedDatasetRoot(address provider, bytes32 contentHash, bytes32 keyCommit_)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(DATASET_TYPEHASH, provider, contentHash, keyCommit_));
    }

    /// @notice The commitment of a content key, bound to chain, deployment, round, provider and content.
    function keyCommit(address market, uint256 round, address provider, bytes32 contentHash, bytes32 key)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(KEY_TYPEHASH, block.chainid, market, round, provider, contentHash, key));
    }

    /// @notice Where the running hash of commitments starts.
    function start(bytes32 termsHash) internal pure returns (bytes32) {
        return termsHash << COUNT_BITS;
    }

    /// @notice How many a running hash has counted.
    function count(bytes32 hash) internal pure returns (uint256) {
        return uint32(uint256(hash));
    }

    /// @notice Running hash of commitments after one more `commit`; `first` of its provider, or another dataset in a
    /// later place, which does not count.
    function chainCommitment(bytes32 hash, address provider, bytes32 datasetRoot, bytes32 manifest, bool first)
        internal
        pure
        returns (bytes32)
    {
        uint256 providers = count(hash);
        if (first) ++providers;
        return _counted(EfficientHashLib.hash(hash, _word(provider), datasetRoot, manifest), providers);
    }

    /// @notice Running hash of observations after one more `observe`; it starts at zero.
    function chainObservation(bytes32 hash, address operator, bytes32 digest) internal pure returns (bytes32) {
        return EfficientHashLib.hash(hash, _word(operator), digest);
    }

    /// @notice Running hash of one auction's revealed bids after one more `reveal`; it starts at zero. Cost and weight as
    /// `settle` takes them: two big-endian uint64. `Clearing` folds the same way.
    function chainRecord(bytes32 hash, uint64 cost, uint64 weight) internal pure returns (bytes32) {
        return _counted(EfficientHashLib.hash(hash, bytes32((uint256(cost) << 64) | weight)), count(hash) + 1);
    }

    /// @notice shares (64) | group (8) | position + 1 (24) | cost (64) | weight (64): what a claim needs, without a proof.
    /// @dev The position counts from one here, so that no record is zero.
    /// @param position In the order of its group's reveals, below 2^24 - 1.
    function packRecord(uint64 shares, uint8 group, uint256 position, uint64 cost, uint64 weight)
        internal
        pure
        returns (bytes32)
    {
        return bytes32(
            (uint256(shares) << 160) | (uint256(group) << 152) | ((position + 1) << 128) | (uint256(cost) << 64)
                | weight
        );
    }

    /// @notice Inverse of `packRecord`, for slots of which `isRecord` holds.
    function unpackRecord(bytes32 slot)
        internal
        pure
        returns (uint64 shares, uint8 group, uint256 position, uint64 cost, uint64 weight)
    {
        uint256 record = uint256(slot);
        unchecked {
            // A record's third field is at least one.
            position = uint24(record >> 128) - 1;
        }
        return (uint64(record >> 160), uint8(record >> 152), position, uint64(record >> 64), uint64(record));
    }

    /// @notice Whether the slot holds an opened bid.
    function isRecord(bytes32 slot) internal pure returns (bool) {
        return slot != 0 && uint256(slot) < MIN_SEALED;
    }

    /// @dev 224 bits of the hash, and the count beside it: one slot changes where two would.
    function _counted(bytes32 hash, uint256 counted) private pure returns (bytes32) {
        return bytes32(uint256(hash) << COUNT_BITS | counted);
    }

    function _word(address account) private pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }
}
