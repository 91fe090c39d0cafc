// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {Test} from "./utils/Test.sol";

/// @notice What an operator signs over its observation, written out again: other tests sign with the library itself.
contract ObservationDigestTest is Test {
    function testFuzz_isTheTypedDataOfEip712(address market, uint256 round, bytes32 commitments, bytes32 digest)
        public
        view
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Mixed-MIA DataMarket"),
                keccak256("1"),
                block.chainid,
                market
            )
        );
        bytes32 typehash = keccak256("Observation(uint256 round,bytes32 commitments,bytes32 digest)");
        bytes32 message = keccak256(abi.encode(typehash, round, commitments, digest));
        assertEq(
            ScoreReport.observationDigest(market, round, commitments, digest),
            keccak256(abi.encodePacked(bytes2(0x1901), domain, message)),
            "digest"
        );
    }
}
