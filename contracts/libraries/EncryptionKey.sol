// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title What a wallet signs to say which encryption key is its own (EIP-712)
/// @notice The domain names no chain and no contract: whose key it is, is so everywhere. Twin of
/// `oracle/evidence/encryption_key.py`.
library EncryptionKey {
    bytes32 internal constant DOMAIN_SEPARATOR = keccak256(
        abi.encode(keccak256("EIP712Domain(string name,string version)"), keccak256("Mixed-MIA keys"), keccak256("1"))
    );
    bytes32 internal constant TYPEHASH = keccak256("EncryptionKey(address owner,bytes32 x25519)");

    /// @notice The 32 bytes that `owner` signs over its key.
    function digest(address owner, bytes32 x25519) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR, keccak256(abi.encode(TYPEHASH, owner, x25519)));
    }
}
