// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {Liquidity} from "../../../contracts/libraries/Liquidity.sol";
import {Weights} from "../../../contracts/libraries/Weights.sol";

/// @notice Opens the mechanism's libraries to callers outside Solidity; the functions in the plural take whole batches.
contract MechanismHarness {
    struct Limits {
        uint256 reward;
        uint256 reserve;
        uint256 cap;
    }

    struct Instance {
        bytes records;
        Limits params;
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

    /// @notice The whole pass, all of the rewards in cash.
    function settle(bytes calldata records, Limits memory l, uint256 winningWeight, uint256 marginal)
        public
        pure
        returns (bytes32 recordsHash, uint256 totalReward, uint256 cash)
    {
        return _settle(records, params(l, l.reward), certificate(records, winningWeight, marginal), records.length);
    }

    /// @notice The pass in batches of `size` bytes of records, `cash` of R in cash.
    function settleInBatches(Instance calldata x, uint256 cash, uint256 size)
        external
        pure
        returns (bytes32 recordsHash, uint256 totalReward, uint256 totalCash)
    {
        return _settle(x.records, params(x.params, cash), certificate(x.records, x.winningWeight, x.marginal), size);
    }

    function _settle(bytes calldata records, Clearing.Params memory p, Clearing.Certificate memory c, uint256 size)
        private
        pure
        returns (bytes32, uint256, uint256)
    {
        Clearing.begin(p, c, records.length / 16);
        Clearing.Progress memory progress = _pass(records, p, c, size);
        Clearing.finish(c, progress);
        return (progress.records, progress.rewardSum, progress.cashSum);
    }

    function _pass(bytes calldata records, Clearing.Params memory p, Clearing.Certificate memory c, uint256 size)
        private
        pure
        returns (Clearing.Progress memory progress)
    {
        while (records.length > size) {
            Clearing.scan(records[:size], p, c, progress);
            records = records[size:];
        }
        Clearing.scan(records, p, c, progress);
    }

    function params(Limits memory l, uint256 cash) public pure returns (Clearing.Params memory) {
        return Clearing.Params(l.reward, l.reserve, l.cap, cash, l.reward == 0 ? 1 : l.reward);
    }

    /// @notice The certificate with the bid of m, as far as there is one.
    function certificate(bytes calldata records, uint256 winningWeight, uint256 marginal)
        public
        pure
        returns (Clearing.Certificate memory)
    {
        uint256 record;
        if (marginal < records.length / 16) record = uint128(bytes16(records[16 * marginal:]));
        return Clearing.Certificate(winningWeight, marginal, record >> 64, uint64(record));
    }

    /// @notice Settles, then claims for every record, as the market would.
    function clear(Instance calldata x) public pure returns (Result memory result) {
        (result.recordsHash, result.totalReward,) = settle(x.records, x.params, x.winningWeight, x.marginal);
        Clearing.Params memory p = params(x.params, x.params.reward);
        Clearing.Certificate memory c = certificate(x.records, x.winningWeight, x.marginal);
        uint256 count = x.records.length / 16;
        result.rewards = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            uint256 record = uint128(bytes16(x.records[16 * i:]));
            result.rewards[i] = Clearing.rewardOf(p, c, i, record >> 64, uint64(record));
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

    /// @notice Rows of (budget, utilityPool, liquidity, reward) to rows of (L, D, cash of the reward).
    function liquidityAll(uint256[4][] calldata rows) external pure returns (uint256[3][] memory out) {
        out = new uint256[3][](rows.length);
        for (uint256 i; i < rows.length; ++i) {
            uint256[4] calldata row = rows[i];
            (uint256 cash, uint256 deferred) = Liquidity.split(row[0], row[1], row[2]);
            out[i] = [cash, deferred, Liquidity.cashOf(row[3], cash, cash + deferred)];
        }
    }
}
