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

    /// @dev L and R, money units; D = total - cash.
    struct Split {
        uint256 cash;
        uint256 total;
    }

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

    /// @notice How the reward budget splits.
    function split(IDataMarket.Terms memory t) internal pure returns (Split memory s) {
        uint256 deferred;
        (s.cash, deferred) = Liquidity.split(t.budget, t.utilityPool, t.liquidity);
        s.total = s.cash + deferred;
    }

    /// @notice Whether the cash part of a reward is rounded: not where all of it is cash, nor where none is.
    function leavesDust(Split memory s) internal pure returns (bool) {
        return s.cash != 0 && s.cash != s.total;
    }

    /// @notice Cash the planner leaves for the winners, money units: exact where nothing is rounded, an upper bound
    /// elsewhere.
    function reservedCash(Split memory s, uint256 totalReward, uint256 revealed) internal pure returns (uint256) {
        return Liquidity.reservedCash(totalReward, s.cash, s.total, leavesDust(s) ? revealed : 0);
    }

    /// @notice What the clearing rule needs of the terms.
    function clearing(IDataMarket.Terms memory t, Split memory s) internal pure returns (Clearing.Params memory) {
        return Clearing.Params({reward: s.total, reserve: t.reserve, cap: t.cap});
    }
}
