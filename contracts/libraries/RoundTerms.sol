// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IDataMarket} from "../interfaces/IDataMarket.sol";
import {Clearing} from "./Clearing.sol";
import {Errors} from "./Errors.sol";
import {Liquidity} from "./Liquidity.sol";

/// @title The frozen terms of a round
/// @notice Terms never change, so they are kept as code: one cold account (2,600 gas) holds all 38 words, where each
/// slot of storage would cost 2,100. The address follows from the round's number.
library RoundTerms {
    uint256 internal constant WAD = 1e18;
    /// @dev Bytes of `abi.encode(terms)`: 38 words.
    uint256 private constant SIZE = 0x4c0;

    /// @dev L and R, money units; D = total - cash.
    struct Split {
        uint256 cash;
        uint256 total;
    }

    /// @notice Writes the terms of a new round, once.
    /// @return termsHash keccak256(abi.encode(t)).
    function write(uint256 round, IDataMarket.Terms calldata t) internal returns (bytes32 termsHash) {
        bytes memory encoded = abi.encode(t);
        SSTORE2.writeDeterministic(encoded, bytes32(round));
        return keccak256(encoded);
    }

    /// @notice Reads the terms of a round that was opened.
    /// @dev Behind SSTORE2's leading byte the code is `abi.encode` of a struct of value types: one word a field, as the
    /// struct lies in memory. Where there is no code the words are zero, and no planner is.
    function read(uint256 round) internal view returns (IDataMarket.Terms memory t) {
        _copy(SSTORE2.predictDeterministicAddress(bytes32(round)), t);
    }

    /// @notice The same for a round of any market.
    function readOf(address market, uint256 round) internal view returns (IDataMarket.Terms memory t) {
        _copy(SSTORE2.predictDeterministicAddress(bytes32(round), market), t);
    }

    /// @dev Into memory of the caller's: to pass a struct on by value would clear its words twice.
    function _copy(address pointer, IDataMarket.Terms memory t) private view {
        assembly ("memory-safe") {
            extcodecopy(pointer, t, 1, SIZE)
        }
        require(t.planner != address(0), Errors.UnknownRound());
    }

    /// @notice keccak256(abi.encode(t)).
    function hash(IDataMarket.Terms memory t) internal pure returns (bytes32 termsHash) {
        assembly ("memory-safe") {
            termsHash := keccak256(t, SIZE)
        }
    }

    /// @notice How the reward budget splits.
    function split(IDataMarket.Terms memory t) internal pure returns (Split memory s) {
        uint256 deferred;
        (s.cash, deferred) = Liquidity.split(t.budget, t.utilityPool, t.liquidity);
        s.total = s.cash + deferred;
    }

    /// @notice What the auction among the tranche's members may spend, money units; the rest, and what they leave, is
    /// everybody else's.
    function trancheReward(IDataMarket.Terms memory t, Split memory s) internal pure returns (uint256) {
        return s.total * t.trancheShare / WAD;
    }

    /// @notice What the clearing rule needs of the terms.
    /// @param reward Reward budget of the auction, money units.
    function clearing(IDataMarket.Terms memory t, Split memory s, uint256 reward)
        internal
        pure
        returns (Clearing.Params memory)
    {
        return Clearing.Params({reward: reward, reserve: t.reserve, cap: t.cap, cash: s.cash, total: s.total});
    }
}
