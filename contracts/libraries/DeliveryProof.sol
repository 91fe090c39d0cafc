// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Bn254} from "./Bn254.sol";

/// @title What is proven of a delivery, and the mask over its key
/// @notice Proofs of Schnorr and of Chaum and Pedersen, made non-interactive by hashing everything they speak of
/// (Fiat and Shamir). Twin of `oracle/custody/delivery.py`.
/// @dev Every hash is over `abi.encode`. Points are on the curve: callers check.
library DeliveryProof {
    using Bn254 for Bn254.Point;

    bytes32 internal constant POSSESSION_TYPEHASH = keccak256(
        "DeliveryKey(uint256 chainId,address exchange,address owner,uint256 keyX,uint256 keyY,uint256 aX,uint256 aY)"
    );
    bytes32 internal constant DELIVERY_TYPEHASH = keccak256(
        "DeliveryProof(uint256 chainId,address exchange,address market,uint256 round,address provider,address deliverer,uint256 rX,uint256 rY,uint256 aX,uint256 aY)"
    );
    bytes32 internal constant MASK_TYPEHASH = keccak256(
        "DeliveryMask(uint256 chainId,address exchange,address market,uint256 round,address provider,uint256 sX,uint256 sY)"
    );
    bytes32 internal constant DISPUTE_TYPEHASH = keccak256(
        "DeliveryDispute(uint256 keyX,uint256 keyY,uint256 rX,uint256 rY,uint256 sX,uint256 sY,uint256 aX,uint256 aY,uint256 bX,uint256 bY)"
    );

    /// @notice Whether `owner` knows x with key = x * G: c = H(.., A) for A = s * G + c * key.
    function possesses(address owner, Bn254.Point memory key, uint256 challenge, uint256 response)
        internal
        view
        returns (bool)
    {
        Bn254.Point memory a = Bn254.combination(response, Bn254.generator(), challenge, key);
        bytes32 hash = keccak256(abi.encode(POSSESSION_TYPEHASH, block.chainid, address(this), owner, key, a));
        return uint256(hash) % Bn254.ORDER == challenge;
    }

    /// @notice Whether `deliverer` knew r with ephemeral = r * G: c = H(.., A) for A = s * G + c * ephemeral.
    function deliveryHolds(
        address market,
        uint256 round,
        address provider,
        address deliverer,
        Bn254.Point memory ephemeral,
        uint256 challenge,
        uint256 response
    ) internal view returns (bool) {
        Bn254.Point memory a = Bn254.combination(response, Bn254.generator(), challenge, ephemeral);
        bytes32 hash = keccak256(
            abi.encode(
                DELIVERY_TYPEHASH, block.chainid, address(this), market, round, provider, deliverer, ephemeral, a
            )
        );
        return uint256(hash) % Bn254.ORDER == challenge;
    }

    /// @notice Whether log_G key = log_ephemeral shared: c = H(.., A, B) for A = s * G + c * key and
    /// B = s * ephemeral + c * shared.
    function disputeHolds(
        Bn254.Point memory key,
        Bn254.Point memory ephemeral,
        Bn254.Point memory shared,
        uint256 challenge,
        uint256 response
    ) internal view returns (bool) {
        Bn254.Point memory a = Bn254.combination(response, Bn254.generator(), challenge, key);
        Bn254.Point memory b = Bn254.combination(response, ephemeral, challenge, shared);
        bytes32 hash = keccak256(abi.encode(DISPUTE_TYPEHASH, key, ephemeral, shared, a, b));
        return uint256(hash) % Bn254.ORDER == challenge;
    }

    /// @notice What a content key is xored with: a hash of the shared point and of what it is shared for.
    function mask(address market, uint256 round, address provider, Bn254.Point memory shared)
        internal
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(MASK_TYPEHASH, block.chainid, address(this), market, round, provider, shared));
    }
}
