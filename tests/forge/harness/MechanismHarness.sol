// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {Liquidity} from "../../../contracts/libraries/Liquidity.sol";
import {Weights} from "../../../contracts/libraries/Weights.sol";

/// @notice Opens the mechanism's libraries to callers outside Solidity; the functions in the plural take whole batches.
contract MechanismHarness {
    struct Instance {
        bytes records;
        Clearing.Params params;
        uint256 winningWeight;
        uint256 marginal;
    }

    struct Result {
        bytes32 recordsHash;
        uint256 totalReward;
        uint256[] rewards;
    }

    struct Score {
        uint64 quality;
        uint64 impact;
        uint64 eta;
        uint64 gamma;
        uint64 kappa;
    }

    /// @notice Rows of (base, exponent) to powers.
    function powers(uint256[2][] calldata rows) external pure returns (uint256[] memory out) {
        out = new uint256[](rows.length);
        for (uint256 i; i < rows.length; ++i) {
            out[i] = Weights.powWad(rows[i][0], rows[i][1]);
        }
    }

    function weight(Score memory s) public pure returns (uint256) {
        return Weights.weight(s.quality, s.impact, s.eta, s.gamma, s.kappa);
    }

    function weights(Score[] calldata scores) external pure returns (uint256[] memory out) {
        out = new uint256[](scores.length);
        for (uint256 i; i < scores.length; ++i) {
            out[i] = weight(scores[i]);
        }
    }

    function settle(bytes calldata records, Clearing.Params memory p, uint256 winningWeight, uint256 marginal)
        external
        pure
        returns (bytes32 recordsHash, uint256 totalReward, uint256 mCost, uint256 mWeight)
    {
        return Clearing.settle(records, p, winningWeight, marginal);
    }

    /// @notice Settles, then claims for every record, as the market would.
    function clear(Instance calldata x) public pure returns (Result memory result) {
        uint256 mCost;
        uint256 mWeight;
        (result.recordsHash, result.totalReward, mCost, mWeight) =
            Clearing.settle(x.records, x.params, x.winningWeight, x.marginal);
        uint256 count = x.records.length / 16;
        result.rewards = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            uint256 record = uint128(bytes16(x.records[16 * i:16 * i + 16]));
            result.rewards[i] = Clearing.rewardOf(
                x.params, x.winningWeight, x.marginal, mCost, mWeight, i, record >> 64, uint64(record)
            );
        }
    }

    function clearAll(Instance[] calldata instances) external pure returns (Result[] memory out) {
        out = new Result[](instances.length);
        for (uint256 i; i < instances.length; ++i) {
            out[i] = clear(instances[i]);
        }
    }

    /// @notice For each instance the selector of the error that its certificate meets; 0 where it passes.
    function verifyAll(Instance[] calldata instances) external view returns (bytes4[] memory out) {
        out = new bytes4[](instances.length);
        for (uint256 i; i < instances.length; ++i) {
            Instance calldata x = instances[i];
            try this.settle(x.records, x.params, x.winningWeight, x.marginal) {}
            catch (bytes memory reason) {
                out[i] = bytes4(reason);
            }
        }
    }

    function split(uint256 budget, uint256 utilityPool, uint256 liquidity) external pure returns (uint256, uint256) {
        return Liquidity.split(budget, utilityPool, liquidity);
    }

    /// @notice Rows of (budget, utilityPool, liquidity, reward, revealed) to rows of (L, D, cash of the reward,
    /// reserved cash).
    function liquidityAll(uint256[5][] calldata rows) external pure returns (uint256[4][] memory out) {
        out = new uint256[4][](rows.length);
        for (uint256 i; i < rows.length; ++i) {
            uint256[5] calldata row = rows[i];
            (uint256 cash, uint256 deferred) = Liquidity.split(row[0], row[1], row[2]);
            uint256 total = cash + deferred;
            out[i] = [
                cash,
                deferred,
                Liquidity.cashOf(row[3], cash, total),
                Liquidity.reservedCash(row[3], cash, total, row[4])
            ];
        }
    }
}
