// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IDataMarket} from "../interfaces/IDataMarket.sol";
import {Clearing} from "./Clearing.sol";
import {Errors} from "./Errors.sol";
import {Liquidity} from "./Liquidity.sol";

/// @title The frozen terms of a round
/// @notice Terms never change, so they are kept as code: one cold account (2,600 gas) holds all 33 words, where each
/// slot of storage would cost 2,100. The address follows from the round's number.
library RoundTerms {
    uint256 internal constant WAD = 1e18;

    /// @notice Checks every field that could make a round unfair, stuck or overflow.
    /// @param minPhase Least seconds of any phase.
    /// @param maxChallengeEnd Latest end of the challenge window, unix seconds: stakes must outlast it.
    function validate(IDataMarket.Terms calldata t, uint256 minPhase, uint256 maxChallengeEnd) internal view {
        require(t.planner == msg.sender, Errors.NotPlanner());
        require(t.moneyUnit != 0, Errors.ZeroMoneyUnit());
        require(t.reserve != 0, Errors.ZeroReserve());
        require(t.cap != 0, Errors.ZeroCap());
        // Positions are kept in 24 bits, of which the highest value means "no marginal bid".
        require(t.maxBids != 0 && t.maxBids < 1 << 24, Errors.MaxBidsOutOfRange());
        require(t.bidBond != 0 && t.challengeBond != 0, Errors.ZeroBond());
        require(
            t.shareFloor <= t.shareCap && t.shareCap <= WAD && (t.shareSupply == 0 || t.shareCap != 0),
            Errors.ShareBoundsOutOfRange()
        );
        require(t.arbitrator.code.length != 0, Errors.ArbitratorWithoutCode());
        require(
            t.commitEnd >= block.timestamp + minPhase && t.observeEnd >= t.commitEnd + minPhase
                && t.reportEnd >= t.observeEnd + minPhase && t.challengeEnd >= t.reportEnd + minPhase
                && t.revealEnd >= t.challengeEnd + minPhase && t.settleEnd >= t.revealEnd + minPhase,
            Errors.PhaseTooShort()
        );
        require(t.challengeEnd <= maxChallengeEnd, Errors.DeadlineTooFar());
    }

    /// @notice Writes the terms of a new round, once.
    /// @return termsHash keccak256(abi.encode(t)).
    function write(uint256 round, IDataMarket.Terms calldata t) internal returns (bytes32 termsHash) {
        bytes memory encoded = abi.encode(t);
        SSTORE2.writeDeterministic(encoded, bytes32(round));
        return keccak256(encoded);
    }

    /// @notice Reads the terms of a round that was opened.
    function read(uint256 round) internal view returns (IDataMarket.Terms memory t, bytes32 termsHash) {
        address pointer = SSTORE2.predictDeterministicAddress(bytes32(round));
        require(pointer.code.length != 0, Errors.UnknownRound());
        bytes memory encoded = SSTORE2.read(pointer);
        termsHash = keccak256(encoded);
        // A struct of value types lies in memory as `abi.encode` writes it: one word a field. `write` encoded it.
        assembly ("memory-safe") {
            t := add(encoded, 0x20)
        }
    }

    /// @notice L and R, money units.
    function rewardOf(IDataMarket.Terms memory t) internal pure returns (uint256 cash, uint256 total) {
        uint256 deferred;
        (cash, deferred) = Liquidity.split(t.budget, t.utilityPool, t.liquidity);
        total = cash + deferred;
    }

    /// @notice What the clearing rule needs of the terms.
    function clearing(IDataMarket.Terms memory t) internal pure returns (Clearing.Params memory) {
        (, uint256 total) = rewardOf(t);
        return Clearing.Params({reward: total, reserve: t.reserve, cap: t.cap});
    }
}
